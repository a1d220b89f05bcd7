/*
 * Several strings in one request: MGET, MSET, MSETNX.
 */

#include <stdlib.h>

#include "server/event.h"
#include "server/redis_string.h"

/* What a reply may be, for all of it is there before any is sent. */
#define MGET_BYTES	((size_t)64 * 1024 * 1024)

/* --- MGET --- */

/*
 * Values of one shard are copied at one moment, and kept until those of the
 * other shards are there too; then they are put in order.
 */
struct value {
	struct slice	copy;		/* of no data: there is none */
	size_t		at;		/* in bytes */
};

struct mget {
	struct value	*values;	/* by word */
	struct outbuf	 bytes;
};

static enum shm_status
get_part(struct txn *t, void *arg)
{
	struct redis_part *part = arg;
	struct mget *m = part->arg;
	size_t i, size = outbuf_len(&m->bytes);
	struct redis_found found;
	enum shm_status status;

	for (i = part->first; i != 0; i = part->next[i]) {
		status = redis_find_in(t, redis_bytes(part->argv[i]), &found);
		if (status != SHM_OK)
			return status;
		m->values[i].copy.data = NULL;
		if (found.type != REDIS_STRING)
			continue;
		if ((size += found.string.value.len) > MGET_BYTES)
			return SHM_BATCH_SIZE;
		m->values[i].copy.len = found.string.value.len;
		m->values[i].copy.data = txn_keep(t, found.string.value.data,
		    found.string.value.len);
		if (m->values[i].copy.data == NULL)
			return SHM_NO_ROOM;
	}
	return SHM_NO_KEY;	/* nothing has changed */
}

static void
gather(struct redis_part *part)
{
	struct mget *m = part->arg;
	struct value *value;
	size_t i;

	for (i = part->first; i != 0; i = part->next[i]) {
		value = &m->values[i];
		value->at = outbuf_len(&m->bytes);
		if (value->copy.data != NULL)
			outbuf_append(&m->bytes, value->copy.data,
			    value->copy.len);
	}
}

static void
reply_values(struct call *call, const struct mget *m)
{
	size_t i, argc = call->req->argc;
	struct slice value;

	resp_put_list(call->out, redis_version(call), RESP_ARRAY, argc - 1);
	for (i = 1; i < argc; i++) {
		value = m->values[i].copy;
		if (value.len > 0)
			value.data = m->bytes.data + m->bytes.head +
			    m->values[i].at;
		string_reply(call, value);
	}
}

void
redis_run_mget(struct call *call)
{
	struct mget m = {
		.values = calloc(call->req->argc, sizeof(*m.values))
	};
	const struct redis_visit visit = {
		.step = 1, .op = get_part, .after = gather, .arg = &m
	};
	int64_t total;

	outbuf_init(&m.bytes);
	/* So that no value, be it empty, is at no address. */
	if (m.values == NULL || outbuf_reserve(&m.bytes, 1) == NULL)
		redis_store_error(call, SHM_FULL);
	else if (redis_each_shard(call, &visit, &total))
		reply_values(call, &m);
	call->out->failed |= m.bytes.failed;
	outbuf_free(&m.bytes);
	free(m.values);
}

/* --- MSET, MSETNX --- */

static enum shm_status
set_part(struct txn *t, void *arg)
{
	struct redis_part *part = arg;
	struct redis_found found;
	enum shm_status status = SHM_OK;
	struct bytes name;
	size_t i;

	for (i = part->first; i != 0 && status == SHM_OK; i = part->next[i]) {
		name = redis_bytes(part->argv[i]);
		if ((status = redis_find_in(t, name, &found)) != SHM_OK)
			break;
		txn_because(t, EVENT_SET);
		if (found.type == REDIS_HASH)
			status = redis_remove(t, name, &found);
		if (status == SHM_OK)
			status = redis_put(t, name,
			    redis_bytes(part->argv[i + 1]), 0);
	}
	return status;
}

/* If they are as many as one run does, and none is a hash or has expired. */
static bool
set_over(const struct call *call, uint32_t shard,
    const struct redis_part *part)
{
	struct pair_step steps[PAIR_RUN_MAX], *step;
	size_t i, n = 0;

	for (i = part->first; i != 0; i = part->next[i]) {
		if (n == PAIR_RUN_MAX)
			return false;
		step = &steps[n++];
		step->bucket = REDIS_STRINGS;
		step->pair.key = redis_bytes(part->argv[i]);
		step->pair.value = redis_bytes(part->argv[i + 1]);
		step->pair.expires_ms = 0;
		step->ahead = NULL;
		step->edit = NULL;
		step->replace = true;
	}
	return store_set_all(call->env->store, shard,
	    call->env->inherit->slot, steps, n);
}

static bool
set_quickly(const struct call *call, uint32_t shard, struct redis_part *part)
{
	const struct slice *pair = part->argv + part->first;

	return part->next[part->first] == 0 ?
	    string_set(call, shard, pair[0], pair[1]) :
	    set_over(call, shard, part);
}

void
redis_run_mset(struct call *call)
{
	const struct redis_visit visit = {
		.step = 2, .op = set_part, .quick = set_quickly
	};
	int64_t total;

	if (call->req->argc % 2 == 0)
		redis_wrong_arity(call);
	else if (redis_each_shard(call, &visit, &total))
		redis_ok(call);
}

static enum shm_status
set_part_if_new(struct txn *t, void *arg)
{
	struct redis_part *part = arg;
	struct redis_found found;
	enum shm_status status;
	size_t i;

	for (i = part->first; i != 0; i = part->next[i]) {
		status = redis_find_in(t, redis_bytes(part->argv[i]), &found);
		if (status != SHM_OK)
			return status;
		if (found.type != REDIS_NONE)
			return SHM_NO_KEY;
	}
	part->count = 1;
	return set_part(t, arg);
}

/* All or nothing, so all in one place. */
void
redis_run_msetnx(struct call *call)
{
	const struct redis_visit visit = {
		.step = 2, .op = set_part_if_new
	};
	size_t argc = call->req->argc;
	int64_t done;

	if (argc % 2 == 0)
		redis_wrong_arity(call);
	else if (redis_in_one_shard(call, argc - 2, 2) &&
	    redis_each_shard(call, &visit, &done))
		resp_put_integer(call->out, done);
}
