#ifndef KVD_SERVER_CONFIG_PARSE_H
#define KVD_SERVER_CONFIG_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/config_draft.h"

/* The grammar of kvd.conf(5), from text to a draft. */

#define CONFIG_FILE_MAX		(1024U * 1024)	/* bytes of one file */
#define CONFIG_DEPTH_MAX	8		/* files within files */
#define CONFIG_COMPLAINTS_MAX	20		/* then it is given up */

/*
 * Read a file and what it includes.  Complaints go to the draft, with the
 * status EX_NOINPUT for a file that cannot be read and EX_CONFIG for what is
 * wrong in it.  Unless it is required, a file that is not there is empty.
 */
void config_parse_file(struct config_draft *, const char *path, bool required);

/*
 * The same for bytes in memory, called name in messages; include is refused.
 */
void config_parse_bytes(struct config_draft *, const char *name,
    const char *bytes, size_t len);

#endif
