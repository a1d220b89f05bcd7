#ifndef KVD_TESTS_UNIT_SERVER_COMPLAINTS_H
#define KVD_TESTS_UNIT_SERVER_COMPLAINTS_H

#include "server/config.h"

/* A report that keeps what it is told, a line each. */
struct complaints {
	char			text[16384];
	unsigned		count;
	struct config_report	report;
};

void complaints_init(struct complaints *);

/*
 * Load a configuration whose file is called "t.conf" and has this content,
 * without PORT, NODES and flags.  Needs the scratch folder.
 */
int complaints_load(struct complaints *, struct config *, const char *content);

/* The same, but it must be good. */
void load_good(struct config *, const char *content);

/* What it prints of itself; to be freed. */
char *printed(const struct config *);

#endif
