#ifndef KVD_SHM_INDEX_H
#define KVD_SHM_INDEX_H

#include "shm/lock.h"
#include "shm/record.h"
#include "shm/segment.h"
#include "shm/short.h"

/*
 * A table of records by key: the pairs of a bucket, or the buckets of a
 * shard by name (then the records are RECORD_CREATE).  All functions here
 * need the lock; reading without it is read.h.
 */

/* Entries per line, on average, beyond which a table takes no more. */
#define INDEX_ENTRIES_PER_LINE_MAX	12

struct index_key {
	enum record_op	op;	/* RECORD_PUT or RECORD_CREATE */
	arena_off	bucket;	/* RECORD_PUT: whose key */
	struct bytes	key;
	uint64_t	hash;	/* of key */
};

/* Fill in the hash; data stays the caller's. */
void index_key_init(const struct arena *, struct index_key *,
    enum record_op, arena_off bucket, struct bytes key);

/* The key that a record of a pair has, or is to have. */
void index_key_of(const struct arena *, struct index_key *,
    const struct record_view *);

/*
 * Is there a record at off that carries that key?  Only then is it taken apart;
 * as with record_read(), whether it is true the caller has to find out.  Most
 * are told by their header, before anything is looked at that is further away.
 */
static inline __attribute__((always_inline)) bool
index_key_is_at(const struct arena *a, const struct index_key *k,
    arena_off off, struct record_view *r)
{
	/* Of the second word the operation, and whose, but of names. */
	const uint64_t wanted = RECORD_OP_MASK | (k->op == RECORD_CREATE ? 0 :
	    ~UINT64_C(0) << RECORD_BUCKET_SHIFT);
	uint64_t room = record_room(a, off);
	struct record head;

	if (room == 0)
		return false;
	head = record_head(arena_at(a, off));
	return ((head.lsn & RECORD_LONG) == k->key.len ||
	    (head.lsn & RECORD_LONG) == RECORD_LONG) &&
	    ((head.meta ^ (k->bucket / sizeof(struct line) <<
	    RECORD_BUCKET_SHIFT | (uint64_t)k->op)) & wanted) == 0 &&
	    record_open(arena_at(a, off), &head, room, r) &&
	    r->key.len == k->key.len &&
	    short_equal(r->key.data, k->key.data, k->key.len);
}

struct index_place {
	struct line	*home;
	word		*slot;
	arena_off	 record;
};

/*
 * The place of a key: false if it is not there, or the change breaks.
 */
bool index_find(struct held *, const struct table *,
    const struct index_key *, struct index_place *);

/* The same for the place that points to this very record. */
bool index_find_record(struct held *, const struct table *,
    uint64_t hash, arena_off record, struct index_place *);

/*
 * See to it that so many entries more can be added without failing: a first
 * line, further lines, and for more than one entry enough splits in advance
 * (intents of their own).
 */
enum shm_status index_reserve(struct held *, struct table *,
    unsigned entries);

/*
 * Can an entry be added without any of that, where the intent under
 * construction adds so many to tables of the shard, with this one?
 */
bool index_has_room(struct held *, const struct table *, unsigned entries);

/*
 * Into the intent: a new key, which has just been looked for and was not at
 * this place.
 */
void index_insert(struct held *, struct table *, const struct index_place *,
    uint64_t hash, arena_off record);

/* Into the intent: the place points to another record of the same key. */
void index_move(struct held *, const struct index_place *, arena_off record);

/* Into the intent: the key at this place is gone. */
void index_remove(struct held *, struct table *, const struct index_place *);

/*
 * After an insertion: split one line if the table is dense; after a removal:
 * merge one if it is sparse.  Intents of their own.  Without memory for it
 * (SHM_FULL) the table stays as it is, which costs speed and nothing else; so
 * it does if a chain is damaged (SHM_DAMAGED), and nothing breaks.
 */
enum shm_status index_grow(struct held *, struct table *);
void index_shrink(struct held *, struct table *);

/* Split until so many entries more make the table no more than dense. */
enum shm_status index_grow_for(struct held *, struct table *,
    unsigned entries);

/*
 * For dropped buckets: into the intent, take one line out of a table, the
 * last of the last chain, and hand over its entries.  Returns false if the
 * table had no line left, or the change breaks.
 */
bool index_dismantle(struct held *, struct table *,
    void (*each)(struct held *, arena_off record));

#endif
