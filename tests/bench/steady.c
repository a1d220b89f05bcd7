/*
 * Memory and the longest wait in the steady state: every key is written once,
 * while the index grows, and then overwritten ten times at random, while a
 * cleaner makes room.  The arena is of such a size that what lives takes 75 %
 * of it, so there is always something to clean.
 *
 *	steady KEYS
 *
 * The cleaner is a process of its own that does what kvd's does.
 *
 * The clock on the wall shows what else the machine has to do as well.  What
 * kvd causes is the processor's time of the put itself, and as long as it
 * sleeps, for a lock, that of the cleaner.  What is left of a wait are moments
 * in which who could have gone on was not given a processor.
 */

#include <sys/prctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "shm/bucket.h"
#include "tests/bench/arena.h"
#include "tests/bench/load_histogram.h"

#define TIMES		10
#define FULL		0.75
#define LIVE_BYTES	(KEY_BYTES + VALUE_BYTES + 32)	/* about, of a pair */

static const struct bytes bucket = { "bench", 5 };
static struct load_histogram waits, own;
static clockid_t cleaner_clock;
static struct arena *arena;
static uint64_t keys;

/* As server/cleaner.c: others may want the lock. */
static void
let_others(void)
{
	const struct timespec pause = { .tv_nsec = 1000 };

	nanosleep(&pause, NULL);
}

static pid_t
start_cleaner(void)
{
	struct clean_state state = { 0 };
	struct clean_work work = { 0 };
	pid_t parent = getpid(), pid = fork();

	if (pid == -1)
		err(1, "fork");
	/* However we end. */
	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
	    getppid() != parent))
		_exit(1);
	while (pid == 0) {
		if (!clean_step(arena, &state, &work, 0))
			poll(NULL, 0, 1);
		let_others();
	}
	if (clock_getcpuclockid(pid, &cleaner_clock) != 0)
		errx(1, "no clock of the cleaner's");
	return pid;
}

struct moment {
	uint64_t	wall_ns;
	uint64_t	own_ns;		/* of the processor */
	uint64_t	cleaner_ns;
	uint64_t	queued_ns;	/* for a processor */
};

/* The second number of our schedstat, see proc_pid_schedstat(5). */
static uint64_t
read_queued_ns(void)
{
	static int fd = -1;
	uint64_t queued_ns;
	char text[64];
	ssize_t n;

	if (fd == -1 &&
	    (fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC)) == -1)
		err(1, "/proc/self/schedstat");
	n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%*u %" SCNu64, &queued_ns) != 1)
		errx(1, "/proc/self/schedstat: %s", text);
	return queued_ns;
}

static uint64_t
read_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The wall's clock is read nearest to the put. */
static void
look_before(struct moment *m)
{
	m->queued_ns = read_queued_ns();
	m->cleaner_ns = read_ns(cleaner_clock);
	m->own_ns = read_ns(CLOCK_THREAD_CPUTIME_ID);
	m->wall_ns = read_ns(CLOCK_MONOTONIC);
}

static void
look_after(struct moment *m)
{
	m->wall_ns = read_ns(CLOCK_MONOTONIC);
	m->own_ns = read_ns(CLOCK_THREAD_CPUTIME_ID);
	m->cleaner_ns = read_ns(cleaner_clock);
	m->queued_ns = read_queued_ns();
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void
put(uint64_t k, uint64_t v)
{
	struct moment before, after;
	uint64_t wall_ns, own_ns, slept_ns;

	look_before(&before);
	bench_put(arena, bucket, k, v);
	look_after(&after);
	wall_ns = after.wall_ns - before.wall_ns;
	own_ns = least(after.own_ns - before.own_ns, wall_ns);
	slept_ns = wall_ns - own_ns;
	slept_ns -= least(after.queued_ns - before.queued_ns, slept_ns);
	load_histogram_add(&waits, wall_ns);
	load_histogram_add(&own, own_ns +
	    least(after.cleaner_ns - before.cleaner_ns, slept_ns));
}

static void
report(const char *what, const char *when, const struct load_histogram *h,
    double part)
{
	char name[96];

	snprintf(name, sizeof(name), "shm put, %s %s, %g M keys", what, when,
	    (double)keys / 1e6);
	bench_figure(name, (double)load_histogram_ns(h, part) / 1e6, "ms");
}

/* The longest of all, and what one of 10,000 exceeds. */
static void
report_waits(const char *when)
{
	report("longest", when, &own, 1);
	report("p99.99", when, &own, 0.9999);
	report("longest by the wall", when, &waits, 1);
	report("p99.99 by the wall", when, &waits, 0.9999);
	waits = own = (struct load_histogram){ 0 };
}

static void
report_memory(void)
{
	struct arena_usage usage;
	struct bucket_stat stat;
	double live;
	char name[96];

	must(bucket_stat(arena, bucket, &stat), "stat");
	arena_usage(arena, &usage);
	live = (double)(usage.log_bytes - usage.dead_bytes) +
	    (double)usage.segments_index * (double)arena_segment_bytes(arena);
	snprintf(name, sizeof(name), "shm memory, overwritten, %g M keys",
	    (double)keys / 1e6);
	bench_figure(name, (live - (double)stat.bytes) / (double)stat.keys,
	    "B/key over key+value");
	snprintf(name, sizeof(name), "shm arena, live part, %g M keys",
	    (double)keys / 1e6);
	bench_figure(name, 100 * live / (double)arena_memory_bytes(arena),
	    "%");
}

static void
measure(void)
{
	double start_s;
	char name[96];
	uint64_t i;

	for (i = 0; i < keys; i++)
		put(i, i);
	report_waits("while growing");
	/* To look at the clocks takes half as long as a put. */
	start_s = bench_now_s();
	for (i = 0; i < keys * TIMES / 2; i++)
		bench_put(arena, bucket, bench_pick(i, keys), i);
	snprintf(name, sizeof(name), "shm overwrite, steady, %g M keys",
	    (double)keys / 1e6);
	bench_figure(name, (double)i / (bench_now_s() - start_s), "1/s");
	for (; i < keys * TIMES; i++)
		put(bench_pick(i, keys), i);
	report_waits("while cleaned");
	report_memory();
}

int
main(int argc, char **argv)
{
	pid_t cleaner;

	if (argc != 2 || (keys = strtoull(argv[1], NULL, 10)) == 0)
		errx(64, "usage: steady keys");
	arena = bench_arena((uint64_t)((double)keys * LIVE_BYTES / FULL));
	must(bucket_create(arena, bucket), "create");
	cleaner = start_cleaner();
	measure();
	kill(cleaner, SIGKILL);
	waitpid(cleaner, NULL, 0);
	arena_close(arena);
	return 0;
}
