#ifndef KVD_TESTS_BENCH_LOAD_RUN_H
#define KVD_TESTS_BENCH_LOAD_RUN_H

#include "tests/bench/load_histogram.h"
#include "tests/bench/load_options.h"

/* What a run has found. */
struct load_result {
	uint64_t		answered;	/* while it was measured */
	uint64_t		wrong;		/* replies, of all times */
	uint64_t		missing;	/* replies that did not come */
	double			seconds;
	double			server_s;	/* processor time of -C */
	double			client_s;	/* and ours */
	struct load_histogram	latency;
	char			first_wrong[128];
};

/*
 * Write each key of the options once, as fast as that goes.  Only wrong and
 * missing of the result are filled in.
 */
void load_fill(const struct load_options *, struct load_result *);

/* Send requests as the options say, and measure. */
void load_run(const struct load_options *, struct load_result *);

#endif
