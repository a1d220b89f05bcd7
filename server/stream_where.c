/*
 * WHERE: which node has a bucket, and by what rule.
 *
 * The table knows, so nobody is asked, and it makes no difference whether the
 * bucket is there, or its node.  A name is hashed and looked up, but a request
 * may have thousands, so they are answered one by one as those of MGET are.
 */

#include <stdio.h>

#include "proto/reply.h"
#include "server/stream.h"
#include "shm/hash.h"

#define WHY_MAX		128
#define LINE_BYTES	1024	/* a name, an address and a reason */

static void
write_place(const struct stream *stream, const struct store *store,
    struct slice name, struct outbuf *out)
{
	const struct route *route = stream->route;
	uint32_t node = route_owner_of_name(route, name.data, name.len);
	char why[WHY_MAX], line[LINE_BYTES];

	route_why(route, name.data, name.len, why, sizeof(why));
	snprintf(line, sizeof(line), "slot=%u,shard=%u,node=%s,address=%s,"
	    "why=%s", hash_slot(name.data, name.len),
	    arena_shard_of(store->arena, (struct bytes){ name.data,
	    name.len }), route_name(route, node),
	    route_address(route, node), why);
	reply_text(out, line);
}

static bool
next_where(struct stream *stream, struct store *store, struct outbuf *out)
{
	write_place(stream, store, stream->argv[stream->index], out);
	if (++stream->index < stream->argc)
		return true;
	reply_end(out);
	return false;
}

void
stream_where(struct stream *stream, const struct request *req,
    const struct route *route)
{
	stream_begin(stream, req, next_where);
	stream->index = 1;
	stream->route = route;
}
