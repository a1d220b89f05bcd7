#ifndef KVD_TESTS_STORM_SERVER_H
#define KVD_TESTS_STORM_SERVER_H

#include <stddef.h>

#include "shm/arena.h"
#include "tests/proc/daemon.h"

/*
 * The kvd of a storm: started as an init would, again and again, on one unix
 * socket and one arena, each time in a process group of its own.  Everything
 * here fails the test when it cannot be done.
 */
#define SERVER_CHILDREN_MAX	64

struct server {
	struct daemon	 d;		/* d.pid is the master's */
	char		 socket[108];
	struct arena	*arena;		/* attached by us, once it is there */
};

/* Name, folder, guardian, configuration.  memory is as in kvd.conf. */
void server_prepare(struct server *, const char *memory);

/* Start it, and wait until it answers; returns when that was. */
uint64_t server_start(struct server *);

/* Send the signal, wait for the end, and expect 0. */
void server_end(struct server *, int signal);

/* SIGKILL for the master, or for all processes at once. */
void server_kill_master(struct server *);
void server_kill_all(struct server *);

/* The master must be alive, or the test fails with what is known. */
void server_expect_alive(struct server *);

/* The children of the master just now; returns how many. */
unsigned server_children(const struct server *, pid_t *pids);

/* Open descriptors of the master, and of all its children. */
void server_count_files(const struct server *, unsigned *master,
    unsigned *children);

/* Print processes, board and the end of the log. */
void server_show(const struct server *);

/* Nothing is left: no process, no shared memory, no folder. */
void server_remove(struct server *);

#endif
