#ifndef KVD_TESTS_PROC_REDIS_TALK_H
#define KVD_TESTS_PROC_REDIS_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "tests/proc/talk.h"

/* A client that speaks the protocol of Redis: lines out, replies in. */

/* Returns a connected socket, on which RESP2 is spoken. */
int redis_open(const struct daemon *);

/* The same, to another worker than this one, of two. */
int redis_open_beside(const struct daemon *, unsigned worker);

/* From now on RESP3; and to read what HELLO is answered. */
void redis_use_resp3(int fd);
void redis_skip_hello(int fd);

/*
 * Send a line, without its end, and expect exactly this reply, without its
 * last line end.
 */
void redis_ask(int fd, const char *line, const char *reply);

/* Many of them. */
struct redis_line {
	const char	*line;
	const char	*reply;
};
void redis_ask_all(int fd, const struct redis_line *, size_t n);
#define REDIS_ASK_ALL(fd, lines) \
	redis_ask_all(fd, lines, sizeof(lines) / sizeof((lines)[0]))

/* The answer to a line is an integer: this one. */
int64_t redis_number(int fd, const char *line);

/* It is one of these. */
void redis_expect_between(int fd, const char *line, int64_t least,
    int64_t most);

/* What comes next is a bulk without line ends. */
void redis_read_bulk(int fd, char *text, size_t size);

/* It is a message on a channel, in RESP2. */
void redis_hears(int fd, const char *channel, const char *message);

#endif
