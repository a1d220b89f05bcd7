#ifndef KVD_SERVER_REDIS_STRING_H
#define KVD_SERVER_REDIS_STRING_H

#include "proto/number.h"
#include "server/redis_key.h"

/* What commands about strings share. */

/*
 * The value, good until the next call for the store, and when it expires;
 * *value is NULL if there is no such name.  False: an error is the answer, for
 * it is a bucket's name.
 */
bool string_read(struct call *, struct slice name, struct slice *value);

/*
 * A change of one string: the first member of what pair.decide() is given.  It
 * is a pair_edit() if that will do, else a transaction that asks decide() as
 * well; so what is said there of decide() holds for both.
 */
struct string_edit {
	struct pair_edit pair;		/* of which decide is given */
	bool		 over_hash;	/* given: one is replaced, if there */
	struct store	*store;
	struct bytes	 name;
	bool		 is_hash;	/* so nothing was done */
	const char	*error;		/* or for this reason */
};

/* For decide(): it is left, this is why. */
enum pair_verdict string_refuse(struct string_edit *, const char *error);

/* For decide(): a copy for the answer, good until the next call for store. */
struct slice string_keep(const struct store *, struct bytes);

/* An edit that adds to a whole number. */
struct string_add {
	struct string_edit	edit;
	int64_t			number;		/* told: the sum */
	int64_t			by;
	uint8_t			text[NUMBER_INT_MAX];
};
void string_add_init(struct string_add *, int64_t by);

/* Change the string argv[1].  False: an error is the answer. */
bool string_edit(struct call *, struct string_edit *);

/*
 * Set a string, for ever, where no hash is.  False: nothing was done, and a
 * transaction will do it or find out why not.
 */
bool string_set(const struct call *, uint32_t shard, struct slice name,
    struct slice value);

/* A value, or none if it is NULL. */
void string_reply(struct call *, struct slice value);

/* --- options of SET and GETEX --- */

enum {
	STRING_NX = 1, STRING_XX = 2, STRING_GET = 4, STRING_KEEPTTL = 8,
	STRING_PERSIST = 16, STRING_EX = 32, STRING_PX = 64, STRING_EXAT = 128,
	STRING_PXAT = 256
};
#define STRING_TIMES	(STRING_EX | STRING_PX | STRING_EXAT | STRING_PXAT)

struct string_options {
	unsigned	flags;
	struct slice	time;		/* with one of STRING_TIMES */
};

/* Those allowed, from that word on.  False: an error is the answer. */
bool string_options(struct call *, size_t word, unsigned allowed,
    struct string_options *);

/*
 * The time that they tell, or 0 for none, as a time of expiry.  False: an
 * error is the answer.
 */
bool string_expiry(struct call *, const struct string_options *,
    uint64_t *expires_ms);

#endif
