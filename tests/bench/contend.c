/*
 * Processes on one arena, without a wire: what one does in some time, and
 * what as many as there are processors do together.  They read and write in
 * 64 buckets that lie in different shards, as a rule, or all write in one; each
 * pair by itself, and in runs of 16 in a bucket, as a worker does with what it
 * has read at once.
 *
 *	contend KEYS SECONDS
 *
 * What several do with an arena for each is what the machine can do: processors
 * have memory, and perhaps more, in common.
 *
 * Each process is bound to a processor.  Memory is backed beforehand, as a
 * cleaner does, and what the writers leave is cleaned up between two
 * measurements: neither is part of a figure.
 */

#include <sys/mman.h>
#include <sys/wait.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "shm/board.h"
#include "shm/bucket.h"
#include "shm/pair_run.h"
#include "tests/bench/arena.h"

#define BUCKETS		64
#define PROCESSES_MAX	64
#define SLICE		256	/* operations between two looks at the clock */

enum work {
	WORK_GET, WORK_PUT, WORK_HOT, WORK_RUN, WORK_HOT_RUN, WORKS
};

struct shared {			/* with the processes that are forked */
	_Atomic unsigned	ready;
	_Atomic bool		go;
	uint64_t		done[PROCESSES_MAX];
};

static struct arena *arena;		/* for all, but */
static struct arena *own[PROCESSES_MAX];	/* for who is apart */
static bool apart;
static struct shared *shared;
static uint64_t keys;		/* in each bucket */
static double seconds;

static struct bytes
bucket_of(uint64_t i)
{
	static char names[BUCKETS][16];
	char *name = names[i % BUCKETS];

	bench_text(name, 16, "bkt-", i % BUCKETS);
	return (struct bytes){ name, 16 };
}

static void
fill(void)
{
	uint64_t b, k;

	for (b = 0; b < BUCKETS; b++) {
		must(bucket_create(arena, bucket_of(b)), "create");
		for (k = 0; k < keys; k++)
			bench_put(arena, bucket_of(b), k, k);
	}
}

/* A run from the i-th pair on, in a bucket that the first one chooses. */
static void
put_run(unsigned number, bool hot, uint64_t i)
{
	struct bytes bucket = bucket_of(hot ? 0 : bench_pick(i, BUCKETS));
	static char texts[PAIR_RUN_MAX][KEY_BYTES + VALUE_BYTES];
	struct pair_step steps[PAIR_RUN_MAX];
	size_t k, done;

	for (k = 0; k < PAIR_RUN_MAX; k++) {
		bench_text(texts[k], KEY_BYTES, "key-", bench_pick(i + k,
		    keys * BUCKETS) / BUCKETS);
		bench_text(texts[k] + KEY_BYTES, VALUE_BYTES, "val-", i + k);
		steps[k] = (struct pair_step){
			.bucket = bucket,
			.pair.key = { texts[k], KEY_BYTES },
			.pair.value = { texts[k] + KEY_BYTES, VALUE_BYTES }
		};
	}
	for (k = 0; k < PAIR_RUN_MAX; k += done) {
		done = pair_set_run(arena, arena_shard_of(arena, bucket),
		    BOARD_WORKER_SLOT + number, steps + k, PAIR_RUN_MAX - k);
		if (done > 0)
			continue;
		must(pair_put(arena, bucket, &steps[k].pair, NULL), "put");
		done = 1;
	}
}

static void
work_slice(enum work work, unsigned number, uint64_t from)
{
	uint64_t i, x;

	for (i = from; i < from + SLICE; i++) {
		x = bench_pick(i, keys * BUCKETS);
		switch (work) {
		case WORK_GET:
			bench_get(arena, bucket_of(x), x / BUCKETS);
			break;
		case WORK_PUT:
			bench_put(arena, bucket_of(x), x / BUCKETS, i);
			break;
		case WORK_HOT:
			bench_put(arena, bucket_of(0), x / BUCKETS, i);
			break;
		case WORK_RUN:
		case WORK_HOT_RUN:
			if (i % PAIR_RUN_MAX == 0)
				put_run(number, work == WORK_HOT_RUN, i);
			break;
		case WORKS:
			break;
		}
	}
}

static void
work_alone(enum work work, unsigned number)
{
	uint64_t first = (uint64_t)number << 40, done = 0;
	cpu_set_t set;
	double end_s;

	if (apart)
		arena = own[number];
	CPU_ZERO(&set);
	CPU_SET(number, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == -1)
		err(1, "pin to core %u", number);
	atomic_fetch_add(&shared->ready, 1);
	while (!atomic_load(&shared->go))
		sched_yield();
	end_s = bench_now_s() + seconds;
	for (; bench_now_s() < end_s; done += SLICE)
		work_slice(work, number, first + done);
	shared->done[number] = done;
}

/* Returns operations per second, of all together. */
static double
work_together(enum work work, unsigned n)
{
	uint64_t sum = 0;
	unsigned i;
	int status;

	atomic_store(&shared->ready, 0);
	atomic_store(&shared->go, false);
	for (i = 0; i < n; i++)
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			work_alone(work, i);
			_exit(0);
		}
	while (atomic_load(&shared->ready) < n)
		sched_yield();
	atomic_store(&shared->go, true);
	for (i = 0; i < n; i++)
		if (wait(&status) == -1 || status != 0)
			errx(1, "a process has failed");
	for (i = 0; i < n; i++)
		sum += shared->done[i];
	return (double)sum / seconds;
}

static void
measure(enum work work, unsigned n)
{
	static const char *const names[WORKS] = { "get", "put",
		"put in one bucket", "put in runs of 16",
		"put in one bucket in runs of 16" };
	struct clean_work cleaned = { 0 };
	char name[96];
	unsigned i;

	for (i = 0; i < (apart ? n : 1); i++)
		arena_back_ahead(apart ? own[i] : arena, UINT32_MAX);
	snprintf(name, sizeof(name), "shm %s, %u process%s%s", names[work], n,
	    n > 1 ? "es" : "", apart ? " apart" : "");
	bench_figure(name, work_together(work, n), "1/s");
	for (i = 0; i < (apart ? n : 1); i++)
		bench_clean(apart ? own[i] : arena, &cleaned);
}

/* Enough for what is filled in, and what can be written in a measurement. */
static void
open_arena(struct arena **a, unsigned writers)
{
	arena = bench_arena(keys * BUCKETS * 320 + (uint64_t)(seconds *
	    writers * 5e6 * 100) + ((uint64_t)256 << 20));
	fill();
	*a = arena;
}

static void
measure_apart(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		open_arena(&own[i], 1);
	apart = true;
	measure(WORK_GET, n);
	measure(WORK_RUN, n);
	for (i = 0; i < n; i++)
		arena_close(own[i]);
}

int
main(int argc, char **argv)
{
	unsigned n = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	unsigned work;

	if (argc != 3 || (keys = strtoull(argv[1], NULL, 10) / BUCKETS) == 0 ||
	    (seconds = strtod(argv[2], NULL)) <= 0)
		errx(64, "usage: contend keys seconds");
	n = n < PROCESSES_MAX ? n : PROCESSES_MAX;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	open_arena(&arena, n);
	for (work = 0; work < WORKS; work++) {
		measure((enum work)work, 1);
		if (n > 1)
			measure((enum work)work, n);
	}
	arena_close(arena);
	if (n > 1)
		measure_apart(n);
	return 0;
}
