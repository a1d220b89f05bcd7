/*
 * What nodes own, as sets of pieces.  Two rules keep a table unambiguous
 * without an order among its lines: a piece has one owner, and every piece
 * has one.
 *
 * Letters are the printable ones of ASCII.  Other bytes can begin a name as
 * well, but nobody can see them in a file: they are what "buckets other"
 * takes with all that was not said, and so one node has them all.
 */
#include "server/config_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "server/config_lex.h"
#include "server/config_value.h"
#include "shm/arena.h"
#include "shm/hash.h"

#define LETTERS		256U
#define LETTER_FIRST	' '
#define LETTER_LAST	'~'

_Static_assert(CONFIG_PIECES == ARENA_SHARDS_MAX &&
    CONFIG_PIECES * CONFIG_PIECE_SLOTS == HASH_SLOTS &&
    LETTERS <= CONFIG_PIECES,
    "a piece is the smallest shard there can be");

size_t
config_route_pieces(enum config_route route)
{
	switch (route) {
	case CONFIG_ROUTE_EVEN:
		return 0;
	case CONFIG_ROUTE_SLOTS:
		return CONFIG_PIECES;
	case CONFIG_ROUTE_BUCKETS:
		return LETTERS;
	}
	abort();
}

/* --- from text --- */

/* Digits up to the byte that must end them. */
static bool
scan_slot(const char **text, char end, unsigned *slot)
{
	const char *p = *text;

	*slot = 0;
	while (*p >= '0' && *p <= '9' && *slot < HASH_SLOTS)
		*slot = *slot * 10 + (unsigned)(*p++ - '0');
	if (p == *text || *p != end)
		return false;
	*text = p + 1;
	return true;
}

/*
 * Does a shard of some number begin with that slot?  The number it would
 * take is told, for "no" alone helps nobody.
 */
static bool
can_begin(unsigned slot, char *why)
{
	unsigned run = slot & -slot;

	if (slot % CONFIG_PIECE_SLOTS == 0)
		return true;
	snprintf(why, CONFIG_WHY_MAX, "for a border before slot %u there "
	    "would have to be %u shards, and there are %u at most; the "
	    "nearest borders are before %u and %u", slot, HASH_SLOTS / run,
	    CONFIG_PIECES, slot - slot % CONFIG_PIECE_SLOTS,
	    slot - slot % CONFIG_PIECE_SLOTS + CONFIG_PIECE_SLOTS);
	return false;
}

bool
config_pieces_slots(struct config_pieces *pieces, const char *text, char *why)
{
	const char *p = text;
	unsigned first, last, i;

	memset(pieces, 0, sizeof(*pieces));
	if (!scan_slot(&p, '-', &first) || !scan_slot(&p, '\0', &last) ||
	    last >= HASH_SLOTS || first > last) {
		snprintf(why, CONFIG_WHY_MAX, "\"%.100s\" is not a range of "
		    "slots; write first-last, from 0 to %d", text,
		    HASH_SLOTS - 1);
		return false;
	}
	if (!can_begin(first, why) || !can_begin(last + 1, why))
		return false;
	for (i = first / CONFIG_PIECE_SLOTS; i <= last / CONFIG_PIECE_SLOTS;
	    i++)
		pieces->has[i] = true;
	return true;
}

static bool
is_letter(unsigned char c)
{
	return c >= LETTER_FIRST && c <= LETTER_LAST;
}

bool
config_pieces_letters(struct config_pieces *pieces, const char *text,
    char *why)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned c;

	memset(pieces, 0, sizeof(*pieces));
	why[0] = '\0';
	for (; *p != '\0'; p++) {
		unsigned last = *p;

		if (p[1] == '-' && p[2] != '\0')
			last = p[2];
		if (!is_letter(*p) || !is_letter((unsigned char)last) ||
		    last < *p)
			break;
		for (c = *p; c <= last; c++)
			pieces->has[c] = true;
		if (p[1] == '-' && p[2] != '\0')
			p += 2;
	}
	if (*p == '\0' && *text != '\0')
		return true;
	snprintf(why, CONFIG_WHY_MAX, "\"%.100s\" does not say how names "
	    "begin; write letters of ASCII and ranges of them, as in \"a-m\" "
	    "or \"0-9_\"", text);
	return false;
}

/* --- and back --- */

