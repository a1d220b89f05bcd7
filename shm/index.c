/*
 * Finding, adding and removing entries of one line; how the table grows is
 * index_grow.c.  A reader of the same line without the lock is told by the
 * version of the home line, so each change guards it.
 */

#include "shm/index.h"

#include "shm/chain.h"
#include "shm/hash.h"
#include "shm/intent.h"
#include "shm/slab.h"
#include "shm/sound.h"
#include "shm/table.h"
#include "shm/word.h"

void
index_key_init(const struct arena *a, struct index_key *k, enum record_op op,
    arena_off bucket, struct bytes key)
{
	k->op = op;
	k->bucket = bucket;
	k->key = key;
	k->hash = hash_keyed(a->hash_seed, key.data, key.len);
}

void
index_key_of(const struct arena *a, struct index_key *k,
    const struct record_view *r)
{
	if (!r->is_hashed) {
		index_key_init(a, k, RECORD_PUT, r->bucket, r->key);
		return;
	}
	*k = (struct index_key){ RECORD_PUT, r->bucket, r->key, r->hash };
}

static struct line *
home_of(struct held *h, const struct table *t, uint64_t hash)
{
	uint64_t lines = table_lines(word_peek(&t->shape));

	if (lines == 0)
		return NULL;
	return sound_home(h, t, table_line_number(lines, hash));
}

/* Look for a record by offset, or, with record 0, by key. */
static bool
find(struct held *h, const struct table *t, const struct index_key *k,
    arena_off record, struct index_place *p)
{
	uint64_t tag = slot_tag_of(k->hash), slot;
	struct record_view r;
	struct line *line;
	unsigned i;

	*p = (struct index_place){ .home = home_of(h, t, k->hash) };
	for (line = p->home; line != NULL; line = chain_next(h, line))
		for (i = 0; i < LINE_SLOTS; i++) {
			slot = word_peek(&line->slots[i]);
			if (slot_tag(slot) != tag || slot == 0)
				continue;
			p->slot = &line->slots[i];
			p->record = slot_off(slot);
			if (record != 0 ? p->record == record :
			    index_key_is_at(h->a, k, p->record, &r))
				return true;
		}
	return false;
}

/*
 * A change looks for the same key up to three times: to see what is there, to
 * decide what becomes of it, and to publish it.  While the lock is held nobody
 * but ourselves moves anything, and whatever we do to a chain or a table moves
 * its version or its shape.  Bytes of a key do not change while it is staged,
 * but one that is only looked for may be in memory that is used again, hence
 * the hash as well.
 */
static bool
is_known(const struct held_lookup *last, const struct table *t,
    const struct index_key *k)
{
	return last->table == t && last->hash == k->hash &&
	    last->key == k->key.data && last->key_len == k->key.len &&
	    last->bucket == k->bucket &&
	    last->shape == word_peek(&t->shape) &&
	    last->version == word_peek(&last->home->version);
}

static void
note(struct held_lookup *last, const struct table *t,
    const struct index_key *k, const struct index_place *p, bool found)
{
	*last = (struct held_lookup){
		.table = p->home != NULL ? t : NULL,
		.shape = word_peek(&t->shape),
		.version = p->home != NULL ? word_peek(&p->home->version) : 0,
		.hash = k->hash,
		.key = k->key.data,
		.key_len = k->key.len,
		.bucket = k->bucket,
		.found = found,
		.home = p->home,
		.slot = p->slot,
		.record = p->record
	};
}

bool
index_find(struct held *h, const struct table *t,
    const struct index_key *k, struct index_place *p)
{
	struct held_lookup *last = &h->last[k->op != RECORD_CREATE];
	bool found;

	if (is_known(last, t, k)) {
		*p = (struct index_place){
			last->home, last->slot, last->record
		};
		return last->found;
	}
	found = find(h, t, k, 0, p);
	note(last, t, k, p, found);
	return found;
}

bool
index_find_record(struct held *h, const struct table *t, uint64_t hash,
    arena_off record, struct index_place *p)
{
	struct index_key k = { .hash = hash };

	return find(h, t, &k, record, p);
}

/* Give an empty table its first line. */
static void
open_table(struct held *h, struct table *t)
{
	struct line *home = chain_new_line(h);

	if (home == NULL)
		return;
	intent_set(h, &t->root, arena_off_of(h->a, home));
	intent_set(h, &t->shape, table_reshape(word_peek(&t->shape), 1));
	intent_commit(h);
}

enum shm_status
index_reserve(struct held *h, struct table *t, unsigned entries)
{
	enum shm_status status;

	if (table_lines(word_peek(&t->shape)) == 0) {
		status = slab_reserve(h, SLAB_LINE, 1, SEGMENT_FOR_PUT);
		if (status != SHM_OK)
			return status;
		open_table(h, t);
		if (h->broken)
			return SHM_DAMAGED;
	}
	if (entries > 1 && (status = index_grow_for(h, t, entries)) != SHM_OK)
		return status;
	/* Growth that failed for want of memory must not lead to chains
	 * that can never be split again: catch up first. */
	if (word_peek(&t->count) >= table_lines(word_peek(&t->shape)) *
	    INDEX_ENTRIES_PER_LINE_MAX &&
	    (status = index_grow(h, t)) != SHM_OK)
		return status;
	return slab_reserve(h, SLAB_LINE, entries, SEGMENT_FOR_PUT);
}

bool
index_has_room(struct held *h, const struct table *t, unsigned entries)
{
	uint64_t lines = table_lines(word_peek(&t->shape));

	return intent_get(h, &t->count) < lines * INDEX_ENTRIES_PER_LINE_MAX &&
	    slab_has_room(h, SLAB_LINE, entries);
}

void
index_insert(struct held *h, struct table *t, const struct index_place *p,
    uint64_t hash, arena_off record)
{
	if (p->home == NULL) {
		held_break(h);
		return;
	}
	intent_guard(h, &p->home->version);
	chain_append(h, p->home, slot_make(hash, record));
	intent_set(h, &t->count, intent_get(h, &t->count) + 1);
}

void
index_move(struct held *h, const struct index_place *p, arena_off record)
{
	uint64_t slot = word_peek(p->slot);

	intent_guard(h, &p->home->version);
	intent_add(h, p->slot, (slot & ~LINE_OFF_MASK) | record);
}

void
index_remove(struct held *h, struct table *t, const struct index_place *p)
{
	intent_guard(h, &p->home->version);
	chain_remove(h, p->home, p->slot);
	intent_set(h, &t->count, intent_get(h, &t->count) - 1);
}
