/* Progress on a terminal, five times a second at the most. */

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "proto/client/kv_progress.h"

#define DRAW_MS		200
#define CLOCK_CALLS	256	/* steps between two looks at the clock */

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
progress_begin(struct progress *progress, bool quiet, uint64_t total)
{
	*progress = (struct progress){ .total = total };
	progress->shown = !quiet && isatty(STDERR_FILENO) == 1;
	progress->started_ms = now_ms();
	progress->drawn_ms = progress->started_ms - DRAW_MS;
}

static uint64_t
rate(const struct progress *progress, int64_t elapsed_ms)
{
	if (elapsed_ms <= 0)
		elapsed_ms = 1;
	return progress->keys * 1000 / (uint64_t)elapsed_ms;
}

static void
draw(const struct progress *progress, int64_t elapsed_ms)
{
	uint64_t left_s;

	(void)fprintf(stderr, "\r\033[K%" PRIu64 " keys, %" PRIu64 "/s",
	    progress->keys, rate(progress, elapsed_ms));
	/* More may turn up than was counted at the beginning. */
	if (progress->done > 0 && progress->done <= progress->total) {
		left_s = (uint64_t)((double)elapsed_ms / 1000 *
		    (double)(progress->total - progress->done) /
		    (double)progress->done + 0.5);
		(void)fprintf(stderr, ", %" PRIu64 "%%, %" PRIu64 ":%02" PRIu64
		    " left", progress->done * 100 / progress->total,
		    left_s / 60, left_s % 60);
	}
	(void)fflush(stderr);
}

void
progress_step(struct progress *progress, uint64_t keys, uint64_t done)
{
	int64_t now;

	progress->keys += keys;
	progress->done += done;
	if (!progress->shown || ++progress->calls < CLOCK_CALLS)
		return;
	progress->calls = 0;
	now = now_ms();
	if (now - progress->drawn_ms < DRAW_MS)
		return;
	progress->drawn_ms = now;
	draw(progress, now - progress->started_ms);
}

void
progress_end(struct progress *progress, const char *verb)
{
	int64_t elapsed_ms = now_ms() - progress->started_ms;

	if (!progress->shown)
		return;
	(void)fprintf(stderr, "\r\033[K%" PRIu64 " keys %s in %.1f s, %" PRIu64
	    "/s\n", progress->keys, verb, (double)elapsed_ms / 1000,
	    rate(progress, elapsed_ms));
}
