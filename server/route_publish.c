/*
 * When a routing table comes into force.  A master starts children with
 * another table while the old ones still serve; that they are all there is the
 * moment, and the record in the arena is what makes it one.
 */

#include "server/route_publish.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/config_nodes.h"
#include "server/config_value.h"
#include "server/log.h"
#include "server/route.h"
#include "shm/ownership.h"

#define RUNS_MAX	4		/* of pieces, in a line of the log */

struct pieces {
	uint64_t	bits[OWNERSHIP_PIECES / 64];
};

static bool
has(const struct pieces *set, uint32_t piece)
{
	return (set->bits[piece / 64] >> piece % 64 & 1) != 0;
}

static struct pieces
without(const uint64_t *these, const uint64_t *those)
{
	struct pieces rest;
	size_t i;

	for (i = 0; i < OWNERSHIP_PIECES / 64; i++)
		rest.bits[i] = these[i] & ~those[i];
	return rest;
}

static void
add_run(char *text, size_t size, enum ownership_by by, uint32_t first,
    uint32_t last)
{
	size_t len = strlen(text);

	if (by == OWNERSHIP_SLOTS)
		snprintf(text + len, size - len, " %" PRIu32 "-%" PRIu32,
		    first * CONFIG_PIECE_SLOTS,
		    last * CONFIG_PIECE_SLOTS + CONFIG_PIECE_SLOTS - 1);
	else
		snprintf(text + len, size - len, isgraph((int)first) &&
		    isgraph((int)last) ? " %c-%c" : " 0x%02x-0x%02x",
		    (int)first, (int)last);
}

/* "slots 0-8191 12288-16383", "none", in the order of their numbers. */
static void
describe(const struct pieces *set, enum ownership_by by, char *text,
    size_t size)
{
	uint32_t piece = 0, first;
	unsigned runs = 0;

	strlcpy(text, by == OWNERSHIP_SLOTS ? "slots" : "first bytes", size);
	for (; piece < OWNERSHIP_PIECES; piece++) {
		if (!has(set, piece))
			continue;
		if (runs++ == RUNS_MAX) {
			strlcat(text, " and others", size);
			return;
		}
		for (first = piece; piece + 1 < OWNERSHIP_PIECES &&
		    has(set, piece + 1); piece++)
			;
		add_run(text, size, by, first, piece);
	}
	if (runs == 0)
		strlcpy(text, "none", size);
}

static void
log_change(const struct ownership *was, const struct ownership *is)
{
	struct pieces gone = without(was->has, is->has);
	struct pieces came = without(is->has, was->has);
	char away[160], here[160];

	if (was->by != is->by) {
		log_info("routing table version %" PRIu64 " is in force: it "
		    "goes by %s now, by %s before", is->version,
		    is->by == OWNERSHIP_SLOTS ? "slots" : "letters",
		    was->by == OWNERSHIP_SLOTS ? "slots" : "letters");
		return;
	}
	describe(&gone, is->by, away, sizeof(away));
	describe(&came, is->by, here, sizeof(here));
	log_info("routing table version %" PRIu64 " is in force: moved away "
	    "from this node: %s; came to it: %s", is->version, away, here);
}

static bool
is_same(const struct ownership *a, const struct ownership *b)
{
	return a->version == b->version && a->hash == b->hash &&
	    a->by == b->by && memcmp(a->has, b->has, sizeof(a->has)) == 0;
}

/*
 * The same one is left alone, but for its strays: workers that look while it
 * is written serve nothing, and a busy machine may stop the writer there.
 */
void
route_publish(struct arena *arena, const struct config *config)
{
	const struct ownership_strays none = { 0 };
	struct ownership was, is;
	char why[CONFIG_WHY_MAX];
	struct route route;

	if (!route_build(&route, config, arena_shards(arena), why)) {
		log_err("the routing table is not in force: %s", why);
		return;
	}
	route_owned(&route, &is);
	if (ownership_read(arena, &was)) {
		if (is_same(&was, &is)) {
			ownership_set_strays(arena, 0, &none);
			return;
		}
		if (was.hash != is.hash)
			log_change(&was, &is);
	}
	ownership_publish(arena, &is);
}
