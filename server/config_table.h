#ifndef KVD_SERVER_CONFIG_TABLE_H
#define KVD_SERVER_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* options.def as data, and looking things up in it. */

enum config_block {
	CONFIG_TOP, CONFIG_LOG, CONFIG_LIMITS, CONFIG_SUPERVISE, CONFIG_BLOCKS
};

enum config_type {
	CONFIG_IS_NAME, CONFIG_IS_LISTEN, CONFIG_IS_SIZE, CONFIG_IS_COUNT,
	CONFIG_IS_POWER, CONFIG_IS_TIME, CONFIG_IS_USER, CONFIG_IS_PATH,
	CONFIG_IS_LOG_TO, CONFIG_IS_FACILITY, CONFIG_IS_LEVEL,
	CONFIG_IS_SECRET, CONFIG_IS_CLUSTER
};

enum config_reload { CONFIG_RELOAD, CONFIG_RESTART };

enum config_option {
#define OPTION(block, id, ...) CONFIG_##block##_##id,
#include "server/options.def"
#undef OPTION
	CONFIG_OPTIONS
};

struct config_row {
	enum config_block	 block;
	const char		*keyword;
	enum config_type	 type;
	size_t			 offset;	/* of the field in the config */
	int			 flag;		/* 0: none */
	const char		*fallback;	/* NULL: unset by default */
	const char		*min, *max;	/* NULL: no bounds */
	enum config_reload	 reload;
	const char		*help;
};

extern const struct config_row config_rows[CONFIG_OPTIONS];

/* "log", "limits", "supervise"; "" for the top. */
const char *config_block_name(enum config_block);

/* The block a keyword opens, or CONFIG_BLOCKS. */
enum config_block config_block_named(const char *);

/* The option of that keyword in a block, or CONFIG_OPTIONS. */
enum config_option config_option_named(enum config_block, const char *);

/* The option set by a letter of the command line, or CONFIG_OPTIONS. */
enum config_option config_option_of_flag(int letter);

/* A keyword of the top that has a form of its own: include, node, ... */
bool config_is_statement(const char *word);

/* The block where the keyword would be right, or CONFIG_BLOCKS. */
enum config_block config_block_having(const char *keyword);

/*
 * The keyword legal in that block which looks most like the word, or NULL if
 * none is near.
 */
const char *config_nearest(enum config_block, const char *word);

/* "memory", "log.level": how messages name a setting.  Static storage. */
const char *config_option_name(enum config_option);

#endif
