#ifndef KVD_CLIENT_KV_COMMAND_H
#define KVD_CLIENT_KV_COMMAND_H

#include "proto/client/kv_session.h"

enum command_flags {
	COMMAND_BUCKET = 1,
	COMMAND_INPUT = 2,
	COMMAND_LOCAL = 4,
	COMMAND_MAPPED = 8
};

struct command {
	const char	*name;
	size_t		 min;
	size_t		 max;
	unsigned	 flags;
	const char	*args;
	const char	*help;
	int		(*run)(struct session *, const struct kv_bytes *words,
			    size_t n);
};

/* The list of kv_command.def. */
extern const struct command commands[];
extern const size_t commands_count;

/* Each runs with the words after its name; the exit status. */
#define COMMAND(name, min, max, flags, args, help) \
	int run_##name(struct session *, const struct kv_bytes *, size_t);
#include "proto/client/kv_command.def"
#undef COMMAND

/* By name, in any case; NULL if there is none. */
const struct command *command_find(struct kv_bytes name);

/* Find, check and run; words[0] is the name, n at least 1. */
int command_run(struct session *, const struct kv_bytes *words, size_t n);

#endif
