#ifndef KVD_SERVER_COMMAND_STATE_H
#define KVD_SERVER_COMMAND_STATE_H

#include "server/command.h"

/* What the files command*.c share, and nobody else sees. */

enum command_words {
	WORDS_NONE, WORDS_BUCKET, WORDS_BUCKETS, WORDS_KEY, WORDS_KEYS,
	WORDS_PAIRS
};

struct command {
	const char		*name;
	size_t			 len;		/* of the name */
	void			(*run)(struct call *);
	size_t			 min;
	size_t			 max;
	enum command_words	 words;
	enum command_kind	 kind;
	const char		*args;
	const char		*help;
};

/* By its verb, in any case; and all of them, from 0 on.  NULL: none. */
const struct command *command_find(struct slice verb);
const struct command *command_at(size_t i);

/* command_run.c: the handlers, one for each line of command.def. */
#define COMMAND(name, handler, ...) \
	void command_run_##handler(struct call *);
#include "server/command.def"
#undef COMMAND

#endif
