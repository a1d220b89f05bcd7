#ifndef KVD_SERVER_REDIS_HASH_H
#define KVD_SERVER_REDIS_HASH_H

#include "proto/number.h"
#include "server/redis.h"

/*
 * What the commands about hashes have in common.  The hash is argv[1], and
 * redis_check() has seen that it can be the name of a bucket.
 */

/*
 * What came of looking for a field: true if there is none.  Else it was
 * something worse, such as that the name is a string's, and is answered.
 */
bool hash_lacks(struct call *, enum shm_status);

/* The name is a string's, and that is the answer. */
bool hash_is_string(struct call *);

/* The facts about the hash argv[1]. */
enum shm_status hash_stat(const struct call *, struct bucket_stat *);

/*
 * The facts about a field of it, and its value, read without a lock; the value
 * stays until the next call for this store.
 */
enum shm_status hash_look(const struct call *, struct slice field,
    struct pair_facts *);
enum shm_status hash_get(const struct call *, struct slice field,
    struct slice *value);

/* The next pair that a walk over the hash has found, see store.h. */
bool hash_next_pair(const struct call *, struct pair *);

/*
 * A transaction on the hash; op is given its name.  False if the name is a
 * string's or the store says no, which is answered then; *status is SHM_OK,
 * SHM_NO_BUCKET or SHM_NO_KEY.
 */
bool hash_change(struct call *,
    enum shm_status (*op)(struct txn *, struct bytes name, void *), void *arg,
    enum shm_status *status);

/*
 * A change of one field, by pair_edit() if that will do, else by a transaction
 * that asks decide() as well; a hash is made for what is put.  False as above.
 */
bool hash_edit(struct call *, struct slice field, struct pair_edit *);

/*
 * Reads of several fields look at one after the other, without a lock; if the
 * hash is the same before and after, it was the same all the time.
 */
struct hash_moment {
	enum shm_status		status;
	struct bucket_stat	stat;
};

#define HASH_TRIES	8	/* before the lock is taken */

void hash_moment_begin(const struct call *, struct hash_moment *);
bool hash_moment_lasts(const struct call *, const struct hash_moment *);

/* Before each piece of long work, which the watchdog takes for a standstill. */
void hash_beat(const struct call *);

/* Of a reply whose length is not bounded by that of the request. */
#define HASH_REPLY_MAX	((size_t)64 * 1024 * 1024)
void hash_too_long(struct call *);

/*
 * "FIELDS n field .." at that word, to the end: sets *first to the first
 * field's.  False, with an answer, if it is not so; bad_number is what to say
 * of a number that is none.
 */
bool hash_fields(struct call *, size_t at, const char *bad_number,
    size_t *first);
#define HASH_BAD_NUMBER	"Number of fields must be a positive integer"

/* When a field shall expire. */
struct hash_expiry {
	bool		is_given;
	uint64_t	at_ms;		/* since 1970; perhaps in the past */
};

enum hash_clock {		/* how a command says it */
	HASH_SECONDS, HASH_MS, HASH_AT_SECONDS, HASH_AT_MS
};

/* False, with an answer, if the word is no such time. */
bool hash_expiry_parse(struct call *, struct slice word, enum hash_clock,
    struct hash_expiry *);

/* EX, PX, EXAT and PXAT: false if the word is none of them. */
bool hash_clock_of(struct slice word, enum hash_clock *);

/*
 * In a transaction: let a field that was found expire then, or not at all;
 * if it is past, the field is gone.
 */
enum shm_status hash_expire_field(struct txn *, struct bytes name,
    struct bytes field, const struct txn_pair *, const struct hash_expiry *);
bool hash_is_past(const struct hash_expiry *);

/*
 * Answer with the values of the fields from this word on, at one moment, and
 * do something to them.
 */
enum hash_then {
	HASH_LEAVE, HASH_DELETE, HASH_EXPIRE, HASH_PERSIST
};

void hash_get_fields(struct call *, size_t first, enum hash_then,
    const struct hash_expiry *);

#endif
