#ifndef KVD_SERVER_REDIS_EXEC_H
#define KVD_SERVER_REDIS_EXEC_H

#include "server/redis_multi_state.h"

/* What the two files of EXEC do for each other. */

/* redis_exec.c: where all that it is about is, if it is anywhere. */
struct exec_place {
	bool		has_keys;
	bool		is_split;	/* not in one shard of one node */
	bool		is_fenced;	/* here, by our table alone */
	uint32_t	owner;		/* this node without keys */
	uint32_t	shard;
};

void exec_find_place(const struct command_env *, const struct multi *,
    struct exec_place *);
/* Execute one command of it, in this protocol; it may be the last of all. */
void exec_run_queued(struct call *exec, const struct queued *,
    enum request_protocol);

/* redis_exec_away.c: EXEC is answered with what the owner has answered. */
void exec_use_answer(struct call *, struct multi *);

#endif
