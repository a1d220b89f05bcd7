/*
 * INFO as Redis has it: sections of lines, `name:value'.
 *
 * Every figure is a true one, of the whole instance, or it is not there.  The
 * counters are those since the last CONFIG RESETSTAT.  What Redis has for
 * things that kvd never does is 0 where programs look for it.
 */

#include "server/redis.h"

#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "server/agreed.h"
#include "server/clock.h"
#include "server/redis_cluster.h"
#include "server/session.h"

#define LINE	512

struct page {
	struct outbuf		 text;
	struct call		*call;
};

static void line(struct page *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
line(struct page *page, const char *fmt, ...)
{
	char text[LINE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	outbuf_append(&page->text, text, n < LINE ? (size_t)n : LINE - 1);
	outbuf_append(&page->text, "\r\n", 2);
}

static void
number(struct page *page, const char *name, uint64_t value)
{
	line(page, "%s:%ju", name, (uintmax_t)value);
}

static struct arena *
arena_of(const struct page *page)
{
	return page->call->env->inherit->arena;
}

static uint64_t
counted(const struct page *page, enum board_counter which)
{
	return agreed_count(page->call->env->inherit->agreed, arena_of(page),
	    which);
}

/* --- Server --- */

static uint64_t
uptime_s(const struct page *page)
{
	uint64_t now_ms = clock_wall_ms();
	struct board_row master = { .started_ms = now_ms };

	board_read(arena_of(page), BOARD_MASTER_SLOT, &master);
	return now_ms > master.started_ms ? (now_ms - master.started_ms) /
	    1000 : 0;
}

/* 40 digits, as those who parse it expect. */
static void
write_run_id(const struct page *page, char id[41])
{
	const char *uuid = arena_uuid(arena_of(page));
	size_t n = 0;

	for (; *uuid != '\0' && n < 32; uuid++)
		if (*uuid != '-')
			id[n++] = *uuid;
	snprintf(id + n, 41 - n, "%08x",
	    (unsigned)page->call->env->inherit->master);
}

/* The one that this client has dialled; 0: it came through a socket. */
static unsigned
dialled_port(const struct page *page)
{
	struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(addr);
	const void *at = &addr;

	getsockname(page->call->session->fd, (struct sockaddr *)&addr, &len);
	if (addr.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)at)->sin_port);
	if (addr.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)at)->sin6_port);
	return 0;
}

static void
info_server(struct page *page)
{
	const struct inherit *in = page->call->env->inherit;
	uint64_t uptime = uptime_s(page);
	struct utsname os = { .sysname = "" };
	char run_id[41];

	uname(&os);
	write_run_id(page, run_id);
	line(page, "redis_version:%s", REDIS_VERSION);
	line(page, "kvd_version:%s", KVD_VERSION);
	line(page, "redis_mode:%s", redis_cluster_is_on(page->call) ?
	    "cluster" : "standalone");
	line(page, "os:%s %s %s", os.sysname, os.release, os.machine);
	number(page, "arch_bits", 8 * sizeof(void *));
	line(page, "multiplexing_api:epoll");
	line(page, "process_id:%d", (int)in->master);
	line(page, "run_id:%s", run_id);
	number(page, "tcp_port", dialled_port(page));
	number(page, "server_time_usec", clock_wall_ms() * 1000);
	number(page, "uptime_in_seconds", uptime);
	number(page, "uptime_in_days", uptime / 86400);
	line(page, "kvd_name:%s", page->call->env->config->name);
	number(page, "kvd_worker", in->instance);
	line(page, "kvd_worker_pid:%d", (int)getpid());
}

/* --- Clients --- */

/* Those that a pause keeps waiting: nobody else ever waits. */
static uint64_t
count_waiting(const struct page *page)
{
	struct roster_walk walk = { .desk = 0 };
	struct roster_client c;
	uint64_t n = 0;

	while (roster_next(page->call->env->inherit->roster, &walk, &c))
		n += c.waits;
	return n;
}

