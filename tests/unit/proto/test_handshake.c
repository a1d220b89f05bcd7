/*
 * Handshakes: two ends that agree, and all the ways in which they do not.
 * The bytes of one are written down, with MACs that another implementation
 * has made.  Whatever is read stands in memory that ends where the bytes end.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proto/handshake.h"
#include "proto/hmac.h"

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

/* The one other node that an end knows. */
static bool
is_known(void *arg, const char *name)
{
	const char *const *known = arg;

	return strcmp(name, *known) == 0;
}

/* One end, and what it has to say. */
struct end {
	struct handshake_self	self;
	struct handshake	shake;
	struct outbuf		out;
	const uint8_t		*random;
	const char		*known;
};

static void
make_end(struct end *end, const char *name, const char *known,
    const char *random, uint32_t payload_max)
{
	memset(end, 0, sizeof(*end));
	end->self.name = name;
	end->self.cookie.data = (const uint8_t *)COOKIE;
	end->self.cookie.len = strlen(COOKIE);
	end->self.table.version = 7;
	end->self.table.hash = THE_HASH;
	end->self.payload_max = payload_max;
	end->self.is_node = is_known;
	end->self.arg = &end->known;
	end->known = known;
	end->random = (const uint8_t *)random;
	outbuf_init(&end->out);
}

/* alpha, which dials, and beta; a test changes what it is about. */
static void
make_ends(struct end *alpha, struct end *beta)
{
	make_end(alpha, "alpha", "beta", RANDOM_D, 0x100000);
	make_end(beta, "beta", "alpha", RANDOM_A, 0x200000);
}

static void
free_ends(struct end *alpha, struct end *beta)
{
	outbuf_free(&alpha->out);
	outbuf_free(&beta->out);
}

static void
set_cookie(struct end *end, const char *cookie)
{
	end->self.cookie.data = (const uint8_t *)cookie;
	end->self.cookie.len = strlen(cookie);
}

static enum handshake_status
step(struct end *end, const uint8_t *bytes, size_t len, size_t *used)
{
	uint8_t *copy = malloc(len + (len == 0));
	enum handshake_status status;

	memcpy(copy, bytes, len);
	*used = 0;
	status = handshake_step(&end->shake, copy, len, &end->out, used);
	cr_assert_leq(*used, len);
	free(copy);
	return status;
}

/* These bytes arrive in pieces of `piece' bytes. */
static enum handshake_status
hear_in_pieces(struct end *end, const uint8_t *bytes, size_t len, size_t piece)
{
	enum handshake_status status = HANDSHAKE_MORE;
	size_t at = 0, there = 0, used;

	while (status == HANDSHAKE_MORE && there < len) {
		there = len - there > piece ? there + piece : len;
		status = step(end, bytes + at, there - at, &used);
		at += used;
	}
	if (status == HANDSHAKE_OK)
		cr_assert_eq(at, len);
	return status;
}

static enum handshake_status
hear(struct end *end, const uint8_t *bytes, size_t len)
{
	return hear_in_pieces(end, bytes, len, len);
}

/* What one end has said goes to the other one. */
static enum handshake_status
pass(struct end *from, struct end *to, size_t piece)
{
	size_t len = outbuf_len(&from->out);
	enum handshake_status status;

	status = hear_in_pieces(to, from->out.data + from->out.head, len,
	    piece);
	outbuf_drain(&from->out, len, SIZE_MAX);
	return status;
}

static void
begin(struct end *alpha, struct end *beta, const char *wanted)
{
	handshake_accept(&beta->shake, &beta->self, beta->random, &beta->out);
	handshake_dial(&alpha->shake, &alpha->self, wanted, alpha->random);
}

/* They meet, and both come to this verdict. */
static void
meet(struct end *alpha, struct end *beta, enum handshake_verdict expected)
{
	enum handshake_status status = expected == VERDICT_OK ?
	    HANDSHAKE_OK : HANDSHAKE_BAD;

	begin(alpha, beta, "beta");
	cr_assert_eq(pass(beta, alpha, SIZE_MAX), HANDSHAKE_MORE);
	cr_assert_eq(pass(alpha, beta, SIZE_MAX), status);
	cr_assert_eq(pass(beta, alpha, SIZE_MAX), status);
	cr_assert_eq(beta->shake.verdict, expected, "%d",
	    (int)beta->shake.verdict);
	cr_assert_eq(alpha->shake.verdict, expected, "%d",
	    (int)alpha->shake.verdict);
}

