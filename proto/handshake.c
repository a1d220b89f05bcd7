/*
 * The handshake of two nodes.
 *
 *	challenge	 0      8          10         16             48
 *			+-------+---------+----------+--------------+
 *			| magic | version | 0        | challenge A  |
 *			+-------+---------+----------+--------------+
 *	hello		 0      8          10     11     12      16
 *			+-------+---------+------+------+---------+--
 *			| magic | version | n    | w    | payload | ...
 *			|       |         |      |      | max     |
 *			+-------+---------+------+------+---------+--
 *			 16            48         56         64
 *			--+-------------+----------+----------+--
 *			  | challenge D | table    | table    | ...
 *			  |             | version  | hash     |
 *			--+-------------+----------+----------+--
 *			 64       64+n      64+n+w
 *			--+--------+---------+----------+
 *			  | name   | wanted  | MAC: 32  |
 *			--+--------+---------+----------+
 *	verdict		 0       1   2         4         8
 *			+---------+---+---------+---------+--
 *			| verdict | 0 | version | payload | ...
 *			|         |   |         | max     |
 *			+---------+---+---------+---------+--
 *			 8         16        24         56
 *			--+---------+---------+----------+
 *			  | table   | table   | MAC: 32  |
 *			  | version | hash    |          |
 *			--+---------+---------+----------+
 *
 * MAC = HMAC(cookie, "dialler" NUL or "acceptor", A, D, the message up to it).
 * Each end has put 32 random bytes of its own into it, so an answer that was
 * recorded is worth nothing; the label and the two names keep an answer from
 * being good for the other direction, or for another node.
 *
 * The first 10 bytes of both ends, and the first 4 of a verdict, are the same
 * in all versions: so two of different versions can always say so.
 *
 * Surprising may be that an acceptor tells nothing but its version to who has
 * not proved that it knows the cookie: a refusal for want of that is not
 * signed, and all else in it is 0.  Who can forge one could as well cut the
 * connection.
 */

#include <assert.h>
#include <string.h>

#include "proto/handshake.h"
#include "proto/hmac.h"
#include "proto/little.h"

#define MAGIC		"KVDLINK"	/* and its NUL */
#define MAGIC_LEN	sizeof(MAGIC)
#define GREETING_LEN	(MAGIC_LEN + 2)
#define RESERVED_LEN	6
#define CHALLENGE_LEN	(GREETING_LEN + RESERVED_LEN + HANDSHAKE_CHALLENGE_LEN)
#define HELLO_FIXED	64		/* of a hello, in front of the names */
#define VERDICT_VERSION	4		/* of a verdict, up to the version */
#define VERDICT_SIGNED	24		/* of a verdict, in front of the MAC */
#define VERDICT_LEN	(VERDICT_SIGNED + HMAC_LEN)

static uint8_t *
put(uint8_t *out, const void *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return out + len;
}

static uint8_t *
put_greeting(uint8_t *out)
{
	out = put(out, MAGIC, MAGIC_LEN);
	return little_put(out, FRAME_VERSION, 2);
}

static uint8_t *
put_table(uint8_t *out, const struct frame_table *table)
{
	out = little_put(out, table->version, 8);
	return little_put(out, table->hash, 8);
}

static void
get_table(const uint8_t **in, struct frame_table *table)
{
	table->version = little_get(in, 8);
	table->hash = little_get(in, 8);
}

/* The MAC of a message of this end, of which len bytes stand before it. */
static void
make_mac(const struct handshake *shake, bool dialler, const uint8_t *message,
    size_t len, uint8_t mac[HMAC_LEN])
{
	static const uint8_t labels[2][8] = { "acceptor", "dialler" };
	const struct slice parts[] = {
		{ labels[dialler], sizeof(labels[0]) },
		{ shake->accept_challenge, HANDSHAKE_CHALLENGE_LEN },
		{ shake->dial_challenge, HANDSHAKE_CHALLENGE_LEN },
		{ message, len }
	};

	hmac_sha256(shake->self->cookie, parts, 4, mac);
}

