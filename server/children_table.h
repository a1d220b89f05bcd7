#ifndef KVD_SERVER_CHILDREN_TABLE_H
#define KVD_SERVER_CHILDREN_TABLE_H

#include "server/children.h"
#include "server/restart.h"

/* What the files children*.c share, and nobody else sees. */

#define CHILDREN_NEVER	UINT64_MAX	/* a time that does not come */

enum child_state {			/* drawn in children.c */
	CHILD_NONE, CHILD_WAITING, CHILD_RUNNING, CHILD_LEAVING
};

/* A child's heart, as the master feels it: see children_watch.c. */
struct pulse {
	uint64_t	beat_ms;	/* the heartbeat last seen */
	uint64_t	fingerprint;	/* of the request in hand then */
	unsigned	still;		/* looks since then */
	char		state;		/* see process.h; 0: not asked */
};

struct child {				/* at the index of its board slot */
	const struct role	*role;
	char			 name[32];
	unsigned		 instance;
	unsigned		 slot;
	unsigned		 generation;
	enum child_state	 state;
	pid_t			 pid;
	uint64_t		 restarts;
	uint64_t		 started_ms;
	uint64_t		 delay_ms;	/* before the next restart */
	uint64_t		 start_ms;	/* WAITING: when it is due */
	uint64_t		 kill_ms;	/* LEAVING: patience's end */
	enum children_leave	 told;		/* LEAVING: how to */
	struct pulse		 pulse;
	bool			 stood_still;	/* so the watchdog killed it */
};

struct children {
	const struct inherit	*common;
	void			(*before_role)(void *);
	void			*arg;
	bool			 stopping;
	enum children_leave	 how;		/* while stopping */
	unsigned		 serving;	/* generation; 0: none yet */
	unsigned		 coming;	/* generation; 0: none */
	uint64_t		 coming_end_ms;	/* of our patience with it */
	unsigned		 generations;	/* so far */
	bool			 coming_failed;
	const char		*failure;
	struct restart_history	 history;
	uint64_t		 orphans_ms;	/* end of patience with them;
						 * 0: there are none */
	uint64_t		 look_ms;	/* when hearts were felt last */
	uint64_t		 moved_ms;	/* workers' latest heartbeat */
	int			 wake_fds[BOARD_SLOTS];
	struct child		 child[BOARD_SLOTS];
};

/* Those that there are, or are to be. */
#define CHILDREN_FOREACH(c, all)					      \
	for ((c) = (all)->child; (c) < (all)->child + BOARD_SLOTS; (c)++)     \
		if ((c)->state != CHILD_NONE)

static inline bool
child_has_process(const struct child *child)
{
	return child->state == CHILD_RUNNING || child->state == CHILD_LEAVING;
}

/* children_start.c: start it now, or when its delay is over. */
void child_start(struct children *, struct child *, uint64_t now_ms);
void child_start_later(const struct children *, struct child *,
    uint64_t now_ms);

/* children_slots.c: who had that slot is no more: it is cleared. */
void children_clear_slot(const struct children *, unsigned slot);

/*
 * children_bury.c: it has ended with this status of wait(2).  Tell so, and
 * clear its slot: its gauges no longer count, and nobody else writes there.
 */
void child_bury(const struct children *, const struct child *, int status);

/* children_slots.c: a slot in [from, to) that nobody has, with its eventfd;
 * 0: none. */
unsigned children_find_slot(struct children *, unsigned from, unsigned to);

/* children.c: tell it to leave, unless it was told something stronger. */
void child_leave(const struct children *, struct child *,
    enum children_leave);

/*
 * children_watch.c: feel every heart if it is time to, and kill who stands
 * still.  Returns ms until the next time, or CHILDREN_NEVER.
 */
uint64_t children_watch(struct children *, uint64_t now_ms);

#endif