static void
check_said(struct end *end, const uint8_t *bytes, size_t len)
{
	cr_assert_eq(outbuf_len(&end->out), len, "%zu",
	    outbuf_len(&end->out));
	cr_assert_arr_eq(end->out.data + end->out.head, bytes, len);
	outbuf_drain(&end->out, len, SIZE_MAX);
}

/* ------------------------------------------------------- when all is well */

Test(handshake, the_three_messages_are_these_bytes)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	check_said(&beta, LITERAL(CHALLENGE));
	cr_assert_eq(hear(&alpha, LITERAL(CHALLENGE)), HANDSHAKE_MORE);
	check_said(&alpha, LITERAL(HELLO));
	cr_assert_eq(hear(&beta, LITERAL(HELLO)), HANDSHAKE_OK);
	check_said(&beta, LITERAL(VERDICT));
	cr_assert_eq(hear(&alpha, LITERAL(VERDICT)), HANDSHAKE_OK);
	check_said(&alpha, LITERAL(""));
	free_ends(&alpha, &beta);
}

Test(handshake, afterwards_each_knows_who_the_other_is_and_what_it_takes)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	meet(&alpha, &beta, VERDICT_OK);
	cr_assert_str_eq(alpha.shake.peer, "beta");
	cr_assert_str_eq(beta.shake.peer, "alpha");
	cr_assert_eq(alpha.shake.peer_payload_max, 0x200000);
	cr_assert_eq(beta.shake.peer_payload_max, 0x100000);
	cr_assert_eq(alpha.shake.peer_version, FRAME_VERSION);
	cr_assert_eq(beta.shake.peer_version, FRAME_VERSION);
	cr_assert_eq(alpha.shake.peer_table.hash, THE_HASH);
	cr_assert_eq(beta.shake.peer_table.version, 7);
	free_ends(&alpha, &beta);
}

Test(handshake, it_does_not_matter_in_which_pieces_it_arrives)
{
	struct end alpha, beta;
	size_t piece;

	for (piece = 1; piece < sizeof(HELLO); piece++) {
		make_ends(&alpha, &beta);
		begin(&alpha, &beta, "beta");
		cr_assert_eq(pass(&beta, &alpha, piece), HANDSHAKE_MORE);
		cr_assert_eq(pass(&alpha, &beta, piece), HANDSHAKE_OK);
		cr_assert_eq(pass(&beta, &alpha, piece), HANDSHAKE_OK);
		free_ends(&alpha, &beta);
	}
}

/* Each message cut short: the rest is awaited, nothing is answered. */
Test(handshake, a_message_cut_short_at_every_byte_waits_for_more)
{
	struct end alpha, beta;
	size_t at, used;

	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	outbuf_drain(&beta.out, CHALLENGE_LEN, 0);
	for (at = 0; at < CHALLENGE_LEN; at++) {
		cr_assert_eq(step(&alpha, (const uint8_t *)CHALLENGE, at,
		    &used), HANDSHAKE_MORE, "%zu", at);
		cr_assert_eq(used, 0);
		cr_assert_eq(outbuf_len(&alpha.out), 0);
	}
	for (at = 0; at < sizeof(HELLO) - 1; at++) {
		cr_assert_eq(step(&beta, (const uint8_t *)HELLO, at, &used),
		    HANDSHAKE_MORE, "%zu", at);
		cr_assert_eq(used, 0);
		cr_assert_eq(outbuf_len(&beta.out), 0);
	}
	cr_assert_eq(hear(&alpha, LITERAL(CHALLENGE)), HANDSHAKE_MORE);
	for (at = 0; at < VERDICT_LEN; at++) {
		cr_assert_eq(step(&alpha, (const uint8_t *)VERDICT, at,
		    &used), HANDSHAKE_MORE, "%zu", at);
		cr_assert_eq(used, 0);
	}
	free_ends(&alpha, &beta);
}

Test(handshake, what_follows_it_is_left_alone)
{
	struct end alpha, beta;
	size_t used;

	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	cr_assert_eq(step(&beta, LITERAL(HELLO "frames"), &used),
	    HANDSHAKE_OK);
	cr_assert_eq(used, sizeof(HELLO) - 1);

	/* Both messages of the acceptor at once, as no honest one sends them */
	cr_assert_eq(step(&alpha, LITERAL(CHALLENGE VERDICT "frames"), &used),
	    HANDSHAKE_OK);
	cr_assert_eq(used, CHALLENGE_LEN + VERDICT_LEN);
	free_ends(&alpha, &beta);
}

