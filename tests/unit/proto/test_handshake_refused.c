/*
 * Handshakes that come to nothing: verdicts, other versions, and bytes that
 * are none.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/proto/ends.h"

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
