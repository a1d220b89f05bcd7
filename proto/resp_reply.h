#ifndef KVD_PROTO_RESP_REPLY_H
#define KVD_PROTO_RESP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/little.h"
#include "proto/number.h"
#include "proto/outbuf.h"
#include "proto/request.h"

/*
 * Replies in the protocol of Redis, in either version: each function appends
 * one type, and those that RESP2 does not have are written as Redis writes
 * them to clients that know no better.
 *
 * Where reply.h speaks in terms of a command (a value, no value, a list), this
 * speaks in terms of the wire, for commands of Redis say which types they
 * answer with.  A command that is spoken in both protocols answers through
 * one verb that knows the connection's protocol, and does one or the other:
 *
 *	verb		text			RESP
 *	ok		OK			simple OK
 *	value		the word, OK		bulk
 *	no value	an empty line, OK	null
 *	number		the number, OK		integer
 *	list		nothing			list of n, or a mark
 *	item		the word		bulk
 *	no item		an empty line		null
 *	end of list	OK			nothing, or the list at its mark
 *	error		ERROR and why		error ERR and why
 *	set, deleted	milk SET TO 1		push
 *
 * so a verb that opens a list is told how long it will be, or that this is
 * not known, and text has no use for it.
 *
 * Each function appends all it has to, or, when memory runs out, nothing (see
 * outbuf.h).  The slices are only read.
 */
enum resp_version {
	RESP_2 = 2, RESP_3 = 3
};

/* "+PONG": a line of our own.  A CR or LF in it is written as a space. */
void resp_put_simple(struct outbuf *, const char *text);
/* "+OK", which is most of them. */
void resp_put_ok(struct outbuf *);

/*
 * "-ERR no such key": the code is a word in capitals, the reason at most
 * RESP_REASON_MAX bytes, and ends at a NUL.  Clients look at either, so both
 * are as Redis has them.  A CR or LF is written as a space, other bytes as
 * they are.
 */
#define RESP_REASON_MAX	512
void resp_put_error(struct outbuf *, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void resp_put_integer(struct outbuf *, int64_t);
void resp_put_bulk(struct outbuf *, struct slice);

/*
 * "$12": a type, a number and the end of the line, such as a bulk begins with,
 * into room for RESP_HEAD_MAX bytes.  Returns its end; what is behind that, up
 * to so many bytes, may be overwritten too.
 */
#define RESP_HEAD_MAX	((size_t)1 + NUMBER_INT_MAX + 2)
uint8_t *resp_write_any_head(uint8_t *, char type, int64_t number);

/* Most are lengths of what is short. */
static inline uint8_t *
resp_write_head(uint8_t *out, char type, int64_t number)
{
	const uint64_t line = (uint64_t)'\n' << 8 | '\r';
	uint64_t n = (uint64_t)number, digits;

	if (n < 10) {
		digits = line << 8 | ('0' + n);
		(void)little_put(out, digits << 8 | (uint8_t)type, 8);
		return out + 4;
	}
	if (n < 100) {
		digits = line << 16 | ('0' + n % 10) << 8 | ('0' + n / 10);
		(void)little_put(out, digits << 8 | (uint8_t)type, 8);
		return out + 5;
	}
	return resp_write_any_head(out, type, number);
}

/* For want of a value, and for want of a list: one and the same in RESP3. */
void resp_put_null(struct outbuf *, enum resp_version);
void resp_put_null_list(struct outbuf *, enum resp_version);

/* In RESP2: 1 or 0. */
void resp_put_bool(struct outbuf *, enum resp_version, bool);

/* With 17 digits, "inf", "-inf" or "nan"; in RESP2 a bulk of the same. */
void resp_put_double(struct outbuf *, enum resp_version, double);

/* Digits, maybe behind a minus; in RESP2 a bulk. */
void resp_put_big_number(struct outbuf *, enum resp_version, struct slice);

/* Text for people; in RESP2 a bulk. */
void resp_put_verbatim(struct outbuf *, enum resp_version, struct slice);

/*
 * The head of a list; its n elements, which may be lists, follow.  A map has
 * n keys, each followed by its value, and is an array of both in RESP2; so
 * are a set, and a push, which is no answer but news.
 */
enum resp_list {
	RESP_ARRAY, RESP_MAP, RESP_SET, RESP_PUSH
};

void resp_put_list(struct outbuf *, enum resp_version, enum resp_list,
    size_t n);

/*
 * The head of a list whose elements are there already, behind the first mark
 * bytes that wait, mark being what outbuf_len() was before them.  For lists
 * whose length nobody knows before they end.  Costs a move of the elements,
 * none of which may have been sent.
 */
void resp_put_list_at(struct outbuf *, enum resp_version, enum resp_list,
    size_t n, size_t mark);

#endif
