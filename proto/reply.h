#ifndef KVD_PROTO_REPLY_H
#define KVD_PROTO_REPLY_H

#include <stdint.h>

#include "proto/outbuf.h"
#include "proto/request.h"

/*
 * What a command answers, in the terms of the command; how it looks on the
 * wire is decided here and specified in kvd-protocol(7).  Each function
 * appends its lines to the connection's outbuf, all of them or, when memory
 * runs out, none (see outbuf.h).  The slices are only read.
 */
void reply_ok(struct outbuf *);
void reply_not_found(struct outbuf *);		/* no such bucket */
void reply_unknown_command(struct outbuf *);

/*
 * "ERROR " and a reason, at most REPLY_REASON_MAX bytes of it; control bytes
 * and bytes that are not ASCII are written as '?', each.
 */
#define REPLY_REASON_MAX	512
void reply_error(struct outbuf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A value, or the want of one, then OK. */
void reply_value(struct outbuf *, struct slice value);
void reply_no_value(struct outbuf *);
void reply_number(struct outbuf *, uint64_t);
void reply_pong(struct outbuf *);		/* PONG, OK */

/*
 * Lists: one item per line, then OK.  They may be streamed in pieces.
 * An item that is the word OK is written "OK", in quotes, so that the bare
 * OK is always the end.  A list may also end in NOT FOUND or an ERROR line,
 * which no item looks like: an item is a single word.
 */
void reply_item(struct outbuf *, struct slice item);
void reply_no_item(struct outbuf *);		/* an empty line */
/*
 * A line of text for people, not quoted; bytes are replaced as in
 * reply_error().  It must not be OK.
 */
void reply_text(struct outbuf *, const char *line);
void reply_end(struct outbuf *);

/* Events of a subscription. */
void reply_event_set(struct outbuf *, struct slice key, struct slice value);
void reply_event_deleted(struct outbuf *, struct slice key);

#endif
