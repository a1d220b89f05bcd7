/*
 * The storm: clients with ledgers use a kvd whose processes are killed ten
 * times a second, and in the end the ledgers are right, the arena is sound
 * and nothing has leaked.  What it costs the clients is measured and printed;
 * calm and storm take turns, for the machine is not the same every minute.
 *
 * KVD_STORM_SECONDS is how long calm and storm last together, 15 if unset,
 * KVD_STORM_RATE how many blows fall a second in a storm, KVD_STORM_SEED
 * repeats one, as far as processes can be made to, and KVD_STORM_ADOPT is the
 * size of the arena that is adopted full.
 */

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/options.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/audit.h"
#include "shm/bucket.h"
#include "shm/pair.h"
#include "tests/crash/storm/client.h"
#include "tests/crash/storm/killer.h"
#include "tests/crash/storm/report.h"
#include "tests/crash/storm/server.h"
#include "tests/crash/storm/value.h"
#include "tests/proc/talk.h"

#define MEMORY		"32M"
#define DEEP		2		/* clients with many requests at once */
#define DEPTH		32
#define SHALLOW		4		/* clients with one at a time .. */
#define PAUSE_NS	2000000		/* .. and this pause */
#define PATIENCE_S	20
#define WARM_S		1.0
#define ROUNDS_MIN	5
#define ROUND_S		2.0		/* if there is time for more */

TestSuite(storm);

/* One at a time: each of them wants the processors for itself. */
ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	(void)tests;
	criterion_options.jobs = 1;
}

static struct server server;
static struct storm *storm;
static struct killer killer;
static struct rounds rounds;
static pid_t sleeper;

static double
setting(const char *name, double otherwise)
{
	const char *text = getenv(name);

	return text == NULL || *text == '\0' ? otherwise : strtod(text, NULL);
}

/* The runner has no bound of its own for tests this long. */
static void
set_bound(double seconds)
{
	alarm((unsigned)seconds + 240);
}

/* Clients. */

static void
make_storm(uint64_t seed)
{
	struct client *c;
	unsigned i;

	storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(storm, MAP_FAILED);
	snprintf(storm->socket, sizeof(storm->socket), "%s", server.socket);
	storm->clients = DEEP + SHALLOW;
	for (i = 0; i < storm->clients; i++) {
		c = &storm->client[i];
		c->number = i;
		c->random = seed * 1000 + i + 1;
		c->depth = i < DEEP ? DEPTH : 1;
		c->pause_ns = i < DEEP ? 0 : PAUSE_NS;
	}
}

static void
make_buckets(void)
{
	int fd = talk_open_path(server.socket);
	char request[64];
	unsigned i;

	talk(fd, "CREATE all0\r\n", "OK\r\n");
	for (i = 0; i < storm->clients; i++) {
		snprintf(request, sizeof(request), "CREATE own%u\r\n", i);
		talk(fd, request, "OK\r\n");
	}
	close(fd);
}

static uint64_t
replies_of(const struct client *c)
{
	uint64_t n = 0;
	unsigned phase;

	for (phase = 0; phase < PHASES; phase++)
		n += atomic_load(&c->replies[phase]);
	return n;
}

/* Somebody who wants nothing of kvd: how late is he? */
static _Noreturn void
sleep_and_look(void)
{
	const uint64_t ns = 1000000;
	uint64_t then_ns;
	int phase;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!atomic_load(&storm->stop)) {
		phase = atomic_load(&storm->phase);
		then_ns = storm_now_ns();
		storm_sleep_ns(ns);
		histogram_add(&storm->sleeper[phase],
		    storm_now_ns() - then_ns - ns);
	}
	_exit(0);
}

static void
show_clients(void)
{
	const struct client *c;
	unsigned i;

	for (i = 0; i < storm->clients; i++) {
		c = &storm->client[i];
		fprintf(stderr, "  client %u: %ju replies, %ju connections "
		    "broken; %s\n", i, (uintmax_t)replies_of(c),
		    (uintmax_t)c->broken, c->failure);
	}
}

static _Noreturn void
give_up(const char *why)
{
	show_clients();
	server_show(&server);
	cr_assert_fail("%s", why);
	abort();
}

/* All clients move, and none has found anything wrong. */
static void
watch_clients(void)
{
	static uint64_t was[CLIENTS_MAX], moved_ns[CLIENTS_MAX];
	uint64_t now_ns = storm_now_ns(), n;
	unsigned i;

	for (i = 0; i < storm->clients; i++) {
		if (atomic_load(&storm->client[i].failed))
			give_up("a client found something wrong");
		n = replies_of(&storm->client[i]);
		if (n != was[i] || moved_ns[i] == 0)
			moved_ns[i] = now_ns;
		was[i] = n;
		if (now_ns - moved_ns[i] >
		    PATIENCE_S * UINT64_C(1000000000))
			give_up("a client gets no replies");
	}
}

