/*
 * CLUSTER: what clients of Redis Cluster want to know, who has which slot.
 *
 * Any node answers for any key, so it is all a matter of taste: with
 * `cluster-protocol single' a client is told that this node has all slots,
 * with `map' what the routing table says, so that it can ask the owner at once.
 * It never matters whether it is right: what arrives elsewhere is forwarded,
 * and nobody is ever told MOVED.
 *
 * A table that goes by first letters has no slots; then `map' is as `single'.
 * The address of a node that is alone is the one that the client has dialled,
 * for it may listen on all that it has.
 */

#include "server/redis_cluster.h"

#include <sys/socket.h>

#include <sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/number.h"
#include "server/clock.h"
#include "server/peer.h"
#include "server/redis_every.h"
#include "server/redis_sub.h"
#include "server/session.h"
#include "shm/hash.h"

#define ID_BYTES	20
#define ID_MAX		(2 * ID_BYTES + 1)
#define ADDRESS_MAX	(CONFIG_NAME_MAX + 128)
#define LINE		(ADDRESS_MAX + 256)

/* A run of slots that one node has. */
struct run {
	uint32_t	first;
	uint32_t	end;		/* the slot behind it */
	uint32_t	node;
};

struct place {
	char		address[ADDRESS_MAX];	/* host:port */
	struct slice	host;			/* in there */
	int64_t		port;
};

bool
redis_cluster_is_on(const struct call *call)
{
	return strcmp(call->env->config->cluster_protocol, "off") != 0;
}

static bool
is_refused(struct call *call)
{
	if (redis_cluster_is_on(call))
		return false;
	redis_error(call, "ERR", "This instance has cluster support disabled");
	return true;
}

/* --- who has what --- */

static bool
is_map(const struct call *call)
{
	const struct route *route = call->env->route;

	return !route_is_alone(route) &&
	    strcmp(call->env->config->cluster_protocol, "map") == 0 &&
	    route_owner(route, 0) != ROUTE_NOBODY;
}

static uint32_t
node_of(const struct call *call, uint32_t slot)
{
	uint32_t shards = arena_shards(call->env->inherit->arena);

	return is_map(call) ? route_owner(call->env->route,
	    slot / (HASH_SLOTS / shards)) : route_self(call->env->route);
}

/* The next run of slots, the first if run->end is 0; false: no more. */
static bool
next_run(const struct call *call, struct run *run)
{
	run->first = run->end;
	if (run->first == HASH_SLOTS)
		return false;
	run->node = node_of(call, run->first);
	while (run->end < HASH_SLOTS && node_of(call, run->end) == run->node)
		run->end++;
	return true;
}

/* The nodes that are told of. */
static bool
is_shown(const struct call *call, uint32_t node)
{
	return is_map(call) || node == route_self(call->env->route);
}

/* By name, and so the same wherever it is asked for. */
static void
write_id(const struct call *call, uint32_t node, char id[ID_MAX])
{
	const char *name = route_name(call->env->route, node);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;
	size_t i;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const uint8_t *)name, strlen(name));
	SHA256Final(digest, &ctx);
	for (i = 0; i < ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", digest[i]);
}

static bool
write_dialled(const struct call *call, char *text, size_t size)
{
	struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(addr);

	if (getsockname(call->session->fd, (struct sockaddr *)&addr, &len) ==
	    -1 || addr.ss_family == AF_UNIX)
		return false;
	peer_address((const struct sockaddr *)&addr, len, text, size);
	return true;
}

/* Hosts are told without the brackets that IPv6 has before a port. */
static void
find_place(const struct call *call, uint32_t node, struct place *place)
{
	const char *colon, *host = place->address;
	struct slice port;

	if (is_map(call) || !write_dialled(call, place->address,
	    sizeof(place->address)))
		strlcpy(place->address, route_address(call->env->route, node),
		    sizeof(place->address));
	colon = strrchr(place->address, ':');
	if (colon == NULL)
		colon = place->address + strlen(place->address);
	port = redis_word(*colon == ':' ? colon + 1 : "0");
	if (!number_parse_int(port, &place->port))
		place->port = 0;
	place->host.len = (size_t)(colon - host);
	if (*host == '[' && place->host.len > 1) {
		host++;
		place->host.len -= 2;
	}
	place->host.data = (const uint8_t *)host;
}

/* --- texts --- */

