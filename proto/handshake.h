#ifndef KVD_PROTO_HANDSHAKE_H
#define KVD_PROTO_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"
#include "proto/outbuf.h"
#include "proto/request.h"

/*
 * How two nodes begin: each proves that it knows the cookie without telling
 * it, and says who it is and which routing table it has.  Specified in
 * kvd-link(7), bytes included.
 *
 *	acceptor					dialler
 *	challenge A ----------------------------------->
 *	<------ hello: names, table, challenge D, MAC over A, D and all of it
 *	verdict, table, MAC over A, D and all of it --->
 *
 * This is both ends of it without any I/O: bytes in, OK / MORE / BAD and
 * bytes out.  A handshake is used by one thread at a time and keeps no
 * memory; all it knows is in the structure.
 */
#define HANDSHAKE_CHALLENGE_LEN	32	/* bytes */

/* No message is longer: an input buffer of that size is enough. */
#define HANDSHAKE_LEN_MAX	(64 + 2 * FRAME_NAME_MAX + 32)

/* What a node says of itself; it must live as long as the handshake. */
struct handshake_self {
	const char		*name;		/* see frame_is_name() */
	struct slice		 cookie;	/* not empty */
	struct frame_table	 table;
	uint32_t		 payload_max;	/* bytes: the longest payload
						 * of a frame that we take */
	/* Has another node of the table this name?  Asked by an acceptor. */
	bool			(*is_node)(void *arg, const char *name);
	void			*arg;
};

/* What became of it; those up to OTHER_TABLE are sent by these numbers. */
enum handshake_verdict {
	VERDICT_OK,
	VERDICT_BAD_VERSION,	/* another version of the link */
	VERDICT_BAD_COOKIE,	/* one side does not know the other's */
	VERDICT_NOT_ME,		/* the acceptor is not who was wanted */
	VERDICT_UNKNOWN_NODE,	/* the dialler is not in the table */
	VERDICT_OTHER_TABLE,	/* version or hash differ */
	VERDICT_GARBAGE		/* these bytes are no handshake */
};

struct handshake {
	const struct handshake_self	*self;
	bool			 is_dialler;
	bool			 is_challenged;	/* a dialler that has said
						 * hello */
	uint8_t			 accept_challenge[HANDSHAKE_CHALLENGE_LEN];
	uint8_t			 dial_challenge[HANDSHAKE_CHALLENGE_LEN];

	/*
	 * Of the other end: all of it is true after OK; before, and after BAD,
	 * it is what it has said, or empty.
	 */
	char			 peer[FRAME_NAME_MAX + 1];
	char			 wanted[FRAME_NAME_MAX + 1];
	uint16_t		 peer_version;		/* 0: not known */
	struct frame_table	 peer_table;
	uint32_t		 peer_payload_max;
	enum handshake_verdict	 verdict;
};

enum handshake_status {
	HANDSHAKE_OK,	/* what follows, both ways, are frames */
	HANDSHAKE_MORE,	/* the other end has to say more */
	HANDSHAKE_BAD	/* send what is in the outbuf, and close */
};

/*
 * Begin as the end that was connected to: the first message is appended to
 * the outbuf.  random is HANDSHAKE_CHALLENGE_LEN bytes that nobody can
 * foresee, new for each handshake; on them rests that no old answer counts.
 */
void handshake_accept(struct handshake *, const struct handshake_self *,
    const uint8_t *random, struct outbuf *);

/*
 * Begin as the end that has connected, to reach the node of this name (see
 * frame_is_name()).  random is as above.  Nothing is to be sent yet.
 */
void handshake_dial(struct handshake *, const struct handshake_self *,
    const char *wanted, const uint8_t *random);

/*
 * Go on with what has come: len bytes at buf.  *used of them are done with,
 * also after HANDSHAKE_MORE; what follows those must be at the start of buf
 * with the next call, together with more.  What is to be sent is appended to
 * the outbuf; if memory ran out for it that has failed, whatever the status,
 * and the connection can only be closed.
 *
 * After HANDSHAKE_OK and HANDSHAKE_BAD the verdict stands, and this is not
 * called again; *used means nothing after the latter.  Somebody who speaks
 * another protocol is refused with the first byte that is not ours.
 */
enum handshake_status handshake_step(struct handshake *, const uint8_t *buf,
    size_t len, struct outbuf *, size_t *used);

/* Are these the first bytes of a handshake?  For who expects a client. */
bool handshake_is_greeting(const uint8_t *, size_t len);

/*
 * Why it came to HANDSHAKE_BAD, as a part of a sentence about the other end
 * for a log: "it speaks version 2 of the link and we speak version 1".  At
 * most HANDSHAKE_WHY_MAX bytes, NUL included, into why.
 */
#define HANDSHAKE_WHY_MAX	512
void handshake_why(const struct handshake *, char *why);

#endif
