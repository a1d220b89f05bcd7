/*
 * The measuring client: what kvd does through the wire, seen from outside
 * with nothing but libkv.  Each run measures one thing; tests/bench/run puts
 * them in order.
 *
 * Client and server share the machine, and the client is one process, so on
 * few processors a rate is that of the pair.  Hence each rate comes with the
 * processor time that kvd's workers took for a request, which says more about
 * kvd and is less disturbed by whatever else runs.
 */

#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/client/kv.h"
#include "tests/bench/bench.h"

#define DEPTH		1024	/* requests on the way, over all connections */
#define CROWD_DEPTH	1	/* and per connection in a crowd */

static const char *server;

/* Connections and failures. */

static struct kv *
dial(void)
{
	struct kv_options options = { .call_ms = 60000 };
	struct kv_error error;
	struct kv *kv = kv_open(server, &options, &error);

	if (kv == NULL)
		errx(1, "%s", error.message);
	return kv;
}

static void
must(const struct kv *kv, enum kv_status status)
{
	if (status != KV_OK)
		errx(1, "%s: %s", kv_strerror(status), kv_message(kv));
}

static uint64_t
count_of(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*end != '\0' || n == 0)
		errx(64, "not a number: %s", text);
	return n;
}

/* What INFO says. */

struct wanted {
	const char	*name;
	uint64_t	 number;
	bool		 found;
};

static int
take_line(void *arg, struct kv_bytes line)
{
	struct wanted *w = arg;
	size_t len = strlen(w->name);
	char text[32];

	if (line.len <= len || line.len - len > sizeof(text) ||
	    memcmp(line.data, w->name, len) != 0 ||
	    ((const char *)line.data)[len] != ':')
		return 0;
	memcpy(text, (const char *)line.data + len + 1, line.len - len - 1);
	text[line.len - len - 1] = '\0';
	w->number = strtoull(text, NULL, 10);
	w->found = true;
	return 0;
}

static uint64_t
info(struct kv *kv, const char *section, const char *name)
{
	struct wanted w = { .name = name };

	must(kv, kv_info(kv, section, take_line, &w));
	if (!w.found)
		errx(1, "INFO %s has no %s", section, name);
	return w.number;
}

/* Clock ticks that a process has run; 0 if it is gone. */
static uint64_t
ticks_of(int pid)
{
	char path[64];
	unsigned long user = 0, system = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	/* The name of the process, the 2nd field, has spaces: skip it. */
	if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
	    "%*u %lu %lu", &user, &system) != 2)
		user = system = 0;
	fclose(f);
	return user + system;
}

static int
add_worker(void *arg, struct kv_bytes line)
{
	double *sum = arg;
	char text[256];
	size_t len = line.len < sizeof(text) ? line.len : sizeof(text) - 1;
	const char *pid;

	memcpy(text, line.data, len);
	text[len] = '\0';
	pid = strstr(text, "pid=");
	if (strstr(text, "role=worker") != NULL && pid != NULL)
		*sum += (double)ticks_of(atoi(pid + 4));
	return 0;
}

/* Seconds of processor time that the workers have used so far. */
static double
workers_s(void)
{
	struct kv *kv = dial();
	double sum = 0;

	must(kv, kv_info(kv, "workers", add_worker, &sum));
	kv_close(kv);
	return sum / (double)sysconf(_SC_CLK_TCK);
}

/* Many requests over some connections. */

struct traffic {
	bool		 get;
	uint64_t	 requests;
	uint64_t	 keys;		/* at random below this; 0: in order */
	const char	*bucket;	/* or NULL: */
	uint64_t	 buckets;	/* numbered ones, in turn */
	size_t		 connections;
	size_t		 depth;		/* per connection */
	double		 worst_s;	/* slowest round; see traffic_run() */
};

