#ifndef KVD_TESTS_PROC_RESP_H
#define KVD_TESTS_PROC_RESP_H

#include "tests/proc/talk.h"

/*
 * A client in a test that speaks the protocol of Redis, by typing its requests
 * as lines.  The functions of talk.h are for it too.
 */

int resp_open(const struct daemon *);
/* A connection that is served by this worker. */
int resp_open_worker(const struct daemon *, unsigned worker);

/* Send; the reply is a number. */
int64_t resp_number(int fd, const char *request);

/* Send; the reply is a text, bulk or verbatim. */
void resp_text(int fd, const char *request, char *text, size_t size);

/* The number behind `name:' in a section of INFO. */
int64_t resp_info(int fd, const char *section, const char *name);

#endif
