#ifndef KVD_TESTS_BENCH_LOAD_PROCESSES_H
#define KVD_TESTS_BENCH_LOAD_PROCESSES_H

#include <stddef.h>
#include <sys/types.h>

#define LOAD_PROCESSES_MAX	64

/* A server: one process or several, with all their threads. */
struct load_processes {
	pid_t	pids[LOAD_PROCESSES_MAX];
	size_t	n;
};

/*
 * Add a process and those that it has started, as they are now.  Ends the
 * program if there is no such process.
 */
void load_processes_add(struct load_processes *, pid_t master);

/*
 * Processor time of all of them, user and system, seconds; to the ns, where
 * /proc/PID/stat has ticks.  Ends the program if one of them is gone.
 */
double load_processes_s(const struct load_processes *);

/* Bind the processes, of one thread each, to a core. */
void load_processes_pin(const struct load_processes *, size_t core);

/* What such a clock shows, seconds. */
double load_clock_s(clockid_t);

#endif