static void
ask(const struct traffic *t, struct kv *kv, uint64_t i)
{
	uint64_t n = t->keys ? bench_pick(i, t->keys) : i;
	char name[KEY_BYTES], key[KEY_BYTES], value[VALUE_BYTES];
	struct kv_bytes b = { name, sizeof(name) };
	struct kv_bytes k = { key, sizeof(key) }, v = { value, sizeof(value) };

	bench_text(key, sizeof(key), "key-", n);
	bench_text(value, sizeof(value), "val-", n);
	if (t->bucket != NULL)
		b = kv_str(t->bucket);
	else
		bench_text(name, sizeof(name), "bkt-", n % t->buckets);
	must(kv, t->get ? kv_pipe_get(kv, b, k) : kv_pipe_put(kv, b, k, v));
}

static void
take(const struct traffic *t, struct kv *kv)
{
	struct kv_reply reply;

	must(kv, kv_pipe_reply(kv, &reply));
	must(kv, reply.status);
	if (t->get && reply.value.len != VALUE_BYTES)
		errx(1, "a value of %zu bytes", reply.value.len);
}

/*
 * One connection: always between half and all of depth on the way.  KV_FULL
 * of a flush only says that the kernel takes no more just now.
 */
static void
run_one(const struct traffic *t, struct kv *kv)
{
	uint64_t asked = 0, taken = 0;

	while (taken < t->requests) {
		while (asked < t->requests && asked - taken < t->depth)
			ask(t, kv, asked++);
		(void)kv_pipe_flush(kv);
		while (taken < asked && (asked == t->requests ||
		    asked - taken > t->depth / 2)) {
			take(t, kv);
			taken++;
		}
	}
}

/* Several: a round asks on each and then listens to each. */
static double
run_round(const struct traffic *t, struct kv **kvs, uint64_t *next)
{
	double start_s = bench_now_s();
	size_t c, d;

	for (c = 0; c < t->connections; c++) {
		for (d = 0; d < t->depth; d++)
			ask(t, kvs[c], (*next)++);
		(void)kv_pipe_flush(kvs[c]);
	}
	for (c = 0; c < t->connections; c++)
		for (d = 0; d < t->depth; d++)
			take(t, kvs[c]);
	return bench_now_s() - start_s;
}

static struct kv **
dial_all(size_t n)
{
	struct kv **kvs = calloc(n, sizeof(*kvs));
	size_t i;

	if (kvs == NULL)
		err(1, NULL);
	for (i = 0; i < n; i++)
		kvs[i] = dial();
	return kvs;
}

static void
close_all(struct kv **kvs, size_t n)
{
	while (n > 0)
		kv_close(kvs[--n]);
	free(kvs);
}

/* Prints the rate, and the workers' time for one request. */
static void
traffic_run(struct traffic *t, const char *what)
{
	struct kv **kvs = dial_all(t->connections);
	double start_s, s, cpu_s = workers_s();
	uint64_t done = 0;
	char name[96];

	start_s = bench_now_s();
	if (t->connections == 1) {
		run_one(t, kvs[0]);
		done = t->requests;
	}
	while (done < t->requests) {
		s = run_round(t, kvs, &done);
		t->worst_s = s > t->worst_s ? s : t->worst_s;
	}
	s = bench_now_s() - start_s;
	cpu_s = workers_s() - cpu_s;
	bench_figure(what, (double)done / s, "1/s");
	snprintf(name, sizeof(name), "%s: workers' CPU", what);
	bench_figure(name, cpu_s * 1e6 / (double)done, "us/request");
	close_all(kvs, t->connections);
}

/* The measurements. */

/* load BUCKET KEYS */
static void
measure_load(char **argv)
{
	struct traffic t = {
		.bucket = argv[0], .requests = count_of(argv[1]),
		.connections = 1, .depth = DEPTH
	};
	struct kv *kv = dial();
	double start_s = bench_now_s();

	must(kv, kv_create(kv, kv_str(t.bucket)));
	kv_close(kv);
	traffic_run(&t, "load one bucket, PUT");
	bench_figure("load one bucket, time", bench_now_s() - start_s, "s");
}

