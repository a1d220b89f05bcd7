#ifndef KVD_TESTS_PROC_WATCHER_H
#define KVD_TESTS_PROC_WATCHER_H

#include "tests/proc/kv_run.h"

/* A kv watch that runs beside the test. */
struct watcher {
	pid_t	 pid;
	FILE	*out;		/* what it says, its messages among it */
};

/* Start kv with the words up to NULL. */
struct watcher watcher_start(const char *first, va_list);
/* The next line is this, with its end. */
void watcher_says(struct watcher *, const char *line);
/* It says no more, and ends with this status. */
void watcher_ends(struct watcher *, int status);

#endif
