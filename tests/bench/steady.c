/*
 * Memory and the longest wait in the steady state: every key is written once,
 * while the index grows, and then overwritten ten times at random, while a
 * cleaner makes room.  The arena is of such a size that what lives takes 75 %
 * of it, so there is always something to clean.
 *
 *	steady KEYS
 *
 * The cleaner is a process of its own that does what kvd's does.  The times
 * are those of the clock on the wall: a machine with other work shows it.
 */

#include <sys/prctl.h>
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "shm/bucket.h"
#include "tests/bench/arena.h"
#include "tests/bench/load_histogram.h"

#define TIMES		10
#define FULL		0.75
#define LIVE_BYTES	(KEY_BYTES + VALUE_BYTES + 32)	/* about, of a pair */
#define AHEAD		4	/* segments that the cleaner backs */

static const struct bytes bucket = { "bench", 5 };
static struct load_histogram waits;
static struct arena *arena;
static uint64_t keys;

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
		(void)arena_back_ahead(arena, AHEAD);
		if (!clean_step(arena, &state, &work, 0))
			poll(NULL, 0, 1);
	}
	return pid;
}

static void
put(uint64_t k, uint64_t v)
{
	double start_s = bench_now_s();

	bench_put(arena, bucket, k, v);
	load_histogram_add(&waits,
	    (uint64_t)((bench_now_s() - start_s) * 1e9));
}

/* The longest of all, and what one of 10,000 exceeds. */
static void
report_waits(const char *when)
{
	char name[96];

	snprintf(name, sizeof(name), "shm put, longest %s, %g M keys", when,
	    (double)keys / 1e6);
	bench_figure(name, (double)load_histogram_ns(&waits, 1) / 1e6, "ms");
	snprintf(name, sizeof(name), "shm put, p99.99 %s, %g M keys", when,
	    (double)keys / 1e6);
	bench_figure(name, (double)load_histogram_ns(&waits, 0.9999) / 1e6,
	    "ms");
	waits = (struct load_histogram){ 0 };
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
	start_s = bench_now_s();
	for (i = 0; i < keys * TIMES; i++)
		put(bench_pick(i, keys), i);
	snprintf(name, sizeof(name), "shm overwrite, steady, %g M keys",
	    (double)keys / 1e6);
	bench_figure(name, (double)(keys * TIMES) / (bench_now_s() - start_s),
	    "1/s");
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