/* rate BUCKET KEYS get|put CONNECTIONS REQUESTS */
static void
measure_rate(char **argv)
{
	struct traffic t = {
		.bucket = argv[0], .keys = count_of(argv[1]),
		.get = strcmp(argv[2], "get") == 0,
		.connections = count_of(argv[3]),
		.requests = count_of(argv[4])
	};
	char name[64];

	t.depth = t.connections == 1 ? DEPTH : DEPTH / t.connections + 1;
	snprintf(name, sizeof(name), "%s, %s", t.get ? "GET" : "PUT",
	    t.connections == 1 ? "1 connection" : "50 connections");
	traffic_run(&t, name);
}

static void
create_buckets(uint64_t n)
{
	char name[KEY_BYTES];
	struct kv_bytes b = { name, sizeof(name) };
	struct kv *kv = dial();
	struct kv_reply reply;
	double start_s = bench_now_s();
	uint64_t asked = 0, taken;

	for (taken = 0; taken < n; taken++) {
		while (asked < n && asked - taken < DEPTH) {
			bench_text(name, sizeof(name), "bkt-", asked++);
			must(kv, kv_pipe_create(kv, b));
		}
		must(kv, kv_pipe_reply(kv, &reply));
		must(kv, reply.status);
	}
	bench_figure("create buckets", (double)n / (bench_now_s() - start_s),
	    "1/s");
	kv_close(kv);
}

/* buckets BUCKETS KEYS */
static void
measure_buckets(char **argv)
{
	struct traffic t = {
		.buckets = count_of(argv[0]), .requests = count_of(argv[1]),
		.connections = 1, .depth = DEPTH
	};
	double start_s = bench_now_s();

	create_buckets(t.buckets);
	traffic_run(&t, "load many buckets, PUT");
	bench_figure("load many buckets, time", bench_now_s() - start_s, "s");
}

/* memory KEYS WHAT: with these keys and no garbage in the arena. */
static void
measure_memory(char **argv)
{
	double keys = (double)count_of(argv[0]), log, index, logs, segment;
	double payload = keys * (KEY_BYTES + VALUE_BYTES);
	struct kv *kv = dial();
	char name[96];

	log = (double)info(kv, "memory", "log_bytes");
	segment = (double)info(kv, "memory", "segment_bytes");
	index = (double)info(kv, "memory", "segments_index") * segment;
	logs = (double)info(kv, "memory", "segments_log") * segment;
	if ((double)info(kv, "memory", "dead_bytes") > keys)
		errx(1, "there is garbage in the arena");
	kv_close(kv);
	snprintf(name, sizeof(name), "memory, %s", argv[1]);
	bench_figure(name, (log + index - payload) / keys,
	    "B/key over key+value");
	snprintf(name, sizeof(name), "memory, %s, whole segments", argv[1]);
	bench_figure(name, (logs + index - payload) / keys,
	    "B/key over key+value");
}

/* crowd BUCKETS KEYS CONNECTIONS ROUNDS: the many at once. */
static void
measure_crowd(char **argv)
{
	struct traffic t = {
		.get = true, .buckets = count_of(argv[0]),
		.keys = count_of(argv[1]), .connections = count_of(argv[2]),
		.depth = CROWD_DEPTH
	};
	struct kv **kvs;
	double start_s = bench_now_s();
	struct kv *kv;

	kvs = dial_all(t.connections);
	kv = kvs[t.connections - 1];
	must(kv, kv_ping(kv));
	bench_figure("crowd, connect all", (bench_now_s() - start_s) * 1e3,
	    "ms");
	if (info(kv, "clients", "clients") < t.connections)
		errx(1, "not all of them are connected");
	close_all(kvs, t.connections);
	t.requests = t.connections * count_of(argv[3]);
	traffic_run(&t, "crowd, GET, one each");
	bench_figure("crowd, slowest round", t.worst_s * 1e3, "ms");
}

/* Stalls. */

struct stalls {			/* the longest wait, seconds */
	double	same_put;	/* in the shard of the dropped bucket */
	double	same_get;
	double	other_put;	/* in another one */
};

