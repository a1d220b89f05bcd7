#ifndef KVD_TESTS_REDIS_EXCUSES_H
#define KVD_TESTS_REDIS_EXCUSES_H

#include <stdbool.h>

/*
 * What differs from Redis on purpose: the lines of a file, each four columns
 * that tabs part,
 *
 *	command		reply of Redis		reply of kvd	reason
 *
 * the first three of them patterns of fnmatch(3) for the text that
 * words_print() and reply_print() make.
 */
void excuses_load(const char *path);

/* Is there one for this?  Then it is used from now on. */
bool excuses_have(const char *command, const char *redis, const char *kvd);

/* The first line that was never used, or NULL. */
const char *excuses_unused(void);

#endif
