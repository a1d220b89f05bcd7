/*
 * A process has died in the middle of a change and left its lock to others,
 * and any words say anything.  Who comes next repairs the shard or gives it
 * up; the audit, readers and changes come back in either case.
 *
 *	0	1	2	3
 *	+-------+-------+-------+---------------------
 *	| shape | death | words | edits, see damage.h
 *	+-------+-------+-------+---------------------
 *
 * The change is a real one, and the intent that it ended with is left
 * COMMITTED: of its words so many had been stored.
 */

#include <linux/futex.h>

#include <string.h>

#include "damage.h"
#include "exercise.h"
#include "must.h"
#include "shm/bucket.h"
#include "shm/lock.h"
#include "shm/pair.h"
#include "shm/word.h"
#include "specimen.h"

#define PARAMS	3
#define PIECE	64
#define BATCH	12

static enum shm_status
put(struct arena *a, unsigned key)
{
	struct pair p = { specimen_key(key), specimen_key(key), 0 };

	return pair_put(a, specimen_bucket(0), &p, NULL);
}

static enum shm_status
die_adding(struct arena *a)
{
	return put(a, 9999);
}

static enum shm_status
die_replacing(struct arena *a)
{
	return put(a, 0);
}

static enum shm_status
die_deleting(struct arena *a)
{
	return pair_delete(a, specimen_bucket(0), specimen_key(20));
}

static enum shm_status
die_creating(struct arena *a)
{
	/* Of the same shard as the others. */
	return bucket_create(a, (struct bytes){ "{b0}", 4 });
}

static enum shm_status
die_dropping(struct arena *a)
{
	return bucket_drop(a, specimen_bucket(0));
}

static enum shm_status
die_in_a_batch(struct arena *a)
{
	static const char keys[] = "a key more in a batch";
	struct pair pairs[BATCH];
	unsigned i;

	for (i = 0; i < BATCH; i++)
		pairs[i] = (struct pair){
			.key = { keys + i, 3 + i % 3 }, .value = { keys, i }
		};
	return pair_put_many(a, specimen_bucket(0), pairs, BATCH);
}

static enum shm_status (*const deaths[])(struct arena *) = {
	die_adding, die_replacing, die_deleting, die_creating, die_dropping,
	die_in_a_batch
};
#define DEATHS	(sizeof(deaths) / sizeof(deaths[0]))

/* The arenas as the changes leave them. */
static uint8_t *images[SPECIMEN_SHAPES][DEATHS];

static struct shard *
shard_of(const struct arena *a)
{
	return &a->shards[arena_shard_of(a, specimen_bucket(0))];
}

static uint64_t
word_before(const struct specimen *s, arena_off off)
{
	uint64_t value;

	memcpy(&value, s->image + off, sizeof(value));
	return value;
}

/* Its words from the n-th on have not been stored yet. */
static void
undo_from(const struct specimen *s, struct intent *in, uint64_t n)
{
	uint64_t i, off;

	for (i = n; i < word_peek(&in->npairs); i++) {
		off = word_peek(&in->pairs[i].off);
		word_store(arena_at(s->a, off), word_before(s, off));
	}
	for (i = 0; i < word_peek(&in->nguards); i++)
		word_store(arena_at(s->a, word_peek(&in->guards[i].off)),
		    word_peek(&in->guards[i].value) - 1);
	word_store(&in->state, INTENT_COMMITTED);
}

/* The batch has been opened, and of its records none published. */
static void
undo_batch(const struct specimen *s, const uint8_t *image)
{
	struct shard *sh = shard_of(s->a);
	arena_off from = word_peek(&sh->hot_pos), end;

	memcpy(&end, image + arena_off_of(s->a, &sh->hot_pos), sizeof(end));
	memcpy(arena_at(s->a, from), image + from, end - from);
	word_store(&sh->batch_end, end);
	word_store(&sh->version, word_peek(&sh->version) | 1);
}

/* The word of a lock that the kernel knows, after a death. */
static void
bury(struct shard *sh)
{
	static const uint32_t dead = FUTEX_OWNER_DIED;

	memcpy(&sh->lock, &dead, sizeof(dead));
}

static const uint8_t *
image_of(struct specimen *s, unsigned shape, unsigned death)
{
	uint8_t **image = &images[shape][death];

	if (*image != NULL)
		return *image;
	specimen_restore(s);
	/* Some find that there is no room. */
	(void)deaths[death](s->a);
	must((*image = malloc(s->a->size_bytes)) != NULL);
	memcpy(*image, s->a->base, s->a->size_bytes);
	return *image;
}

static void
die(struct specimen *s, const uint8_t params[PARAMS])
{
	unsigned death = params[1] % DEATHS;
	const uint8_t *image = image_of(s, params[0] % SPECIMEN_SHAPES,
	    death);
	struct shard *sh = shard_of(s->a);

	if (deaths[death] == die_in_a_batch) {
		specimen_restore(s);
		undo_batch(s, image);
	} else {
		memcpy(s->a->base, image, s->a->size_bytes);
		undo_from(s, &sh->intent, params[2]);
	}
	bury(sh);
}

static void
come_next(struct arena *a, bool damaged)
{
	struct held h;

	if (lock_shard(a, arena_shard_of(a, specimen_bucket(0)), &h) !=
	    LOCK_POISONED)
		lock_release(&h);
	else
		must(damaged);
	must(damaged || exercise_audit(a, AUDIT_WHOLE) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	bool damaged = len >= PARAMS + DAMAGE_EDIT;
	struct specimen *s;
	uint64_t errors;

	if (len < PARAMS)
		return 0;
	s = specimen_get(bytes[0] % SPECIMEN_SHAPES);
	die(s, bytes);
	damage(s->a, s->map, bytes + PARAMS, len - PARAMS);
	come_next(s->a, damaged);
	errors = exercise_audit(s->a, AUDIT_WHOLE);
	(void)exercise_audit(s->a, PIECE);
	exercise_reads(s->a);
	exercise_changes(s->a);
	must(exercise_audit(s->a, AUDIT_WHOLE) == 0 || errors > 0);
	return 0;
}
