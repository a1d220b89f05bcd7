/* The figures of a storm, for people. */

#include "tests/crash/storm/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AIM_NS	10000000	/* nobody should wait for longer */

static void
show_kills(const struct killer *k)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < BLOWS; i++)
		n += k->count[i];
	printf("  kills         %ju", (uintmax_t)n);
	for (i = 0; i < BLOWS; i++)
		if (k->count[i] != 0)
			printf("%s %ju %s", i == 0 ? ":" : ",",
			    (uintmax_t)k->count[i], killer_blow_name(i));
	printf("; %ju of the cleaner\n", (uintmax_t)k->cleaners);
}

static void
show_ledger(const struct storm *s)
{
	uint64_t acknowledged = 0, doubts = 0, settled = 0, checked = 0;
	const struct client *c;
	unsigned i;

	for (i = 0; i < s->clients; i++) {
		c = &s->client[i];
		acknowledged += atomic_load(&c->acknowledged);
		doubts += c->doubts;
		settled += c->settled;
		checked += c->checked;
	}
	printf("  changes       %ju acknowledged, 0 lost; %ju in doubt, of "
	    "which %ju were seen\n  reads         %ju checked, 0 wrong\n",
	    (uintmax_t)acknowledged, (uintmax_t)doubts, (uintmax_t)settled,
	    (uintmax_t)checked);
}

static void
show_connections(const struct storm *s)
{
	struct histogram all = { 0 };
	uint64_t broken = 0;
	unsigned i;

	for (i = 0; i < s->clients; i++) {
		broken += s->client[i].broken;
		histogram_merge(&all, &s->client[i].outage);
	}
	printf("  connections   %ju broken; to the next reply %.2f ms "
	    "(median), %.2f ms (most)\n", (uintmax_t)broken,
	    histogram_ms(&all, 0.5), histogram_max_ms(&all));
}

static void
show_latency(const struct storm *s, bool deep)
{
	static const char *const names[] = { "", "calm", "storm" };
	struct histogram all;
	unsigned i, phase;

	for (phase = PHASE_CALM; phase < PHASES; phase++) {
		memset(&all, 0, sizeof(all));
		for (i = 0; i < s->clients; i++)
			if ((s->client[i].pause_ns == 0) == deep)
				histogram_merge(&all,
				    &s->client[i].latency[phase]);
		printf("  %-13s %-5s %9ju replies: %.3f ms (median), %.3f ms "
		    "(99.9 %%), %.2f ms (most); %ju over 10 ms\n",
		    phase != PHASE_CALM ? "" : deep ? "many at once" :
		    "one at a time", names[phase], (uintmax_t)all.n,
		    histogram_ms(&all, 0.5), histogram_ms(&all, 0.999),
		    histogram_max_ms(&all),
		    (uintmax_t)histogram_over(&all, AIM_NS));
	}
}

static void
show_worst(const struct storm *s, const struct killer *k)
{
	const struct client *c, *worst = &s->client[0];
	const struct blow_note *blow;
	unsigned i;

	for (i = 1; i < s->clients; i++) {
		c = &s->client[i];
		if (c->worst_ns > worst->worst_ns)
			worst = c;
	}
	printf("  largest stall %.2f ms, of a %s",
	    (double)worst->worst_ns / 1e6, worst->worst_of);
	blow = killer_blow_before(k, worst->worst_at_ns);
	if (blow != NULL)
		printf(", until %.2f ms after %s%s%s",
		    (double)(worst->worst_at_ns - blow->at_ns) / 1e6,
		    killer_blow_name(blow->blow),
		    blow->role == BOARD_MASTER ? "" : " of a ",
		    blow->role == BOARD_MASTER ? "" :
		    board_role_name(blow->role));
	printf("\n  a mere sleep  was late by %.2f ms in calm, %.2f ms in "
	    "storm (most)\n", histogram_max_ms(&s->sleeper[PHASE_CALM]),
	    histogram_max_ms(&s->sleeper[PHASE_STORM]));
}

static double
mean(const double *list, unsigned n)
{
	double sum = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		sum += list[i];
	return n == 0 ? 0 : sum / n;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Each storm against the calm before it, for the machine changes. */
static void
show_kept(const struct rounds *r)
{
	double kept[ROUNDS_MAX];
	unsigned i;

	for (i = 0; i < r->n; i++)
		kept[i] = 100 * r->per_second[PHASE_STORM][i] /
		    r->per_second[PHASE_CALM][i];
	qsort(kept, r->n, sizeof(kept[0]), compare);
	printf("; of %u rounds %.1f %% (median), %.1f to %.1f %%\n", r->n,
	    kept[r->n / 2], kept[0], kept[r->n - 1]);
}

static void
show_throughput(const struct storm *s, const struct rounds *r)
{
	double calm = mean(r->per_second[PHASE_CALM], r->n), cpu_s = 0;
	double storm = mean(r->per_second[PHASE_STORM], r->n);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned i;

	for (i = 0; i < s->clients; i++)
		cpu_s += s->client[i].cpu_s;
	printf("  throughput    %.0f replies/s in calm, %.0f in storm: "
	    "%.1f %% kept", calm, storm, 100 * storm / calm);
	show_kept(r);
	printf("  clients       used %.0f %% of %ld processors\n",
	    100 * cpu_s / (r->seconds[PHASE_WARM] + r->seconds[PHASE_CALM] +
	    r->seconds[PHASE_STORM]) / (double)processors, processors);
}

static void
show_times(const char *what, const struct histogram *h)
{
	if (h->n > 0)
		printf("  %-13s %.2f ms (median), %.2f ms (99 %%), %.2f ms "
		    "(most) of %ju\n", what, histogram_ms(h, 0.5),
		    histogram_ms(h, 0.99), histogram_max_ms(h),
		    (uintmax_t)h->n);
}

void
report(const struct storm *s, const struct killer *k, const struct rounds *r)
{
	show_kills(k);
	show_ledger(s);
	show_connections(s);
	show_latency(s, false);
	show_latency(s, true);
	show_worst(s, k);
	show_throughput(s, r);
	show_times("restart", &k->restart);
	show_times("adoption", &k->adoption);
	fflush(stdout);
}