/* A name of n bytes. */
static const char *
name_of(char *name, size_t n, char letter)
{
	memset(name, letter, n);
	name[n] = '\0';
	return name;
}

Test(handshake, names_may_have_one_byte_or_all_that_are_allowed)
{
	static const size_t lens[] = { 1, 2, FRAME_NAME_MAX - 1,
	    FRAME_NAME_MAX };
	char a[FRAME_NAME_MAX + 1], b[FRAME_NAME_MAX + 1];
	struct end alpha, beta;
	size_t i, j;

	for (i = 0; i < 4; i++)
		for (j = 0; j < 4; j++) {
			make_ends(&alpha, &beta);
			alpha.self.name = name_of(a, lens[i], 'a');
			beta.self.name = name_of(b, lens[j], 'b');
			beta.known = a;
			begin(&alpha, &beta, b);
			pass(&beta, &alpha, SIZE_MAX);
			cr_assert_eq(outbuf_len(&alpha.out), HELLO_FIXED +
			    lens[i] + lens[j] + HMAC_LEN);
			cr_assert_leq(outbuf_len(&alpha.out),
			    HANDSHAKE_LEN_MAX);
			cr_assert_eq(pass(&alpha, &beta, 7), HANDSHAKE_OK);
			cr_assert_eq(pass(&beta, &alpha, 7), HANDSHAKE_OK);
			cr_assert_str_eq(beta.shake.peer, a);
			cr_assert_str_eq(alpha.shake.peer, b);
			free_ends(&alpha, &beta);
		}
}

/* -------------------------------------------------------------- cookies */

Test(handshake, a_wrong_cookie_on_either_side_is_refused_by_both)
{
	static const char *const wrong[] = { "chocolate chiq", "chocolate chi",
	    "chocolate chip ", "x" };
	struct end alpha, beta;
	size_t i;

	for (i = 0; i < 8; i++) {
		make_ends(&alpha, &beta);
		set_cookie(i < 4 ? &alpha : &beta, wrong[i % 4]);
		meet(&alpha, &beta, VERDICT_BAD_COOKIE);
		free_ends(&alpha, &beta);
	}
}

Test(handshake, who_does_not_know_the_cookie_is_told_nothing)
{
	static const uint8_t refusal[VERDICT_LEN] = { VERDICT_BAD_COOKIE, 0,
	    FRAME_VERSION };
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	set_cookie(&alpha, "guess");
	begin(&alpha, &beta, "gamma");
	pass(&beta, &alpha, SIZE_MAX);
	cr_assert_eq(pass(&alpha, &beta, SIZE_MAX), HANDSHAKE_BAD);
	check_said(&beta, refusal, sizeof(refusal));
	free_ends(&alpha, &beta);
}

/* The verdict of an end that the dialler has not met. */
static void
foreign_verdict(struct end *alpha, struct end *beta,
    uint8_t verdict[VERDICT_LEN])
{
	begin(alpha, beta, "beta");
	pass(beta, alpha, SIZE_MAX);
	cr_assert_eq(pass(alpha, beta, SIZE_MAX), HANDSHAKE_OK);
	cr_assert_eq(outbuf_len(&beta->out), VERDICT_LEN);
	memcpy(verdict, beta->out.data + beta->out.head, VERDICT_LEN);
	free_ends(alpha, beta);
}

/* A dialler that was challenged hears this verdict. */
static enum handshake_verdict
verdict_on(const uint8_t *message, size_t len)
{
	struct end alpha, beta;
	enum handshake_status status;

	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	pass(&beta, &alpha, SIZE_MAX);
	status = hear(&alpha, message, len);
	cr_assert_neq(status, HANDSHAKE_MORE);
	cr_assert_eq(status == HANDSHAKE_OK,
	    alpha.shake.verdict == VERDICT_OK);
	free_ends(&alpha, &beta);
	return alpha.shake.verdict;
}

Test(handshake, an_acceptor_that_only_pretends_to_know_the_cookie_is_found)
{
	uint8_t verdict[VERDICT_LEN];
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	set_cookie(&alpha, "oatmeal");
	set_cookie(&beta, "oatmeal");
	foreign_verdict(&alpha, &beta, verdict);
	cr_assert_eq(verdict_on(verdict, VERDICT_LEN), VERDICT_BAD_COOKIE);
	cr_assert_eq(verdict_on(LITERAL(VERDICT)), VERDICT_OK);
}

/* -------------------------------------------------------------- replays */