static bool
is_signed(const struct handshake *shake, bool dialler, const uint8_t *message,
    size_t len)
{
	uint8_t mac[HMAC_LEN];

	make_mac(shake, dialler, message, len, mac);
	return hmac_equal(mac, message + len);
}

static enum handshake_status
refuse(struct handshake *shake, enum handshake_verdict verdict)
{
	shake->verdict = verdict;
	return HANDSHAKE_BAD;
}

static void
begin(struct handshake *shake, const struct handshake_self *self,
    bool is_dialler)
{
	memset(shake, 0, sizeof(*shake));
	assert(self->cookie.len > 0);
	shake->self = self;
	shake->is_dialler = is_dialler;
}

void
handshake_accept(struct handshake *shake, const struct handshake_self *self,
    const uint8_t *random, struct outbuf *out)
{
	uint8_t message[CHALLENGE_LEN] = { 0 };

	begin(shake, self, false);
	memcpy(shake->accept_challenge, random, HANDSHAKE_CHALLENGE_LEN);
	put(put_greeting(message) + RESERVED_LEN, random,
	    HANDSHAKE_CHALLENGE_LEN);
	outbuf_append(out, message, sizeof(message));
}

void
handshake_dial(struct handshake *shake, const struct handshake_self *self,
    const char *wanted, const uint8_t *random)
{
	begin(shake, self, true);
	assert(frame_is_name((const uint8_t *)wanted, strlen(wanted)));
	memcpy(shake->dial_challenge, random, HANDSHAKE_CHALLENGE_LEN);
	memcpy(shake->peer, wanted, strlen(wanted));
	memcpy(shake->wanted, wanted, strlen(wanted));
}

/*
 * The bytes that are the same in all versions.  HANDSHAKE_OK if they are
 * there and of ours.
 */
static enum handshake_status
read_greeting(struct handshake *shake, const uint8_t *buf, size_t len)
{
	const uint8_t *in;

	if (memcmp(buf, MAGIC, len < MAGIC_LEN ? len : MAGIC_LEN) != 0)
		return refuse(shake, VERDICT_GARBAGE);
	if (len < GREETING_LEN)
		return HANDSHAKE_MORE;
	in = buf + MAGIC_LEN;
	shake->peer_version = (uint16_t)little_get(&in, 2);
	return shake->peer_version == FRAME_VERSION ? HANDSHAKE_OK :
	    refuse(shake, VERDICT_BAD_VERSION);
}

/* ------------------------------------------------------------- acceptor */

/* A verdict, signed if the dialler has proved to know the cookie. */
static void
make_verdict(const struct handshake *shake, enum handshake_verdict verdict,
    uint8_t message[VERDICT_LEN])
{
	const struct handshake_self *self = shake->self;
	uint8_t *out = message;

	memset(message, 0, VERDICT_LEN);
	out = little_put(out, verdict, 2);
	out = little_put(out, FRAME_VERSION, 2);
	if (verdict == VERDICT_BAD_VERSION || verdict == VERDICT_BAD_COOKIE)
		return;
	out = little_put(out, self->payload_max, 4);
	out = put_table(out, &self->table);
	make_mac(shake, false, message, VERDICT_SIGNED, out);
}

static void
send_verdict(struct handshake *shake, enum handshake_verdict verdict,
    struct outbuf *out)
{
	uint8_t message[VERDICT_LEN];

	shake->verdict = verdict;
	make_verdict(shake, verdict, message);
	outbuf_append(out, message, sizeof(message));
}

static bool
is_same_table(const struct handshake *shake)
{
	return shake->peer_table.version == shake->self->table.version &&
	    shake->peer_table.hash == shake->self->table.hash;
}

/*
 * What to say to a dialler that knows the cookie.  That the tables differ
 * comes before what only follows from it.
 */
