#ifndef KVD_PROTO_FRAME_H
#define KVD_PROTO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/outbuf.h"
#include "proto/request.h"

/*
 * What two nodes say to each other once they have shaken hands: frames, a
 * header and a payload.  Specified in kvd-link(7).
 *
 *	0        4        8            16        24       32      36       40
 *	+--------+--------+------------+---------+--------+-------+--------+
 *	| length |   id   | what it is | table   | table  | shard | dead-  |
 *	|        |        |            | version | hash   |       | line   |
 *	+--------+--------+------------+---------+--------+-------+--------+
 *	                   op    flags  hops   0     version    0    0
 *	                  +-----+-----+-----+-----+-----+-----+-----+-----+
 *	                  8     9     10    11    12          14         16
 *	+--------------------------+--
 *	| place: 8, if FRAME_PLACE | the rest of the payload ...
 *	+--------------------------+--
 *
 * All numbers are little-endian; length is that of the payload, place
 * included.  A frame has one form only: fields that its operation does not
 * use are 0, so what was parsed is written again as the same bytes.
 *
 * Everything here but the functions that take an outbuf is pure and safe from
 * any thread; those are as safe as outbuf.h says.
 */
#define FRAME_HEADER_LEN	40	/* bytes */
#define FRAME_VERSION		1	/* of handshake and frames */
#define FRAME_HOPS_MAX		1
#define FRAME_NAME_MAX		200	/* bytes of the name of a node */
#define FRAME_NO_SHARD		UINT32_MAX

enum frame_op {			/* payload, behind the place	*/
	FRAME_REQUEST = 1,	/* words: frame_words()		*/
	FRAME_REPLY,		/* any bytes, for the client	*/
	FRAME_EVENT,		/* the same			*/
	FRAME_NOT_MINE,		/* the name of the owner	*/
	FRAME_REFUSED,		/* a reason, printable ASCII	*/
	FRAME_CANCEL,		/* none				*/
	FRAME_PING,		/* none				*/
	FRAME_PONG,		/* none				*/
	FRAME_BYE		/* none				*/
};

/*
 * Flags.  One of FRAME_PROTOCOLS is set where something is said by a client
 * or to it: the protocol it speaks, and in which it is to be answered.
 */
#define FRAME_TEXT	0x01	/* of REQUEST, REPLY, EVENT */
#define FRAME_PLACE	0x02	/* of REQUEST and REPLY: one piece of a list */
#define FRAME_FAILED	0x04	/* of REPLY: it counts as an error */
#define FRAME_RESP2	0x08	/* of REQUEST and REPLY */
#define FRAME_RESP3	0x10	/* of REQUEST and REPLY */
#define FRAME_GOES_ON	0x20	/* of REPLY: the rest is in the next one */
#define FRAME_PROTOCOLS	(FRAME_TEXT | FRAME_RESP2 | FRAME_RESP3)

/* Which routing table the sender has. */
struct frame_table {
	uint64_t	version;
	uint64_t	hash;
};

struct frame {
	enum frame_op		op;
	uint8_t			flags;		/* FRAME_TEXT, ... */
	uint8_t			hops;		/* of REQUEST: nodes it has
						 * passed, asker excluded */
	uint32_t		id;		/* the asker's; 0 in BYE */
	struct frame_table	table;
	uint32_t		shard;		/* of REQUEST, or
						 * FRAME_NO_SHARD */
	uint32_t		deadline_ms;	/* of REQUEST: from receipt;
						 * 0: none */
	uint64_t		place;		/* with FRAME_PLACE: in a
						 * REQUEST where the list goes
						 * on (0: begin), in a REPLY
						 * where the next piece begins
						 * (0: this was the last) */
	struct slice		payload;	/* what follows the place */
};

enum frame_status {
	FRAME_OK,	/* *frame is a frame of *used bytes */
	FRAME_MORE,	/* no whole frame yet; *used is 0 */
	FRAME_BAD	/* it cannot become one, see *reason; *used is 0 and
			 * there is no way to go on */
};

/*
 * Take the frame at the start of buf, of which len bytes are there.  After
 * FRAME_MORE call again with the same frame at the start of buf (it may have
 * moved) and more bytes: the length stands in front, so nothing needs to be
 * remembered.  payload_max is the longest payload to be accepted, in bytes;
 * a buffer of FRAME_HEADER_LEN + payload_max bytes is always enough.
 * FRAME_BAD comes with the last byte of the header if that is the culprit.
 *
 * After FRAME_OK the payload points into buf.  The words of a FRAME_REQUEST
 * are not looked at yet; any other frame is sound.  *frame is meaningful
 * after FRAME_OK only; *reason, in static storage, after FRAME_BAD only.
 */
enum frame_status frame_parse(const uint8_t *buf, size_t len,
    size_t payload_max, struct frame *, const char **reason, size_t *used);

/* The flag of a protocol. */
uint8_t frame_protocol(enum request_protocol);

/*
 * Take the payload of a FRAME_REQUEST apart: 1 to REQUEST_ARGS_MAX words, and
 * nothing behind them.  The slices point to where the payload is.  False if
 * it is malformed: then *req is not to be used and *reason, in static
 * storage, says why; that link, too, cannot go on.
 */
bool frame_words(const struct frame *, struct request *, const char **reason);

/*
 * The same of several lists of words behind each other, without their
 * protocol: take the one at the front of *rest, which is not empty.
 */
bool frame_next_words(struct slice *rest, struct request *);

/*
 * The length in bytes of these words (1 to REQUEST_ARGS_MAX) as a payload,
 * without a place.  Who is about to send compares it, and 8 for the place,
 * with what the other node takes.
 */
size_t frame_words_len(const struct slice *argv, size_t argc);

/* Append these words as the payload, between frame_begin() and frame_end(). */
void frame_put_words(struct outbuf *, const struct slice *argv, size_t argc);

/*
 * Compose a frame whose payload is written straight to the outbuf: begin,
 * append the payload (not the place), end.  Nothing is drained in between.
 * frame_begin() looks at nothing but FRAME_PLACE, and that flag must be the
 * same at the end; all else, but for the payload, which is not looked at, may
 * be filled in until then.  The result of frame_begin() is for frame_end().
 *
 * The payload must be legal for the operation, and shorter than 4 GiB.  If
 * memory runs out the outbuf has failed, as outbuf.h says, and neither
 * function does harm.
 */
size_t frame_begin(struct outbuf *, const struct frame *);
void frame_end(struct outbuf *, size_t mark, const struct frame *);

/*
 * The end of a REPLY without a place, of any length up to FRAME_REPLY_MAX: as
 * many frames as it takes, of at most max bytes of payload (at least 1) each;
 * all but the last go on.  Its bytes are moved once.
 */
#define FRAME_REPLY_MAX	((size_t)96 * 1024 * 1024)
void frame_end_long(struct outbuf *, size_t mark, const struct frame *,
    size_t max);

/* Give a frame that was composed, whose first byte this is, another id. */
void frame_renumber(uint8_t *, uint32_t id);

/* Compose a frame with its payload. */
void frame_write(struct outbuf *, const struct frame *);

/*
 * May a node have this name?  1 to FRAME_NAME_MAX letters, digits, dots,
 * underscores and hyphens, the first not a dot.
 */
bool frame_is_name(const uint8_t *, size_t len);

#endif
