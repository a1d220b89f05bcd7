/*
 * A connection's input: bytes into its buffer, or, when it has nothing to
 * say any more, into the void.
 *
 * `readable' is what we know of the socket, for the edge that told it comes
 * only once: it stays true until a read has shown that nothing is there.
 */

#include <sys/socket.h>

#include <errno.h>

#include "server/conn_state.h"

static void
note_end_of_input(struct conn *conn, ssize_t n)
{
	if (n == 0) {
		conn->eof = true;
		conn->readable = false;
	} else if (errno == EAGAIN) {
		conn->readable = false;
	} else if (errno != EINTR) {
		conn->broken = true;
		conn->readable = false;
	}
}

void
conn_read(struct conns *set, struct conn *conn, struct turn *turn)
{
	size_t max = conn->greeting == NULL ? set->line_max :
	    FRAME_HEADER_LEN + links_self(set->links)->payload_max;
	size_t room = inbuf_room(&conn->in, &set->pool, max);
	ssize_t n;

	if (room == 0) {
		conn->broken = true;
		return;
	}
	n = recv(conn->fd, conn->in.data + conn->in.tail, room, MSG_DONTWAIT);
	if (n <= 0) {
		note_end_of_input(conn, n);
		inbuf_consume(&conn->in, &set->pool, 0);
		return;
	}
	conn->in.tail += (size_t)n;
	conn->hungry = false;
	set->counted[BOARD_BYTES_IN] += (uint64_t)n;
	turn_spend(turn, (size_t)n);
	/* A short read has emptied the socket: the next edge will tell. */
	if ((size_t)n < room && !conn->hung_up)
		conn->readable = false;
}

void
conn_discard(struct conns *set, struct conn *conn, struct turn *turn)
{
	ssize_t n;

	while (conn->readable && turn->bytes > 0) {
		n = recv(conn->fd, set->discarded, sizeof(set->discarded),
		    MSG_DONTWAIT);
		if (n <= 0)
			note_end_of_input(conn, n);
		else
			turn_spend(turn, (size_t)n);
	}
}
