#ifndef KVD_TESTS_PROC_KV_RUN_H
#define KVD_TESTS_PROC_KV_RUN_H

#include <stdarg.h>
#include <stdio.h>

#include "tests/proc/talk.h"

/*
 * Running kv, the program that KV_BIN names, against a kvd of the test's own.
 * What cannot be done fails the test.
 */

#define ARGS_MAX	24

/* The server of the test; KV_SERVER names it, and HOME is its folder. */
extern struct daemon kv_daemon;

/* What begins and ends each test. */
void kv_begin(void);
void kv_end(void);

/* What one run of kv left behind; out and err end with a NUL. */
struct result {
	int	 status;
	char	*out;		/* to be freed */
	size_t	 out_len;
	char	 err[2048];
};

/* Run kv with the words up to NULL, and these bytes as standard input. */
struct result run_with(const void *input, size_t len, const char *first, ...);
#define run(...)	run_with("", 0, __VA_ARGS__, NULL)

/*
 * What it printed is exactly this, and nothing on standard error.  These free
 * the result.
 */
void assert_says(struct result, const char *out);
/* It printed nothing at all. */
void quietly(struct result);
/* It ended with this status and said this, among else, on standard error. */
void assert_fails(struct result, int status, const char *out,
    const char *err);

/*
 * A server that waits for one line, answers this and closes; its name stays
 * while two others are asked for.
 */
const char *answer_once(const char *reply);
/* The same with two lines and two answers. */
const char *answer_twice(const char *first, const char *second);

/* The parts, for what is to run beside the test. */

const char *kv_bin(void);
/* argv becomes "kv", the words up to NULL, and NULL; ARGS_MAX at most. */
void collect(char **argv, const char *first, va_list);
pid_t spawn_kv(char *const *argv, int in, int out, int err);
/* The exit status, or 1000 + signal. */
int reap_kv(pid_t);
/* All of a file, which is closed; a NUL behind it.  To be freed. */
char *slurp(FILE *, size_t *len);

#endif
