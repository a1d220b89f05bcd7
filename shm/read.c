/*
 * The lock-free reader; the protocol is in read.h, the innermost part in
 * read_known.h.  Here is what is to be done where that is not enough: when a
 * name is not known, or something moves.
 */

#include "shm/read.h"

#include <sched.h>

#include "shm/ahead.h"
#include "shm/bucket_locked.h"
#include "shm/pause.h"
#include "shm/read_known.h"
#include "shm/read_line.h"

#define SPINS		64	/* attempts before yielding the processor */
#define ATTEMPTS_MAX	4096	/* before taking the lock */

bool
read_patience(unsigned n)
{
	if (n == 0)
		return true;
	if (n < SPINS) {
		pause_briefly();
		return true;
	}
	sched_yield();
	return n < ATTEMPTS_MAX;
}

enum shm_status
read_stuck(const struct shard *sh)
{
	return word_load(&sh->poisoned) != 0 ? SHM_DAMAGED : SHM_BUSY;
}

/* Where one was found, and what must not have moved for that to be true. */
struct seen {
	uint64_t	 shape;
	uint64_t	 version;
	struct line	*home;
	word		*slot;
};

/*
 * One attempt to find a key.  found() is called with data that may yet prove
 * false: it may only copy, within the lengths given.
 */
static enum read_status
read_once(const struct arena *a, const struct table *t,
    const struct index_key *k, const struct read_action *act,
    struct seen *seen)
{
	struct record_view r;
	enum read_status s;

	seen->shape = word_load(&t->shape);
	if (table_lines(seen->shape) == 0)
		return READ_MISSING;
	seen->home = table_line(a, word_load(&t->root),
	    table_line_number(table_lines(seen->shape), k->hash));
	if (seen->home == NULL)
		return READ_RETRY;
	/* Pairs with intent.c. */
	seen->version = word_load(&seen->home->version);
	if ((seen->version & 1) != 0)
		return READ_RETRY;
	s = read_search_chain(a, seen->home, k, &r, &seen->slot);
	if (s == READ_FOUND)
		act->found(act->arg, &r);
	atomic_thread_fence(memory_order_acquire);
	if (word_peek(&seen->home->version) != seen->version ||
	    word_peek(&t->shape) != seen->shape)
		return READ_RETRY;
	return s;
}

/* False if the chain leads nowhere or has no end. */
static bool
hand_out(const struct arena *a, struct line *line,
    const struct read_action *act)
{
	struct record_view r;
	unsigned steps, i;
	uint64_t slot;

	for (steps = 0; line != NULL && steps < CHAIN_STEPS_MAX; steps++) {
		for (i = 0, slot = 0; i < LINE_SLOTS; i++) {
			slot = word_peek(&line->slots[i]);
			if (slot == 0 || slot_is_link(slot))
				break;
			if (record_read(a, slot_off(slot), &r))
				act->found(act->arg, &r);
		}
		if (!slot_is_link(slot))
			return true;
		line = read_follow(a, slot);
	}
	return false;
}

enum read_status
read_line_once(const struct arena *a, const struct table *t, uint64_t number,
    const struct read_action *act)
{
	struct line *home = table_line(a, word_load(&t->root), number);
	uint64_t version;
	bool whole;

	if (home == NULL)
		return READ_RETRY;
	version = word_load(&home->version);
	if ((version & 1) != 0)
		return READ_RETRY;
	whole = hand_out(a, home, act);
	atomic_thread_fence(memory_order_acquire);
	return whole && word_peek(&home->version) == version ? READ_FOUND :
	    READ_RETRY;
}

/* A bucket as its name's record has it. */
static void
note_bucket(void *arg, const struct record_view *r)
{
	struct known_name *found = arg;

	found->bucket = r->bucket;
	found->created = r->lsn;
}

static void
keep(const struct arena *a, const struct index_key *name,
    const struct seen *seen, struct known_name *found)
{
	found->hash = name->hash;
	found->shape = seen->shape;
	found->version = seen->version;
	found->place = (struct index_place){
		seen->home, seen->slot, slot_off(word_peek(seen->slot))
	};
	names_keep(a, found, name->key);
}

enum read_status
read_bucket_once(const struct arena *a, const struct shard *sh,
    const struct index_key *name, struct read_name *bucket)
{
	struct known_name found = { .shard = (uint32_t)(sh - a->shards) };
	struct read_action note = { note_bucket, &found };
	struct seen seen;
	enum read_status s = read_once(a, &sh->buckets, name, &note, &seen);

	if (s == READ_FOUND) {
		if (found.bucket % sizeof(struct line) != 0 ||
		    !arena_holds(a, found.bucket, sizeof(struct bucket)))
			return READ_RETRY;
		keep(a, name, &seen, &found);
	}
	*bucket = (struct read_name){ found.bucket, found.created };
	return s;
}

struct path {			/* what is looked for, on the way to it */
	const struct known_name		*known;		/* or NULL */
	struct index_key		 bucket;
	struct index_key		 key;
	const struct read_action	*action;	/* NULL: no key */
	struct read_facts		 facts;
};

/* Counters that move one by one, but of this bucket and no other. */
static void
copy_facts(const struct bucket *b, struct read_facts *facts)
{
	facts->count = word_load(&b->table.count);
	facts->bytes = word_load(&b->bytes);
	facts->revision = word_load(&b->revision);
	facts->expires_ms = word_load(&b->link);
	facts->mark = word_load(&b->mark);
}

/* A ghost is not there; the words are checked like all else. */
static bool
is_missing(enum read_status s, const struct arena *a, arena_off bucket)
{
	return s != READ_FOUND || bucket_is_ghost(arena_at(a, bucket));
}

