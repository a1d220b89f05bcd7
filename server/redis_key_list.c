/*
 * KEYS, and BUCKETS: all names in one reply.
 *
 * The length of a list comes first, so it is made aside, in pieces between
 * which others have their turns.
 */

#include <stdlib.h>

#include "server/redis_every.h"
#include "server/redis_walk.h"

#define NODE_BYTES	((size_t)64 * 1024)	/* what a frame has room for */

struct keys {
	struct walk		walk;
	struct found		found;
	enum resp_version	version;
};

static void
end_keys(void *own)
{
	struct keys *keys = own;

	walk_end(&keys->walk);
	outbuf_free(&keys->found.names);
	free(keys);
}

static bool
next_keys(struct stream *stream, struct store *store, struct outbuf *out)
{
	struct keys *keys = stream->own;
	enum shm_status status;

	(void)store;
	status = walk_collect(&keys->walk, SIZE_MAX, WALK_PIECE_BYTES,
	    &keys->found);
	if (status == SHM_OK &&
	    outbuf_len(&keys->found.names) <= WALK_NAMES_MAX &&
	    !walk_is_over(&keys->walk))
		return true;
	if (status != SHM_OK)
		resp_put_error(out, "ERR", "%s", shm_strstatus(status));
	else if (outbuf_len(&keys->found.names) > WALK_NAMES_MAX)
		resp_put_error(out, "ERR", WALK_TOO_MANY);
	else
		walk_reply(out, keys->version, &keys->found);
	return false;
}

/* Of KEYS those that match, of BUCKETS all that are no strings. */
static bool
begin(struct call *call, struct walk *w)
{
	walk_begin(w, call->env);
	if (call->req->argc > 1)
		return walk_set_pattern(w, call, call->req->argv[1]);
	w->only = REDIS_HASH;
	return true;
}

static void
run_names(struct call *call)
{
	struct keys *keys = calloc(1, sizeof(*keys));

	if (keys == NULL) {
		redis_store_error(call, SHM_FULL);
		return;
	}
	keys->version = redis_version(call);
	outbuf_init(&keys->found.names);
	if (!begin(call, &keys->walk)) {
		end_keys(keys);
		return;
	}
	stream_begin(call->stream, call->req, next_keys);
	call->stream->own = keys;
	call->stream->release = end_keys;
	call->stream->slow = true;
	call->next = CALL_STREAM;
}

void
redis_run_keys(struct call *call)
{
	run_names(call);
}

void
redis_run_buckets(struct call *call)
{
	run_names(call);
}

void
every_names(struct call *call, uint64_t *place)
{
	struct found found = { .n = 0 };
	enum shm_status status;
	struct walk w;

	if (!begin(call, &w))
		return;
	outbuf_init(&found.names);
	walk_set_place(&w, *place);
	status = walk_collect(&w, SIZE_MAX, NODE_BYTES, &found);
	if (status != SHM_OK)
		redis_store_error(call, status);
	else if (found.n > 0)
		outbuf_append(call->out, found.names.data + found.names.head,
		    outbuf_len(&found.names));
	call->out->failed |= found.names.failed;
	*place = walk_place(&w);
	outbuf_free(&found.names);
	walk_end(&w);
}
