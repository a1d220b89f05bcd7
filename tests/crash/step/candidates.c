/* Candidates, by the names that scenarios.def calls them. */

#include "ops.h"
#include "shm/handle.h"
#include "shm/record.h"
#include "shm/segment.h"
#include "shm/word.h"
#include "states.h"

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

struct op
next_create(const struct world *w, unsigned i)
{
	(void)i;
	return op_on(OP_CREATE, first_bucket(w, false));
}

struct op
same_create(const struct world *w, unsigned i)
{
	(void)i;
	return op_on(OP_CREATE, first_bucket(w, true));
}

struct op
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

struct op
create_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, next_create(w, i));
}

struct op
over_equal(const struct world *w, unsigned i)
{
	(void)w;
	return put_op(0, 1 + i % 5, VALUE);
}

struct op
over_longer(const struct world *w, unsigned i)
{
	(void)w;
	return put_op(0, 1 + i % 5, VALUE / 2);
}

struct op
over_shorter(const struct world *w, unsigned i)
{
	(void)w;
	return put_op(0, 1 + i % 5, 100);
}

struct op
over_some(const struct world *w, unsigned i)
{
	(void)w;
	return put_op(0, 1 + i % 15, 60);
}

struct op
empty_pair(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return put_op(0, 0, 0);
}

struct op
large_value(const struct world *w, unsigned i)
{
	struct op op = next_key(w, i);

	op.size = 2500;
	return op;
}

struct op
next_large_key(const struct world *w, unsigned i)
{
	struct op op = next_key(w, i);

	op.size = LARGE;
	return op;
}

struct op
lasting_pair(const struct world *w, unsigned i)
{
	struct op op = next_key(w, i);

	op.expires_ms = MODEL_NOW_MS + 1000;
	return op;
}

struct op
missing_bucket(const struct world *w, unsigned i)
{
	(void)i;
	return put_op(first_bucket(w, false), 1, VALUE);
}

struct op
next_delete(const struct world *w, unsigned i)
{
	struct op op = op_on(OP_DELETE, 0);

	(void)i;
	op.key = first_key(w, 0, true);
	return op;
}

struct op
delete_of_auto(const struct world *w, unsigned i)
{
	struct op op = op_on(OP_DELETE, AUTO);

	(void)i;
	op.key = first_key(w, AUTO, true);
	return op;
}

struct op
missing_key(const struct world *w, unsigned i)
{
	struct op op = next_key(w, i);

	op.kind = OP_DELETE;
	return op;
}

struct op
delete_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, next_delete(w, i));
}

struct op
next_drop(const struct world *w, unsigned i)
{
	unsigned b = MODEL_OTHER_SHARD - 1;

	(void)i;
	while (b > 0 && !w->m.buckets[b].there)
		b--;
	return op_on(OP_DROP, b);
}

struct op
drop_first(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_DROP, 0);
}

struct op
drop_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, next_drop(w, i));
}

struct op
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

struct op
batch_of_3(const struct world *w, unsigned i)
{
	return batch(next_key(w, i).key, 3, VALUE);
}

struct op
batch_of_9(const struct world *w, unsigned i)
{
	return batch(next_key(w, i).key, 9, VALUE);
}

struct op
batch_of_30(const struct world *w, unsigned i)
{
	return batch(next_key(w, i).key, 30, VALUE);
}

struct op
batch_over(const struct world *w, unsigned i)
{
	(void)w;
	return batch(3 + i % 3, 12, 30);
}

struct op
batch_of_old(const struct world *w, unsigned i)
{
	(void)w;
	return batch(1 + i % 3, 3, VALUE);
}

struct op
batch_that_repeats(const struct world *w, unsigned i)
{
	struct op op = batch(4, 13, VALUE);

	(void)w;
	(void)i;
	op.distinct = 5;
	return op;
}

struct op
batch_with_an_expiry(const struct world *w, unsigned i)
{
	struct op op = batch_of_3(w, i);

	op.expires_ms = MODEL_NOW_MS + 1000;
	return op;
}

struct op
batch_too_large(const struct world *w, unsigned i)
{
	return batch(next_key(w, i).key, 64, 64);
}

struct op
several(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_SEVERAL, w);
}

struct op
several_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, several(w, i));
}

struct op
renew(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_RENEW, w);
}

struct op
last_keys(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_LAST_KEYS, w);
}

struct op
expire_before(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_EXPIRE, w);
}

struct op
expire_later(const struct world *w, unsigned i)
{
	struct op op = expire_before(w, i);

	op.expires_ms = MODEL_NOW_MS + 1000;
	return op;
}

struct op
make(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_MAKE, w);
}

struct op
create_of_auto(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_CREATE, AUTO);
}

struct op
for_nothing(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_FOR_NOTHING, w);
}

struct op
stay(const struct world *w, unsigned i)
{
	(void)i;
	return txn_op(SCRIPT_STAY, w);
}

struct op
clean(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_CLEAN, 0);
}

struct op
sweep(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_SWEEP, 0);
}

struct op
sweep_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, sweep(w, i));
}

struct op
back(const struct world *w, unsigned i)
{
	(void)i;
	return (struct op){
		.kind = OP_BACK, .n = (unsigned)segment_count_free(w->a) + 2
	};
}

struct op
say(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return (struct op){ .kind = OP_SAY, .size = VALUE };
}

struct op
say_at_the_end(const struct world *w, unsigned i)
{
	return at_the_end(w, say(w, i));
}

struct op
say_much(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return (struct op){ .kind = OP_SAY, .size = LARGE };
}

struct op
watch(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_WATCH, 0);
}

struct op
unwatch(const struct world *w, unsigned i)
{
	(void)w;
	(void)i;
	return op_on(OP_UNWATCH, 0);
}