Test(handshake, a_hello_that_answered_another_challenge_is_refused)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	beta.random = (const uint8_t *)RANDOM_D;
	begin(&alpha, &beta, "beta");
	cr_assert_eq(hear(&beta, LITERAL(HELLO)), HANDSHAKE_BAD);
	cr_assert_eq(beta.shake.verdict, VERDICT_BAD_COOKIE);
	free_ends(&alpha, &beta);
}

Test(handshake, a_verdict_from_another_handshake_is_refused)
{
	uint8_t verdict[VERDICT_LEN];
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	alpha.random = (const uint8_t *)RANDOM_A;
	foreign_verdict(&alpha, &beta, verdict);
	cr_assert_eq(verdict_on(verdict, VERDICT_LEN), VERDICT_BAD_COOKIE);

	make_ends(&alpha, &beta);
	beta.random = (const uint8_t *)RANDOM_D;
	foreign_verdict(&alpha, &beta, verdict);
	cr_assert_eq(verdict_on(verdict, VERDICT_LEN), VERDICT_BAD_COOKIE);
}

Test(handshake, a_hello_thrown_back_at_its_sender_is_refused)
{
	struct end alpha, beta, mirror;

	/* Somebody whom alpha dials hands alpha's answer to alpha. */
	make_ends(&alpha, &beta);
	make_end(&mirror, "alpha", "beta", RANDOM_A, 0x100000);
	begin(&alpha, &mirror, "beta");
	pass(&mirror, &alpha, SIZE_MAX);
	cr_assert_eq(pass(&alpha, &mirror, SIZE_MAX), HANDSHAKE_BAD);
	cr_assert_eq(mirror.shake.verdict, VERDICT_NOT_ME);
	free_ends(&alpha, &mirror);
}

Test(handshake, a_hello_is_no_verdict)
{
	cr_assert_neq(verdict_on(LITERAL(HELLO)), VERDICT_OK);
}

/* The MAC that the other end would have made of these bytes. */
static void
sign(const char label[8], uint8_t *message, size_t len)
{
	const struct slice cookie = { (const uint8_t *)COOKIE,
	    strlen(COOKIE) };
	const struct slice parts[] = {
		{ (const uint8_t *)label, 8 },
		{ (const uint8_t *)RANDOM_A, HANDSHAKE_CHALLENGE_LEN },
		{ (const uint8_t *)RANDOM_D, HANDSHAKE_CHALLENGE_LEN },
		{ message, len }
	};

	hmac_sha256(cookie, parts, 4, message + len);
}

Test(handshake, a_mac_is_good_for_one_direction_only)
{
	uint8_t message[sizeof(HELLO)];

	memcpy(message, VERDICT, VERDICT_LEN);
	sign("acceptor", message, VERDICT_SIGNED);
	cr_assert_eq(verdict_on(message, VERDICT_LEN), VERDICT_OK);
	sign("dialler", message, VERDICT_SIGNED);
	cr_assert_eq(verdict_on(message, VERDICT_LEN), VERDICT_BAD_COOKIE);
}

/* ------------------------------------------------------------- verdicts */

Test(handshake, who_wanted_another_node_is_told_so)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	beta.self.name = "bet";
	meet(&alpha, &beta, VERDICT_NOT_ME);
	beta.self.name = "beta2";
	meet(&alpha, &beta, VERDICT_NOT_ME);
	free_ends(&alpha, &beta);
}

Test(handshake, a_node_that_is_not_in_the_table_is_refused)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	beta.known = "alph";
	meet(&alpha, &beta, VERDICT_UNKNOWN_NODE);
	free_ends(&alpha, &beta);
}

Test(handshake, unequal_tables_are_refused_and_each_learns_the_others)
{
	struct end alpha, beta;
	int i;

	for (i = 0; i < 2; i++) {
		make_ends(&alpha, &beta);
		if (i == 0)
			beta.self.table.version = 8;
		else
			beta.self.table.hash ^= 1;
		meet(&alpha, &beta, VERDICT_OTHER_TABLE);
		cr_assert_eq(alpha.shake.peer_table.version,
		    beta.self.table.version);
		cr_assert_eq(alpha.shake.peer_table.hash,
		    beta.self.table.hash);
		cr_assert_eq(beta.shake.peer_table.version, 7);
		cr_assert_eq(beta.shake.peer_table.hash, THE_HASH);
		free_ends(&alpha, &beta);
	}
}

