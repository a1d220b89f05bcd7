#ifndef KVD_TESTS_REDIS_GRAMMAR_H
#define KVD_TESTS_REDIS_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/redis/random.h"
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
void words_say(struct words *, const char *text);	/* split at spaces */
bool words_is(const struct words *, size_t i, const char *text);
struct reply words_at(const struct words *, size_t i);

/* As RESP has it; returns bytes, of which there is room for so many. */
#define WORDS_ENCODED_MAX	(WORDS_ROOM + 16 * WORDS_MAX + 16)
size_t words_encode(const struct words *, char *out);
/* For people and patterns: the verb in capitals. */
void words_print(const struct words *, char *out, size_t size);

/* One that kvd has, good or bad, and what is promised of the reply. */
enum likeness grammar_draw(struct random *, struct words *);

/*
 * One that may be a step of a transaction, whose reply then is a part of that
 * of EXEC: all of its keys are of one slot, and all of the reply is promised.
 */
void grammar_draw_step(struct random *, struct words *);

/* Is it a SET of what has expired already? */
bool grammar_is_fleeting(const struct words *);

/* Those that are said once, one after the other; false after the last. */
bool grammar_draw_once(struct random *, struct words *);

/*
 * The word behind this one that is a key by the table of kvd, 0 if there is
 * none; begin with 0.
 */
size_t grammar_next_key(const struct words *, size_t word);

/* The first verb, of those that Redis has too, without a line, or NULL. */
const char *grammar_lacks(void);

#endif
