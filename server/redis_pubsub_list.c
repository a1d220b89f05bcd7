/*
 * PUBSUB: what the clients of all workers of this node listen to.
 *
 * There are no channels of shards, so nobody listens to any.
 */

#include "proto/glob.h"
#include "server/redis_sub.h"
#include "server/roster.h"

static const struct roster *
roster_of(const struct call *call)
{
	return call->env->inherit->roster;
}

/* At most a pattern: Redis has words of its own for more. */
static bool
is_short(struct call *call)
{
	if (call->req->argc <= 3)
		return true;
	redis_sub_syntax_error(call);
	return false;
}

struct listing {
	struct call	*call;
	struct glob	*glob;		/* NULL: all */
	size_t		 n;
};

static void
put_channel(void *arg, struct slice name)
{
	struct listing *l = arg;

	if (l->glob != NULL && !glob_match(l->glob, name))
		return;
	resp_put_bulk(l->call->out, name);
	l->n++;
}

void
redis_run_pubsub_channels(struct call *call)
{
	struct listing l = { .call = call };
	size_t mark = outbuf_len(call->out);

	if (!is_short(call))
		return;
	if (call->req->argc == 3 &&
	    (l.glob = glob_new(call->req->argv[2], false)) == NULL) {
		redis_error(call, "ERR", "no memory, or a pattern that is "
		    "too long");
		return;
	}
	roster_each(roster_of(call), ROSTER_NAME, put_channel, &l);
	glob_free(l.glob);
	resp_put_list_at(call->out, redis_version(call), RESP_ARRAY, l.n,
	    mark);
}

void
redis_run_pubsub_numpat(struct call *call)
{
	resp_put_integer(call->out, (int64_t)roster_count(roster_of(call),
	    ROSTER_PATTERN));
}

static void
put_numbers(struct call *call, const struct roster *roster)
{
	const struct request *req = call->req;
	uint64_t n = 0;
	size_t i;

	resp_put_list(call->out, redis_version(call), RESP_ARRAY,
	    2 * (req->argc - 2));
	for (i = 2; i < req->argc; i++) {
		resp_put_bulk(call->out, req->argv[i]);
		if (roster != NULL)
			n = roster_listeners(roster, ROSTER_NAME,
			    req->argv[i]);
		resp_put_integer(call->out, (int64_t)n);
	}
}

void
redis_run_pubsub_numsub(struct call *call)
{
	put_numbers(call, roster_of(call));
}

void
redis_run_pubsub_shardchannels(struct call *call)
{
	if (is_short(call))
		resp_put_list(call->out, redis_version(call), RESP_ARRAY, 0);
}

void
redis_run_pubsub_shardnumsub(struct call *call)
{
	put_numbers(call, NULL);
}