Test(handshake, of_several_reasons_the_one_that_explains_the_others_is_given)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	beta.self.table.version = 8;
	beta.known = "nobody";
	meet(&alpha, &beta, VERDICT_OTHER_TABLE);
	beta.self.name = "gamma";
	meet(&alpha, &beta, VERDICT_NOT_ME);
	set_cookie(&beta, "oatmeal");
	meet(&alpha, &beta, VERDICT_BAD_COOKIE);
	free_ends(&alpha, &beta);
}

Test(handshake, an_acceptor_that_overlooks_another_table_is_left)
{
	uint8_t verdict[VERDICT_LEN];
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	alpha.self.table.version = beta.self.table.version = 8;
	foreign_verdict(&alpha, &beta, verdict);
	cr_assert_eq(verdict[0], VERDICT_OK);
	cr_assert_eq(verdict_on(verdict, VERDICT_LEN), VERDICT_OTHER_TABLE);
}

Test(handshake, a_verdict_that_there_is_not_is_garbage)
{
	static const uint8_t codes[][2] = {
		{ VERDICT_OTHER_TABLE + 1, 0 }, { 255, 0 }, { 0, 1 }, { 0, 128 }
	};
	uint8_t message[VERDICT_LEN];
	size_t i;

	memcpy(message, VERDICT, VERDICT_LEN);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		memcpy(message, codes[i], 2);
		cr_assert_eq(verdict_on(message, VERDICT_LEN),
		    VERDICT_GARBAGE, "%zu, not signed", i);
		sign("acceptor", message, VERDICT_SIGNED);
		cr_assert_eq(verdict_on(message, VERDICT_LEN),
		    VERDICT_GARBAGE, "%zu", i);
	}
}

Test(handshake, a_verdict_that_is_of_another_version_is_garbage)
{
	uint8_t message[VERDICT_LEN];

	memcpy(message, VERDICT, VERDICT_LEN);
	message[2]++;
	sign("acceptor", message, VERDICT_SIGNED);
	cr_assert_eq(verdict_on(message, VERDICT_LEN), VERDICT_GARBAGE);
}

Test(handshake, an_unsigned_refusal_that_says_more_is_garbage)
{
	uint8_t message[VERDICT_LEN] = { VERDICT_BAD_COOKIE, 0,
	    FRAME_VERSION };
	size_t at;

	cr_assert_eq(verdict_on(message, VERDICT_LEN), VERDICT_BAD_COOKIE);
	for (at = 4; at < VERDICT_LEN; at++) {
		message[at] = 1;
		cr_assert_eq(verdict_on(message, VERDICT_LEN),
		    VERDICT_GARBAGE, "%zu", at);
		message[at] = 0;
	}
}

/* ------------------------------------------------------------- versions */

Test(handshake, a_dialler_refuses_another_version_and_says_which_is_its_own)
{
	char challenge[] = CHALLENGE;
	struct end alpha, beta;
	unsigned version;

	for (version = 0; version < 4; version++) {
		if (version == FRAME_VERSION)
			continue;
		make_ends(&alpha, &beta);
		begin(&alpha, &beta, "beta");
		challenge[8] = (char)version;
		challenge[9] = (char)(version == 0 ? 1 : 0);
		cr_assert_eq(hear(&alpha, (uint8_t *)challenge, 10),
		    HANDSHAKE_BAD);
		cr_assert_eq(alpha.shake.verdict, VERDICT_BAD_VERSION);
		cr_assert_eq(alpha.shake.peer_version, version == 0 ? 256 :
		    version);
		check_said(&alpha, LITERAL("KVDLINK\0\1\0"));
		free_ends(&alpha, &beta);
	}
}

Test(handshake, an_acceptor_refuses_another_version_and_says_which_is_its_own)
{
	static const uint8_t refusal[VERDICT_LEN] = { VERDICT_BAD_VERSION, 0,
	    FRAME_VERSION };
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	outbuf_drain(&beta.out, CHALLENGE_LEN, 0);
	cr_assert_eq(hear(&beta, LITERAL("KVDLINK\0\2\0")), HANDSHAKE_BAD);
	cr_assert_eq(beta.shake.verdict, VERDICT_BAD_VERSION);
	cr_assert_eq(beta.shake.peer_version, 2);
	check_said(&beta, refusal, sizeof(refusal));
	free_ends(&alpha, &beta);
}

