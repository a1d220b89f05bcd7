/*
 * WATCH: names are remembered by what they are at, and EXEC compares.
 *
 * That is a stamp, made of the revision of the last change, of which there
 * are no two in a shard, and of the arena that counts them: a node may begin
 * anew with an empty one, while a client of another node still watches.
 *
 * Who has the names is asked for their stamps, which are then remembered
 * where the client is; so a node keeps nothing for the clients of others.
 * A name that is watched twice is remembered twice, which says the same.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/little.h"
#include "server/redis_multi_state.h"
#include "shm/hash.h"

#define STAMP_BYTES	8
#define WATCHED_MAX	16384

/* Any key will do, if it is the same in all workers. */
static const uint64_t hash_seed[2] = {
	0x6b76642d77617463, 0x682d7374616d7000
};

static uint64_t
revision_of(const struct command_env *env, struct slice name)
{
	struct pair_facts string;
	struct bucket_stat stat;
	enum shm_status status;

	if (store_stat(env->store, name, &stat) == SHM_OK)
		return stat.revision;
	status = store_look(env->store, arena_shard_of(env->store->arena,
	    redis_bytes(name)), REDIS_STRINGS, redis_bytes(name), NULL, 0,
	    &string);
	return status == SHM_OK || status == SHM_NO_ROOM ? string.revision : 0;
}

uint64_t
watch_stamp(const struct command_env *env, struct slice name)
{
	const char *uuid = arena_uuid(env->store->arena);
	uint64_t revision = revision_of(env, name);

	return revision == 0 ? 0 :
	    revision ^ hash_keyed(hash_seed, uuid, strlen(uuid));
}

bool
watch_holds(const struct command_env *env, const struct multi *m)
{
	const struct watched *w;

	TAILQ_FOREACH(w, &m->watched, next)
		if (watch_stamp(env, w->name) != w->stamp)
			return false;
	return true;
}

bool
watch_add(struct multi *m, struct slice name, uint64_t stamp)
{
	size_t size = sizeof(struct watched) + name.len;
	struct watched *w = NULL;

	if (m->n_watched < WATCHED_MAX &&
	    size <= MULTI_BYTES - m->watched_bytes)
		w = malloc(size);
	if (w == NULL)
		return false;
	w->stamp = stamp;
	w->name = (struct slice){ (const uint8_t *)(w + 1), name.len };
	if (name.len > 0)
		memcpy(w + 1, name.data, name.len);
	TAILQ_INSERT_TAIL(&m->watched, w, next);
	m->watched_bytes += size;
	m->n_watched++;
	return true;
}

/* A node asks for its client. */
static void
reply_stamps(struct call *call)
{
	const struct request *req = call->req;
	size_t i, len = (req->argc - 1) * STAMP_BYTES;
	uint8_t *to = outbuf_reserve(call->out, len);

	if (to == NULL)
		return;
	for (i = 1; i < req->argc; i++)
		to = little_put(to, watch_stamp(call->env, req->argv[i]),
		    STAMP_BYTES);
	outbuf_commit(call->out, len);
}

/* What the owner has said, or what is so here. */
static void
watch(struct call *call, struct multi *m)
{
	const struct request *req = call->req;
	const uint8_t *from = m->answer;
	uint64_t stamp;
	size_t i;

	for (i = 1; i < req->argc; i++) {
		stamp = m->is_answered ? little_get(&from, STAMP_BYTES) :
		    watch_stamp(call->env, req->argv[i]);
		if (!watch_add(m, req->argv[i], stamp)) {
			redis_error(call, "ERR", "too many keys are watched");
			return;
		}
	}
	redis_ok(call);
}

void
redis_run_watch(struct call *call)
{
	struct multi *m;

	if (call->session == NULL) {
		reply_stamps(call);
		return;
	}
	if ((m = multi_of(call)) == NULL)
		return;
	if (m->open)
		redis_error(call, "ERR", "WATCH inside MULTI is not allowed");
	else if (m->is_answered &&
	    m->answer_len != (call->req->argc - 1) * STAMP_BYTES)
		redis_error(call, "UNAVAILABLE", "the answer of another node "
		    "makes no sense");
	else
		watch(call, m);
	multi_forget_answer(m);
}

/* In a queue this comes too late to matter. */
void
redis_run_unwatch(struct call *call)
{
	if (call->session->multi != NULL && !call->session->multi->open)
		multi_forget(call->session);
	redis_ok(call);
}
