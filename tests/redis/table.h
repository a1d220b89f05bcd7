#ifndef KVD_TESTS_REDIS_TABLE_H
#define KVD_TESTS_REDIS_TABLE_H

#include "tests/redis/words.h"

/* What may be said: grammar.def, and what kvd's own table has of the verbs. */
struct line {
	const char	*verb;
	unsigned	 weight;
	enum likeness	 likeness;
	const char	*words;
};

enum {
	LINES = 0
#define SAY(verb, weight, likeness, words) +1
#include "tests/redis/grammar.def"
#undef SAY
};

extern const struct line lines[LINES];

/* Does kvd know this verb, in any case? */
bool table_knows(struct reply verb);

/* What is left of a promise when a request of one kind becomes another. */
enum likeness table_least_likeness(const char *verb);

/*
 * The word behind this one that is a key by the table of kvd, 0 if there is
 * none; begin with 0.
 */
size_t table_next_key(const struct words *, size_t word);

/* The first verb, of those that Redis has too, without a line, or NULL. */
const char *table_lacks(void);

#endif
