#ifndef KVD_TESTS_REDIS_WORDS_H
#define KVD_TESTS_REDIS_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/redis/reply.h"

/* A request: its words, one behind the other. */
#define WORDS_MAX	32
#define WORDS_ROOM	32768
struct words {
	size_t	n;
	size_t	len[WORDS_MAX];
	size_t	at[WORDS_MAX];
	size_t	used;
	char	bytes[WORDS_ROOM];
};

/* Words that do not fit are left out. */
void words_add(struct words *, const void *, size_t);
void words_add_text(struct words *, const char *);
void words_say(struct words *, const char *text);	/* split at spaces */
bool words_is(const struct words *, size_t i, const char *text);
struct reply words_at(const struct words *, size_t i);

/* As RESP has it; returns bytes, of which there is room for so many. */
#define WORDS_ENCODED_MAX	(WORDS_ROOM + 16 * WORDS_MAX + 16)
size_t words_encode(const struct words *, char *out);
/* For people and patterns: the verb in capitals. */
void words_print(const struct words *, char *out, size_t size);

#endif
