/*
 * States, by the names that scenarios.def calls them.  All of it happens in
 * shard 0; bucket 20 is there to be left alone in shard 1.
 */

#include "states.h"

#include "ops.h"
#include "shm/handle.h"
#include "shm/segment.h"
#include "shm/word.h"

/* Units that are not in use in the segments of lines of shard 0. */
static uint64_t
lines_left(const struct world *w)
{
	uint64_t i, state, n = 0;

	for (i = 0; i < w->a->segments; i++) {
		state = word_peek(&w->a->table[i].state);
		if (segment_kind(state) == SEGMENT_LINES &&
		    segment_owner(state) == 0)
			n += w->a->segment_bytes / sizeof(struct line) -
			    word_peek(&w->a->table[i].live);
	}
	return n;
}

void
unbacked(struct world *w)
{
	world_do(w, op_on(OP_CREATE, MODEL_OTHER_SHARD));
	world_do(w, put_op(MODEL_OTHER_SHARD, 1, WORLD_SEGMENT_FILLER));
	world_do(w, op_on(OP_CREATE, 0));
}

void
nothing(struct world *w)
{
	world_do(w, (struct op){ .kind = OP_BACK, .n = 1000 });
	world_do(w, op_on(OP_CREATE, MODEL_OTHER_SHARD));
	world_do(w, put_op(MODEL_OTHER_SHARD, 1, WORLD_SEGMENT_FILLER));
}

void
one_bucket(struct world *w)
{
	nothing(w);
	world_do(w, op_on(OP_CREATE, 0));
}

static void
put_keys(struct world *w, unsigned bucket, unsigned n, uint32_t size)
{
	unsigned i;

	for (i = 1; i <= n; i++)
		world_do(w, put_op(bucket, i, size));
}

void
one_key(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 1, VALUE);
}

void
few_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 5, VALUE);
}

void
eight_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 8, VALUE);
}

void
twenty_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 20, VALUE);
}

void
sixty_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 60, VALUE);
}

void
many_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 440, VALUE);
}

void
with_pages(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 450, VALUE);
}

static void
delete_keys(struct world *w, unsigned bucket, unsigned n)
{
	struct op op = op_on(OP_DELETE, bucket);

	for (op.key = 1; op.key <= n; op.key++)
		world_do(w, op);
}

/* Lines that were in use are free, several in one list. */
void
thinned(struct world *w)
{
	sixty_keys(w);
	delete_keys(w, 0, 50);
}

/* So are pages; and the next split needs one. */
void
thinned_pages(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 1345, VALUE);
	delete_keys(w, 0, 970);
	put_keys(w, 0, 896 - (1345 - 970), VALUE);
}

void
six_buckets(struct world *w)
{
	unsigned b;

	few_keys(w);
	for (b = 5; b < 10; b++)
		world_do(w, op_on(OP_CREATE, b));
}

/* A bucket that goes with its last key. */
void
with_auto(struct world *w)
{
	few_keys(w);
	world_do(w, txn_op(SCRIPT_SEVERAL, w));
}

void
with_ghost(struct world *w)
{
	with_auto(w);
	world_do(w, txn_op(SCRIPT_EXPIRE, w));
}

void
expired_pairs(struct world *w)
{
	struct op op = put_op(0, 0, VALUE);

	few_keys(w);
	op.expires_ms = MODEL_NOW_MS - 1;
	for (op.key = 1; op.key <= 5; op.key++)
		world_do(w, op);
}

/* And were set again. */
void
expired_before(struct world *w)
{
	expired_pairs(w);
	put_keys(w, 0, 5, VALUE);
}

/* The bucket goes with them. */
void
expired_auto(struct world *w)
{
	struct op op = put_op(AUTO, 0, VALUE);

	with_auto(w);
	op.expires_ms = MODEL_NOW_MS - 1;
	for (op.key = 1; op.key <= 2; op.key++)
		world_do(w, op);
}

void
auto_of_one_key(struct world *w)
{
	with_auto(w);
	delete_keys(w, AUTO, 1);
}

void
two_buckets(struct world *w)
{
	few_keys(w);
	world_do(w, op_on(OP_CREATE, 1));
	put_keys(w, 1, 3, VALUE);
}

void
large_and_small(struct world *w)
{
	with_pages(w);
	world_do(w, op_on(OP_CREATE, 1));
	put_keys(w, 1, 3, VALUE);
}

/* So that the next split must find a segment for its lines. */
void
lines_short(struct world *w)
{
	one_bucket(w);
	while (lines_left(w) == 0 || lines_left(w) > 40)
		world_do(w, put_op(0, first_key(w, 0, false), VALUE));
}