/* Both are of this program, but what they say is changed on the way. */
Test(handshake, what_a_dialler_of_another_version_says_is_understood)
{
	char challenge[] = CHALLENGE;
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	challenge[8] = 3;
	cr_assert_eq(hear(&alpha, (uint8_t *)challenge, CHALLENGE_LEN),
	    HANDSHAKE_BAD);
	alpha.out.data[alpha.out.head + 8] = 3;
	cr_assert_eq(pass(&alpha, &beta, SIZE_MAX), HANDSHAKE_BAD);
	cr_assert_eq(beta.shake.verdict, VERDICT_BAD_VERSION);
	cr_assert_eq(beta.shake.peer_version, 3);
	free_ends(&alpha, &beta);
}

Test(handshake, a_refusal_by_another_version_is_understood_by_its_first_bytes)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	pass(&beta, &alpha, SIZE_MAX);
	cr_assert_eq(hear(&alpha, (const uint8_t *)"\1\0\7", 3),
	    HANDSHAKE_MORE);
	cr_assert_eq(hear(&alpha, (const uint8_t *)"\1\0\7", 4),
	    HANDSHAKE_BAD);
	cr_assert_eq(alpha.shake.verdict, VERDICT_BAD_VERSION);
	cr_assert_eq(alpha.shake.peer_version, 7);
	free_ends(&alpha, &beta);
}

/* -------------------------------------------------------------- garbage */

Test(handshake, another_protocol_is_refused_with_the_first_byte_that_is_wrong)
{
	static const struct {
		const uint8_t	*bytes;
		size_t		 len, wrong;
	} others[] = {
		{ LITERAL("GET b k\r\n"), 1 },
		{ LITERAL("KEYS b\r\n"), 2 },
		{ LITERAL("PING\r\n"), 1 },
		{ LITERAL("*1\r\n$4\r\nPING\r\n"), 1 },
		{ LITERAL("POST / HTTP/1.1\r\n"), 1 },
		{ LITERAL("\x16\x03\x01\x02"), 1 },
		{ LITERAL("\0\0\0\0\2\0\0\0\7\0\0\0"), 1 },
		{ LITERAL("ERROR too many connections\r\n"), 1 },
		{ LITERAL("KVDLINK 1\r\n"), 8 }
	};
	struct end alpha, beta, *end;
	size_t i, at, used;

	for (i = 0; i < 2 * sizeof(others) / sizeof(others[0]); i++) {
		make_ends(&alpha, &beta);
		begin(&alpha, &beta, "beta");
		outbuf_drain(&beta.out, CHALLENGE_LEN, 0);
		end = i % 2 == 0 ? &alpha : &beta;
		for (at = 0; at < others[i / 2].wrong; at++)
			cr_assert_eq(step(end, others[i / 2].bytes, at,
			    &used), HANDSHAKE_MORE, "%zu", i);
		cr_assert_eq(step(end, others[i / 2].bytes, at, &used),
		    HANDSHAKE_BAD, "%zu", i);
		cr_assert_eq(end->shake.verdict, VERDICT_GARBAGE);
		cr_assert_eq(outbuf_len(&end->out), 0);
		free_ends(&alpha, &beta);
	}
}

/* A hello of these names, signed as if it were good. */
static enum handshake_verdict
verdict_on_names(const char *name, size_t n, const char *wanted, size_t w)
{
	uint8_t message[HELLO_FIXED + 255 + 255 + HMAC_LEN] = HELLO_SAID;
	struct end alpha, beta;
	enum handshake_status status;

	message[10] = (uint8_t)n;
	message[11] = (uint8_t)w;
	memcpy(message + HELLO_FIXED, name, n);
	memcpy(message + HELLO_FIXED + n, wanted, w);
	sign("dialler", message, HELLO_FIXED + n + w);
	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	status = hear(&beta, message, HELLO_FIXED + n + w + HMAC_LEN);
	cr_assert_neq(status, HANDSHAKE_MORE);
	if (beta.shake.verdict == VERDICT_GARBAGE)
		cr_assert_eq(outbuf_len(&beta.out), CHALLENGE_LEN);
	free_ends(&alpha, &beta);
	return beta.shake.verdict;
}

