#ifndef KVD_TESTS_PROC_TALK_H
#define KVD_TESTS_PROC_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/proc/daemon.h"

/*
 * A client in a test: sends bytes, expects bytes.  Every wait has a generous
 * end, after which the test fails.
 */

/* Returns a connected, blocking socket. */
int talk_open(const struct daemon *);
int talk_open_port(uint16_t port);
int talk_open_path(const char *path);
/* The generous end, for a socket of the test's own. */
void talk_set_patience(int fd);

void talk_send(int fd, const char *text);
void talk_send_bytes(int fd, const void *, size_t);

/* The next bytes are exactly this text. */
void talk_expect(int fd, const char *text);
/* Nothing more comes, and the other side has closed. */
void talk_expect_end(int fd);
/* Nothing is there to be read just now. */
void talk_expect_silence(int fd);

/* Send, expect. */
void talk(int fd, const char *request, const char *reply);
/* On a connection of its own, which is closed. */
void talk_once(const struct daemon *, const char *request, const char *reply);

/* Read one line, without its CRLF, to line; false at the end. */
bool talk_line(int fd, char *line, size_t size);

/* The number behind `name:' in an INFO section, asked on this connection. */
uint64_t talk_info(int fd, const char *section, const char *name);

/* Wait until it counts so many subscribers. */
void talk_await_subscribers(const struct daemon *, uint64_t);

/*
 * The pid on the last line of INFO workers, asked on this connection, that
 * has this text and that one; 0: there is none.
 */
pid_t talk_process_pid(int fd, const char *text, const char *other);

/*
 * The pid of the master whose worker answers, on a connection of its own.
 * After an upgrade an old worker may do so for a moment: then wait until it
 * is another one than the master of this pid.
 */
pid_t talk_master_pid(const struct daemon *);
pid_t talk_new_master_pid(const struct daemon *, pid_t old);

/* A connection that is served by this worker. */
int talk_open_worker(const struct daemon *, unsigned worker);

/*
 * Stop the worker that serves this connection, so that what is done next
 * reaches it all at once.  Returns its pid, which wants a SIGCONT.
 */
pid_t talk_pause_worker(int fd);

/* Wait until that process is stopped. */
void talk_await_stop(pid_t pid);

#endif
