/*
 * Plain changes, executed.  Those of one shard are made as one run, under one
 * lock; what cannot be done so is made alone, and if that did not happen either
 * it is tried again, and answered, by the command itself.
 */

#include "proto/reply.h"
#include "proto/resp_reply.h"
#include "server/conn_state.h"

static void
answer_change(struct outbuf *out, enum plain_kind kind, bool is_new)
{
	if (kind == PLAIN_PUT)
		reply_ok(out);
	else if (kind == PLAIN_STRING_SET)
		resp_put_ok(out);
	else
		resp_put_integer(out, is_new);
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

	board_set_fingerprint(set->env->inherit->arena, set->slot,
	    command_fingerprint_of(r->plain.argv, r->plain.argc));
	if (store_set(set->env->store, r->ahead.in.shard, r->ahead.in.name,
	    &pair, &done) != SHM_OK)
		return false;
	answer_change(&conn->out, r->plain.kind, done.is_new);
	return true;
}

/* Word by word, for a step that is assigned is cleared beforehand. */
static void
write_step(struct pair_step *step, const struct batch_request *r)
{
	const struct slice *value = &r->plain.argv[r->plain.argc - 1];

	step->bucket = r->ahead.in.name;
	step->pair.key = r->ahead.key;
	step->pair.value = (struct bytes){ value->data, value->len };
	step->pair.expires_ms = 0;
	step->ahead = &r->ahead;
	step->replace = r->plain.kind == PLAIN_STRING_SET;
	step->fingerprint = command_fingerprint_of(r->plain.argv,
	    r->plain.argc);
}

/* n > 0 */
static size_t
change_some(const struct conns *set, struct conn *conn,
    const struct batch_request *r, size_t n)
{
	struct pair_step steps[PAIR_RUN_MAX];
	size_t i = 0;

	do
		write_step(&steps[i], &r[i]);
	while (++i < n);
	/* Until the lock is there; then each shows its own. */
	board_set_fingerprint(set->env->inherit->arena, set->slot,
	    steps[0].fingerprint);
	n = store_set_run(set->env->store, r->ahead.in.shard, set->slot,
	    steps, n);
	for (i = 0; i < n; i++)
		answer_change(&conn->out, r[i].plain.kind, steps[i].is_new);
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
