#ifndef KVD_SERVER_CONFIG_NODES_H
#define KVD_SERVER_CONFIG_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "server/config.h"
#include "server/config_draft.h"

/*
 * The nodes of a configuration and what each owns: from what somebody wrote
 * to the table of struct config_nodes and back.  why is always of
 * CONFIG_WHY_MAX bytes and holds the reason when the answer is false.
 */

#define CONFIG_NOBODY	UINT32_MAX

/*
 * Add a node.  peer may be NULL: then it is the port of the address and
 * 10000, or less 10000 where there is no such port.  Refused are a name or
 * an address that is there already, and an address that is none to connect
 * to.
 */
bool config_nodes_add(struct config_nodes *, const char *name,
    const char *address, const char *peer, char *why);

/* The number of a node, or CONFIG_NOBODY. */
uint32_t config_nodes_find(const struct config_nodes *, const char *name);

/* The form of NODES: name@host:port, with commas in between. */
bool config_nodes_parse(struct config_nodes *, const char *text, char *why);

/* The texts of all nodes and of what they own are the same. */
bool config_nodes_same(const struct config_nodes *,
    const struct config_nodes *);

void config_nodes_clear(struct config_nodes *);

/* --- what they own --- */

struct config_pieces {		/* a set of them */
	bool	has[CONFIG_PIECES];
};

/* "0-8191": runs of slots that a border between shards can divide. */
bool config_pieces_slots(struct config_pieces *, const char *text, char *why);

/* "a-mA-M0-9_": first bytes of names, printable ones of ASCII. */
bool config_pieces_letters(struct config_pieces *, const char *text,
    char *why);

/* How many pieces a table that goes by this has; 0 for an even one. */
size_t config_route_pieces(enum config_route);

/* What messages call a piece: "slot 4096", "\"n\"". */
void config_piece_text(enum config_route, size_t piece, char *buf,
    size_t size);

/*
 * The run of pieces with the same owner in which this one is, as a line of
 * the file would have it: "slots 0-8191", "buckets a-m", "buckets other".
 * Returns the first piece behind it.
 */
size_t config_nodes_run(const struct config_nodes *, size_t piece, char *buf,
    size_t size);

/* The first run that nobody owns, in the same form; false if there is none. */
bool config_nodes_gap(const struct config_nodes *, char *buf, size_t size);

/*
 * The fewest shards that have a border at each border between the nodes'
 * slots: a power of two, at most CONFIG_PIECES.
 */
uint32_t config_nodes_shards(const struct config_nodes *);

/*
 * All about the nodes as lines of kvd.conf(5), in one way for all tables that
 * mean the same.  Nothing if there are none.
 */
void config_nodes_print(const struct config_nodes *, FILE *);

/* --- all of it, when every source has spoken --- */

/*
 * Deal the rest, and complain to the draft of what is missing: pieces
 * without a node, borders inside of a shard, ourselves, two cookies.
 */
void config_nodes_check(struct config_draft *);

#endif