Test(handshake, names_that_no_node_can_have_are_garbage)
{
	char longest[256], name[] = "a?b";
	unsigned byte;
	size_t n;

	memset(longest, 'n', sizeof(longest));
	cr_assert_eq(verdict_on_names("alpha", 5, "beta", 4), VERDICT_OK);
	cr_assert_eq(verdict_on_names("alpha", 5, longest, FRAME_NAME_MAX),
	    VERDICT_NOT_ME);
	cr_assert_eq(verdict_on_names(longest, FRAME_NAME_MAX, "beta", 4),
	    VERDICT_UNKNOWN_NODE);
	for (n = FRAME_NAME_MAX + 1; n < 256; n++) {
		cr_assert_eq(verdict_on_names(longest, n, "beta", 4),
		    VERDICT_GARBAGE, "%zu", n);
		cr_assert_eq(verdict_on_names("alpha", 5, longest, n),
		    VERDICT_GARBAGE, "%zu", n);
	}
	cr_assert_eq(verdict_on_names("", 0, "beta", 4), VERDICT_GARBAGE);
	cr_assert_eq(verdict_on_names("alpha", 5, "", 0), VERDICT_GARBAGE);
	for (byte = 0; byte < 256; byte++) {
		name[1] = (char)byte;
		if (frame_is_name((const uint8_t *)name, 3))
			continue;
		cr_assert_eq(verdict_on_names(name, 3, "beta", 4),
		    VERDICT_GARBAGE, "%u", byte);
		cr_assert_eq(verdict_on_names("alpha", 5, name, 3),
		    VERDICT_GARBAGE, "%u", byte);
	}
}

Test(handshake, names_that_are_too_long_are_not_waited_for)
{
	uint8_t message[HELLO_FIXED];
	struct end alpha, beta;
	size_t at, used;

	for (at = 10; at < 12; at++) {
		memcpy(message, HELLO_SAID, HELLO_FIXED);
		message[at] = FRAME_NAME_MAX;
		make_ends(&alpha, &beta);
		begin(&alpha, &beta, "beta");
		cr_assert_eq(step(&beta, message, HELLO_FIXED, &used),
		    HANDSHAKE_MORE);
		message[at]++;
		cr_assert_eq(step(&beta, message, HELLO_FIXED - 1, &used),
		    HANDSHAKE_MORE);
		cr_assert_eq(step(&beta, message, HELLO_FIXED, &used),
		    HANDSHAKE_BAD);
		cr_assert_eq(beta.shake.verdict, VERDICT_GARBAGE);
		free_ends(&alpha, &beta);
	}
}

/*
 * A bit of the challenge is turned round.  Either alpha sees it, or its answer
 * is to something else.
 */
Test(handshake, any_bit_turned_round_in_a_challenge_ends_it)
{
	uint8_t message[CHALLENGE_LEN];
	struct end alpha, beta;
	size_t bit;

	for (bit = 0; bit < 8 * sizeof(message); bit++) {
		memcpy(message, CHALLENGE, sizeof(message));
		message[bit / 8] ^= (uint8_t)(1U << bit % 8);
		make_ends(&alpha, &beta);
		begin(&alpha, &beta, "beta");
		if (hear(&alpha, message, sizeof(message)) == HANDSHAKE_MORE) {
			cr_assert_geq(bit, 8 * 16, "bit %zu", bit);
			cr_assert_eq(pass(&alpha, &beta, SIZE_MAX),
			    HANDSHAKE_BAD, "bit %zu", bit);
			cr_assert_eq(beta.shake.verdict, VERDICT_BAD_COOKIE);
		} else {
			cr_assert_neq(alpha.shake.verdict, VERDICT_OK);
		}
		free_ends(&alpha, &beta);
	}
}

Test(handshake, any_bit_turned_round_in_a_hello_ends_it)
{
	uint8_t message[sizeof(HELLO) - 1 + 256];
	struct end alpha, beta;
	size_t bit;

	for (bit = 0; bit < 8 * (sizeof(HELLO) - 1); bit++) {
		memset(message, 0, sizeof(message));
		memcpy(message, HELLO, sizeof(HELLO) - 1);
		message[bit / 8] ^= (uint8_t)(1U << bit % 8);
		make_ends(&alpha, &beta);
		begin(&alpha, &beta, "beta");
		cr_assert_eq(hear(&beta, message, sizeof(message)),
		    HANDSHAKE_BAD, "bit %zu", bit);
		cr_assert_neq(beta.shake.verdict, VERDICT_OK);
		free_ends(&alpha, &beta);
	}
}

Test(handshake, any_bit_turned_round_in_a_verdict_ends_it)
{
	uint8_t message[VERDICT_LEN];
	size_t bit;

	for (bit = 0; bit < 8 * VERDICT_LEN; bit++) {
		memcpy(message, VERDICT, sizeof(message));
		message[bit / 8] ^= (uint8_t)(1U << bit % 8);
		cr_assert_neq(verdict_on(message, VERDICT_LEN), VERDICT_OK,
		    "bit %zu", bit);
	}
}

