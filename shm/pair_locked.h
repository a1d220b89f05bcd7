#ifndef KVD_SHM_PAIR_LOCKED_H
#define KVD_SHM_PAIR_LOCKED_H

#include "shm/index.h"
#include "shm/pair.h"

/* SHM_OK, or SHM_KEY_SIZE or SHM_VALUE_SIZE. */
static inline enum shm_status
pair_check_sizes(const struct arena *a, size_t key_len, size_t value_len)
{
	if (key_len > PAIR_KEY_MAX)
		return SHM_KEY_SIZE;
	if (value_len > a->value_max_bytes || record_size(key_len, value_len,
	    true) > a->segment_bytes)
		return SHM_VALUE_SIZE;
	return SHM_OK;
}

/* Bytes of the log that it will take. */
static inline uint64_t
pair_put_size(const struct pair *p)
{
	return record_size(p->key.len, p->value.len, p->expires_ms != 0);
}

/* The record of a put, so long, but for its lsn.  Its bytes stay the pair's. */
static inline struct record_view
pair_put_sized(const struct arena *a, const struct bucket *b,
    const struct pair *p, uint64_t size)
{
	/* All of it, for what is not named would be cleared beforehand. */
	return (struct record_view){
		.lsn = 0,
		.bucket = arena_off_of(a, b),
		.op = RECORD_PUT,
		.flags = p->expires_ms != 0 ? RECORD_EXPIRES : 0,
		.expires_ms = p->expires_ms,
		.key = p->key,
		.value = p->value,
		.size = size,
		.hash = 0,
		.is_hashed = false
	};
}

static inline struct record_view
pair_put_view(const struct arena *a, const struct bucket *b,
    const struct pair *p)
{
	return pair_put_sized(a, b, p, pair_put_size(p));
}

/*
 * Strings, whose bucket has no name, share their names with buckets: is this a
 * key of that one, and another bucket called so?  Key and name have that hash.
 */
bool pair_is_name(struct held *, struct bytes bucket, struct bytes key,
    uint64_t hash);

/*
 * Remove the pair whose record *old is at that place, with a tombstone in
 * the log, and its bucket if it goes with its last key.  For the shard that is
 * held; why is for those who follow the log, see layout.h.  SHM_OK, SHM_FULL
 * or SHM_DAMAGED.
 */
enum shm_status pair_delete_place(struct held *, const struct index_place *,
    const struct record_view *old, unsigned why);

#endif
