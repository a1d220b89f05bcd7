#ifndef KVD_SERVER_REDIS_SUB_H
#define KVD_SERVER_REDIS_SUB_H

#include <stddef.h>

#include "server/redis.h"

/* Commands that are named by two words, CLIENT ID: redis_sub.def as data. */
struct redis_sub {
	const char	*command;	/* "CLIENT" */
	const char	*name;		/* "ID" */
	const char	*full;		/* "client|id" */
	void		(*run)(struct call *);
	int		 arity;
	const char	*args;
	const char	*help;
};

const struct redis_sub *redis_sub_at(size_t i);
size_t redis_subs(void);

/* Of a command, by the second word, in any case; or NULL. */
const struct redis_sub *redis_sub_find(const struct redis_command *,
    struct slice name);

/* Is the command one of two words? */
bool redis_has_subs(const struct redis_command *);

/*
 * Of call->redis, whose words are call->req's: set call->sub, NULL for HELP
 * and for what is named by one word.  And check them, too: false, and the
 * error is the answer, if there is no such command, or not of so many words.
 */
void redis_sub_take(struct call *);
bool redis_sub_check(struct call *);

/* For what Redis itself finds later: it names the word as it was sent. */
void redis_sub_syntax_error(struct call *);

#define SUB(command, name, handler, ...) \
	void redis_run_##handler(struct call *);
#include "server/redis_sub.def"
#undef SUB

#endif
