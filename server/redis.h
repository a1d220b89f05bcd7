#ifndef KVD_SERVER_REDIS_H
#define KVD_SERVER_REDIS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proto/resp_reply.h"
#include "server/command.h"

/*
 * The commands of Redis, for connections that speak its protocol: the same
 * calls as those of command.h, found in a table of their own, for some verbs
 * mean another thing here.  Each family has a file, redis_hash.c and so on.
 *
 * A bucket is a hash.  Strings live in a bucket without a name, one in each
 * shard, so a name is found in the same shard whatever it is of; it is either
 * a string or a bucket.
 */
struct redis_command {
	const char		*name;		/* in capitals */
	void			(*run)(struct call *);
	int			 arity;		/* words; -n: n or more */
	enum command_kind	 kind;		/* without CALL_STREAM and
						 * FEED */
	int			 first;		/* key; 0: has none */
	int			 last;		/* -n: the n-th from the end */
	int			 step;
	const char		*group;		/* "hash", .. */
};

/* Once per process, as command_init(). */
void redis_init(void);

/* What command.h's functions of these names do, for requests in RESP. */
bool redis_check(struct call *);
void redis_run(struct call *);
enum command_kind redis_kind(const struct request *);

/* The first key of the request; of no bytes, and NULL, if it has none. */
struct slice redis_first_key(const struct request *);

/* Is the first word after this verb, of so many words, the name of a string? */
bool redis_is_of_string(struct slice verb, size_t argc);

/*
 * All keys: the word behind `word' that is one, 0 if there is none; begin
 * with 0.
 */
size_t redis_next_key(const struct request *, size_t word);

/* Does it remove everything?  It is a change, if not of the kind CHANGE. */
bool redis_flushes(const struct request *);

/* By name, in any case; NULL if there is none.  And all: 0 .. n - 1. */
const struct redis_command *redis_find(struct slice name);
const struct redis_command *redis_command_at(size_t i);
size_t redis_commands(void);

/* --- for handlers --- */

static inline enum resp_version
redis_version(const struct call *call)
{
	return call->req->protocol == REQUEST_RESP3 ? RESP_3 : RESP_2;
}

static inline struct bytes
redis_bytes(struct slice s)
{
	return (struct bytes){ .data = s.data, .len = s.len };
}

static inline uint32_t
redis_shard(const struct call *call, struct slice key)
{
	return arena_shard_of(call->env->store->arena, redis_bytes(key));
}

/* Of the server that we are like, for clients that look at it. */
#define REDIS_VERSION	"7.0.15"

/* The bucket that strings live in. */
#define REDIS_STRINGS	((struct bytes){ .data = NULL, .len = 0 })

/* Are there as many words as that arity wants? */
static inline bool
redis_fits(int arity, size_t argc)
{
	return arity > 0 ? argc == (size_t)arity : argc >= (size_t)-arity;
}

/* A word of our own. */
static inline struct slice
redis_word(const char *text)
{
	return (struct slice){ (const uint8_t *)text, strlen(text) };
}

static inline void
redis_say(struct call *call, const char *text)
{
	resp_put_bulk(call->out, redis_word(text));
}

/* A name in small letters. */
void redis_lower(char *lower, size_t size, const char *name);

/* Is the word this one, in any case? */
bool redis_is(struct slice word, const char *name);

/* Answers, each the whole of one; errors are counted. */
void redis_error(struct call *, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void redis_wrong_type(struct call *);
void redis_wrong_arity(struct call *);
void redis_syntax_error(struct call *);
/* What the store says, if it is none of SHM_OK, NO_KEY and NO_BUCKET. */
void redis_store_error(struct call *, enum shm_status);
/* Is it one of these?  If not, that is the answer. */
bool redis_is_well(struct call *, enum shm_status);
void redis_ok(struct call *);
/* A text for people, which is freed. */
void redis_say_text(struct call *, struct outbuf *);

/*
 * The word as a number; false, and the error is the answer, if it is none or
 * out of range.
 */
bool redis_integer(struct call *, struct slice word, int64_t *);
/* The same of one that Redis keeps in 32 bits, as the number of a database. */
bool redis_int(struct call *, struct slice word, int64_t *);
/* The same of a time in milliseconds, which is not negative. */
bool redis_timeout(struct call *, struct slice word, int64_t *);

/* What a name is, read without a lock. */
enum redis_type { REDIS_NONE, REDIS_STRING, REDIS_HASH };
enum redis_type redis_type_of(const struct call *, struct slice name);
/* The same in a transaction. */
enum redis_type redis_type_in(struct txn *, struct bytes name);

/*
 * Run a transaction on a shard, or on that of a key, and answer what goes wrong
 * with the store itself: false then.  *status is SHM_OK or what op has
 * returned.
 */
bool redis_change_in(struct call *, uint32_t shard,
    enum shm_status (*op)(struct txn *, void *), void *arg,
    enum shm_status *status);
bool redis_change(struct call *, struct slice key,
    enum shm_status (*op)(struct txn *, void *), void *arg,
    enum shm_status *status);

/*
 * Remove one pair of a bucket, by pair_edit(): *removed becomes 1, or 0 if it
 * was not there.  False: nothing was done, and a transaction will do it or find
 * out why not.
 */
bool redis_remove_pair(const struct call *, uint32_t shard,
    struct bytes bucket, struct slice key, int64_t *removed);

/*
 * The same change twice: edit does it to the string of that name, alone, and
 * where that is not enough, or a hash has the name, op does it in a
 * transaction, with arg.
 */
enum shm_status redis_edit(const struct call *, struct slice name,
    struct pair_edit *edit, enum shm_status (*op)(struct txn *, void *),
    void *arg);

/* --- the handlers, one for each line of redis.def --- */

#define REDIS(name, handler, ...) void redis_run_##handler(struct call *);
#include "server/redis.def"
#undef REDIS

#endif
