/*
 * Plain reads, executed.  A value goes from the arena to the output in one
 * copy, by an attempt at a read that waits for nobody; where that does not
 * succeed, or what it finds is more than a value or none, nothing is answered
 * here.
 */

#include <string.h>

#include "proto/quote.h"
#include "proto/reply.h"
#include "proto/resp_reply.h"
#include "server/clock.h"
#include "server/conn_state.h"
#include "shm/read.h"

#define TEXT_END	"\r\nOK\r\n"
#define TEXT_END_LEN	(sizeof(TEXT_END) - 1)
#define AROUND		RESP_BULK_AROUND /* a value, in either protocol */

_Static_assert(TEXT_END_LEN <= AROUND, "no room");

/* A crash is laid on the request that is shown. */
static void
show(const struct conns *set, const struct plain *plain)
{
	board_set_fingerprint(set->env->inherit->arena, set->slot,
	    command_fingerprint_of(plain->argv, plain->argc));
}

/* --- reads --- */

struct answer {
	bool		 text;
	uint8_t		*out;
	size_t		 room;
	size_t		 len;		/* 0: it had no room */
	size_t		 value_len;
	uint64_t	 expires_ms;
};

/* The value may prove false, and is not looked at but copied. */
static void
write_value(void *arg, const struct record_view *r)
{
	const struct slice value = { r->value.data, r->value.len };
	struct answer *answer = arg;
	uint8_t *end;

	answer->value_len = value.len;
	answer->expires_ms = r->expires_ms;
	answer->len = 0;
	if (answer->room < AROUND || value.len > answer->room - AROUND)
		return;
	if (answer->text) {
		if (value.len > 0)
			memcpy(answer->out, value.data, value.len);
		end = answer->out + value.len;
		memcpy(end, TEXT_END, TEXT_END_LEN);
		end += TEXT_END_LEN;
	} else {
		end = resp_write_bulk(answer->out, value);
	}
	answer->len = (size_t)(end - answer->out);
}

/*
 * Into what room there is; if that is too small, into more.  False: there is
 * nothing to say about it here.
 */
static bool
read_value(const struct conns *set, struct outbuf *out,
    const struct batch_request *r, struct answer *answer,
    enum shm_status *status)
{
	const struct read_action write = { write_value, answer };
	const struct arena *a = set->env->inherit->arena;
	size_t wanted = AROUND;
	int i;

	for (i = 0; i < 2; i++) {
		if ((answer->out = outbuf_reserve(out, wanted)) == NULL)
			return false;
		answer->room = out->cap - out->tail - 1;
		if (!read_ahead_once(a, &r->ahead, &write, status))
			return false;
		if (*status != SHM_OK || answer->len > 0)
			return true;
		wanted = answer->value_len + AROUND;
	}
	return false;
}

/* What the client is sent is the value as it is, and it has not expired. */
static bool
is_plain(const struct answer *answer)
{
	if (answer->expires_ms != 0 && answer->expires_ms <= clock_wall_ms())
		return false;
	return !answer->text || quote_is_plain(answer->out,
	    answer->value_len);
}

static bool
answer_read(const struct conns *set, struct conn *conn,
    const struct batch_request *r)
{
	struct answer answer = { .text = r->plain.kind == PLAIN_GET };
	enum shm_status status;

	if (!read_value(set, &conn->out, r, &answer, &status))
		return false;
	if (status == SHM_OK && is_plain(&answer))
		outbuf_commit(&conn->out, answer.len);
	else if (status == SHM_NO_KEY && r->plain.kind == PLAIN_GET)
		reply_no_value(&conn->out);
	else if (status == SHM_NO_KEY && r->plain.kind == PLAIN_HGET)
		resp_put_null(&conn->out, conn->session.protocol ==
		    REQUEST_RESP3 ? RESP_3 : RESP_2);
	else
		return false;
	return true;
}

size_t
conn_run_reads(struct conns *set, struct conn *conn,
    const struct batch_request *r, size_t n)
{
	size_t i;

	for (i = 0; i < n && outbuf_len(&conn->out) < OUTPUT_HIGH; i++) {
		show(set, &r[i].plain);
		if (!answer_read(set, conn, &r[i]))
			break;
	}
	return i;
}