static void
timed(struct kv *kv, const char *bucket, bool get, double *worst_s)
{
	struct kv_bytes b = kv_str(bucket), k = kv_str("probe"), value;
	double start_s = bench_now_s(), s;

	must(kv, get ? kv_get(kv, b, k, &value) : kv_put(kv, b, k, k));
	s = bench_now_s() - start_s;
	*worst_s = s > *worst_s ? s : *worst_s;
}

/* Probe until the other end of a pipe closes, or time is over. */
static void
probe(struct kv *kv, int fd, double seconds, struct stalls *worst)
{
	struct pollfd p = { .fd = fd };
	double end_s = bench_now_s() + seconds;

	while (bench_now_s() < end_s && poll(&p, 1, 0) == 0) {
		timed(kv, "{bench}probe", false, &worst->same_put);
		timed(kv, "{bench}probe", true, &worst->same_get);
		timed(kv, "elsewhere", false, &worst->other_put);
	}
}

static void
print_stalls(const char *when, const struct stalls *worst)
{
	char name[96];

	snprintf(name, sizeof(name), "longest PUT, same shard, %s", when);
	bench_figure(name, worst->same_put * 1e3, "ms");
	snprintf(name, sizeof(name), "longest GET, same shard, %s", when);
	bench_figure(name, worst->same_get * 1e3, "ms");
	snprintf(name, sizeof(name), "longest PUT, other shard, %s", when);
	bench_figure(name, worst->other_put * 1e3, "ms");
}

/* Of the log and the index, together. */
static uint64_t
segments_in_use(struct kv *kv)
{
	return info(kv, "memory", "segments_log") +
	    info(kv, "memory", "segments_index");
}

/* In a process of its own: drop, and wait until 99 % of memory is back. */
static void
drop(const char *bucket)
{
	struct kv *kv = dial();
	uint64_t rest = segments_in_use(kv) / 100 + 10;
	double start_s = bench_now_s();

	must(kv, kv_drop(kv, kv_str(bucket)));
	bench_figure("DROP, reply", (bench_now_s() - start_s) * 1e3, "ms");
	while (segments_in_use(kv) > rest)
		poll(NULL, 0, 20);
	bench_figure("DROP, memory back", bench_now_s() - start_s, "s");
	kv_close(kv);
}

/* drop BUCKET; it and the probe's bucket share a shard by their {bench}. */
static void
measure_drop(char **argv)
{
	struct stalls before = { 0 }, during = { 0 };
	struct kv *kv = dial();
	int ends[2], status;
	pid_t pid;

	must(kv, kv_create(kv, kv_str("{bench}probe")));
	must(kv, kv_create(kv, kv_str("elsewhere")));
	if (pipe(ends) == -1)
		err(1, "pipe");
	probe(kv, ends[0], 3, &before);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		close(ends[0]);
		drop(argv[0]);
		_exit(0);
	}
	close(ends[1]);
	probe(kv, ends[0], 120, &during);
	if (waitpid(pid, &status, 0) == -1 || status != 0)
		errx(1, "the drop failed");
	print_stalls("undisturbed", &before);
	print_stalls("while dropped", &during);
	kv_close(kv);
}

/* Death. */

/* Writes without end; when its worker dies, on another connection. */
static void
disturb(void)
{
	char text[KEY_BYTES];
	struct kv_bytes k = { text, sizeof(text) };
	struct kv_reply reply;
	struct kv *kv = NULL;
	uint64_t i;

	for (i = 0;; i++) {
		if (kv == NULL)
			kv = kv_open(server, NULL, NULL);
		if (kv == NULL)
			continue;
		bench_text(text, sizeof(text), "key-", i % 100000);
		if (kv_pipe_put(kv, kv_str("traffic"), k, k) == KV_OK &&
		    (kv_pipe_pending(kv) < DEPTH ||
		    kv_pipe_reply(kv, &reply) == KV_OK))
			continue;
		kv_close(kv);
		kv = NULL;
	}
}