static enum handshake_verdict
judge(const struct handshake *shake)
{
	const struct handshake_self *self = shake->self;

	if (strcmp(shake->wanted, self->name) != 0)
		return VERDICT_NOT_ME;
	if (!is_same_table(shake))
		return VERDICT_OTHER_TABLE;
	if (!self->is_node(self->arg, shake->peer))
		return VERDICT_UNKNOWN_NODE;
	return VERDICT_OK;
}

/*
 * Take the hello apart, as far as it can be believed without the cookie.
 * HANDSHAKE_OK with its length in front of the MAC.
 */
static enum handshake_status
read_hello(struct handshake *shake, const uint8_t *buf, size_t len,
    size_t *signed_len)
{
	const uint8_t *in = buf + GREETING_LEN;
	size_t name, wanted;

	if (len < HELLO_FIXED)
		return HANDSHAKE_MORE;
	name = (size_t)little_get(&in, 1);
	wanted = (size_t)little_get(&in, 1);
	*signed_len = HELLO_FIXED + name + wanted;
	if (name > FRAME_NAME_MAX || wanted > FRAME_NAME_MAX)
		return refuse(shake, VERDICT_GARBAGE);
	if (len < *signed_len + HMAC_LEN)
		return HANDSHAKE_MORE;
	shake->peer_payload_max = (uint32_t)little_get(&in, 4);
	memcpy(shake->dial_challenge, in, HANDSHAKE_CHALLENGE_LEN);
	in += HANDSHAKE_CHALLENGE_LEN;
	get_table(&in, &shake->peer_table);
	if (!frame_is_name(in, name) || !frame_is_name(in + name, wanted))
		return refuse(shake, VERDICT_GARBAGE);
	memcpy(shake->peer, in, name);
	memcpy(shake->wanted, in + name, wanted);
	return HANDSHAKE_OK;
}

static enum handshake_status
accept_step(struct handshake *shake, const uint8_t *buf, size_t len,
    struct outbuf *out, size_t *used)
{
	enum handshake_status status = read_greeting(shake, buf, len);
	size_t signed_len;

	if (status == HANDSHAKE_OK)
		status = read_hello(shake, buf, len, &signed_len);
	if (status == HANDSHAKE_BAD && shake->verdict == VERDICT_BAD_VERSION)
		send_verdict(shake, VERDICT_BAD_VERSION, out);
	if (status != HANDSHAKE_OK)
		return status;
	*used = signed_len + HMAC_LEN;
	send_verdict(shake, is_signed(shake, true, buf, signed_len) ?
	    judge(shake) : VERDICT_BAD_COOKIE, out);
	return shake->verdict == VERDICT_OK ? HANDSHAKE_OK : HANDSHAKE_BAD;
}

/* -------------------------------------------------------------- dialler */

static void
send_hello(const struct handshake *shake, struct outbuf *out)
{
	const struct handshake_self *self = shake->self;
	size_t name = strlen(self->name), wanted = strlen(shake->wanted);
	uint8_t message[HANDSHAKE_LEN_MAX], *end = put_greeting(message);

	end = little_put(end, name, 1);
	end = little_put(end, wanted, 1);
	end = little_put(end, self->payload_max, 4);
	end = put(end, shake->dial_challenge, HANDSHAKE_CHALLENGE_LEN);
	end = put_table(end, &self->table);
	end = put(end, self->name, name);
	end = put(end, shake->wanted, wanted);
	make_mac(shake, true, message, (size_t)(end - message), end);
	outbuf_append(out, message, (size_t)(end - message) + HMAC_LEN);
}

/* To another version we say which is ours, so that it knows, too. */
static enum handshake_status
read_challenge(struct handshake *shake, const uint8_t *buf, size_t len,
    struct outbuf *out)
{
	static const uint8_t zeros[RESERVED_LEN];
	enum handshake_status status = read_greeting(shake, buf, len);
	uint8_t greeting[GREETING_LEN];