void
many_buckets(struct world *w)
{
	unsigned b;

	twenty_keys(w);
	for (b = 1; b < 12; b++)
		world_do(w, op_on(OP_CREATE, b));
}

void
small_dropped(struct world *w)
{
	two_buckets(w);
	world_do(w, op_on(OP_DROP, 1));
}

/* Of many lines with few keys: too many for one piece of cleaning. */
void
large_dropped(struct world *w)
{
	small_dropped(w);
	put_keys(w, 0, 260, VALUE);
	delete_keys(w, 0, 130);
	world_do(w, op_on(OP_CREATE, 1));
	world_do(w, op_on(OP_DROP, 0));
}

void
last_dropped(struct world *w)
{
	twenty_keys(w);
	world_do(w, op_on(OP_DROP, 0));
}

/* Overwrite a few keys, and keep one in so many. */
static void
litter(struct world *w, unsigned n, unsigned keep_each, uint64_t expires_ms)
{
	struct op op = put_op(0, 0, VALUE);
	unsigned i, kept = 10;

	for (i = 1; i <= n; i++) {
		op.key = i % keep_each == 0 ? kept++ : 1 + i % 5;
		op.expires_ms = i % keep_each == 0 ? expires_ms : 0;
		world_do(w, op);
	}
}

void
garbage(struct world *w)
{
	few_keys(w);
	litter(w, 320, 1000, 0);
}

void
sparse(struct world *w)
{
	few_keys(w);
	litter(w, 500, 5, 0);
}

void
old_names(struct world *w)
{
	two_buckets(w);
	litter(w, 320, 1000, 0);
}

void
old_ghost(struct world *w)
{
	with_ghost(w);
	litter(w, 320, 1000, 0);
}

void
sparse_expired(struct world *w)
{
	few_keys(w);
	litter(w, 320, 6, MODEL_NOW_MS - 1);
}

void
moved(struct world *w)
{
	unsigned i;

	sparse(w);
	for (i = 0; i < 10; i++)
		world_do(w, op_on(OP_CLEAN, 0));
}

void
watched(struct world *w)
{
	few_keys(w);
	world_do(w, op_on(OP_WATCH, 0));
}

void
nothing_watched(struct world *w)
{
	nothing(w);
	world_do(w, op_on(OP_WATCH, 0));
}

/* Messages in some segments, for nobody any more. */
void
much_said(struct world *w)
{
	struct op op = { .kind = OP_SAY, .size = LARGE };
	unsigned i;

	watched(w);
	for (i = 0; i < 20; i++)
		world_do(w, op);
	world_do(w, op_on(OP_UNWATCH, 0));
}

/* Put new keys of that size into bucket 1 and others until that is refused,
 * or until only so many segments are free beyond the reserve. */
static void
fill(struct world *w, uint32_t size, unsigned leave)
{
	enum shm_status status = SHM_OK;
	const char *wrong;
	struct op op;
	unsigned b, k;

	for (b = 1; b < 19 && status == SHM_OK; b++) {
		op = op_on(OP_CREATE, b);
		wrong = world_try(w, &op, &status);
		must(wrong == NULL, "%s", wrong);
		for (k = 0; k < MODEL_KEYS && status == SHM_OK; k++) {
			if (leave > 0 && segment_count_free(w->a) <=
			    segment_reserve(w->a) + leave)
				return;
			op = put_op(b, k, size);
			wrong = world_try(w, &op, &status);
			must(wrong == NULL, "%s", wrong);
		}
	}
	must(leave == 0 && status == SHM_FULL, "the arena is too large");
}

void
nearly_full(struct world *w)
{
	few_keys(w);
	fill(w, LARGE, 1);
}

void
full(struct world *w)
{
	few_keys(w);
	fill(w, LARGE, 0);
}

void
full_watched(struct world *w)
{
	watched(w);
	fill(w, LARGE, 0);
}

void
full_with_auto(struct world *w)
{
	with_auto(w);
	fill(w, LARGE, 0);
}

void
full_and_short(struct world *w)
{
	enum shm_status status = SHM_OK;
	struct op op = put_op(0, 0, 2500);
	const char *wrong;

	lines_short(w);
	while (status == SHM_OK) {
		op.key++;
		wrong = world_try(w, &op, &status);
		must(wrong == NULL, "%s", wrong);
	}
}

void
full_small(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 400, VALUE);
	fill(w, 300, 0);
}

void
full_of_garbage(struct world *w)
{
	twenty_keys(w);
	fill(w, LARGE, 2);
	litter(w, 125, 1000, 0);
}

/* Free segments are few, and some hold garbage. */
void
hurried(struct world *w)
{
	sparse(w);
	fill(w, LARGE, 2);
	litter(w, 250, 1000, 0);
}