/* Keep asking on new connections until another process has this instance. */
static double
await_successor(uint64_t instance, uint64_t pid)
{
	double start_s = bench_now_s();
	struct kv *kv;
	bool found;

	do {
		kv = dial();
		found = info(kv, "server", "worker") == instance &&
		    info(kv, "server", "worker_pid") != pid;
		kv_close(kv);
		if (bench_now_s() > start_s + 30)
			errx(1, "no successor");
	} while (!found);
	return bench_now_s() - start_s;
}

/* successor: killed in the middle of traffic */
static void
measure_successor(char **argv)
{
	uint64_t instance, pid, written = 0;
	struct kv *kv = dial();
	pid_t traffic;

	(void)argv;
	must(kv, kv_create(kv, kv_str("traffic")));
	if ((traffic = fork()) == -1)
		err(1, "fork");
	if (traffic == 0)
		disturb();
	while (written < 10000) {
		poll(NULL, 0, 10);
		must(kv, kv_count(kv, kv_str("traffic"), &written));
	}
	instance = info(kv, "server", "worker");
	pid = info(kv, "server", "worker_pid");
	kill((pid_t)pid, SIGKILL);
	bench_figure("worker killed, successor serves",
	    await_successor(instance, pid) * 1e3, "ms");
	kill(traffic, SIGKILL);
	waitpid(traffic, NULL, 0);
	kv_close(kv);
}

/* start WHAT KVD ARGUMENT...: until the first answer. */
static void
measure_start(char **argv)
{
	double start_s = bench_now_s();
	struct kv *kv;
	int status;
	char name[64];
	pid_t pid;

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		execv(argv[1], argv + 1);
		err(1, "%s", argv[1]);
	}
	if (waitpid(pid, &status, 0) == -1 || status != 0)
		errx(1, "%s did not start", argv[1]);
	kv = dial();
	must(kv, kv_ping(kv));
	snprintf(name, sizeof(name), "start, %s", argv[0]);
	bench_figure(name, (bench_now_s() - start_s) * 1e3, "ms");
	kv_close(kv);
}

/* Help for the driver. */

/* keys N: as kv load reads them */
static void
print_keys(char **argv)
{
	uint64_t i, n = count_of(argv[0]);
	char line[KEY_BYTES + 1 + VALUE_BYTES + 1];

	line[KEY_BYTES] = ' ';
	line[sizeof(line) - 1] = '\n';
	for (i = 0; i < n; i++) {
		bench_text(line, KEY_BYTES, "key-", i);
		bench_text(line + KEY_BYTES + 1, VALUE_BYTES, "val-", i);
		if (fwrite(line, sizeof(line), 1, stdout) != 1)
			err(1, "keys");
	}
	if (fflush(stdout) != 0)
		err(1, "keys");
}

/* port: one that nobody listens to just now */
static void
print_port(char **argv)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)argv;
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(1, "socket");
	printf("%d\n", ntohs(sin.sin_port));
	close(fd);
}

static const struct {
	const char	*name;
	int		 args;		/* at least */
	void		(*run)(char **);
} measurements[] = {
	{ "load", 2, measure_load },
	{ "rate", 5, measure_rate },
	{ "buckets", 2, measure_buckets },
	{ "memory", 2, measure_memory },
	{ "crowd", 4, measure_crowd },
	{ "drop", 1, measure_drop },
	{ "successor", 0, measure_successor },
	{ "start", 2, measure_start },
	{ "keys", 1, print_keys },
	{ "port", 0, print_port },
};

int
main(int argc, char **argv)
{
	size_t i;

	server = getenv("KV_SERVER");
	for (i = 0; i < sizeof(measurements) / sizeof(*measurements); i++) {
		if (argc < 2 || strcmp(argv[1], measurements[i].name) != 0)
			continue;
		if (argc - 2 < measurements[i].args)
			break;
		measurements[i].run(argv + 2);
		return 0;
	}
	errx(64, "usage: scale measurement argument ..., see tests/bench/run");
}