/* One after the other, or one worker would accept them all. */
static void
start_clients(void)
{
	unsigned i;

	for (i = 0; i < storm->clients; i++) {
		storm->client[i].pid = client_start(storm, i);
		cr_assert_gt(storm->client[i].pid, 0);
		while (replies_of(&storm->client[i]) == 0)
			watch_clients();
	}
	sleeper = fork();
	cr_assert_neq(sleeper, -1);
	if (sleeper == 0)
		sleep_and_look();
}

static void
await_end(pid_t pid)
{
	uint64_t deadline_ns = storm_now_ns() +
	    PATIENCE_S * UINT64_C(1000000000);
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (storm_now_ns() > deadline_ns)
			give_up("a client does not end");
		storm_sleep_ns(1000000);
	}
	cr_assert_eq(status, 0);
}

static void
stop_clients(void)
{
	unsigned i;

	atomic_store(&storm->stop, true);
	for (i = 0; i < storm->clients; i++)
		await_end(storm->client[i].pid);
	await_end(sleeper);
	watch_clients();
}

/* Weather. */

static double
sum_of_replies(enum phase phase)
{
	double n = 0;
	unsigned i;

	for (i = 0; i < storm->clients; i++)
		n += (double)atomic_load(&storm->client[i].replies[phase]);
	return n;
}

/* Returns the replies a second. */
static double
run_phase(enum phase phase, double seconds)
{
	double before = sum_of_replies(phase), took_s;
	uint64_t start_ns = storm_now_ns(), sleep_ns;
	uint64_t end_ns = start_ns + (uint64_t)(seconds * 1e9);

	atomic_store(&storm->phase, (int)phase);
	while (storm_now_ns() < end_ns) {
		sleep_ns = killer_tick(&killer, phase == PHASE_STORM);
		server_expect_alive(&server);
		watch_clients();
		storm_sleep_ns(sleep_ns);
	}
	took_s = (double)(storm_now_ns() - start_ns) / 1e9;
	rounds.seconds[phase] += took_s;
	return (sum_of_replies(phase) - before) / took_s;
}

static unsigned
rounds_in(double seconds)
{
	double n = seconds / ROUND_S;

	return n < ROUNDS_MIN ? ROUNDS_MIN :
	    n > ROUNDS_MAX ? ROUNDS_MAX : (unsigned)n;
}

static void
run_rounds(double seconds)
{
	unsigned i, phase;

	rounds.n = rounds_in(seconds);
	run_phase(PHASE_WARM, WARM_S);
	for (i = 0; i < rounds.n; i++)
		for (phase = PHASE_CALM; phase <= PHASE_STORM; phase++)
			rounds.per_second[phase][i] = run_phase(
			    (enum phase)phase, seconds / (2 * rounds.n));
	cr_assert_gt(killer.notes, 0, "nobody was struck");
}

/* The end. */

static void
expect_sound(void)
{
	struct audit_report found;

	cr_assert_eq(audit_arena(server.arena, &found), 0);
	cr_assert_eq(found.errors, 0, "%s", found.first_error);
}

static void
expect_ledgers(void)
{
	unsigned i;

	for (i = 0; i < storm->clients; i++)
		if (!client_verify(storm, i))
			give_up("the ledger is not what is stored");
}

/* Our own connections are closed on the other side, too. */
static void
await_no_clients(void)
{
	uint64_t deadline_ns = storm_now_ns() +
	    PATIENCE_S * UINT64_C(1000000000);

	while (board_sum(server.arena, BOARD_CLIENTS) != 0) {
		cr_assert_lt(storm_now_ns(), deadline_ns,
		    "a client is left");
		storm_sleep_ns(1000000);
	}
}

/* As many descriptors as before there were clients. */
static void
expect_files(unsigned master, unsigned children)
{
	uint64_t deadline_ns = storm_now_ns() +
	    PATIENCE_S * UINT64_C(1000000000);
	unsigned now_master, now_children;

	for (;;) {
		server_count_files(&server, &now_master, &now_children);
		if (now_master == master && now_children == children)
			return;
		if (storm_now_ns() > deadline_ns)
			break;
		killer_tick(&killer, false);
		storm_sleep_ns(1000000);
	}
	server_show(&server);
	cr_assert_fail("descriptors: master %u, then %u; children %u, then %u",
	    master, now_master, children, now_children);
}

static void
drop_buckets(void)
{
	int fd = talk_open_path(server.socket);
	char request[64], line[64];
	unsigned i;

	talk(fd, "DROP all0\r\n", "OK\r\n");
	for (i = 0; i < storm->clients; i++) {
		snprintf(request, sizeof(request), "DROP own%u\r\n", i);
		talk(fd, request, "OK\r\n");
		snprintf(request, sizeof(request), "DROP visit%u\r\n", i);
		talk_send(fd, request);
		cr_assert(talk_line(fd, line, sizeof(line)));
	}
	talk(fd, "BUCKETS\r\n", "OK\r\n");
	close(fd);
}