static void
info_clients(struct page *page)
{
	number(page, "connected_clients", board_sum(arena_of(page),
	    BOARD_CLIENTS));
	number(page, "cluster_connections", board_sum(arena_of(page),
	    BOARD_LINKS));
	number(page, "maxclients", page->call->env->config->clients_max);
	number(page, "blocked_clients", count_waiting(page));
	number(page, "tracking_clients", board_sum(arena_of(page),
	    BOARD_TRACKING));
	number(page, "kvd_subscribers", board_sum(arena_of(page),
	    BOARD_SUBSCRIBERS));
}

/* --- Memory --- */

static void
human(struct page *page, const char *name, uint64_t bytes)
{
	static const char units[] = "BKMGT";
	double n = (double)bytes;
	size_t i = 0;

	for (; n >= 1024 && units[i + 1] != '\0'; i++)
		n /= 1024;
	number(page, name, bytes);
	if (i == 0)
		line(page, "%s_human:%juB", name, (uintmax_t)bytes);
	else
		line(page, "%s_human:%.2f%c", name, n, units[i]);
}

/* What has been backed with memory once stays so. */
static void
info_memory(struct page *page)
{
	struct arena *arena = arena_of(page);
	struct arena_usage usage;
	struct sysinfo system = { .mem_unit = 1 };
	uint64_t segment = arena_segment_bytes(arena), used, backed;

	arena_usage(arena, &usage);
	sysinfo(&system);
	backed = (usage.segments - usage.segments_raw) * segment;
	used = backed - usage.segments_free * segment;
	human(page, "used_memory", used);
	human(page, "used_memory_rss", backed);
	human(page, "used_memory_peak", backed);
	number(page, "used_memory_dataset", usage.log_bytes -
	    usage.dead_bytes);
	human(page, "total_system_memory", (uint64_t)system.totalram *
	    system.mem_unit);
	human(page, "maxmemory", arena_memory_bytes(arena));
	line(page, "maxmemory_policy:noeviction");
	line(page, "mem_fragmentation_ratio:%.2f", used == 0 ? 1.0 :
	    (double)backed / (double)used);
	line(page, "mem_allocator:kvd");
	number(page, "kvd_dead_bytes", usage.dead_bytes);
}

/* --- Persistence, replication: there is none --- */

static void
info_persistence(struct page *page)
{
	static const char *const zeros[] = {
		"loading", "async_loading", "rdb_bgsave_in_progress",
		"aof_enabled", "aof_rewrite_in_progress",
		"aof_rewrite_scheduled", NULL
	};
	const char *const *name;

	for (name = zeros; *name != NULL; name++)
		number(page, *name, 0);
	line(page, "rdb_last_bgsave_status:ok");
	line(page, "aof_last_bgrewrite_status:ok");
	line(page, "aof_last_write_status:ok");
}

static void
info_replication(struct page *page)
{
	char run_id[41];

	write_run_id(page, run_id);
	line(page, "role:master");
	number(page, "connected_slaves", 0);
	line(page, "master_failover_state:no-failover");
	line(page, "master_replid:%s", run_id);
	number(page, "master_repl_offset", 0);
	number(page, "repl_backlog_active", 0);
}

/* --- Stats --- */

static void
info_stats(struct page *page)
{
	number(page, "total_connections_received",
	    counted(page, BOARD_ACCEPTED));
	number(page, "total_commands_processed",
	    counted(page, BOARD_REQUESTS));
	number(page, "instantaneous_ops_per_sec", agreed_requests_per_second(
	    page->call->env->inherit->agreed));
	number(page, "total_net_input_bytes", counted(page, BOARD_BYTES_IN));
	number(page, "total_net_output_bytes",
	    counted(page, BOARD_BYTES_OUT));
	number(page, "rejected_connections", counted(page, BOARD_REFUSED));
	number(page, "expired_keys", counted(page, BOARD_EXPIRED_KEYS));
	number(page, "expired_subkeys", counted(page, BOARD_EXPIRED_FIELDS));
	number(page, "evicted_keys", 0);
	number(page, "pubsub_channels", roster_count(
	    page->call->env->inherit->roster, ROSTER_NAME));
	number(page, "pubsub_patterns", roster_count(
	    page->call->env->inherit->roster, ROSTER_PATTERN));
	number(page, "pubsubshard_channels", 0);
	number(page, "total_error_replies", counted(page, BOARD_ERRORS));
	number(page, "kvd_dropped_connections",
	    counted(page, BOARD_DROPPED));
	number(page, "kvd_events", counted(page, BOARD_EVENTS));
	number(page, "kvd_forwarded", counted(page, BOARD_FORWARDED));
	number(page, "kvd_repairs", counted(page, BOARD_REPAIRS));
}

