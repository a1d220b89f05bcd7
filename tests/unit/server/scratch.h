#ifndef KVD_TESTS_UNIT_SERVER_SCRATCH_H
#define KVD_TESTS_UNIT_SERVER_SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

/* A folder that lasts for one test: TestSuite(x, .init = scratch_make, ...) */

void scratch_make(void);
void scratch_remove(void);

/* The absolute path of a name in it; static storage, four at a time. */
const char *scratch_path(const char *name);

/* Write a file there and return its path. */
const char *scratch_file(const char *name, const char *content);

/* All of a file, with a NUL; for the caller to free.  NULL: there is none. */
char *scratch_read(const char *path);

/*
 * Run a function in a child, with its standard error caught (at most size - 1
 * bytes and a NUL).  Returns the exit status, or -signal.
 */
int scratch_run(void (*function)(void), char *errors, size_t size);

#endif
