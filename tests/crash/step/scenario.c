/*
 * States and candidates, by the names that scenarios.def calls them.  All of
 * it happens in shard 0; bucket 20 is there to be left alone in shard 1.
 */

#include "scenario.h"

#include <string.h>

#include "image.h"
#include "must.h"
#include "shm/handle.h"
#include "shm/record.h"
#include "shm/segment.h"
#include "shm/word.h"

#define CANDIDATES_MAX	4000
#define VALUE		8U	/* bytes of an ordinary value */
#define LARGE		700U
#define AUTO		18U	/* the bucket of model_script() */

static struct op
put_op(unsigned bucket, unsigned key, uint32_t size)
{
	return (struct op){
		.kind = OP_PUT, .bucket = bucket, .key = key, .size = size
	};
}

static struct op
op_on(enum op_kind kind, unsigned bucket)
{
	return (struct op){ .kind = kind, .bucket = bucket };
}

static unsigned
first_key(const struct world *w, unsigned bucket, bool there)
{
	unsigned k;

	/* From 1 on: the empty key has its own scenario. */
	for (k = 1; k < model_keys(bucket); k++)
		if (model_peek(&w->m, bucket, k)->there == there)
			return k;
	must(false, "no such key in bucket %u", bucket);
	return 0;
}

static unsigned
first_bucket(const struct world *w, bool there)
{
	unsigned b;

	for (b = 0; b < MODEL_OTHER_SHARD; b++)
		if (w->m.buckets[b].there == there)
			return b;
	must(false, "no such bucket");
	return 0;
}

/* Bytes left behind the hot head. */
static uint64_t
hot_left(const struct world *w)
{
	const struct shard *sh = &w->a->shards[0];

	return arena_segment_base(w->a, word_peek(&sh->hot_segment)) -
	    word_peek(&sh->hot_pos);
}

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

/* --------------------------------------------------------------- states */

static void
unbacked(struct world *w)
{
	world_do(w, op_on(OP_CREATE, MODEL_OTHER_SHARD));
	world_do(w, put_op(MODEL_OTHER_SHARD, 1, WORLD_SEGMENT_FILLER));
	world_do(w, op_on(OP_CREATE, 0));
}

static void
nothing(struct world *w)
{
	world_do(w, (struct op){ .kind = OP_BACK, .n = 1000 });
	world_do(w, op_on(OP_CREATE, MODEL_OTHER_SHARD));
	world_do(w, put_op(MODEL_OTHER_SHARD, 1, WORLD_SEGMENT_FILLER));
}

static void
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

static void
one_key(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 1, VALUE);
}

static void
few_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 5, VALUE);
}

static void
eight_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 8, VALUE);
}

static void
twenty_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 20, VALUE);
}

static void
sixty_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 60, VALUE);
}

static void
many_keys(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 440, VALUE);
}

static void
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
static void
thinned(struct world *w)
{
	sixty_keys(w);
	delete_keys(w, 0, 50);
}

/* So are pages; and the next split needs one. */
static void
thinned_pages(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 1345, VALUE);
	delete_keys(w, 0, 970);
	put_keys(w, 0, 896 - (1345 - 970), VALUE);
}

static struct op
txn_op(enum script script, const struct world *w)
{
	return (struct op){
		.kind = OP_TXN, .n = script, .size = VALUE,
		.key = first_key(w, 0, false),
		.expires_ms = MODEL_NOW_MS - 1
	};
}

static void
six_buckets(struct world *w)
{
	unsigned b;

	few_keys(w);
	for (b = 5; b < 10; b++)
		world_do(w, op_on(OP_CREATE, b));
}

/* A bucket that goes with its last key. */
static void
with_auto(struct world *w)
{
	few_keys(w);
	world_do(w, txn_op(SCRIPT_SEVERAL, w));
}

static void
with_ghost(struct world *w)
{
	with_auto(w);
	world_do(w, txn_op(SCRIPT_EXPIRE, w));
}

static void
expired_pairs(struct world *w)
{
	struct op op = put_op(0, 0, VALUE);

	few_keys(w);
	op.expires_ms = MODEL_NOW_MS - 1;
	for (op.key = 1; op.key <= 5; op.key++)
		world_do(w, op);
}

