/*
 * What it costs to ask the wrong node: the same requests of a node without a
 * table, of the owner of their bucket, and of another node, which forwards.
 *
 * On a machine of two cores three programs cannot have one each.  So what
 * counts is the processor time of each for a request: with a machine for
 * each node, the one that needs more of it says how many there can be.
 *
 * For the rates the node that is asked has the second core for itself, and all
 * the others, this client among them, share the first.  As long as they have
 * less to do a rate is that of the node asked; "busy", the part of its core
 * that it has used, says whether that was so.
 *
 * The ways are measured in turn, in short slices: whatever else runs on the
 * machine meets all of them.
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/client/kv.h"
#include "tests/bench/bench.h"
#include "tests/bench/load_processes.h"

#define CONNECTIONS_MAX	50
#define DEPTH_MAX	1024
#define BUCKET		"shopping"
#define KEYS		10000
#define SLICE_S		0.5
#define WARM_S		0.1
#define PATIENCE_MS	30000
#define ROUNDS_MAX	32
#define TEXT_BYTES	128
#define IN_BYTES	((size_t)64 * 1024)

enum way { ALONE, DIRECT, FORWARDED, WAYS };

/* An instance: its master and all that this has started. */
struct node {
	const char		*address;
	struct load_processes	 processes;
};

/* The texts of a request and of its answer, of each key. */
struct text {
	char	bytes[TEXT_BYTES];
	size_t	len;
};

struct dialogue {
	size_t		 connections;
	size_t		 depth;		/* in flight, on each of them */
	struct text	 requests[KEYS];
	struct text	 answers[KEYS];
};

struct peer {
	int		 fd;
	uint64_t	 asked;		/* requests, of all times */
	uint64_t	 answered;
	size_t		 len;
	char		 in[IN_BYTES];
};

struct sample {
	double	rate;
	double	node_us;	/* of the node that is asked, per request */
	double	owner_us;	/* of the other one, if there is one */
	double	client_us;
	double	busy;
};

static struct node nodes[WAYS];
static struct peer peers[CONNECTIONS_MAX];
static struct dialogue dialogue;
static size_t rounds;

/* Talking. */

static int
dial(const char *address)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char host[64];
	struct addrinfo *ai;
	int fd, on = 1;
	char *port;

	snprintf(host, sizeof(host), "%s", address);
	if ((port = strrchr(host, ':')) == NULL)
		errx(64, "not an address: %s", address);
	*port++ = '\0';
	if (getaddrinfo(host, port, &hints, &ai) != 0)
		errx(1, "cannot look up %s", address);
	fd = socket(ai->ai_family, SOCK_STREAM, 0);
	if (fd == -1 || connect(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		err(1, "%s", address);
	freeaddrinfo(ai);
	return fd;
}

static uint64_t
key_of(const struct peer *peer, uint64_t i)
{
	return bench_pick((uint64_t)(peer - peers) << 32 | i, KEYS);
}

/* Its next requests, in one piece; there is room for them in the socket. */
static void
ask(struct peer *peer, size_t n)
{
	char out[DEPTH_MAX * TEXT_BYTES];
	const struct text *text;
	size_t len = 0;

	for (; n > 0; n--) {
		text = &dialogue.requests[key_of(peer, peer->asked++)];
		memcpy(out + len, text->bytes, text->len);
		len += text->len;
	}
	if (send(peer->fd, out, len, MSG_NOSIGNAL) != (ssize_t)len)
		err(1, "send");
}

/* Returns the number of whole answers that have come. */
static size_t
hear(struct peer *peer)
{
	ssize_t n = recv(peer->fd, peer->in + peer->len,
	    sizeof(peer->in) - peer->len, 0);
	const struct text *text;
	size_t done = 0, used = 0;

	if (n <= 0)
		err(1, "recv");
	peer->len += (size_t)n;
	for (; peer->answered < peer->asked; done++) {
		text = &dialogue.answers[key_of(peer, peer->answered)];
		if (peer->len - used < text->len)
			break;
		if (memcmp(peer->in + used, text->bytes, text->len) != 0)
			errx(1, "a wrong answer: %.*s", (int)peer->len,
			    peer->in);
		used += text->len;
		peer->answered++;
	}
	peer->len -= used;
	memmove(peer->in, peer->in + used, peer->len);
	return done;
}

static void
open_all(int epoll_fd, const struct node *node)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct peer *peer;

	for (peer = peers; peer < peers + dialogue.connections; peer++) {
		peer->asked = peer->answered = peer->len = 0;
		peer->fd = dial(node->address);
		event.data.ptr = peer;
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, peer->fd, &event) == -1)
			err(1, "epoll");
		ask(peer, dialogue.depth);
	}
}

