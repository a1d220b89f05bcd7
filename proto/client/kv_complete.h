#ifndef KVD_CLIENT_KV_COMPLETE_H
#define KVD_CLIENT_KV_COMPLETE_H

#include "proto/client/kv_session.h"

/* What may stand at the end of a line that is being typed. */
struct complete {
	char	**names;	/* each begins with what is typed */
	size_t	  n;
	size_t	  typed;	/* bytes of the word that are there */
	size_t	  common;	/* bytes that all names share */
};

/*
 * The names that complete a line of len bytes: commands for the first word,
 * buckets or commands for the second.  Free with complete_free().
 */
void complete_line(const struct session *, const char *line, size_t len,
    struct complete *);
void complete_free(struct complete *);

#endif