Test(handshake, without_memory_it_comes_to_nothing_and_nothing_breaks)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	alpha.out.failed = beta.out.failed = true;
	begin(&alpha, &beta, "beta");
	cr_assert_eq(hear(&alpha, LITERAL(CHALLENGE)), HANDSHAKE_MORE);
	cr_assert_eq(hear(&beta, LITERAL(HELLO)), HANDSHAKE_OK);
	cr_assert_eq(outbuf_len(&alpha.out) + outbuf_len(&beta.out), 0);
	cr_assert(alpha.out.failed && beta.out.failed);
	free_ends(&alpha, &beta);
}

/* ------------------------------------------------------------------ why */

static void
check_why(const struct end *end, const char *expected)
{
	char why[HANDSHAKE_WHY_MAX];

	handshake_why(&end->shake, why);
	cr_assert_str_eq(why, expected, "%s", why);
}

Test(handshake, both_ends_can_say_why_in_words)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	meet(&alpha, &beta, VERDICT_OK);
	check_why(&alpha, "it is welcome");
	check_why(&beta, "it is welcome");
	set_cookie(&beta, "oatmeal");
	meet(&alpha, &beta, VERDICT_BAD_COOKIE);
	check_why(&alpha, "its cookie is another one");
	check_why(&beta, "its cookie is another one");
	free_ends(&alpha, &beta);

	make_ends(&alpha, &beta);
	beta.self.name = "gamma";
	meet(&alpha, &beta, VERDICT_NOT_ME);
	check_why(&alpha, "it is not the node beta");
	check_why(&beta, "it wants the node beta and this is gamma");
	free_ends(&alpha, &beta);

	make_ends(&alpha, &beta);
	beta.known = "nobody";
	meet(&alpha, &beta, VERDICT_UNKNOWN_NODE);
	check_why(&alpha, "it knows no node alpha");
	check_why(&beta, "there is no other node alpha in the table");
	free_ends(&alpha, &beta);

	make_ends(&alpha, &beta);
	beta.self.table.version = 12;
	beta.self.table.hash = 0xbeef;
	meet(&alpha, &beta, VERDICT_OTHER_TABLE);
	check_why(&alpha, "its routing table is version 12, hash "
	    "000000000000beef, and ours is version 7, hash 0123456789abcdef");
	check_why(&beta, "its routing table is version 7, hash "
	    "0123456789abcdef, and ours is version 12, hash 000000000000beef");
	free_ends(&alpha, &beta);

	make_ends(&alpha, &beta);
	beta.self.table.hash = 0xbeef;
	meet(&alpha, &beta, VERDICT_OTHER_TABLE);
	check_why(&alpha, "its routing table is version 7, hash "
	    "000000000000beef, and ours is version 7, hash 0123456789abcdef: "
	    "compare what both say of nodes and shards");
	free_ends(&alpha, &beta);
}

Test(handshake, a_version_and_garbage_have_their_words_too)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	hear(&alpha, LITERAL("KVDLINK\0\2\1"));
	check_why(&alpha,
	    "it speaks version 258 of the link and we speak version 1");
	hear(&beta, LITERAL("GET b k\r\n"));
	check_why(&beta, "what it says is no handshake");
	free_ends(&alpha, &beta);
}

Test(handshake, the_longest_names_fit_what_is_said_about_them)
{
	char a[FRAME_NAME_MAX + 1], b[FRAME_NAME_MAX + 1];
	char why[HANDSHAKE_WHY_MAX];
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	beta.self.name = name_of(b, FRAME_NAME_MAX, 'b');
	begin(&alpha, &beta, name_of(a, FRAME_NAME_MAX, 'a'));
	pass(&beta, &alpha, SIZE_MAX);
	cr_assert_eq(pass(&alpha, &beta, SIZE_MAX), HANDSHAKE_BAD);
	handshake_why(&beta.shake, why);
	cr_assert_str_eq(why + strlen(why) - FRAME_NAME_MAX, b);
	free_ends(&alpha, &beta);
}

Test(handshake, begins_with_bytes_that_no_client_sends)
{
	static const uint8_t node[] = "KVDLINK\0\1\0", word[] = "KVDLINK b\r\n";

	cr_assert(handshake_is_greeting(node, sizeof(node) - 1));
	cr_assert(handshake_is_greeting(node, 8));
	cr_assert_not(handshake_is_greeting(node, 7));
	cr_assert_not(handshake_is_greeting(word, sizeof(word) - 1));
}
