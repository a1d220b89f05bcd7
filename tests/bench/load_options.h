#ifndef KVD_TESTS_BENCH_LOAD_OPTIONS_H
#define KVD_TESTS_BENCH_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/bench/load_protocol.h"

#define LOAD_SERVERS_MAX	4

/* What the command line asks for; load_usage says how it is written. */
struct load_options {
	const char		*address;	/* host:port */
	enum load_dialect	 dialect;
	double			 read_part;	/* of the requests, 0 to 1 */
	uint64_t		 keys;
	double			 theta;		/* of Zipf; 0: uniform */
	size_t			 value_min;	/* bytes */
	size_t			 value_max;
	size_t			 connections;
	size_t			 depth;		/* on its way, on each */
	uint64_t		 requests;	/* 0: until time is over */
	double			 seconds;
	double			 warm_s;	/* before anything counts */
	double			 rate;		/* 1/s; 0: a closed loop */
	double			 patience_s;	/* without any reply */
	bool			 fill;		/* write each key before */
	bool			 json;
	pid_t			 servers[LOAD_SERVERS_MAX];
	size_t			 servers_n;
};

extern const char load_usage[];

/* Returns NULL, or what is wrong: static storage, no full stop. */
const char *load_options_parse(struct load_options *, int argc, char **argv);

#endif
