#ifndef KVD_SERVER_REDIS_STRING_H
#define KVD_SERVER_REDIS_STRING_H

#include "server/redis_key.h"

/* What commands about strings share. */

/*
 * The value, good until the next call for the store, and when it expires;
 * *value is NULL if there is no such name.  False: an error is the answer, for
 * it is a bucket's name.
 */
bool string_read(struct call *, struct slice name, struct slice *value);

/* A change of one string: the first member of what its op is given. */
struct string_change {
	struct store		*store;
	struct bytes		 name;
	struct redis_found	 found;		/* a string, or nothing */
	bool			 is_bucket;	/* so nothing was done */
	const char		*error;		/* or for this reason */
};

/* For op, first of all; not SHM_OK: that is what op returns. */
enum shm_status string_find(struct txn *, struct string_change *);

/* For op: nothing is done, this is why. */
enum shm_status string_refuse(struct string_change *, const char *error);

/* Run op on the string argv[1].  False: an error is the answer. */
bool string_change(struct call *,
    enum shm_status (*op)(struct txn *, void *), struct string_change *);

/*
 * Give a string that is there another value, for ever.  False: nothing was
 * done, for there is none, or for another reason, which a transaction finds,
 * too.
 */
bool string_replace(const struct call *, uint32_t shard, struct slice name,
    struct slice value);

/* For op: a copy for the answer; false: return SHM_NO_ROOM. */
bool string_keep(struct txn *, struct bytes, struct slice *copy);

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