/* Whatever has been answered is asked anew.  Returns the answers. */
static uint64_t
talk(int epoll_fd, double seconds)
{
	double end_s = bench_now_s() + seconds;
	struct epoll_event events[CONNECTIONS_MAX];
	uint64_t done = 0;
	size_t answers;
	int i, n;

	while (bench_now_s() < end_s) {
		if ((n = epoll_wait(epoll_fd, events, CONNECTIONS_MAX,
		    PATIENCE_MS)) <= 0)
			errx(1, "no answer");
		for (i = 0; i < n; i++) {
			answers = hear(events[i].data.ptr);
			if (answers > 0)
				ask(events[i].data.ptr, answers);
			done += answers;
		}
	}
	return done;
}

/* What remains in flight at the end is nobody's any more. */
static void
close_all(int epoll_fd)
{
	size_t i;

	for (i = 0; i < dialogue.connections; i++)
		close(peers[i].fd);
	close(epoll_fd);
}

static void
measure(enum way way, struct sample *sample)
{
	const struct node *owner = &nodes[DIRECT], *node = &nodes[way];
	double begin_s, s, spent_s, owner_s, client_s;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	double done;

	load_processes_pin(&owner->processes, 0);
	load_processes_pin(&node->processes, 1);
	open_all(epoll_fd, node);
	(void)talk(epoll_fd, WARM_S);
	begin_s = bench_now_s();
	spent_s = load_processes_s(&node->processes);
	owner_s = load_processes_s(&owner->processes);
	client_s = load_clock_s(CLOCK_PROCESS_CPUTIME_ID);
	done = (double)talk(epoll_fd, SLICE_S);
	s = bench_now_s() - begin_s;
	spent_s = load_processes_s(&node->processes) - spent_s;
	owner_s = load_processes_s(&owner->processes) - owner_s;
	client_s = load_clock_s(CLOCK_PROCESS_CPUTIME_ID) - client_s;
	close_all(epoll_fd);
	*sample = (struct sample){
		.rate = done / s, .node_us = spent_s * 1e6 / done,
		.owner_us = owner_s * 1e6 / done,
		.client_us = client_s * 1e6 / done, .busy = spent_s / s
	};
}

/* What is said. */

/* The request for a key, and what is to be answered. */
static void
write_texts(bool get, uint64_t n, struct text *request, struct text *answer)
{
	char key[KEY_BYTES], value[VALUE_BYTES];
	int asked, answered;

	bench_text(key, sizeof(key), "key-", n);
	bench_text(value, sizeof(value), "val-", n);
	if (get) {
		asked = snprintf(request->bytes, TEXT_BYTES,
		    "GET " BUCKET " %.*s\r\n", KEY_BYTES, key);
		answered = snprintf(answer->bytes, TEXT_BYTES,
		    "%.*s\r\nOK\r\n", VALUE_BYTES, value);
	} else {
		asked = snprintf(request->bytes, TEXT_BYTES,
		    "PUT " BUCKET " %.*s %.*s\r\n", KEY_BYTES, key,
		    VALUE_BYTES, value);
		answered = snprintf(answer->bytes, TEXT_BYTES, "OK\r\n");
	}
	request->len = (size_t)asked;
	answer->len = (size_t)answered;
}

static void
write_dialogue(bool get, size_t connections, size_t depth)
{
	uint64_t i;

	dialogue.connections = connections;
	dialogue.depth = depth;
	for (i = 0; i < KEYS; i++)
		write_texts(get, i, &dialogue.requests[i],
		    &dialogue.answers[i]);
}