static void
run_text(enum config_route route, size_t first, size_t last, char *buf,
    size_t size)
{
	if (route == CONFIG_ROUTE_SLOTS)
		snprintf(buf, size, "slots %zu-%zu",
		    first * CONFIG_PIECE_SLOTS,
		    (last + 1) * CONFIG_PIECE_SLOTS - 1);
	else if (first == last)
		snprintf(buf, size, "buckets %c", (int)first);
	else
		snprintf(buf, size, "buckets %c-%c", (int)first, (int)last);
}

void
config_piece_text(enum config_route route, size_t piece, char *buf,
    size_t size)
{
	if (route == CONFIG_ROUTE_SLOTS)
		snprintf(buf, size, "slot %zu", piece * CONFIG_PIECE_SLOTS);
	else
		snprintf(buf, size, "\"%c\"", (int)piece);
}

/* Nobody can write byte 0: who owns it owns what was not said. */
static bool
is_other(const struct config_nodes *nodes, size_t piece)
{
	return nodes->route == CONFIG_ROUTE_BUCKETS &&
	    nodes->owner[piece] == nodes->owner[0];
}

size_t
config_nodes_run(const struct config_nodes *nodes, size_t piece, char *buf,
    size_t size)
{
	size_t first = piece, end = piece + 1;
	size_t n = config_route_pieces(nodes->route);

	while (first > 0 && nodes->owner[first - 1] == nodes->owner[piece])
		first--;
	while (end < n && nodes->owner[end] == nodes->owner[piece])
		end++;
	if (is_other(nodes, piece))
		strlcpy(buf, "buckets other", size);
	else
		run_text(nodes->route, first, end - 1, buf, size);
	return end;
}

bool
config_nodes_gap(const struct config_nodes *nodes, char *buf, size_t size)
{
	bool letters = nodes->route == CONFIG_ROUTE_BUCKETS;
	size_t first = letters ? LETTER_FIRST : 0, last;
	size_t end = letters ? LETTER_LAST + 1 :
	    config_route_pieces(nodes->route);

	while (first < end && nodes->owner[first] != 0)
		first++;
	for (last = first; last + 1 < end && nodes->owner[last + 1] == 0;)
		last++;
	if (first < end)
		run_text(nodes->route, first, last, buf, size);
	else if (letters && nodes->owner[0] == 0)
		strlcpy(buf, "buckets other", size);
	else
		return false;
	return true;
}

uint32_t
config_nodes_shards(const struct config_nodes *nodes)
{
	size_t i, run = CONFIG_PIECES;

	if (nodes->route != CONFIG_ROUTE_SLOTS)
		return 1;
	for (i = 1; i < CONFIG_PIECES; i++)
		while (nodes->owner[i] != nodes->owner[i - 1] && i % run != 0)
			run /= 2;
	return (uint32_t)(CONFIG_PIECES / run);
}

static void
print_rule(const char *rule, const char *name, FILE *to)
{
	const char *value = strchr(rule, ' ') + 1;

	fprintf(to, "%.*s", (int)(value - rule), rule);
	config_lex_print(value, to);
	fprintf(to, " %s\n", name);
}

static void
print_rules(const struct config_nodes *nodes, FILE *to)
{
	size_t piece = 0, n = config_route_pieces(nodes->route), next;
	char rule[64];

	if (nodes->route == CONFIG_ROUTE_EVEN)
		fputs("route even\n", to);
	for (; piece < n; piece = next) {
		next = config_nodes_run(nodes, piece, rule, sizeof(rule));
		if (nodes->owner[piece] != 0 && !is_other(nodes, piece))
			print_rule(rule,
			    nodes->node[nodes->owner[piece] - 1].name, to);
	}
	if (nodes->route == CONFIG_ROUTE_BUCKETS && nodes->owner[0] != 0)
		print_rule("buckets other",
		    nodes->node[nodes->owner[0] - 1].name, to);
}

void
config_nodes_print(const struct config_nodes *nodes, FILE *to)
{
	size_t i;

	if (nodes->count == 0)
		return;
	for (i = 0; i < nodes->count; i++)
		fprintf(to, "node %s {\n\taddress %s\n\tpeer %s\n}\n",
		    nodes->node[i].name, nodes->node[i].address.text,
		    nodes->node[i].peer.text);
	print_rules(nodes, to);
}
