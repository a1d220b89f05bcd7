#ifndef KVD_TESTS_CLIENT_PEER_H
#define KVD_TESTS_CLIENT_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/client/kv.h"

/*
 * A server that follows a script, in a thread of the test: so a test decides
 * what arrives, in which pieces, and when the connection ends.
 */
enum peer_do {
	PEER_EXPECT,		/* read exactly this text */
	PEER_SEND,		/* write it */
	PEER_DRIP,		/* write it byte by byte, each its own packet */
	PEER_REPEAT,		/* write it `times' times */
	PEER_SKIP,		/* read `times' bytes of anything */
	PEER_CLOSE,		/* close the connection, all of it */
	PEER_SHUT,		/* say that nothing more will come */
	PEER_RESET,		/* close so that the other gets a reset */
	PEER_END		/* wait until the other end closes */
};

struct peer_step {
	enum peer_do	 what;
	const char	*text;
	size_t		 times;
};

/* Steps as a script writes them; the formatter would take them apart. */
/* clang-format off */
#define EXPECT(t)	{ .what = PEER_EXPECT, .text = (t) }
#define SEND(t)		{ .what = PEER_SEND, .text = (t) }
#define DRIP(t)		{ .what = PEER_DRIP, .text = (t) }
#define REPEAT(t, n)	{ .what = PEER_REPEAT, .text = (t), .times = (n) }
#define SKIP(n)		{ .what = PEER_SKIP, .times = (n) }
#define CLOSE		{ .what = PEER_CLOSE }
#define SHUT		{ .what = PEER_SHUT }
#define RESET		{ .what = PEER_RESET }
#define END		{ .what = PEER_END }
/* clang-format on */

#define PEERS_MAX	3	/* at a time */

/*
 * Start one; its name for kv_open() is returned.  The script ends with
 * PEER_END, PEER_CLOSE or PEER_RESET.
 */
const char *peer_start(const struct peer_step *);

/*
 * Wait for the end of all scripts; false if something was not as expected.
 * Each must have been connected to.
 */
bool peer_finish(void);

/* Start one and connect to it; fails the test if that cannot be done. */
struct kv *peer_open(const struct peer_step *, const struct kv_options *);

/* Close, and fail the test if something was not as expected. */
void peer_close(struct kv *);

/*
 * A port of this machine on which nobody listens: "127.0.0.1:port"; it stays
 * while PEERS_MAX are asked for.
 */
const char *peer_nobody(void);

#endif
