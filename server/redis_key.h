#ifndef KVD_SERVER_REDIS_KEY_H
#define KVD_SERVER_REDIS_KEY_H

#include "server/redis.h"

/*
 * What commands about names, whatever is behind them, share with those about
 * strings.
 */

/* --- without a lock --- */

/* As redis_type_of(), and when it expires, 0: never. */
enum redis_type redis_look(const struct call *, struct slice name,
    uint64_t *expires_ms);

/* --- in a transaction --- */

struct redis_found {
	enum redis_type		type;
	struct txn_pair		string;		/* if it is one */
	struct txn_bucket	bucket;		/* if it is one */
};

/* SHM_OK, whatever it is, or why that cannot be told. */
enum shm_status redis_find_in(struct txn *, struct bytes name,
    struct redis_found *);

static inline uint64_t
redis_found_expires(const struct redis_found *found)
{
	switch (found->type) {
	case REDIS_STRING:
		return found->string.expires_ms;
	case REDIS_HASH:
		return found->bucket.expires_ms;
	case REDIS_NONE:
		break;
	}
	return 0;
}

/* Remove what was found; well if that is nothing. */
enum shm_status redis_remove(struct txn *, struct bytes name,
    const struct redis_found *);

/*
 * What an edit decides about what was found; a hash is there, and has no bytes.
 * What is done next is done for the reason that it gives.
 */
enum pair_verdict redis_decide(struct txn *, const struct pair_edit *,
    const struct redis_found *, struct pair_new *);

/* Set a string, where there is no bucket of that name. */
enum shm_status redis_put(struct txn *, struct bytes name, struct bytes value,
    uint64_t expires_ms);

/*
 * The same of a string that is there: bytes in the arena are good until op
 * returns, so they are copied first.
 */
enum shm_status redis_put_again(struct txn *, struct store *,
    struct bytes name, const struct txn_pair *, uint64_t expires_ms);

/* --- requests with several keys --- */

/* Those of one shard, in the order of the request. */
struct redis_part {
	const struct slice	*argv;
	const uint16_t		*next;	/* by word: the next key; 0: none */
	size_t			 first;	/* word */
	int64_t			 count;	/* what op says, from 0 */
	void			*arg;
};

/* for (i = part->first; i != 0; i = part->next[i]) argv[i] is a key */

struct redis_visit {
	size_t		step;		/* every such word is a key */
	enum shm_status	(*op)(struct txn *, void *);	/* on a part */
	/* Instead of op, if it can: all of a part, or nothing.  Or NULL. */
	bool		(*quick)(const struct call *, uint32_t shard,
			    struct redis_part *);
	void		(*after)(struct redis_part *);	/* NULL: nothing */
	void		*arg;
};

/*
 * Run op as a transaction on each shard that keys of the request are in;
 * *total is the sum of the counts.  False: an error is the answer, and what
 * was done to other shards has been done.
 */
bool redis_each_shard(struct call *, const struct redis_visit *,
    int64_t *total);

/* All in one shard, up to the last word?  If not, that is the answer. */
bool redis_in_one_shard(struct call *, size_t last, size_t step);

/* --- times --- */

/* How a command tells the time at which something expires. */
struct redis_clock {
	bool	seconds;
	bool	absolute;
};

/*
 * Such a word as ms since 1970, which may be long ago; false: an error is the
 * answer.
 */
bool redis_time(struct call *, struct slice word, struct redis_clock,
    int64_t *ms);
void redis_invalid_time(struct call *);

#endif
