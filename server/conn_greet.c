/*
 * The handshake with a node that has dialled us.
 *
 * Until it has proved who it is it is a stranger, of whom there are so many at
 * once and not more, for not very long.
 */

#include <sys/random.h>

#include <stdlib.h>

#include "server/accept.h"
#include "server/conn_state.h"
#include "server/log.h"
#include "server/peer.h"

void
conn_log_refusal(const struct conn *conn, const char *why)
{
	char name[PEER_NAME_MAX];

	peer_name(conn->fd, name, sizeof(name));
	log_warn("closing the link of %s: %s", name, why);
}

/*
 * The place of who has waited the longest, for a node needs a moment only:
 * so strangers that say nothing do not keep nodes out.  It is not closed
 * here, see conn.c.
 */
static void
take_place(struct conns *set)
{
	struct conn *conn;

	TAILQ_FOREACH(conn, &set->all, all)
		if (conn->stranger)
			break;
	if (conn == NULL)
		return;
	conn_log_refusal(conn, "it has not greeted, and others want to");
	conn_know(set, conn);
	set->counted[BOARD_DROPPED]++;
	conn->broken = true;
	conn_enqueue(set, conn);
}

bool
conn_greet(struct conns *set, struct conn *conn)
{
	uint8_t random[HANDSHAKE_CHALLENGE_LEN];

	conn->greeting = malloc(sizeof(*conn->greeting));
	if (conn->greeting == NULL ||
	    getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	conn->state = CONN_SERVING;
	handshake_accept(conn->greeting, links_self(set->links), random,
	    &conn->out);
	if (set->strangers == ACCEPT_STRANGERS_MAX)
		take_place(set);
	conn->stranger = true;
	set->strangers++;
	return true;
}

void
conn_know(struct conns *set, struct conn *conn)
{
	if (conn->stranger)
		set->strangers--;
	conn->stranger = false;
}

void
conn_go_on_greeting(struct conns *set, struct conn *conn)
{
	struct inbuf *in = &conn->in;
	char why[HANDSHAKE_WHY_MAX];
	size_t used;

	switch (handshake_step(conn->greeting, in->data + in->head,
	    inbuf_len(in), &conn->out, &used)) {
	case HANDSHAKE_OK:
		conn->greeted = true;
		conn_know(set, conn);
		inbuf_consume(in, &set->pool, used);
		if (set->draining || set->retiring)
			conn_say_bye(set, conn);
		break;
	case HANDSHAKE_MORE:
		inbuf_consume(in, &set->pool, used);
		conn->hungry = true;
		break;
	case HANDSHAKE_BAD:
		handshake_why(conn->greeting, why);
		conn_log_refusal(conn, why);
		set->counted[BOARD_DROPPED]++;
		if (conn->greeting->verdict == VERDICT_GARBAGE)
			conn->broken = true;
		else
			conn_finish(set, conn);
		break;
	}
}
