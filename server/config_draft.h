#ifndef KVD_SERVER_CONFIG_DRAFT_H
#define KVD_SERVER_CONFIG_DRAFT_H

#include <stdbool.h>

#include "server/config.h"
#include "server/config_macro.h"
#include "server/config_table.h"

/*
 * A configuration in the making: what is set so far, and by whom, so that a
 * stronger source replaces a weaker one and a file that says something twice
 * is told.
 */

/* From weak to strong; they must speak in this order. */
enum config_source {
	CONFIG_FROM_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_ENVIRONMENT,
	CONFIG_FROM_FLAG
};

struct config_place {		/* in files; all zero elsewhere */
	unsigned	file;	/* the first one read is 1 */
	unsigned	line;
};

/* What was said about nodes, and where. */
struct config_nodes_draft {
	bool			 from_environment;
	struct config_place	 node[CONFIG_NODES_MAX];
	struct config_place	 route;		/* the first that deals */
	struct config_place	 piece[CONFIG_PIECES];
	struct config_place	 other;		/* "buckets other" */
	uint16_t		 other_owner;	/* node + 1; 0: not said */
};

struct config_draft {
	struct config			 config;
	enum config_source		 source[CONFIG_OPTIONS];
	struct config_place		 place[CONFIG_OPTIONS];
	struct config_nodes_draft	 nodes;
	unsigned			 files;		/* read so far */
	char				**file_names;
	struct config_macros		 macros;
	const struct config_report	*report;
	unsigned			 complaints;
	int				 status;	/* of the first one */
};

/* The report is borrowed until config_draft_free(). */
void config_draft_init(struct config_draft *, const struct config_report *);

/* Frees the macros, and the config unless it was taken out. */
void config_draft_free(struct config_draft *);

/*
 * A value from a source.  False, with the reason in why of CONFIG_WHY_MAX
 * bytes, if it is refused.
 */
bool config_draft_set(struct config_draft *, enum config_option,
    enum config_source, struct config_place, const char *text, char *why);

extern const struct config_place config_nowhere;

/*
 * Another file is read, which messages will call name: returns its number
 * for places, or 0 after a complaint.
 */
unsigned config_draft_enter_file(struct config_draft *, const char *name);

/*
 * Something is wrong: report one line and remember the status, of which the
 * first one counts.
 */
void config_draft_complain(struct config_draft *, int status,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with EX_CONFIG, of a place in a file that has been read. */
void config_draft_complain_at(struct config_draft *, struct config_place,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* "first in line 4", "first in line 4 of another file"; seen from a file. */
void config_place_text(struct config_place, unsigned file, char *buf,
    size_t size);

#endif
