#ifndef KVD_CLIENT_WIRE_H
#define KVD_CLIENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/client/address.h"
#include "proto/outbuf.h"

/*
 * A connected, non-blocking socket with a buffer for each direction, and the
 * waiting that goes with it.  Knows nothing of what the bytes mean.
 */
struct wire {
	int		fd;		/* -1: not connected */
	struct outbuf	out;		/* not yet sent */
	struct outbuf	in;		/* received, not yet taken */
	size_t		taken;		/* handed out of in; drained later */
	size_t		in_max;		/* bytes held in in at the most */
	bool		send_lost;	/* the peer takes nothing any more */
};

enum wire_status {
	WIRE_OK,
	WIRE_TIMEOUT,
	WIRE_CLOSED,		/* the peer closed or reset */
	WIRE_FULL,		/* in_max bytes are waiting to be taken */
	WIRE_NO_MEMORY,
	WIRE_SYSTEM		/* errno says what */
};

/* A point in time, in ms of CLOCK_MONOTONIC; WIRE_NEVER is no deadline. */
#define WIRE_NEVER	INT64_MAX

int64_t wire_now_ms(void);
/* ms from now; negative: never. */
int64_t wire_deadline(int ms);

void wire_init(struct wire *, size_t in_max);
void wire_free(struct wire *);

/*
 * Connect to one of the addresses before the deadline.  WIRE_OK,
 * WIRE_TIMEOUT, WIRE_NO_MEMORY or WIRE_SYSTEM, of the last one tried.
 */
enum wire_status wire_connect(struct wire *, const struct address_list *,
    int64_t deadline);

/* The bytes received and not yet taken. */
uint8_t *wire_bytes(struct wire *, size_t *len);
/* The first n of them are handed out; they stay until wire_release(). */
void wire_take(struct wire *, size_t n);
void wire_release(struct wire *);

/*
 * Send what the kernel takes, without waiting.  A peer that is gone is no
 * error here: its last words may be waiting to be read, and the next
 * wire_receive() tells.
 */
enum wire_status wire_send(struct wire *);

/*
 * Wait until something was received, sending meanwhile what is queued: a
 * peer that waits for us to read is served, whatever we want to send.
 */
enum wire_status wire_receive(struct wire *, int64_t deadline);

/* What recv(2) would find, without waiting and without taking it. */
enum wire_peek {
	WIRE_QUIET,		/* open, and nothing there */
	WIRE_BYTES,
	WIRE_GONE		/* the peer has closed or reset */
};
enum wire_peek wire_peek(const struct wire *);

#endif
