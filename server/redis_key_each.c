/*
 * Requests with several keys, which may be in several shards.  Those of one
 * shard are seen to together, as one transaction; one shard after the other.
 */

#include "server/redis_key.h"

#include <string.h>

_Static_assert(REQUEST_ARGS_MAX <= UINT16_MAX, "words have 16 bits");

/* For each shard a list of words.  One request at a time is executed. */
static struct {
	uint16_t	first[ARENA_SHARDS_MAX];
	uint16_t	next[REQUEST_ARGS_MAX];
} lists;

/* From the last on, so that each list begins with the first. */
static void
sort_words(const struct call *call, size_t step)
{
	const struct request *req = call->req;
	size_t keys = (req->argc - 2) / step + 1, i;
	uint32_t shard;

	memset(lists.first, 0, sizeof(lists.first));
	while (keys-- > 0) {
		i = 1 + keys * step;
		shard = redis_shard(call, req->argv[i]);
		lists.next[i] = lists.first[shard];
		lists.first[shard] = (uint16_t)i;
	}
}

struct attempt {
	enum shm_status		(*op)(struct txn *, void *);
	struct redis_part	*part;
};

/* It may not be the first one. */
static enum shm_status
begin(struct txn *t, void *arg)
{
	const struct attempt *attempt = arg;

	attempt->part->count = 0;
	return attempt->op(t, attempt->part);
}

bool
redis_each_shard(struct call *call, const struct redis_visit *visit,
    int64_t *total)
{
	const struct slice *argv = call->req->argv;
	struct redis_part part = {
		.argv = argv, .next = lists.next, .arg = visit->arg
	};
	struct attempt attempt = { .op = visit->op, .part = &part };
	enum shm_status status;
	uint32_t shard;

	sort_words(call, visit->step);
	*total = 0;
	for (shard = 0; shard < arena_shards(call->env->store->arena);
	    shard++) {
		if ((part.first = lists.first[shard]) == 0)
			continue;
		part.count = 0;
		if ((visit->quick == NULL ||
		    !visit->quick(call, shard, &part)) &&
		    !redis_change_in(call, shard, begin, &attempt, &status))
			return false;
		if (visit->after != NULL)
			visit->after(&part);
		*total += part.count;
	}
	return true;
}

bool
redis_in_one_shard(struct call *call, size_t last, size_t step)
{
	const struct slice *argv = call->req->argv;
	uint32_t shard = redis_shard(call, argv[1]);
	size_t i;

	for (i = 1 + step; i <= last; i += step)
		if (redis_shard(call, argv[i]) != shard) {
			redis_error(call, "CROSSSLOT", "Keys in request don't "
			    "hash to the same slot");
			return false;
		}
	return true;
}