/* And were set again. */
static void
expired_before(struct world *w)
{
	expired_pairs(w);
	put_keys(w, 0, 5, VALUE);
}

/* The bucket goes with them. */
static void
expired_auto(struct world *w)
{
	struct op op = put_op(AUTO, 0, VALUE);

	with_auto(w);
	op.expires_ms = MODEL_NOW_MS - 1;
	for (op.key = 1; op.key <= 2; op.key++)
		world_do(w, op);
}

static void
auto_of_one_key(struct world *w)
{
	with_auto(w);
	delete_keys(w, AUTO, 1);
}

static void
two_buckets(struct world *w)
{
	few_keys(w);
	world_do(w, op_on(OP_CREATE, 1));
	put_keys(w, 1, 3, VALUE);
}

static void
large_and_small(struct world *w)
{
	with_pages(w);
	world_do(w, op_on(OP_CREATE, 1));
	put_keys(w, 1, 3, VALUE);
}

/* So that the next split must find a segment for its lines. */
static void
lines_short(struct world *w)
{
	one_bucket(w);
	while (lines_left(w) == 0 || lines_left(w) > 40)
		world_do(w, put_op(0, first_key(w, 0, false), VALUE));
}

static void
many_buckets(struct world *w)
{
	unsigned b;

	twenty_keys(w);
	for (b = 1; b < 12; b++)
		world_do(w, op_on(OP_CREATE, b));
}

static void
small_dropped(struct world *w)
{
	two_buckets(w);
	world_do(w, op_on(OP_DROP, 1));
}

/* Of many lines with few keys: too many for one piece of cleaning. */
static void
large_dropped(struct world *w)
{
	small_dropped(w);
	put_keys(w, 0, 260, VALUE);
	delete_keys(w, 0, 130);
	world_do(w, op_on(OP_CREATE, 1));
	world_do(w, op_on(OP_DROP, 0));
}

static void
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

static void
garbage(struct world *w)
{
	few_keys(w);
	litter(w, 320, 1000, 0);
}

static void
sparse(struct world *w)
{
	few_keys(w);
	litter(w, 500, 5, 0);
}

static void
old_names(struct world *w)
{
	two_buckets(w);
	litter(w, 320, 1000, 0);
}

static void
old_ghost(struct world *w)
{
	with_ghost(w);
	litter(w, 320, 1000, 0);
}

static void
sparse_expired(struct world *w)
{
	few_keys(w);
	litter(w, 320, 6, MODEL_NOW_MS - 1);
}

static void
moved(struct world *w)
{
	unsigned i;

	sparse(w);
	for (i = 0; i < 10; i++)
		world_do(w, op_on(OP_CLEAN, 0));
}

static void
watched(struct world *w)
{
	few_keys(w);
	world_do(w, op_on(OP_WATCH, 0));
}

static void
nothing_watched(struct world *w)
{
	nothing(w);
	world_do(w, op_on(OP_WATCH, 0));
}

/* Messages in some segments, for nobody any more. */
static void
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

static void
nearly_full(struct world *w)
{
	few_keys(w);
	fill(w, LARGE, 1);
}

static void
full(struct world *w)
{
	few_keys(w);
	fill(w, LARGE, 0);
}

static void
full_watched(struct world *w)
{
	watched(w);
	fill(w, LARGE, 0);
}

static void
full_with_auto(struct world *w)
{
	with_auto(w);
	fill(w, LARGE, 0);
}

static void
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

static void
full_small(struct world *w)
{
	one_bucket(w);
	put_keys(w, 0, 400, VALUE);
	fill(w, 300, 0);
}

static void
full_of_garbage(struct world *w)
{
	twenty_keys(w);
	fill(w, LARGE, 2);
	litter(w, 125, 1000, 0);
}

/* ----------------------------------------------------------- candidates */

static struct op
next_create(const struct world *w, unsigned i)
{
	(void)i;
	return op_on(OP_CREATE, first_bucket(w, false));
}

static struct op
same_create(const struct world *w, unsigned i)
{
	(void)i;
	return op_on(OP_CREATE, first_bucket(w, true));
}

