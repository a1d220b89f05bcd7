/*
 * A connection that speaks the protocol of Redis: from its first byte, a star,
 * or from its first line on, if that is PING, for the rest of its life.
 */

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/reply.h"
#include "proto/resp_reply.h"
#include "server/conn_state.h"

bool
conn_is_resp(struct conn *conn)
{
	if (conn->state == CONN_FIRST && conn->in.data[conn->in.head] == '*')
		conn->session.protocol = REQUEST_RESP2;
	return conn->session.protocol != REQUEST_TEXT;
}

void
conn_put_error(struct outbuf *out, enum request_protocol protocol,
    const char *code, const char *reason)
{
	char word[32];
	size_t i;

	if (protocol != REQUEST_TEXT) {
		resp_put_error(out, code, "%s", reason);
		return;
	}
	for (i = 0; i < sizeof(word) - 1 && code[i] != '\0'; i++)
		word[i] = (char)tolower((unsigned char)code[i]);
	word[i] = '\0';
	reply_error(out, "%s: %s", word, reason);
}

void
conn_error(struct conn *conn, const char *code, const char *fmt, ...)
{
	char reason[RESP_REASON_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	conn_put_error(&conn->out, conn->session.protocol, code, reason);
}

void
conn_answer_bad_resp(struct conns *set, struct conn *conn)
{
	resp_put_error(&conn->out, "ERR", "%s", conn->resp_error.reason);
	set->counted[BOARD_ERRORS]++;
	set->counted[BOARD_DROPPED]++;
	conn_finish(set, conn);
}

static void
take(struct conns *set, struct conn *conn, struct turn *turn, size_t used)
{
	turn->requests--;
	set->req.protocol = conn->session.protocol;
	conn_take(set, conn, used);
}

void
conn_parse_resp(struct conns *set, struct conn *conn, struct turn *turn)
{
	const struct resp_limits limits = {
		.request_max = set->line_max,
		.word_max = store_value_max(set->env->store),
		.is_trusted = !conn->session.is_stranger
	};
	struct resp_error error;
	size_t used;

	switch (resp_parse(&conn->resp, conn->in.data + conn->in.head,
	    inbuf_len(&conn->in), &limits, &set->req, &error, &used)) {
	case RESP_OK:
		take(set, conn, turn, used);
		break;
	case RESP_EMPTY:
		turn->requests--;
		inbuf_consume(&conn->in, &set->pool, used);
		break;
	case RESP_MORE:
		conn->hungry = true;
		break;
	case RESP_BAD:
		/* The parser is not asked again, so what it said is kept. */
		conn->resp_error = error;
		conn->away.bad = true;
		conn->away.used = 0;
		if (conn->away.asked == 0)
			conn_answer_bad(set, conn, turn);
		break;
	}
}