/* --- CPU, of all processes that live --- */

/* The number behind the n-th blank, 0 if there are fewer. */
static uint64_t
field(const char *p, unsigned n)
{
	for (; n > 0 && p != NULL; n--)
		if ((p = strchr(p, ' ')) != NULL)
			p++;
	return p == NULL ? 0 : strtoumax(p, NULL, 10);
}

static void
add_ticks(pid_t pid, uint64_t *user, uint64_t *sys)
{
	char path[32], text[LINE];
	const char *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return;
	/* A name may have blanks and brackets; figures follow the last. */
	if (fgets(text, sizeof(text), f) != NULL &&
	    (p = strrchr(text, ')')) != NULL) {
		*user += field(p, 12);
		*sys += field(p, 13);
	}
	fclose(f);
}

static void
info_cpu(struct page *page)
{
	double second = (double)sysconf(_SC_CLK_TCK);
	uint64_t user = 0, sys = 0;
	struct board_row row;
	unsigned slot;

	for (slot = 0; slot < BOARD_SLOTS; slot++)
		if (board_read(arena_of(page), slot, &row) && row.pid > 0)
			add_ticks(row.pid, &user, &sys);
	line(page, "used_cpu_sys:%.6f", (double)sys / second);
	line(page, "used_cpu_user:%.6f", (double)user / second);
}

/* --- the rest --- */

static void
info_nothing(struct page *page)
{
	(void)page;
}

static void
info_cluster(struct page *page)
{
	number(page, "cluster_enabled", redis_cluster_is_on(page->call));
}

static void
info_keyspace(struct page *page)
{
	uint64_t buckets, strings;

	store_count_all(page->call->env->store, &buckets, &strings);
	if (buckets + strings > 0)
		line(page, "db0:keys=%ju,expires=0,avg_ttl=0",
		    (uintmax_t)(buckets + strings));
}

static const struct section {
	const char	*name;
	void		(*write)(struct page *);
} sections[] = {
	{ "Server", info_server },
	{ "Clients", info_clients },
	{ "Memory", info_memory },
	{ "Persistence", info_persistence },
	{ "Stats", info_stats },
	{ "Replication", info_replication },
	{ "CPU", info_cpu },
	{ "Modules", info_nothing },
	{ "Errorstats", info_nothing },
	{ "Cluster", info_cluster },
	{ "Keyspace", info_keyspace },
};

#define SECTIONS	(sizeof(sections) / sizeof(sections[0]))

static bool
is_asked(const struct request *req, const char *name)
{
	bool asked = req->argc == 1;
	size_t i;

	for (i = 1; i < req->argc; i++)
		asked |= redis_is(req->argv[i], name) ||
		    redis_is(req->argv[i], "all") ||
		    redis_is(req->argv[i], "everything") ||
		    redis_is(req->argv[i], "default");
	return asked;
}

void
redis_run_info(struct call *call)
{
	struct page page = { .call = call };
	size_t i;

	outbuf_init(&page.text);
	for (i = 0; i < SECTIONS; i++) {
		if (!is_asked(call->req, sections[i].name))
			continue;
		if (outbuf_len(&page.text) > 0)
			outbuf_append(&page.text, "\r\n", 2);
		line(&page, "# %s", sections[i].name);
		sections[i].write(&page);
	}
	redis_say_text(call, &page.text);
}