	if (status == HANDSHAKE_BAD && shake->verdict == VERDICT_BAD_VERSION) {
		put_greeting(greeting);
		outbuf_append(out, greeting, sizeof(greeting));
	}
	if (status != HANDSHAKE_OK)
		return status;
	if (len < CHALLENGE_LEN)
		return HANDSHAKE_MORE;
	if (memcmp(buf + GREETING_LEN, zeros, RESERVED_LEN) != 0)
		return refuse(shake, VERDICT_GARBAGE);
	memcpy(shake->accept_challenge, buf + GREETING_LEN + RESERVED_LEN,
	    HANDSHAKE_CHALLENGE_LEN);
	return HANDSHAKE_OK;
}

/* A refusal that is not signed is believed if it says nothing else. */
static enum handshake_status
read_unsigned(struct handshake *shake, const uint8_t *buf)
{
	uint8_t expected[VERDICT_LEN];

	make_verdict(shake, VERDICT_BAD_COOKIE, expected);
	return refuse(shake, memcmp(buf, expected, VERDICT_LEN) == 0 ?
	    VERDICT_BAD_COOKIE : VERDICT_GARBAGE);
}

/* One that is signed.  The table is looked at here, too. */
static enum handshake_status
read_signed(struct handshake *shake, const uint8_t *buf,
    enum handshake_verdict verdict)
{
	const uint8_t *in = buf + VERDICT_VERSION;

	if (!is_signed(shake, false, buf, VERDICT_SIGNED))
		return refuse(shake, VERDICT_BAD_COOKIE);
	shake->peer_payload_max = (uint32_t)little_get(&in, 4);
	get_table(&in, &shake->peer_table);
	if (verdict == VERDICT_OK && !is_same_table(shake))
		verdict = VERDICT_OTHER_TABLE;
	shake->verdict = verdict;
	return verdict == VERDICT_OK ? HANDSHAKE_OK : HANDSHAKE_BAD;
}

static enum handshake_status
read_verdict(struct handshake *shake, const uint8_t *buf, size_t len)
{
	const uint8_t *in = buf;
	unsigned verdict;

	if (len < VERDICT_VERSION)
		return HANDSHAKE_MORE;
	verdict = (unsigned)little_get(&in, 2);
	shake->peer_version = (uint16_t)little_get(&in, 2);
	if (verdict == VERDICT_BAD_VERSION)
		return refuse(shake, VERDICT_BAD_VERSION);
	if (verdict > VERDICT_OTHER_TABLE ||
	    shake->peer_version != FRAME_VERSION)
		return refuse(shake, VERDICT_GARBAGE);
	if (len < VERDICT_LEN)
		return HANDSHAKE_MORE;
	return verdict == VERDICT_BAD_COOKIE ? read_unsigned(shake, buf) :
	    read_signed(shake, buf, (enum handshake_verdict)verdict);
}

static enum handshake_status
dial_step(struct handshake *shake, const uint8_t *buf, size_t len,
    struct outbuf *out, size_t *used)
{
	enum handshake_status status;

	if (!shake->is_challenged) {
		status = read_challenge(shake, buf, len, out);
		if (status != HANDSHAKE_OK)
			return status;
		shake->is_challenged = true;
		send_hello(shake, out);
		*used = CHALLENGE_LEN;
	}
	status = read_verdict(shake, buf + *used, len - *used);
	if (status == HANDSHAKE_OK)
		*used += VERDICT_LEN;
	return status;
}

enum handshake_status
handshake_step(struct handshake *shake, const uint8_t *buf, size_t len,
    struct outbuf *out, size_t *used)
{
	*used = 0;
	if (len == 0)
		return HANDSHAKE_MORE;
	return shake->is_dialler ? dial_step(shake, buf, len, out, used) :
	    accept_step(shake, buf, len, out, used);
}

bool
handshake_is_greeting(const uint8_t *buf, size_t len)
{
	return len >= MAGIC_LEN && memcmp(buf, MAGIC, MAGIC_LEN) == 0;
}
