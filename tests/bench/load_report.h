#ifndef KVD_TESTS_BENCH_LOAD_REPORT_H
#define KVD_TESTS_BENCH_LOAD_REPORT_H

#include <stdio.h>

#include "tests/bench/load_run.h"

/* One line for people. */
void load_report_line(FILE *, const struct load_options *,
    const struct load_result *);

/* One line of JSON: an object with the options and what was found. */
void load_report_json(FILE *, const struct load_options *,
    const struct load_result *);

#endif