static struct op
next_key(const struct world *w, unsigned i)
{
	(void)i;
	return put_op(0, first_key(w, 0, false), VALUE);
}

/* Overwrite with the smallest records until the next change must open a
 * segment, which is then `last`. */
static struct op
at_the_end(const struct world *w, struct op last)
{
	return hot_left(w) >= record_size(4, 1, false) ? put_op(0, 1, 1) :
	    last;
}

static struct op
create_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, next_create(w, i));
}

static struct op
over_equal(const struct world *w, unsigned i)
{
	(void)w;
	return put_op(0, 1 + i % 5, VALUE);
}

static struct op
over_longer(const struct world *w, unsigned i)
{
	(void)w;
	return put_op(0, 1 + i % 5, VALUE / 2);
}

static struct op
over_shorter(const struct world *w, unsigned i)
{
	(void)w;
	return put_op(0, 1 + i % 5, 100);
}

static struct op
over_some(const struct world *w, unsigned i)
{
	(void)w;
	return put_op(0, 1 + i % 15, 60);
}

static struct op
empty_pair(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return put_op(0, 0, 0);
}

static struct op
large_value(const struct world *w, unsigned i)
{
	struct op op = next_key(w, i);

	op.size = 2500;
	return op;
}

static struct op
next_large_key(const struct world *w, unsigned i)
{
	struct op op = next_key(w, i);

	op.size = LARGE;
	return op;
}

static struct op
lasting_pair(const struct world *w, unsigned i)
{
	struct op op = next_key(w, i);

	op.expires_ms = MODEL_NOW_MS + 1000;
	return op;
}

static struct op
missing_bucket(const struct world *w, unsigned i)
{
	(void)i;
	return put_op(first_bucket(w, false), 1, VALUE);
}

static struct op
next_delete(const struct world *w, unsigned i)
{
	struct op op = op_on(OP_DELETE, 0);

	(void)i;
	op.key = first_key(w, 0, true);
	return op;
}

static struct op
delete_of_auto(const struct world *w, unsigned i)
{
	struct op op = op_on(OP_DELETE, AUTO);

	(void)i;
	op.key = first_key(w, AUTO, true);
	return op;
}

static struct op
missing_key(const struct world *w, unsigned i)
{
	struct op op = next_key(w, i);

	op.kind = OP_DELETE;
	return op;
}

static struct op
delete_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, next_delete(w, i));
}

static struct op
next_drop(const struct world *w, unsigned i)
{
	unsigned b = MODEL_OTHER_SHARD - 1;

	(void)i;
	while (b > 0 && !w->m.buckets[b].there)
		b--;
	return op_on(OP_DROP, b);
}

static struct op
drop_first(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_DROP, 0);
}

static struct op
drop_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, next_drop(w, i));
}

static struct op
missing_drop(const struct world *w, unsigned i)
{
	(void)i;
	return op_on(OP_DROP, first_bucket(w, false));
}

static struct op
batch(unsigned key, unsigned n, uint32_t size)
{
	return (struct op){
		.kind = OP_PUT_MANY, .key = key, .n = n, .size = size
	};
}

static struct op
batch_of_3(const struct world *w, unsigned i)
{
	return batch(next_key(w, i).key, 3, VALUE);
}

static struct op
batch_of_9(const struct world *w, unsigned i)
{
	return batch(next_key(w, i).key, 9, VALUE);
}

static struct op
batch_of_30(const struct world *w, unsigned i)
{
	return batch(next_key(w, i).key, 30, VALUE);
}

static struct op
batch_over(const struct world *w, unsigned i)
{
	(void)w;
	return batch(3 + i % 3, 12, 30);
}

static struct op
batch_of_old(const struct world *w, unsigned i)
{
	(void)w;
	return batch(1 + i % 3, 3, VALUE);
}

static struct op
batch_that_repeats(const struct world *w, unsigned i)
{
	struct op op = batch(4, 13, VALUE);

	(void)w;
	(void)i;
	op.distinct = 5;
	return op;
}

