#ifndef KVD_SERVER_CONFIG_REWRITE_H
#define KVD_SERVER_CONFIG_REWRITE_H

#include <stddef.h>

#include "server/config.h"
#include "server/config_table.h"

/*
 * Writing settings back into kvd.conf: their values and nothing else of it.
 */
enum config_rewritten {
	CONFIG_REWRITTEN,
	CONFIG_NO_FILE,		/* there is none */
	CONFIG_NOT_REWRITTEN	/* why says why; the file is as it was */
};

/*
 * The file that args name says of these options, of which each has one value,
 * what config says.  It is replaced as a whole, with the mode and owner that
 * it had, and not before the new one was read like any configuration.  why is
 * of CONFIG_WHY_MAX bytes.  Two processes may do so at once: one of them is
 * the last.  No log.
 */
enum config_rewritten config_rewrite(const struct config_args *args,
    const struct config *config, const enum config_option *options, size_t n,
    char *why);

/*
 * A text with that value of that option, in the place of the one it has, or
 * else in its block.  To be freed; NULL without memory.
 */
char *config_rewrite_text(const char *text, enum config_option,
    const char *value);

#endif
