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

#define SUB(command, name, handler, ...) \
	void redis_run_##handler(struct call *);
#include "server/redis_sub.def"
#undef SUB

#endif