/* The bucket, if it is not known already. */
static enum read_status
find_bucket(const struct arena *a, const struct shard *sh, struct path *p)
{
	struct read_name found = { 0, 0 };
	enum read_status s = READ_FOUND;

	if (p->known == NULL || !names_hold(a, p->known))
		s = read_bucket_once(a, sh, &p->bucket, &found);
	else
		found = (struct read_name){
			p->known->bucket, p->known->created
		};
	p->facts.bucket = found.bucket;
	p->facts.created = found.created;
	return s;
}

/* One attempt at the whole path. */
static bool
attempt(const struct arena *a, const struct shard *sh, struct path *p,
    enum shm_status *status)
{
	uint64_t version = word_load(&sh->version);
	const struct bucket *b;
	enum read_status s;
	struct seen seen;

	if ((version & 1) != 0)
		return false;
	s = find_bucket(a, sh, p);
	*status = SHM_NO_BUCKET;
	if (!is_missing(s, a, p->facts.bucket)) {
		*status = SHM_OK;
		b = arena_at(a, p->facts.bucket);
		if (p->action == NULL) {
			copy_facts(b, &p->facts);
		} else {
			p->key.bucket = p->facts.bucket;
			s = read_once(a, &b->table, &p->key, p->action,
			    &seen);
			*status = s == READ_FOUND ? SHM_OK : SHM_NO_KEY;
		}
	}
	atomic_thread_fence(memory_order_acquire);
	return s != READ_RETRY && word_peek(&sh->version) == version;
}

static enum shm_status
walk(struct arena *a, uint32_t shard, struct path *p)
{
	struct shard *sh = &a->shards[shard];
	enum shm_status status;
	struct held h;
	unsigned n;

	for (n = 0; read_patience(n); n++)
		if (attempt(a, sh, p, &status))
			return status;
	if (a->read_only)
		return read_stuck(sh);
	/* Under the lock nothing moves, so one attempt is enough. */
	if (lock_shard(a, shard, &h) == LOCK_POISONED)
		return SHM_DAMAGED;
	if (!attempt(a, sh, p, &status))
		status = SHM_DAMAGED;
	lock_release(&h);
	return status;
}

static inline void
path_to(struct path *p, const struct arena *a, uint32_t shard,
    struct bytes bucket, const struct read_action *act)
{
	p->action = act;
	p->known = names_recall(a, shard, bucket);
	if (p->known == NULL)
		index_key_init(a, &p->bucket, RECORD_CREATE, 0, bucket);
	else
		p->bucket = (struct index_key){
			.op = RECORD_CREATE, .key = bucket,
			.hash = p->known->hash
		};
}

static inline void
path_from(struct path *p, const struct arena *a, const struct ahead *ahead,
    const struct read_action *act)
{
	path_to(p, a, ahead->in.shard, ahead->in.name, act);
	p->key = (struct index_key){ RECORD_PUT, 0, ahead->key, ahead->hash };
}

static enum shm_status
status_of(enum read_status s)
{
	return s == READ_FOUND ? SHM_OK : SHM_NO_KEY;
}

bool
read_ahead_once(const struct arena *a, const struct ahead *ahead,
    const struct read_action *act, enum shm_status *status)
{
	struct path p;

	path_from(&p, a, ahead, act);
	return attempt(a, &a->shards[ahead->in.shard], &p, status);
}

static void
ignore(void *arg, const struct record_view *r)
{
	(void)arg;
	(void)r;
}

/*
 * The string is looked for first.  If it was not there, and a bucket was, then
 * that has to be dropped until it is not seen either, which moves the shard's
 * version; so does whatever makes several changes at once.
 */
bool
read_neither_once(const struct arena *a, const struct ahead *string)
{
	const struct shard *sh = &a->shards[string->in.shard];
	const struct read_action act = { ignore, NULL };
	uint64_t version = word_load(&sh->version);
	enum read_status s = read_known(a, string, &act);
	enum shm_status status = status_of(s);
	struct path p;

	if (s == READ_RETRY && !read_ahead_once(a, string, &act, &status))
		return false;
	if (status == SHM_OK)
		return false;
	path_to(&p, a, string->in.shard, string->key, NULL);
	return attempt(a, sh, &p, &status) && status == SHM_NO_BUCKET &&
	    word_peek(&sh->version) == version;
}

enum shm_status
read_pair(struct arena *a, uint32_t shard, struct bytes bucket,
    struct bytes key, const struct read_action *act)
{
	struct ahead ahead;
	enum read_status s;
	struct path p;

	ahead_line(a, shard, bucket, key, &ahead);
	if ((s = read_known(a, &ahead, act)) != READ_RETRY)
		return status_of(s);
	path_from(&p, a, &ahead, act);
	return walk(a, shard, &p);
}

bool
read_pair_once(const struct arena *a, struct bytes bucket, struct bytes key,
    const struct read_action *act, enum shm_status *status)
{
	struct ahead ahead;
	enum read_status s;

	ahead_line(a, arena_shard_of(a, bucket), bucket, key, &ahead);
	*status = status_of(s = read_known(a, &ahead, act));
	return s != READ_RETRY || read_ahead_once(a, &ahead, act, status);
}

enum shm_status
read_bucket(struct arena *a, uint32_t shard, struct bytes bucket,
    struct read_facts *facts)
{
	enum shm_status status;
	struct path p;

	path_to(&p, a, shard, bucket, NULL);
	status = walk(a, shard, &p);
	*facts = p.facts;
	return status;
}
