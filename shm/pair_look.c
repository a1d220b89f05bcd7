/*
 * Reading pairs, without a lock: one; one of a bucket that the caller keeps;
 * and many.  A large store is as fast as memory answers; so of many keys some
 * are looked for ahead together, and the waits overlap.
 */

#include "shm/pair.h"

#include "shm/ahead.h"
#include "shm/bucket.h"
#include "shm/clock.h"
#include "shm/read_known.h"
#include "shm/short.h"

#define LINES_AHEAD	32	/* keys; a power of two */
#define RECORDS_AHEAD	16

struct copy {			/* what pair_look() wants of a record */
	void			*buf;
	size_t			 cap;
	struct pair_facts	*facts;
};

static inline void
copy_value(void *arg, const struct record_view *r)
{
	struct copy *c = arg;

	c->facts->len = r->value.len;
	c->facts->revision = r->lsn;
	c->facts->expires_ms = r->expires_ms;
	if (r->value.len <= c->cap)
		short_copy(c->buf, r->value.data, r->value.len);
}

/* What was found is there unless its time has come. */
static inline enum shm_status
verdict(const struct pair_facts *facts, size_t cap)
{
	if (facts->expires_ms != 0 && facts->expires_ms <= clock_wall_ms())
		return SHM_NO_KEY;
	return facts->len > cap ? SHM_NO_ROOM : SHM_OK;
}

/* False if all is not where it was, or moves just now. */
static inline __attribute__((always_inline)) bool
look(const struct arena *a, const struct ahead *ahead, const struct copy *copy,
    enum shm_status *status)
{
	struct copy c = *copy;
	const struct read_action act = { copy_value, &c };

	switch (read_known(a, ahead, &act)) {
	case READ_FOUND:
		*status = verdict(c.facts, c.cap);
		return true;
	case READ_MISSING:
		*status = SHM_NO_KEY;
		return true;
	case READ_RETRY:
		break;
	}
	return false;
}

/* That takes longer, and nothing of it is to burden what comes before. */
static __attribute__((noinline)) enum shm_status
look_again(struct arena *a, const struct ahead_bucket *in, struct bytes key,
    struct copy c)
{
	const struct read_action act = { copy_value, &c };
	enum shm_status status = read_pair(a, in->shard, in->name, key, &act);

	return status == SHM_OK ? verdict(c.facts, c.cap) : status;
}

enum shm_status
pair_look_ahead(struct arena *a, const struct ahead *ahead, void *buf,
    size_t cap, struct pair_facts *facts)
{
	const struct copy c = { .buf = buf, .cap = cap, .facts = facts };
	enum shm_status status;

	return look(a, ahead, &c, &status) ? status :
	    look_again(a, &ahead->in, ahead->key, c);
}

enum shm_status
pair_look(struct arena *a, uint32_t shard, struct bytes bucket,
    struct bytes key, void *buf, size_t cap, struct pair_facts *facts)
{
	struct ahead ahead;

	ahead_find_bucket(a, shard, bucket, &ahead.in);
	ahead_find_line(a, key, &ahead);
	return pair_look_ahead(a, &ahead, buf, cap, facts);
}

enum shm_status
pair_look_in(struct arena *a, struct ahead_bucket *in, struct bytes key,
    void *buf, size_t cap, struct pair_facts *facts)
{
	const struct copy c = { .buf = buf, .cap = cap, .facts = facts };
	enum shm_status status;
	struct ahead ahead;

	ahead.in = *in;
	ahead_find_line(a, key, &ahead);
	if (look(a, &ahead, &c, &status))
		return status;
	status = look_again(a, in, key, c);
	ahead_bucket(a, in->shard, in->name, in);
	return status;
}

/*
 * A pipeline of keys: while one is read, memory has been asked for the record
 * of the next ones, and for the lines of those behind them.
 */
struct pipeline {
	const struct bytes	*keys;
	size_t			 n;
	size_t			 lines, records;	/* asked for so far */
	struct ahead		 ahead[LINES_AHEAD];	/* by number of key */
};

static inline size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline void
ask_line(const struct arena *a, struct pipeline *p)
{
	struct ahead *ahead = &p->ahead[p->lines % LINES_AHEAD];

	ahead_find_line(a, p->keys[p->lines++], ahead);
	__builtin_prefetch(ahead->home);
}

static inline void
ask_record(const struct arena *a, struct pipeline *p)
{
	(void)ahead_record(a, &p->ahead[p->records++ % LINES_AHEAD]);
}

/* See to it that it is full when the i-th key is read. */
static inline void
ask(const struct arena *a, struct pipeline *p, size_t i)
{
	while (p->lines < p->n && p->lines < i + LINES_AHEAD)
		ask_line(a, p);
	while (p->records < p->lines && p->records < i + RECORDS_AHEAD)
		ask_record(a, p);
}

/* Begin with the i-th key, in a bucket that has just been found. */
static void
begin(const struct arena *a, struct pipeline *p, size_t i,
    const struct ahead_bucket *in)
{
	size_t k, n = least(p->n - i, LINES_AHEAD);

	for (k = 0; k < n; k++)
		p->ahead[(i + k) % LINES_AHEAD].in = *in;
	p->lines = p->records = i;
	ask(a, p, i);
}

enum shm_status
pair_look_many(struct arena *a, struct ahead_bucket *in,
    const struct bytes *keys, size_t n, size_t *done,
    const struct pair_told *told)
{
	struct pair_facts facts = { 0 };
	const struct copy copy = {
		.buf = told->buf, .cap = told->cap, .facts = &facts
	};
	enum shm_status status = SHM_OK;
	struct pipeline p;
	size_t i = *done;

	p.keys = keys;
	p.n = n;
	begin(a, &p, i, in);
	for (; i < n; i++) {
		if (in->at != 0)
			ask(a, &p, i);
		if (in->at == 0 ||
		    !look(a, &p.ahead[i % LINES_AHEAD], &copy, &status)) {
			/* Now it is known, or will never be. */
			status = look_again(a, in, keys[i], copy);
			ahead_bucket(a, in->shard, in->name, in);
			if (in->at != 0 && i + 1 < n)
				begin(a, &p, i + 1, in);
		}
		if (status != SHM_OK && status != SHM_NO_KEY)
			break;
		*done = i + 1;
		if (!told->tell(told->arg, i, status, &facts))
			return SHM_OK;
	}
	return i < n ? status : SHM_OK;
}

enum shm_status
pair_get(struct arena *a, struct bytes bucket, struct bytes key, void *buf,
    size_t cap, size_t *len, uint64_t *revision)
{
	struct pair_facts facts;
	enum shm_status status;

	if (bucket.len == 0 || bucket.len > BUCKET_NAME_MAX)
		return SHM_BUCKET_NAME_SIZE;
	if (key.len > PAIR_KEY_MAX)
		return SHM_KEY_SIZE;
	status = pair_look(a, arena_shard_of(a, bucket), bucket, key, buf,
	    cap, &facts);
	if (status != SHM_OK && status != SHM_NO_ROOM)
		return status;
	*len = facts.len;
	if (revision != NULL)
		*revision = facts.revision;
	return status;
}
