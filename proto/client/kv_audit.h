#ifndef KVD_CLIENT_KV_AUDIT_H
#define KVD_CLIENT_KV_AUDIT_H

#include "proto/client/kv_nodes.h"

/* What AUDIT counts, see kv_audit.c for their names. */
enum audit_count {
	COUNT_SHARDS, COUNT_WHOLE, COUNT_SLICED, COUNT_REPAIRED, COUNT_LOST,
	COUNT_SEGMENTS, COUNT_FREE, COUNT_RAW, COUNT_BUCKETS, COUNT_DROPPED,
	COUNT_LINES, COUNT_RECORDS, COUNT_LOG, COUNT_LIVE, COUNT_DEAD,
	COUNT_ERRORS, COUNTS
};

struct audit {
	uint64_t	count[COUNTS];
	bool		told[COUNTS];
	char		first_error[512];
};

/*
 * Have the server of this handle audit itself, however long it takes.  0, and
 * *audit is its report, or an exit status after saying why, behind the name of
 * the node unless that is NULL.
 */
int audit_ask(struct kv *, const char *node, struct audit *);
bool audit_is_sound(const struct audit *);
/* "first error (errors: 1, ...)", behind the name of a node if there is one. */
void audit_complain(const char *node, const struct audit *);

/* The parts of what is printed. */
void audit_print_row(const struct output *, const char *name,
    const char *value);
void audit_print_text(const struct output *, const struct audit *,
    const char *verdict);
/* Between output_json_begin() and output_json_end(). */
void audit_print_json(const struct audit *);

/* kv_audit_nodes.c: of all nodes, one after the other; the exit status. */
int audit_nodes(const struct session *, const struct nodes *);

#endif
