/*
 * Why two nodes do not come together, in words for the one who has to make
 * them: both versions, both tables, both names, whatever differs.
 */

#include <stdarg.h>
#include <stdio.h>

#include "proto/handshake.h"

static void say(char *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, HANDSHAKE_WHY_MAX, fmt, ap);
	va_end(ap);
}

static void
why_not_me(const struct handshake *shake, char *why)
{
	if (shake->is_dialler)
		say(why, "it is not the node %s", shake->wanted);
	else
		say(why, "it wants the node %s and this is %s", shake->wanted,
		    shake->self->name);
}

static void
why_unknown(const struct handshake *shake, char *why)
{
	if (shake->is_dialler)
		say(why, "it knows no node %s", shake->self->name);
	else
		say(why, "there is no other node %s in the table", shake->peer);
}

static void
why_table(const struct handshake *shake, char *why)
{
	const struct frame_table *its = &shake->peer_table;
	const struct frame_table *ours = &shake->self->table;

	say(why, "its routing table is version %ju, hash %016jx, "
	    "and ours is version %ju, hash %016jx%s",
	    (uintmax_t)its->version, (uintmax_t)its->hash,
	    (uintmax_t)ours->version, (uintmax_t)ours->hash,
	    its->version == ours->version ?
	    ": compare what both say of nodes and shards" : "");
}

void
handshake_why(const struct handshake *shake, char *why)
{
	switch (shake->verdict) {
	case VERDICT_OK:
		say(why, "it is welcome");
		break;
	case VERDICT_BAD_VERSION:
		say(why, "it speaks version %d of the link and we speak "
		    "version %d", shake->peer_version, FRAME_VERSION);
		break;
	case VERDICT_BAD_COOKIE:
		say(why, "its cookie is another one");
		break;
	case VERDICT_NOT_ME:
		why_not_me(shake, why);
		break;
	case VERDICT_UNKNOWN_NODE:
		why_unknown(shake, why);
		break;
	case VERDICT_OTHER_TABLE:
		why_table(shake, why);
		break;
	case VERDICT_GARBAGE:
		say(why, "what it says is no handshake");
		break;
	}
}
