/*
 * INFO: facts, a line `name:value' each, in sections.  Everything here is
 * read from the board and from the segment table without a lock, and costs
 * the same however much is stored.
 *
 * A node has one line, which it writes itself, `node' of its sections; `nodes'
 * is those of all.  Who gets the other lines is the connection's business.
 */

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "proto/reply.h"
#include "server/clock.h"
#include "server/command.h"
#include "server/crash_report.h"
#include "shm/arena.h"
#include "shm/board.h"
#include "shm/ownership.h"

#define NODE_LINE_BYTES	1280	/* a name, an address, and a reason */

static void line(struct call *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
line(struct call *call, const char *fmt, ...)
{
	char text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reply_text(call->out, text);
}

static void
number(struct call *call, const char *name, uint64_t value)
{
	line(call, "%s:%ju", name, (uintmax_t)value);
}

static uint64_t
age_s(uint64_t started_ms)
{
	uint64_t now_ms = clock_wall_ms();

	return now_ms > started_ms ? (now_ms - started_ms) / 1000 : 0;
}

static void
info_server(struct call *call)
{
	const struct inherit *in = call->env->inherit;
	struct board_row master;

	line(call, "version:%s", KVD_VERSION);
	line(call, "name:%s", call->env->config->name);
	line(call, "uuid:%s", arena_uuid(in->arena));
	number(call, "master_pid", (uint64_t)in->master);
	if (board_read(in->arena, 0, &master))
		number(call, "uptime_seconds", age_s(master.started_ms));
	number(call, "worker", in->instance);
	number(call, "worker_pid", (uint64_t)getpid());
}

static void
info_clients(struct call *call)
{
	struct arena *arena = call->env->inherit->arena;

	number(call, "clients", board_sum(arena, BOARD_CLIENTS));
	number(call, "clients_max", call->env->config->clients_max);
	number(call, "subscribers", board_sum(arena, BOARD_SUBSCRIBERS));
	number(call, "links", board_sum(arena, BOARD_LINKS));
}

static void
info_memory(struct call *call)
{
	struct arena *arena = call->env->inherit->arena;
	struct arena_usage usage;

	arena_usage(arena, &usage);
	number(call, "memory_bytes", arena_memory_bytes(arena));
	number(call, "segment_bytes", arena_segment_bytes(arena));
	number(call, "segments", usage.segments);
	number(call, "segments_raw", usage.segments_raw);
	number(call, "segments_free", usage.segments_free);
	number(call, "segments_log", usage.segments_log);
	number(call, "segments_index", usage.segments_index);
	number(call, "log_bytes", usage.log_bytes);
	number(call, "dead_bytes", usage.dead_bytes);
}

static void
counter(struct call *call, enum board_counter which)
{
	char name[32];
	size_t i;

	strlcpy(name, board_counter_name(which), sizeof(name));
	for (i = 0; name[i] != '\0'; i++)
		name[i] = (char)tolower((unsigned char)name[i]);
	number(call, name, board_sum(call->env->inherit->arena, which));
}

static void
info_stats(struct call *call)
{
	unsigned i;

	for (i = 0; i < BOARD_COUNTERS; i++)
		if (i != BOARD_CLIENTS && i != BOARD_LINKS &&
		    i != BOARD_SUBSCRIBERS)
			counter(call, i);
}

static void
info_buckets(struct call *call)
{
	struct arena *arena = call->env->inherit->arena;

	number(call, "shards", arena_shards(arena));
	number(call, "bucket_name_max", BUCKET_NAME_MAX);
	number(call, "key_max", PAIR_KEY_MAX);
	number(call, "value_max", arena_value_max(arena));
}

/* How the process before this one ended, and how long ago, or nothing. */
static void
describe_end(const struct board_end *end, char *text, size_t size)
{
	char cause[CRASH_CAUSE_MAX];

	text[0] = '\0';
	if (crash_cause(cause, sizeof(cause), end))
		snprintf(text, size, ",last_age=%ju,last=%s",
		    (uintmax_t)age_s(end->at_ms), cause);
}

static void
info_process(struct call *call, unsigned slot, const struct board_row *row)
{
	uint64_t now_ms = clock_ms(), beat_ms = row->heartbeat_ms;
	char last[CRASH_CAUSE_MAX + 48];

	describe_end(&row->end, last, sizeof(last));
	line(call, "process_%u:role=%s,instance=%u,pid=%d,state=%s,age=%ju,"
	    "restarts=%ju,heartbeat_ms=%ju,clients=%ju,links=%ju,"
	    "requests=%ju%s", slot, board_role_name(row->role),
	    row->role == BOARD_WORKER ?
	    slot - BOARD_WORKER_SLOT : 0, (int)row->pid,
	    board_state_name(row->state), (uintmax_t)age_s(row->started_ms),
	    (uintmax_t)row->restarts,
	    (uintmax_t)(now_ms > beat_ms ? now_ms - beat_ms : 0),
	    (uintmax_t)row->counters[BOARD_CLIENTS],
	    (uintmax_t)row->counters[BOARD_LINKS],
	    (uintmax_t)row->counters[BOARD_REQUESTS], last);
}

/* Every process of the instance, also one that is to be restarted. */
static void
info_workers(struct call *call)
{
	struct arena *arena = call->env->inherit->arena;
	struct board_row row;
	unsigned slot;

	for (slot = 0; slot < BOARD_SLOTS; slot++)
		if (board_read(arena, slot, &row) &&
		    (row.pid != 0 || row.state == BOARD_WAITING))
			info_process(call, slot, &row);
}

/* How many shards a node owns, or "-" where shards have no owner. */
static void
count_shards(const struct command_env *env, uint32_t node, char *text,
    size_t size)
{
	uint32_t i, n = 0, shards = arena_shards(env->inherit->arena);

	for (i = 0; i < shards; i++)
		n += route_owner(env->route, i) == node;
	if (route_owner(env->route, 0) == ROUTE_NOBODY)
		strlcpy(text, "-", size);
	else
		snprintf(text, size, "%u", n);
}

/* Buckets that another node owns by now, or "-" while they are counted. */
static void
count_strays(const struct command_env *env, char *text, size_t size)
{
	struct ownership_strays strays = { 0 };

	if (route_is_alone(env->route) || ownership_strays(
	    env->inherit->arena, route_hash(env->route), &strays))
		snprintf(text, size, "%ju", (uintmax_t)strays.buckets);
	else
		strlcpy(text, "-", size);
}

/* Of the memory of the data, what is not free to be taken. */
static uint64_t
used_bytes(const struct arena *arena)
{
	struct arena_usage usage;

	arena_usage(arena, &usage);
	return (usage.segments - usage.segments_raw - usage.segments_free) *
	    arena_segment_bytes(arena);
}

static void
node_line(const struct command_env *env, uint32_t node, const char *facts,
    struct outbuf *out)
{
	const struct route *route = env->route;
	char text[NODE_LINE_BYTES];

	snprintf(text, sizeof(text), "node_%s:address=%s,%s",
	    route_name(route, node), route_address(route, node), facts);
	reply_text(out, text);
}

void
info_node(const struct command_env *env, struct outbuf *out)
{
	struct arena *arena = env->inherit->arena;
	uint32_t self = route_self(env->route);
	char shards[16], strays[24], facts[256];
	uint64_t buckets, strings, keys;

	arena_counts(arena, &buckets, &keys);
	/* Strings are keys of buckets that nobody has made. */
	store_count_all(env->store, &buckets, &strings);
	count_shards(env, self, shards, sizeof(shards));
	count_strays(env, strays, sizeof(strays));
	snprintf(facts, sizeof(facts), "state=up,table=%ju,shards=%s,"
	    "buckets=%ju,keys=%ju,strays=%s,used_bytes=%ju,memory_bytes=%ju",
	    (uintmax_t)route_version(env->route), shards, (uintmax_t)buckets,
	    (uintmax_t)keys, strays, (uintmax_t)used_bytes(arena),
	    (uintmax_t)arena_memory_bytes(arena));
	node_line(env, self, facts, out);
}

/* The reason is the last fact, and goes to the end of the line. */
void
info_node_down(const struct command_env *env, uint32_t node, const char *why,
    struct outbuf *out)
{
	char facts[REPLY_REASON_MAX + 32];

	snprintf(facts, sizeof(facts), "state=down,why=%.*s",
	    REPLY_REASON_MAX, why);
	node_line(env, node, facts, out);
}

static void
info_self(struct call *call)
{
	info_node(call->env, call->out);
}

static const struct section {
	const char		*name;
	void			(*reply)(struct call *);
	enum command_kind	 kind;	/* NODE: only if it is named */
} sections[] = {
	{ "server", info_server, COMMAND_HERE },
	{ "clients", info_clients, COMMAND_HERE },
	{ "memory", info_memory, COMMAND_HERE },
	{ "stats", info_stats, COMMAND_HERE },
	{ "buckets", info_buckets, COMMAND_HERE },
	{ "workers", info_workers, COMMAND_HERE },
	{ "node", info_self, COMMAND_NODE },
	{ "nodes", info_self, COMMAND_NODES },
};

#define SECTIONS	(sizeof(sections) / sizeof(sections[0]))

static bool
is_asked(const struct request *req, const struct section *section)
{
	size_t len = strlen(section->name);

	if (req->argc == 1)
		return section->kind != COMMAND_NODE;
	return req->argv[1].len == len && strncasecmp(
	    (const char *)req->argv[1].data, section->name, len) == 0;
}

/* Of several sections that of the last, which is nodes. */
enum command_kind
info_kind(const struct request *req)
{
	enum command_kind kind = COMMAND_HERE;
	size_t i;

	for (i = 0; i < SECTIONS; i++)
		if (is_asked(req, &sections[i]))
			kind = sections[i].kind;
	return kind;
}

void
info_local(struct call *call)
{
	size_t i;

	for (i = 0; i < SECTIONS; i++)
		if (is_asked(call->req, &sections[i]) &&
		    sections[i].kind != COMMAND_NODES)
			sections[i].reply(call);
}

void
info_reply(struct call *call)
{
	bool found = false;
	size_t i;

	for (i = 0; i < SECTIONS; i++) {
		if (!is_asked(call->req, &sections[i]))
			continue;
		sections[i].reply(call);
		found = true;
	}
	if (found) {
		reply_end(call->out);
		return;
	}
	call->failed = true;
	reply_error(call->out, "no such section: server, clients, memory, "
	    "stats, buckets, workers, node or nodes");
}
