/* The servers that are measured, found by their parents and timed from here. */

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/load_processes.h"

static pid_t
parent_of(pid_t pid)
{
	char path[64];
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	/* The name of the process, the 2nd field, has spaces: skip it. */
	if (fscanf(f, "%*d (%*[^)]) %*c %d", &parent) != 1)
		parent = 0;
	fclose(f);
	return parent;
}

void
load_processes_add(struct load_processes *p, pid_t master)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t before = p->n;
	pid_t pid;

	if (dir == NULL)
		err(1, "/proc");
	while ((entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = atoi(entry->d_name);
		if (pid != master && parent_of(pid) != master)
			continue;
		if (p->n == LOAD_PROCESSES_MAX)
			errx(1, "process %d has too many children", master);
		p->pids[p->n++] = pid;
	}
	closedir(dir);
	if (p->n == before)
		errx(1, "there is no process %d", master);
}

double
load_clock_s(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) == -1)
		err(1, "clock");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double
load_processes_s(const struct load_processes *p)
{
	clockid_t clock;
	double sum = 0;
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (clock_getcpuclockid(p->pids[i], &clock) != 0)
			errx(1, "process %d is gone", p->pids[i]);
		sum += load_clock_s(clock);
	}
	return sum;
}

void
load_processes_pin(const struct load_processes *p, size_t core)
{
	cpu_set_t set;
	size_t i;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	for (i = 0; i < p->n; i++)
		if (sched_setaffinity(p->pids[i], sizeof(set), &set) == -1)
			err(1, "pin to core %zu", core);
}
