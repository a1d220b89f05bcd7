/*
 * The sums.  A row is written by one test; tests that run at the same time
 * have different rows.
 *
 * A process that is stepped through and the one that steps it take turns,
 * which costs a third if they share a processor: so each test stays on one,
 * the one that the fewest others have.
 */

#include "tally.h"

#include <criterion/criterion.h>

#include <sys/mman.h>

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROWS		256
#define PROCESSORS	256
#define FILE_VARIABLE	"KVD_STEP_TALLY"

struct row {
	char		name[96];
	uint64_t	counts[TALLY_COUNTS];
	int		ended;
};

struct tally {
	_Atomic unsigned	rows;
	_Atomic unsigned	users[PROCESSORS];
	struct row		row[ROWS];
};

static struct tally *tally;
static struct row *row;
static unsigned processor;
static uint64_t begun_ms;

uint64_t
tally_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
map(int fd)
{
	void *p = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (fd == -1 || p == MAP_FAILED) {
		perror("tally");
		exit(1);
	}
	tally = p;
}

void
tally_init(void)
{
	int fd = memfd_create("tally", 0);
	char path[64];

	if (fd == -1 || ftruncate(fd, sizeof(*tally)) == -1)
		perror("memfd_create");
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	setenv(FILE_VARIABLE, path, 1);
	map(fd);
}

/* The processor with the fewest users, of those we may use. */
static void
settle(void)
{
	cpu_set_t allowed, one;
	unsigned i, best = PROCESSORS;

	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (i = 0; i < PROCESSORS; i++)
		if (CPU_ISSET(i, &allowed) && (best == PROCESSORS ||
		    tally->users[i] < tally->users[best]))
			best = i;
	processor = best;
	if (best == PROCESSORS)
		return;
	tally->users[best]++;
	CPU_ZERO(&one);
	CPU_SET(best, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

void
tally_begin(const char *name)
{
	const char *path = getenv(FILE_VARIABLE);
	unsigned i;

	cr_assert_not_null(path);
	map(open(path, O_RDWR | O_CLOEXEC));
	i = tally->rows++;
	cr_assert_lt(i, ROWS);
	row = &tally->row[i];
	snprintf(row->name, sizeof(row->name), "%s", name);
	begun_ms = tally_now_ms();
	settle();
}

void
tally_add(enum tally_count what, uint64_t n)
{
	row->counts[what] += n;
}

void
tally_end(void)
{
	tally_add(TALLY_MS, tally_now_ms() - begun_ms);
	row->ended = 1;
	if (processor < PROCESSORS)
		tally->users[processor]--;
}

uint64_t
tally_sum(enum tally_count what)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < tally->rows; i++)
		sum += tally->row[i].counts[what];
	return sum;
}

static void
print_failure(const struct row *r)
{
	const uint64_t *n = r->counts;

	printf("step: %s failed after %lu kill points\n", r->name,
	    n[TALLY_POINTS] + n[TALLY_REPAIR_POINTS] + n[TALLY_THIRD_POINTS]);
}

static void
print_row(const struct row *r)
{
	const uint64_t *n = r->counts;

	printf("%-62s %7lu %6lu %5lu %8lu %6lu %6lu%s\n", r->name,
	    n[TALLY_POINTS], n[TALLY_STATES], n[TALLY_KILLS],
	    n[TALLY_REPAIR_POINTS], n[TALLY_THIRD_POINTS], n[TALLY_MS],
	    r->ended ? "" : " FAILED");
}

static void
print_number(uint64_t n)
{
	if (n >= 1000) {
		print_number(n / 1000);
		printf(",%03lu", n % 1000);
	} else
		printf("%lu", n);
}

/* A row of the table of figures: one number, or two. */
static void
print_figure(const char *what, enum tally_count first,
    enum tally_count second)
{
	printf("| %s | ", what);
	print_number(tally_sum(first));
	if (second != first) {
		printf("; ");
		print_number(tally_sum(second));
	}
	puts(" |");
}

static void
print_figures(void)
{
	print_figure("kill points in operations", TALLY_POINTS, TALLY_POINTS);
	print_figure("distinct states of the arena", TALLY_STATES,
	    TALLY_STATES);
	print_figure("processes really killed", TALLY_KILLS, TALLY_KILLS);
	print_figure("kill points in repairs, and in repairs of killed "
	    "repairs", TALLY_REPAIR_POINTS, TALLY_THIRD_POINTS);
	print_figure("repairing processes really killed", TALLY_REPAIR_KILLS,
	    TALLY_REPAIR_KILLS);
	print_figure("reads at frozen states, and of these told to try again",
	    TALLY_READS, TALLY_RETRIES);
	print_figure("reads beside", TALLY_BESIDE, TALLY_BESIDE);
}

unsigned
tally_report(void)
{
	unsigned i, ended = 0, all = getenv("KVD_STEP_REPORT") != NULL;

	if (all)
		printf("%-62s %7s %6s %5s %8s %6s %6s\n", "operation",
		    "points", "states", "kills", "repair", "third", "ms");
	for (i = 0; i < tally->rows; i++) {
		ended += tally->row[i].ended != 0;
		if (all)
			print_row(&tally->row[i]);
		if (!tally->row[i].ended)
			print_failure(&tally->row[i]);
	}
	print_figures();
	printf("step: %u operations, %u at fault\n", tally->rows,
	    tally->rows - ended);
	return ended;
}