/* Without buckets nothing is held: no segment of whatever kind is out. */
static void
expect_nothing_held(void)
{
	uint64_t deadline_ns = storm_now_ns() +
	    PATIENCE_S * UINT64_C(1000000000);
	struct arena_usage u;

	for (;;) {
		arena_usage(server.arena, &u);
		if (u.segments_raw + u.segments_free == u.segments)
			return;
		if (storm_now_ns() > deadline_ns)
			break;
		storm_sleep_ns(1000000);
	}
	server_show(&server);
	cr_assert_fail("of %ju segments %ju are raw, %ju free, %ju log, "
	    "%ju index", (uintmax_t)u.segments, (uintmax_t)u.segments_raw,
	    (uintmax_t)u.segments_free, (uintmax_t)u.segments_log,
	    (uintmax_t)u.segments_index);
}

static void
run_storm(bool masters)
{
	double seconds = setting("KVD_STORM_SECONDS", 15);
	uint64_t seed = (uint64_t)setting("KVD_STORM_SEED", (double)getpid());
	unsigned master, children;

	set_bound(seconds);
	killer.server = &server;
	killer.random = seed + 1;
	killer.rate = setting("KVD_STORM_RATE", 10);
	killer.masters = masters;
	printf("storm on workers and cleaner%s: %.0f s, %.0f blows/s in half "
	    "of them, KVD_STORM_SEED=%ju\n", masters ? " and master" : "",
	    seconds, killer.rate, (uintmax_t)seed);
	fflush(stdout);
	server_prepare(&server, MEMORY);
	server_start(&server);
	make_storm(seed);
	make_buckets();
	await_no_clients();
	server_count_files(&server, &master, &children);
	start_clients();
	run_rounds(seconds);
	stop_clients();
	expect_files(master, children);
	expect_sound();		/* while the cleaner goes on */
	server_end(&server, SIGQUIT);
	expect_sound();
	server_start(&server);
	expect_ledgers();
	drop_buckets();
	expect_nothing_held();
	expect_sound();
	report(storm, &killer, &rounds);
	server_end(&server, SIGTERM);
	server_remove(&server);
}

Test(storm, kills_of_workers_and_cleaner_lose_and_leak_nothing)
{
	run_storm(false);
}

Test(storm, kills_of_the_master_lose_and_leak_nothing)
{
	run_storm(true);
}

/* Adoption. */

static uint64_t
fill_arena(void)
{
	const struct bytes bucket = { "big", 3 };
	char key[32], value[VALUE_MAX];
	struct pair p = { .key = { key, 0 }, .value = { value, 0 } };
	uint64_t n = 0;
	enum shm_status status;

	cr_assert_eq(bucket_create(server.arena, bucket), SHM_OK);
	do {
		p.key.len = (size_t)snprintf(key, sizeof(key), "k%ju",
		    (uintmax_t)n);
		p.value.len = value_make(value, key, 0, n);
		status = pair_put(server.arena, bucket, &p, NULL);
		n++;
	} while (status == SHM_OK);
	cr_assert_eq(status, SHM_FULL);
	return n - 1;
}

static void
expect_filled(uint64_t n)
{
	const struct bytes bucket = { "big", 3 };
	char key[32], value[VALUE_MAX];
	struct bytes name = { key, 0 };
	uint64_t i, seq;
	unsigned writer;
	size_t len;

	for (i = 0; i < n; i++) {
		name.len = (size_t)snprintf(key, sizeof(key), "k%ju",
		    (uintmax_t)i);
		cr_assert_eq(pair_get(server.arena, bucket, name, value,
		    sizeof(value), &len, NULL), SHM_OK);
		cr_assert(value_check(value, len, key, &writer, &seq));
		cr_assert_eq(seq, i);
	}
}

Test(storm, full_arena_is_adopted_after_all_processes_were_killed_at_once)
{
	const char *size = getenv("KVD_STORM_ADOPT");
	struct arena_usage u;
	uint64_t then_ns, exec_ns, end_ns, n;

	set_bound(0);
	server_prepare(&server, size == NULL ? MEMORY : size);
	server_start(&server);
	n = fill_arena();
	arena_usage(server.arena, &u);
	then_ns = storm_now_ns();
	server_kill_all(&server);
	exec_ns = storm_now_ns();
	end_ns = server_start(&server);
	printf("adoption of %.0f MB with %ju keys: dead after %.2f ms, "
	    "answers after %.2f ms more\n", (double)u.log_bytes / 1e6,
	    (uintmax_t)n, (double)(exec_ns - then_ns) / 1e6,
	    (double)(end_ns - exec_ns) / 1e6);
	fflush(stdout);
	expect_filled(n);
	expect_sound();
	server_end(&server, SIGTERM);
	server_remove(&server);
}
