#ifndef KVD_TESTS_REDIS_REPLY_H
#define KVD_TESTS_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>

/* Replies in the protocol of Redis, either version, as they came. */
struct reply {
	const char	*bytes;
	size_t		 len;
};

/* Bytes of the reply at the start of these, 0 if it is not all there yet. */
size_t reply_len(const char *, size_t);

/*
 * How much of two replies is promised to be the same.  Whatever is promised,
 * an error is the same to the last byte.  Less is promised from line to line.
 */
enum likeness {
	REPLY_SAME,	/* all */
	REPLY_SET,	/* elements, in any order */
	REPLY_MAP,	/* pairs, in any order */
	REPLY_TIME,	/* a number, give or take what a second more may do */
	REPLY_SHAPE,	/* types and counts, all the way down */
	REPLY_KIND,	/* the type of the whole, and whether it is null */
	REPLY_ANY	/* nothing, but that it is no error */
};

bool reply_alike(enum likeness, struct reply, struct reply);

/* For people: what does not print as \xNN, the end as "..." if it is long. */
void reply_print(struct reply, char *out, size_t size);

#endif
