/*
 * Plain changes, executed.  Those of one shard are made as one run, under one
 * lock; what cannot be done so is made alone, and if that did not happen either
 * it is tried again, and answered, by the command itself.
 */

#include "proto/reply.h"
#include "proto/resp_reply.h"
#include "server/conn_state.h"
#include "server/redis_string.h"

static void
answer_change(struct outbuf *out, enum plain_kind kind, int64_t number)
{
	if (kind == PLAIN_PUT)
		reply_ok(out);
	else if (kind == PLAIN_STRING_SET)
		resp_put_ok(out);
	else
		resp_put_integer(out, number);
}

static struct pair
pair_of(const struct batch_request *r)
{
	const struct slice *value = &r->plain.argv[r->plain.argc - 1];

	return (struct pair){
		.key = r->ahead.key, .value = { value->data, value->len }
	};
}

static bool
change_one(const struct conns *set, struct conn *conn,
    const struct batch_request *r)
{
	const struct pair pair = pair_of(r);
	struct pair_set done = {
		.replace = r->plain.kind == PLAIN_STRING_SET
	};

	if (r->plain.kind == PLAIN_STRING_INCR)
		return false;
	board_set_fingerprint(set->env->inherit->arena, set->slot,
	    batch_fingerprint(r));
	if (store_set(set->env->store, r->ahead.in.shard, r->ahead.in.name,
	    &pair, &done) != SHM_OK)
		return false;
	answer_change(&conn->out, r->plain.kind, done.is_new);
	return true;
}

/* What it shall be: said, or one more. */
static void
write_value(struct pair_step *step, const struct batch_request *r,
    struct string_add *add)
{
	const struct slice *value = &r->plain.argv[r->plain.argc - 1];

	if (r->plain.kind != PLAIN_STRING_INCR) {
		step->pair.value = (struct bytes){ value->data, value->len };
		step->edit = NULL;
		return;
	}
	string_add_init(add, 1);
	step->pair.value = (struct bytes){ add->text, sizeof(add->text) };
	step->edit = &add->edit.pair;
}

/* Word by word, for a step that is assigned is cleared beforehand. */
static void
write_step(struct pair_step *step, const struct batch_request *r,
    struct string_add *add)
{
	step->bucket = r->ahead.in.name;
	step->pair.key = r->ahead.key;
	write_value(step, r, add);
	step->pair.expires_ms = 0;
	step->ahead = &r->ahead;
	step->replace = r->plain.kind == PLAIN_STRING_SET;
	step->fingerprint = batch_fingerprint(r);
}

/* The sum, or how many keys are new. */
static int64_t
number_of(const struct pair_step *step)
{
	const struct string_add *add;

	if (step->edit == NULL)
		return step->is_new;
	add = step->edit->arg;
	return add->number;
}

/* n > 0 */
static size_t
change_some(const struct conns *set, struct conn *conn,
    const struct batch_request *r, size_t n)
{
	struct pair_step steps[PAIR_RUN_MAX];
	struct string_add adds[PAIR_RUN_MAX];
	size_t i = 0;

	do
		write_step(&steps[i], &r[i], &adds[i]);
	while (++i < n);
	/* Until the lock is there; then each shows its own. */
	board_set_fingerprint(set->env->inherit->arena, set->slot,
	    steps[0].fingerprint);
	n = store_set_run(set->env->store, r->ahead.in.shard, set->slot,
	    steps, n);
	for (i = 0; i < n; i++)
		answer_change(&conn->out, r[i].plain.kind,
		    number_of(&steps[i]));
	return n;
}

size_t
conn_run_changes(struct conns *set, struct conn *conn,
    const struct batch_request *r, size_t n)
{
	size_t done = change_some(set, conn, r, n < PAIR_RUN_MAX ? n :
	    PAIR_RUN_MAX);

	return done > 0 ? done : change_one(set, conn, r);
}
