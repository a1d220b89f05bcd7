/*
 * Commands of the kinds EVERY and AT: which of them does what.
 */

#include "server/redis_every.h"

static const struct {
	const char	*name;
	void		(*run)(struct call *, uint64_t *place);
} parts[] = {
	{ "BUCKETS", every_names },
	{ "DBSIZE", every_count },
	{ "FLUSHALL", every_flush },
	{ "FLUSHDB", every_flush },
	{ "KEYS", every_names },
	{ "RANDOMKEY", every_random }
};

#define PARTS	(sizeof(parts) / sizeof(parts[0]))

void
redis_run_every(struct call *call, uint64_t *place)
{
	size_t i;

	for (i = 0; i < PARTS; i++)
		if (strcmp(parts[i].name, call->redis->name) == 0) {
			parts[i].run(call, place);
			break;
		}
	if (call->failed)
		*place = 0;
}

uint32_t
redis_node_at(const struct request *req, const struct route *route)
{
	return redis_is(req->argv[0], "SCAN") ? redis_scan_node(req, route) :
	    redis_slot_node(req, route);
}
