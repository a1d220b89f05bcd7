#ifndef KVD_STEP_TRACE_H
#define KVD_STEP_TRACE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"

/*
 * What a process did to the arena, instruction by instruction: the state
 * before the first, and for every state that differs from the one before it
 * after how many instructions it came about, and which words changed.
 */
enum verdict { VERDICT_NONE, VERDICT_OLD, VERDICT_NEW };

/* What is left for a repair, by what there is most of to do. */
enum wreck {
	WRECK_NONE,		/* no lock was held */
	WRECK_LOCK,		/* only the lock */
	WRECK_SEGMENT,		/* a segment was taken, or not yet given back */
	WRECK_BATCH,		/* half of it is indexed */
	WRECK_INTENT,		/* is committed */
	WRECKS
};

struct state {
	uint32_t	step;	/* instructions done when it is there */
	uint32_t	change;	/* its first one; then those of the next */
	enum wreck	wreck;	/* known when it was put */
	enum verdict	verdict; /* of the contents after repair, as proved */
};

struct change {
	uint32_t	word;
	uint64_t	value;
};

struct trace {
	struct arena	*a;
	pid_t		 pid;		/* the process; gone by now */
	bool		 complete;	/* it came to its end */
	int		 status;	/* what it answered then */
	uint32_t	 steps;		/* instructions */
	uint32_t	 nstates;	/* the first is that before step 1 */
	uint32_t	 nchanges;
	uint8_t		*base;		/* image of the first state */
	uint8_t		*image;		/* of the state gone to last */
	uint8_t		*dead;		/* the same, its locks buried */
	uint32_t	 at;		/* its number */
	uint64_t	*pcs;		/* program counter after n steps */
	uint32_t	*turns;		/* see trace_count_turns() */
	struct state	*states;
	struct change	*changes;
};

#define TRACE_STEPS_MAX	(1U << 20)
#define TRACE_STATES_MAX (1U << 18)
#define TRACE_CHANGES_MAX (1U << 20)

/* Memory for one, used again and again. */
void trace_make(struct trace *, struct arena *);

/* Begin with the arena as it is. */
void trace_begin(struct trace *);

/* The process did one more instruction and is at that address now. */
void trace_step(struct trace *, uint64_t pc);

/*
 * Count in turns[], for the instructions behind `from' up to `to', how often
 * each one's address has been come to on the way from there.  An instruction
 * that repeats itself, with a step for each repetition, is come to once: that
 * is how often a breakpoint stops.
 */
void trace_count_turns(const struct trace *, uint32_t from, uint32_t to);

/* The state that is there after so many instructions. */
uint32_t trace_state_at(const struct trace *, uint32_t step);

/* Instructions that leave this state: kill points that it stands for. */
uint32_t trace_points(const struct trace *, uint32_t state);

/*
 * Put into the arena what a death in that state leaves, the locks as the
 * kernel leaves them.  Cheap if the states are visited in order.
 */
void trace_put(struct trace *, uint32_t state);

/* Does the arena hold what trace_put() would put there? */
bool trace_matches(struct trace *, uint32_t state);

#endif
