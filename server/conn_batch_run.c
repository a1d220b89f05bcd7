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
#include "shm/read_known.h"
#include "shm/short.h"

#define TEXT_END	"\r\nOK\r\n"
#define AROUND		32U	/* bytes around a value, in either protocol */

_Static_assert(sizeof(TEXT_END) <= AROUND && RESP_HEAD_MAX + 2 <= AROUND,
    "no room");

/* A crash is laid on the request that is shown. */
static void
show(struct arena *a, unsigned slot, const struct batch_request *r)
{
	board_set_fingerprint(a, slot, batch_fingerprint(r));
}

struct answer {
	bool		 text;
	uint8_t		*out;
	size_t		 room;		/* for the value alone */
	size_t		 len;		/* of all; 0: it had no room */
	size_t		 value_len;
	uint64_t	 expires_ms;
};

/* The value may prove false, and is not looked at but copied. */
static inline __attribute__((always_inline)) void
write_value(void *arg, const struct record_view *r)
{
	struct answer *answer = arg;
	uint8_t *p = answer->out;

	answer->value_len = r->value.len;
	answer->expires_ms = r->expires_ms;
	answer->len = 0;
	if (r->value.len > answer->room)
		return;
	if (!answer->text)
		p = resp_write_head(p, '$', (int64_t)r->value.len);
	short_copy(p, r->value.data, r->value.len);
	p += r->value.len;
	if (answer->text) {
		memcpy(p, TEXT_END, sizeof(TEXT_END) - 1);
		p += sizeof(TEXT_END) - 1;
	} else {
		*p++ = '\r';
		*p++ = '\n';
	}
	answer->len = (size_t)(p - answer->out);
}

/* For so much more than the value as there may be around it. */
static inline bool
make_room(struct outbuf *out, size_t value_len, struct answer *answer)
{
	if ((answer->out = outbuf_reserve(out, AROUND + value_len)) == NULL)
		return false;
	answer->room = out->cap - out->tail - 1 - AROUND;
	return true;
}

/* What the client is sent is the value as it is, and it has not expired. */
static inline bool
send_value(struct outbuf *out, const struct answer *answer)
{
	if (answer->expires_ms != 0 && answer->expires_ms <= clock_wall_ms())
		return false;
	if (answer->text && !quote_is_plain(answer->out, answer->value_len))
		return false;
	outbuf_commit(out, answer->len);
	return true;
}

/* Is there nothing of that name, neither a string nor a bucket? */
static bool
is_free(const struct arena *a, const struct ahead *ahead)
{
	struct ahead string;

	if (ahead->in.name.len == 0)
		return read_neither_once(a, ahead);
	ahead_line(a, ahead->in.shard, (struct bytes){ NULL, 0 },
	    ahead->in.name, &string);
	return read_neither_once(a, &string);
}

/*
 * What was looked for is not there, as it seems.  Where the name would have to
 * be another thing's for the answer to be an error, that is ruled out.
 */
static __attribute__((noinline)) bool
send_none(const struct arena *a, struct conn *conn,
    const struct batch_request *r, enum shm_status status)
{
	const struct ahead *ahead = &r->ahead;
	enum plain_kind kind = r->plain.kind;

	if (status == SHM_NO_KEY && kind == PLAIN_GET) {
		reply_no_value(&conn->out);
		return true;
	}
	if (kind == PLAIN_GET || ((status != SHM_NO_KEY ||
	    kind == PLAIN_STRING_GET) && !is_free(a, ahead)))
		return false;
	resp_put_null(&conn->out, conn->session.protocol == REQUEST_RESP3 ?
	    RESP_3 : RESP_2);
	return true;
}

/*
 * From the name of the bucket on, and into more room if it needs that.  Apart,
 * for nothing of it is to burden what is found where it was.
 */
static __attribute__((noinline)) bool
read_anew(const struct arena *a, struct conn *conn,
    const struct batch_request *r)
{
	struct answer answer = { .text = r->plain.kind == PLAIN_GET };
	const struct read_action write = { write_value, &answer };
	enum shm_status status;
	int i;

	for (i = 0; i < 2; i++) {
		if (!make_room(&conn->out, answer.value_len, &answer) ||
		    !read_ahead_once(a, &r->ahead, &write, &status))
			return false;
		if (status != SHM_OK)
			return send_none(a, conn, r, status);
		if (answer.len > 0)
			return send_value(&conn->out, &answer);
	}
	return false;
}

/* One attempt.  False: there is nothing to say about it here. */
static inline bool
answer_read(const struct arena *a, struct conn *conn,
    const struct batch_request *r)
{
	struct answer answer = { .text = r->plain.kind == PLAIN_GET };
	const struct read_action write = { write_value, &answer };

	if (!make_room(&conn->out, 0, &answer))
		return false;
	switch (read_known(a, &r->ahead, &write)) {
	case READ_FOUND:
		if (answer.len > 0)
			return send_value(&conn->out, &answer);
		break;
	case READ_MISSING:
		return send_none(a, conn, r, SHM_NO_KEY);
	case READ_RETRY:
		break;
	}
	return read_anew(a, conn, r);
}

size_t
conn_run_reads(struct conns *set, struct conn *conn,
    const struct batch_request *r, size_t n)
{
	struct arena *a = set->env->inherit->arena;
	size_t i;

	for (i = 0; i < n && outbuf_len(&conn->out) < OUTPUT_HIGH; i++) {
		show(a, set->slot, &r[i]);
		if (!answer_read(a, conn, &r[i]))
			break;
	}
	return i;
}