static void line(struct outbuf *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
line(struct outbuf *out, const char *fmt, ...)
{
	char text[LINE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	outbuf_append(out, text, n < LINE ? (size_t)n : LINE - 1);
}

static uint32_t
count_nodes(const struct call *call)
{
	return is_map(call) ? route_count(call->env->route) : 1;
}

void
redis_run_cluster_info(struct call *call)
{
	uintmax_t version = route_version(call->env->route);
	uint32_t nodes = count_nodes(call);
	struct outbuf text;

	if (is_refused(call))
		return;
	outbuf_init(&text);
	line(&text, "cluster_state:ok\r\ncluster_slots_assigned:%d\r\n"
	    "cluster_slots_ok:%d\r\ncluster_slots_pfail:0\r\n"
	    "cluster_slots_fail:0\r\n", HASH_SLOTS, HASH_SLOTS);
	line(&text, "cluster_known_nodes:%u\r\ncluster_size:%u\r\n"
	    "cluster_current_epoch:%ju\r\ncluster_my_epoch:%ju\r\n", nodes,
	    nodes, version, version);
	line(&text, "cluster_stats_messages_sent:0\r\n"
	    "cluster_stats_messages_received:0\r\n"
	    "total_cluster_links_buffer_limit_exceeded:0\r\n");
	redis_say_text(call, &text);
}

static void
node_line(const struct call *call, uint32_t node, struct outbuf *text)
{
	struct run run = { .end = 0 };
	struct place place;
	char id[ID_MAX];

	write_id(call, node, id);
	find_place(call, node, &place);
	line(text, "%s %.*s:%jd@0 %smaster - 0 0 %ju connected", id,
	    (int)place.host.len, place.host.data, (intmax_t)place.port,
	    node == route_self(call->env->route) ? "myself," : "",
	    (uintmax_t)route_version(call->env->route));
	while (next_run(call, &run)) {
		if (run.node != node)
			continue;
		line(text, run.end - run.first == 1 ? " %u" : " %u-%u",
		    run.first, run.end - 1);
	}
	line(text, "\n");
}

void
redis_run_cluster_nodes(struct call *call)
{
	struct outbuf text;
	uint32_t node;

	if (is_refused(call))
		return;
	outbuf_init(&text);
	for (node = 0; node < route_count(call->env->route); node++)
		if (is_shown(call, node))
			node_line(call, node, &text);
	redis_say_text(call, &text);
}

void
redis_run_cluster_myid(struct call *call)
{
	char id[ID_MAX];

	if (is_refused(call))
		return;
	write_id(call, route_self(call->env->route), id);
	redis_say(call, id);
}

/* --- lists --- */

static void
put_range(struct call *call, const struct run *run)
{
	resp_put_integer(call->out, run->first);
	resp_put_integer(call->out, run->end - 1);
}

void
redis_run_cluster_slots(struct call *call)
{
	enum resp_version v = redis_version(call);
	size_t n = 0, mark = outbuf_len(call->out);
	struct run run = { .end = 0 };
	struct place place;
	char id[ID_MAX];

	if (is_refused(call))
		return;
	for (; next_run(call, &run); n++) {
		write_id(call, run.node, id);
		find_place(call, run.node, &place);
		resp_put_list(call->out, v, RESP_ARRAY, 3);
		put_range(call, &run);
		resp_put_list(call->out, v, RESP_ARRAY, 4);
		resp_put_bulk(call->out, place.host);
		resp_put_integer(call->out, place.port);
		redis_say(call, id);
		resp_put_list(call->out, v, RESP_ARRAY, 0);
	}
	resp_put_list_at(call->out, v, RESP_ARRAY, n, mark);
}

static void
put_member(struct call *call, uint32_t node)
{
	struct place place;
	char id[ID_MAX];

	write_id(call, node, id);
	find_place(call, node, &place);
	resp_put_list(call->out, redis_version(call), RESP_MAP, 7);
	redis_say(call, "id");
	redis_say(call, id);
	redis_say(call, "port");
	resp_put_integer(call->out, place.port);
	redis_say(call, "ip");
	resp_put_bulk(call->out, place.host);
	redis_say(call, "endpoint");
	resp_put_bulk(call->out, place.host);
	redis_say(call, "role");
	redis_say(call, "master");
	redis_say(call, "replication-offset");
	resp_put_integer(call->out, 0);
	redis_say(call, "health");
	redis_say(call, "online");
}

static void
put_shard(struct call *call, uint32_t node)
{
	enum resp_version v = redis_version(call);
	struct run run = { .end = 0 };
	size_t n = 0, mark;

	resp_put_list(call->out, v, RESP_MAP, 2);
	redis_say(call, "slots");
	mark = outbuf_len(call->out);
	while (next_run(call, &run))
		if (run.node == node) {
			put_range(call, &run);
			n += 2;
		}
	resp_put_list_at(call->out, v, RESP_ARRAY, n, mark);
	redis_say(call, "nodes");
	resp_put_list(call->out, v, RESP_ARRAY, 1);
	put_member(call, node);
}

void
redis_run_cluster_shards(struct call *call)
{
	uint32_t node;

	if (is_refused(call))
		return;
	resp_put_list(call->out, redis_version(call), RESP_ARRAY,
	    count_nodes(call));
	for (node = 0; node < route_count(call->env->route); node++)
		if (is_shown(call, node))
			put_shard(call, node);
}

void
redis_run_cluster_links(struct call *call)
{
	if (!is_refused(call))
		resp_put_list(call->out, redis_version(call), RESP_ARRAY, 0);
}

void
redis_run_cluster_mode(struct call *call)
{
	if (!is_refused(call))
		redis_ok(call);
}

/* --- keys of slots --- */

void
redis_run_cluster_keyslot(struct call *call)
{
	struct slice key = call->req->argv[2];

	if (!is_refused(call))
		resp_put_integer(call->out, hash_slot(key.data, key.len));
}

static bool
parse_slot(struct call *call, const char *why, int64_t *slot)
{
	if (!redis_integer(call, call->req->argv[2], slot))
		return false;
	if (*slot >= 0 && *slot < HASH_SLOTS)
		return true;
	redis_error(call, "ERR", "%s", why);
	return false;
}

/* Where names go by letters a slot is nobody's, and each tells of its own. */
uint32_t
redis_slot_node(const struct request *req, const struct route *route)
{
	uint32_t owner;
	int64_t slot;

	if (route_is_alone(route) || req->argc < 3 ||
	    (!redis_is(req->argv[1], "COUNTKEYSINSLOT") &&
	    !redis_is(req->argv[1], "GETKEYSINSLOT")) ||
	    !number_parse_int(req->argv[2], &slot) || slot < 0 ||
	    slot >= HASH_SLOTS)
		return route_self(route);
	owner = route_owner(route, (uint32_t)slot /
	    (HASH_SLOTS / route->shards));
	return owner == ROUTE_NOBODY ? route_self(route) : owner;
}

static bool
is_ours(const struct call *call, struct slice name)
{
	const struct route *route = call->env->route;

	return route_owner_of_name(route, name.data, name.len) ==
	    route_self(route);
}

/* Of buckets, or of strings: at most so many; told as well, if they are. */
static size_t
walk_names(struct call *call, int64_t slot, size_t most, bool tell,
    enum shm_status (*names)(struct store *, uint32_t, struct scan *, size_t))
{
	const struct inherit *in = call->env->inherit;
	struct store *store = call->env->store;
	uint32_t shard = (uint32_t)slot / (HASH_SLOTS /
	    arena_shards(store->arena));
	struct scan scan = { .cursor = 0 };
	struct slice name;
	size_t n = 0;

	while (n < most && !scan.done &&
	    names(store, shard, &scan, 0) == SHM_OK) {
		while (n < most && store_next_name(store, &name)) {
			if (hash_slot(name.data, name.len) != slot ||
			    !is_ours(call, name))
				continue;
			if (tell)
				resp_put_bulk(call->out, name);
			n++;
		}
		board_beat(in->arena, in->slot, clock_ms());
	}
	return n;
}

static size_t
walk_slot(struct call *call, int64_t slot, size_t most, bool tell)
{
	size_t n = walk_names(call, slot, most, tell, store_scan_buckets);

	return n + walk_names(call, slot, most - n, tell, store_scan_strings);
}

void
redis_run_cluster_countkeysinslot(struct call *call)
{
	int64_t slot;

	if (!is_refused(call) && parse_slot(call, "Invalid slot", &slot))
		resp_put_integer(call->out, (int64_t)walk_slot(call, slot,
		    SIZE_MAX, false));
}

void
redis_run_cluster_getkeysinslot(struct call *call)
{
	size_t n, mark = outbuf_len(call->out);
	int64_t slot, most;

	if (is_refused(call) || !parse_slot(call, "Invalid slot or number of "
	    "keys", &slot) || !redis_integer(call, call->req->argv[3], &most))
		return;
	if (most < 0) {
		redis_error(call, "ERR", "Invalid slot or number of keys");
		return;
	}
	n = walk_slot(call, slot, (size_t)most, true);
	resp_put_list_at(call->out, redis_version(call), RESP_ARRAY, n, mark);
}
