#ifndef KVD_SERVER_ROSTER_H
#define KVD_SERVER_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"
#include "shm/board.h"

/*
 * Who is connected to a node, and what they listen to: what each worker knows
 * of its own clients, where all workers of the node read it; and what is said
 * to all of these at once, a pause.
 *
 * It is memory that the master makes before it forks, with a desk for each
 * worker, by the number of its instance.  Only the worker at a desk writes
 * there, and the master after that worker's death; anybody reads, at any time,
 * and waits for nobody: who has been killed or stopped while it wrote is
 * passed over, with what it was writing.  A new program takes it over from the
 * old one, so that what both of them serve is in one list.
 *
 * The handle is a process's own, copied over fork.
 */
struct roster;

/*
 * For the master, before it forks.  fd: of the old program's, which is taken
 * over if it is of our kind, and closed if it is not; or -1.  NULL with errno.
 */
struct roster *roster_open(int fd);
void roster_close(struct roster *);
/* For the new program; it stays ours. */
int roster_fd(const struct roster *);

/* A worker begins at its desk, which is empty then. */
void roster_enter(struct roster *, unsigned desk);
/* For the master: whoever was at that desk is dead. */
void roster_clear(struct roster *, unsigned desk);

/* --- a pause --- */

/*
 * No requests of clients before that time, of clock_ms(), or none that change
 * anything; and is such a request to wait now?
 */
void roster_pause(struct roster *, uint64_t until_ms, bool changes_alone);
bool roster_is_paused(const struct roster *, bool is_change, uint64_t now_ms);

/* --- clients --- */

/* The number of the next client: 1, 2, .. over all workers. */
uint64_t roster_next_id(struct roster *);

/* Bytes of texts, NUL included; longer ones are cut off. */
#define ROSTER_ADDRESS_MAX	112
#define ROSTER_NAME_MAX		256
#define ROSTER_WORD_MAX		64

/* Times are of clock_ms(), sizes in bytes. */
struct roster_client {
	uint64_t	id;
	uint64_t	since_ms;
	uint64_t	active_ms;	/* last request */
	uint64_t	in_len, in_size;
	uint64_t	out_len, out_size;
	uint64_t	queued;		/* 0: no MULTI; else commands + 1 */
	uint32_t	names;		/* it listens to */
	uint32_t	patterns;
	int32_t		fd;		/* in its worker */
	bool		resp3;
	bool		waits;		/* for the end of a pause */
	char		command[ROSTER_WORD_MAX];	/* last one, or "" */
	char		addr[ROSTER_ADDRESS_MAX];
	char		laddr[ROSTER_ADDRESS_MAX];	/* our end */
	char		name[ROSTER_NAME_MAX];		/* or "" */
	char		lib_name[ROSTER_WORD_MAX];
	char		lib_version[ROSTER_WORD_MAX];
};

/* So many clients a desk has room for. */
#define ROSTER_CLIENTS_MAX	65536U
#define ROSTER_NO_PLACE		UINT32_MAX

/* One of ours has come, and its place; ROSTER_NO_PLACE: no room. */
uint32_t roster_add(struct roster *, uint64_t id);
void roster_remove(struct roster *, uint32_t place);

/*
 * Write about one of ours: its facts are ours to change, but for the number,
 * until roster_wrote().  In between nobody can read them, so be quick.
 */
struct roster_client *roster_write(struct roster *, uint32_t place);
void roster_wrote(struct roster *, uint32_t place);

/*
 * All clients of the node, in no order: copies the next one, and says where it
 * is; false after the last.  Begin with { 0 }.  One that came or went
 * meanwhile may be among them or not, all others are, once.
 */
struct roster_walk {
	unsigned	desk;
	uint32_t	place;		/* behind that of the copied one */
};
bool roster_next(const struct roster *, struct roster_walk *,
    struct roster_client *);
/* Copy the one that the walk had last; false if it has gone. */
bool roster_again(const struct roster *, const struct roster_walk *,
    uint64_t id, struct roster_client *);

/*
 * The client at which the walk is shall be closed by its worker, which is to
 * be woken.  False if it is to be already, or has gone: exactly one of all
 * that ask for it is told true.  From now on no walk meets it.
 */
bool roster_condemn(struct roster *, const struct roster_walk *, uint64_t id);
/* For its worker: has anybody condemned any of ours since the last call? */
bool roster_was_called(struct roster *);
bool roster_is_condemned(const struct roster *, uint32_t place);

/* --- what they listen to --- */

enum roster_kind { ROSTER_NAME, ROSTER_PATTERN };
#define ROSTER_KINDS	2

/*
 * One more client of ours listens to that, or one less.  False if there is no
 * room: a worker's clients may listen to a million short names or patterns.
 */
bool roster_hear(struct roster *, enum roster_kind, struct slice);
void roster_unhear(struct roster *, enum roster_kind, struct slice);

/*
 * How often a message on that channel would be heard, by all clients of the
 * node: once for its name, and once for each pattern that matches.
 */
uint64_t roster_receivers(struct roster *, struct slice channel);

/* How many clients of the node listen to exactly that. */
uint64_t roster_listeners(const struct roster *, enum roster_kind,
    struct slice);

/*
 * Call a function with each name, or pattern, that any client of the node
 * listens to, once.  The bytes are there until it returns.
 */
void roster_each(const struct roster *, enum roster_kind,
    void (*)(void *, struct slice), void *);
/* How many there are. */
uint64_t roster_count(const struct roster *, enum roster_kind);

#endif