static struct op
batch_with_an_expiry(const struct world *w, unsigned i)
{
	struct op op = batch_of_3(w, i);

	op.expires_ms = MODEL_NOW_MS + 1000;
	return op;
}

static struct op
batch_too_large(const struct world *w, unsigned i)
{
	return batch(next_key(w, i).key, 64, 64);
}

static struct op
several(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_SEVERAL, w);
}

static struct op
several_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, several(w, i));
}

static struct op
renew(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_RENEW, w);
}

static struct op
last_keys(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_LAST_KEYS, w);
}

static struct op
expire_before(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_EXPIRE, w);
}

static struct op
expire_later(const struct world *w, unsigned i)
{
	struct op op = expire_before(w, i);

	op.expires_ms = MODEL_NOW_MS + 1000;
	return op;
}

static struct op
make(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_MAKE, w);
}

static struct op
create_of_auto(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_CREATE, AUTO);
}

static struct op
for_nothing(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_FOR_NOTHING, w);
}

static struct op
stay(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_STAY, w);
}

static struct op
clean(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_CLEAN, 0);
}

static struct op
sweep(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_SWEEP, 0);
}

static struct op
sweep_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, sweep(w, i));
}

static struct op
back(const struct world *w, unsigned i)
{
	(void)i;
	return (struct op){
		.kind = OP_BACK, .n = (unsigned)segment_count_free(w->a) + 2
	};
}

static struct op
say(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return (struct op){ .kind = OP_SAY, .size = VALUE };
}

static struct op
say_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, say(w, i));
}

static struct op
say_much(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return (struct op){ .kind = OP_SAY, .size = LARGE };
}

static struct op
watch(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_WATCH, 0);
}

static struct op
unwatch(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_UNWATCH, 0);
}

/* ------------------------------------------------------------ the search */

const struct scenario scenarios[SCENARIOS] = {
#define SCENARIO(name, segments, bytes, prepare, kind, candidate, happens, \
    never) { #name, segments, bytes, prepare, kind, candidate, happens, never },
#include "scenarios.def"
#undef SCENARIO
};

static void
look(const struct world *w, struct facts_of_arena *f)
{
	const char *wrong = facts_take(w, f);

	must(wrong == NULL, "before any kill: %s", wrong);
}

/* Is this the one?  If so, the world is as it was before. */
static bool
is_found(const struct scenario *s, struct world *w, const struct op *op,
    enum shm_status *status, struct model *after)
{
	static struct facts_of_arena before, now;
	static struct model old;
	static uint8_t *image;
	const char *wrong;
	uint32_t happened;

	if (image == NULL)
		image = image_new(w->a);
	look(w, &before);
	old = w->m;
	image_take(w->a, image);
	wrong = world_try(w, op, status);
	must(wrong == NULL, "before any kill: %s", wrong);
	look(w, &now);
	wrong = model_compare(&w->m, w->a);
	must(wrong == NULL, "before any kill: %s", wrong);
	happened = facts_between(&before, &now, *status);
	if (op->kind != s->kind || (happened & s->happens) != s->happens ||
	    (happened & s->never) != 0)
		return false;
	*after = w->m;
	w->m = old;
	image_put(w->a, image);
	return true;
}

/*
 * The same can be done in several ways: a set is a put that looks first, a run
 * is a batch of them.
 */
static bool
is_way_of(enum op_kind way, enum op_kind kind)
{
	return (kind == OP_PUT && (way == OP_SET || way == OP_EDIT)) ||
	    (kind == OP_PUT_MANY && way == OP_SET_RUN) ||
	    (kind == OP_DELETE && way == OP_EDIT_AWAY);
}

void
scenario_begin(const struct scenario *s, struct world *w, struct op *op,
    enum shm_status *status, struct model *after)
{
	unsigned i;

	world_make(w, s->segments, s->segment_bytes);
	s->prepare(w);
	for (i = 0; i < CANDIDATES_MAX; i++) {
		*op = s->candidate(w, i);
		if (is_way_of(s->kind, op->kind))
			op->kind = s->kind;
		world_follow(w);
		if (is_found(s, w, op, status, after))
			return;
	}
	must(false, "nothing does what the scenario is about");
}
