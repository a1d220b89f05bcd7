#ifndef KVD_TESTS_UNIT_PROTO_ENDS_H
#define KVD_TESTS_UNIT_PROTO_ENDS_H

#include "proto/handshake.h"
#include "proto/hmac.h"

/*
 * Two ends that shake hands.  The bytes of one handshake are written down,
 * with MACs that another implementation has made.  Whatever is read stands in
 * memory that ends where the bytes end.
 */

#define LITERAL(s)	(const uint8_t *)(s), sizeof(s) - 1
#define COOKIE		"chocolate chip"
#define CHALLENGE_LEN	48
#define HELLO_FIXED	64
#define VERDICT_LEN	56
#define VERDICT_SIGNED	24
#define THE_HASH	0x0123456789abcdef
#define TABLE_BYTES	"\7\0\0\0\0\0\0\0\xef\xcd\xab\x89\x67\x45\x23\x01"

/* What the ends use as random bytes. */
#define RANDOM_A \
	"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf" \
	"\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf"
#define RANDOM_D \
	"\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf" \
	"\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef"

/* alpha dials beta: */
#define CHALLENGE	"KVDLINK\0\1\0\0\0\0\0\0\0" RANDOM_A
#define HELLO_SAID \
	"KVDLINK\0\1\0\5\4\0\0\x10\0" RANDOM_D TABLE_BYTES "alphabeta"
#define HELLO_MAC \
	"\x50\x8d\xdb\x31\x40\x1f\x42\x0f\xdf\x8e\xed\x4c\xc2\xaf\x3c\x6f" \
	"\x01\x01\x13\xc3\x7c\x2e\x8c\x60\x35\x55\x7a\x94\xe8\x26\x82\x39"
#define HELLO		HELLO_SAID HELLO_MAC
#define VERDICT \
	"\0\0\1\0\0\0\x20\0" TABLE_BYTES \
	"\xde\x35\x39\xd6\xb6\xdd\xe8\x54\x16\x9e\xbb\x87\x1b\xf4\x0c\x06" \
	"\x67\x7c\xdb\x2b\x76\x31\x1d\xbb\xc0\xee\x38\x2d\xd5\x5c\xe1\xb5"

/* One end, and what it has to say. */
struct end {
	struct handshake_self	self;
	struct handshake	shake;
	struct outbuf		out;
	const uint8_t		*random;
	const char		*known;
};

/* An end, or alpha, which dials, and beta; a test changes what it is about. */
void make_end(struct end *, const char *name, const char *known,
    const char *random, uint32_t payload_max);
void make_ends(struct end *alpha, struct end *beta);
void free_ends(struct end *alpha, struct end *beta);
void set_cookie(struct end *, const char *cookie);

/* A name of n bytes, which are this letter. */
const char *name_of(char *name, size_t n, char letter);

void begin(struct end *alpha, struct end *beta, const char *wanted);
/* They meet, and both come to this verdict. */
void meet(struct end *alpha, struct end *beta, enum handshake_verdict);

/* These bytes arrive; or all of them, in pieces of so many. */
enum handshake_status step(struct end *, const uint8_t *, size_t len,
    size_t *used);
enum handshake_status hear(struct end *, const uint8_t *, size_t len);
enum handshake_status hear_in_pieces(struct end *, const uint8_t *, size_t len,
    size_t piece);
/* What one end has said goes to the other one. */
enum handshake_status pass(struct end *from, struct end *to, size_t piece);
/* It has said exactly this since the last time. */
void check_said(struct end *, const uint8_t *, size_t len);

/* The verdict of an end that the dialler has not met. */
void foreign_verdict(struct end *alpha, struct end *beta,
    uint8_t verdict[VERDICT_LEN]);
/* A dialler that was challenged hears this verdict. */
enum handshake_verdict verdict_on(const uint8_t *, size_t len);
/* Behind a message, the MAC that the other end would have made of it. */
void sign(const char label[8], uint8_t *message, size_t len);

#endif
