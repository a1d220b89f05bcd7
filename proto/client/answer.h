#ifndef KVD_CLIENT_ANSWER_H
#define KVD_CLIENT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/client/kv.h"

/*
 * The text protocol, client side: bytes in, a part of a reply or MORE or BAD
 * out.  Pure and resumable.
 */

enum answer_shape {
	SHAPE_STATUS,		/* OK */
	SHAPE_VALUES,		/* a line for each of n values, then OK */
	SHAPE_WORDS,		/* words, one a line, until OK */
	SHAPE_TEXT		/* lines of plain text until OK */
};

/* What is to be expected for a request. */
struct expect {
	enum answer_shape	shape;
	size_t			values;		/* of SHAPE_VALUES, 1.. */
};

struct answer {
	struct expect	expect;
	size_t		values_seen;
	size_t		scanned;	/* no line end before here */
	size_t		first_end;	/* 0, or end of the line before OK */
	bool		begun;		/* a part was delivered */
};

enum answer_kind {
	ANSWER_MORE,		/* not enough bytes yet */
	ANSWER_ITEM,		/* text is a value, a word or a line */
	ANSWER_MISSING,		/* the want of a value */
	ANSWER_DONE,		/* the end: status, text is the reason */
	ANSWER_BAD		/* why says what is wrong */
};

struct answer_part {
	enum answer_kind kind;
	enum kv_status	 status;	/* of ANSWER_DONE */
	bool		 last;		/* nothing of this reply follows */
	struct kv_bytes	 text;		/* inside the buffer; of an error
					 * without the word for its class */
	size_t		 used;		/* bytes of the buffer it took */
	const char	*why;
};

void answer_init(struct answer *, struct expect);

/*
 * Take the next part from the start of buf.  Words are unescaped in place.
 * The last value of SHAPE_VALUES comes together with the OK after it, so
 * that a get has one part.
 */
void answer_read(struct answer *, uint8_t *buf, size_t len,
    struct answer_part *);

/*
 * A line of a subscription, without its line end: an event, or the end of
 * the subscription with *status and the reason.  False: garbage.
 */
enum answer_event {
	ANSWER_EVENT,
	ANSWER_OVER,
	ANSWER_NO_EVENT
};
enum answer_event answer_event(uint8_t *line, size_t len,
    struct kv_event *event, enum kv_status *status, struct kv_bytes *reason);

/*
 * The length of the first line in buf and, in *used, of its end too; false
 * if no line is complete.  *scanned remembers how far was looked.
 */
bool answer_line(const uint8_t *buf, size_t len, size_t *scanned,
    size_t *line_len, size_t *used);

#endif
