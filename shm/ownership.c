/*
 * The record of ownership is a page that one process writes and all others
 * read: a sequence lock.  Its number is odd while it changes, and stays odd
 * if the master dies in between; then nothing is served, by the few workers
 * that have not heard yet, until the next master publishes one.
 */

#include "shm/ownership.h"

#include "shm/handle.h"
#include "shm/hash.h"
#include "shm/word.h"

#define READ_TRIES	1000

static bool
has_piece(const uint64_t *has, uint32_t piece)
{
	return (has[piece / 64] >> piece % 64 & 1) != 0;
}

static bool
has_bucket(const struct ownership *own, struct bytes bucket)
{
	if (bucket.len == 0)
		return false;
	if (own->by == OWNERSHIP_LETTERS)
		return has_piece(own->has,
		    *(const unsigned char *)bucket.data);
	return has_piece(own->has, hash_slot(bucket.data, bucket.len) /
	    (HASH_SLOTS / OWNERSHIP_PIECES));
}

void
ownership_publish(struct arena *a, const struct ownership *own)
{
	struct ownership_record *r = a->ownership;
	uint64_t sequence = word_peek(&r->sequence) | 1;
	unsigned i;

	word_store(&r->sequence, sequence);
	atomic_thread_fence(memory_order_release);
	word_init(&r->version, own->version);
	word_init(&r->hash, own->hash);
	word_init(&r->by, own->by);
	for (i = 0; i < OWNERSHIP_PIECES / 64; i++)
		word_init(&r->has[i], own->has[i]);
	word_init(&r->strays_hash, 0);
	word_store(&r->sequence, sequence + 1);
}

static bool
copy(const struct ownership_record *r, struct ownership *own)
{
	uint64_t before = word_load(&r->sequence);
	unsigned i;

	own->version = word_peek(&r->version);
	own->hash = word_peek(&r->hash);
	own->by = (enum ownership_by)word_peek(&r->by);
	for (i = 0; i < OWNERSHIP_PIECES / 64; i++)
		own->has[i] = word_peek(&r->has[i]);
	atomic_thread_fence(memory_order_acquire);
	return before % 2 == 0 && word_peek(&r->sequence) == before;
}

bool
ownership_read(const struct arena *a, struct ownership *own)
{
	unsigned i;

	for (i = 0; i < READ_TRIES; i++)
		if (copy(a->ownership, own))
			return own->by != OWNERSHIP_NONE;
	return false;
}

bool
ownership_is_of(const struct arena *a, uint64_t hash)
{
	const struct ownership_record *r = a->ownership;

	return word_load(&r->sequence) % 2 == 0 &&
	    word_peek(&r->hash) == hash &&
	    word_peek(&r->by) != OWNERSHIP_NONE;
}

bool
ownership_allows(const struct arena *a, uint64_t hash, struct bytes bucket)
{
	struct ownership own;

	if (ownership_is_of(a, hash))
		return true;
	return ownership_read(a, &own) && has_bucket(&own, bucket);
}

static bool
has_all(const struct ownership *own)
{
	unsigned i, n = OWNERSHIP_PIECES / 64;

	/* A name begins with one of 256 letters. */
	if (own->by == OWNERSHIP_LETTERS)
		n = 256 / 64;
	for (i = 0; i < n && own->has[i] == UINT64_MAX; i++)
		;
	return i == n;
}

/* The sequence is read first: a copy that is newer than it is made again. */
static bool
renew(const struct arena *a, struct ownership_copy *kept, uint64_t sequence)
{
	if (sequence % 2 != 0 || !ownership_read(a, &kept->own))
		return false;
	kept->is_all = has_all(&kept->own);
	kept->sequence = sequence;
	return true;
}

enum ownership_answer
ownership_ask(const struct arena *a, struct ownership_copy *kept,
    struct bytes bucket)
{
	uint64_t sequence = word_load(&a->ownership->sequence);

	if ((sequence != kept->sequence || sequence == 0) &&
	    !renew(a, kept, sequence))
		return OWNERSHIP_UNKNOWN;
	return kept->is_all || has_bucket(&kept->own, bucket) ?
	    OWNERSHIP_OURS : OWNERSHIP_OTHERS;
}

void
ownership_set_strays(struct arena *a, uint64_t hash,
    const struct ownership_strays *strays)
{
	struct ownership_record *r = a->ownership;

	word_init(&r->strays_buckets, strays->buckets);
	word_init(&r->strays_keys, strays->keys);
	word_store(&r->strays_hash, hash);
}

bool
ownership_strays(const struct arena *a, uint64_t hash,
    struct ownership_strays *strays)
{
	const struct ownership_record *r = a->ownership;

	if (word_load(&r->strays_hash) != hash)
		return false;
	strays->buckets = word_peek(&r->strays_buckets);
	strays->keys = word_peek(&r->strays_keys);
	return true;
}
