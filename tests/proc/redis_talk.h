#ifndef KVD_TESTS_PROC_REDIS_TALK_H
#define KVD_TESTS_PROC_REDIS_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "tests/proc/talk.h"

/*
 * A client that speaks the protocol of Redis: lines out, without their ends,
 * and replies in.  The functions of talk.h are for it too.
 */

/* Returns a connected socket, on which RESP2 is spoken. */
int redis_open(const struct daemon *);

/* The same, to this worker. */
int redis_open_worker(const struct daemon *, unsigned worker);

/* From now on RESP3; and to read what HELLO is answered. */
void redis_use_resp3(int fd);
void redis_skip_hello(int fd);

/* Send; the reply is exactly this, with a line end behind it. */
void redis_ask(int fd, const char *line, const char *reply);

/* Many of them. */
struct redis_line {
	const char	*line;
	const char	*reply;
};
void redis_ask_all(int fd, const struct redis_line *, size_t n);
#define REDIS_ASK_ALL(fd, lines) \
	redis_ask_all(fd, lines, sizeof(lines) / sizeof((lines)[0]))

/* Send; the reply is an integer: this one. */
int64_t redis_number(int fd, const char *line);

/* Send; the reply is a text, bulk or verbatim. */
void redis_text(int fd, const char *line, char *text, size_t size);

/* Send; the reply is an error with this code, about a node of this name. */
void redis_expect_error(int fd, const char *line, const char *code,
    const char *node);

/* The number behind `name:' in a section of INFO. */
int64_t redis_info(int fd, const char *section, const char *name);

/* It is one of these. */
void redis_expect_between(int fd, const char *line, int64_t least,
    int64_t most);

/* What comes next is a bulk without line ends. */
void redis_read_bulk(int fd, char *text, size_t size);

/* --- channels, in RESP2 --- */

/*
 * Listen by this command, one of SUBSCRIBE's kind in small letters, to one
 * channel or pattern, with which there are so many; or to the first channel.
 */
void redis_listen_by(int fd, const char *command, const char *name, int count);
void redis_listen_to(int fd, const char *channel);

/* What comes next is the reply to such a command, or to its opposite. */
void redis_is_told(int fd, const char *command, const char *name, int count);

/* It is a message on a channel; or the same by way of a pattern. */
void redis_hears(int fd, const char *channel, const char *message);
void redis_hears_of(int fd, const char *pattern, const char *channel,
    const char *message);

#endif
