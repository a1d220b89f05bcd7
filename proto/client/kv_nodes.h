#ifndef KVD_CLIENT_KV_NODES_H
#define KVD_CLIENT_KV_NODES_H

#include "proto/client/kv_session.h"

/* What INFO nodes says of a node. */
enum node_field {
	NODE_ADDRESS, NODE_STATE, NODE_TABLE, NODE_SHARDS, NODE_BUCKETS,
	NODE_KEYS, NODE_STRAYS, NODE_USED, NODE_MEMORY, NODE_WHY, NODE_FIELDS
};

#define NODE_LINE_MAX	1536

struct node {
	char	 line[NODE_LINE_MAX];
	char	*name;			/* in line, as are the fields */
	char	*field[NODE_FIELDS];	/* "" if it is not there */
};

struct nodes {
	struct node	*node;		/* in the order of the table */
	size_t		 n;
	bool		 failed;	/* out of memory */
};

/*
 * Ask the server of the session about all nodes.  What there is must be
 * freed, whatever the answer; KV_PARTIAL: some do not answer.
 */
enum kv_status nodes_ask(const struct session *, struct nodes *);
void nodes_free(struct nodes *);

#endif