/* Every key is there, so that each GET finds one. */
static void
fill(const struct node *node)
{
	char key[KEY_BYTES], value[VALUE_BYTES];
	struct kv_bytes k = { key, sizeof(key) }, v = { value, sizeof(value) };
	struct kv_error error;
	struct kv *kv = kv_open(node->address, NULL, &error);
	uint64_t i;

	if (kv == NULL)
		errx(1, "%s", error.message);
	if (kv_create(kv, kv_str(BUCKET)) != KV_OK)
		errx(1, "%s", kv_message(kv));
	for (i = 0; i < KEYS; i++) {
		bench_text(key, sizeof(key), "key-", i);
		bench_text(value, sizeof(value), "val-", i);
		if (kv_put(kv, kv_str(BUCKET), k, v) != KV_OK)
			errx(1, "%s", kv_message(kv));
	}
	kv_close(kv);
}

/* The table. */

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
median(const struct sample *samples, size_t offset)
{
	double v[ROUNDS_MAX];
	size_t i;

	for (i = 0; i < rounds; i++)
		memcpy(&v[i], (const char *)&samples[i] + offset,
		    sizeof(v[i]));
	qsort(v, rounds, sizeof(v[0]), compare);
	return (v[(rounds - 1) / 2] + v[rounds / 2]) / 2;
}

#define MEDIAN(way, field) \
	median(samples[way], offsetof(struct sample, field))

static void
print_head(void)
{
	puts("| in flight | CPU us: alone | direct | front | owner | client "
	    "| of direct, % | alone, 1/s | direct, 1/s | forwarded, 1/s "
	    "| of direct, % | busy %: alone | direct | front |");
	puts("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
	    "---:|---:|");
}

static void
print_row(const char *verb, struct sample samples[WAYS][ROUNDS_MAX])
{
	double direct_us = MEDIAN(DIRECT, node_us);
	double front_us = MEDIAN(FORWARDED, node_us);
	double owner_us = MEDIAN(FORWARDED, owner_us);
	double direct = MEDIAN(DIRECT, rate), rate = MEDIAN(FORWARDED, rate);

	printf("| %s, %zu x %zu |", verb, dialogue.connections,
	    dialogue.depth);
	printf(" %.2f | %.2f | %.2f | %.2f | %.2f | %.0f |",
	    MEDIAN(ALONE, node_us), direct_us, front_us, owner_us,
	    MEDIAN(FORWARDED, client_us), 100 * direct_us /
	    (front_us > owner_us ? front_us : owner_us));
	printf(" %.0f | %.0f | %.0f | %.0f |", MEDIAN(ALONE, rate), direct,
	    rate, 100 * rate / direct);
	printf(" %.0f | %.0f | %.0f |\n", 100 * MEDIAN(ALONE, busy),
	    100 * MEDIAN(DIRECT, busy), 100 * MEDIAN(FORWARDED, busy));
	fflush(stdout);
}

static void
measure_row(bool get, size_t connections, size_t depth)
{
	static struct sample samples[WAYS][ROUNDS_MAX];
	enum way way;
	size_t i;

	write_dialogue(get, connections, depth);
	for (i = 0; i < rounds; i++)
		for (way = ALONE; way < WAYS; way++)
			measure(way, &samples[way][i]);
	print_row(get ? "GET" : "PUT", samples);
}

/*
 * nodes ROUNDS, then address and process id of three nodes: one that is alone,
 * the owner of the bucket, and another one with the same table.
 */
int
main(int argc, char **argv)
{
	static const struct {
		size_t	connections;
		size_t	depth;
	} rows[] = {
		{ 50, 1 }, { 50, 16 }, { 50, 64 }, { 1, 1 }, { 1, DEPTH_MAX }
	};
	const struct load_processes self = { { getpid() }, 1 };
	size_t i;

	if (argc == 2 + 2 * WAYS)
		rounds = strtoul(argv[1], NULL, 10);
	if (rounds == 0 || rounds > ROUNDS_MAX)
		errx(64, "see tests/bench/nodes");
	for (i = 0; i < WAYS; i++) {
		nodes[i].address = argv[2 + 2 * i];
		load_processes_add(&nodes[i].processes,
		    atoi(argv[3 + 2 * i]));
	}
	load_processes_pin(&self, 0);
	fill(&nodes[ALONE]);
	fill(&nodes[DIRECT]);
	print_head();
	for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++)
		measure_row(i % 2 == 0, rows[i / 2].connections,
		    rows[i / 2].depth);
	return 0;
}
