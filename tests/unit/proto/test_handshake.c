/*
 * Handshakes: two ends that agree, and those who do not know the cookie.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/proto/ends.h"

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

Test(handshake, begins_with_bytes_that_no_client_sends)
{
	static const uint8_t node[] = "KVDLINK\0\1\0", word[] = "KVDLINK b\r\n";

	cr_assert(handshake_is_greeting(node, sizeof(node) - 1));
	cr_assert(handshake_is_greeting(node, 8));
	cr_assert_not(handshake_is_greeting(node, 7));
	cr_assert_not(handshake_is_greeting(word, sizeof(word) - 1));
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

Test(handshake, a_mac_is_good_for_one_direction_only)
{
	uint8_t message[sizeof(HELLO)];

	memcpy(message, VERDICT, VERDICT_LEN);
	sign("acceptor", message, VERDICT_SIGNED);
	cr_assert_eq(verdict_on(message, VERDICT_LEN), VERDICT_OK);
	sign("dialler", message, VERDICT_SIGNED);
	cr_assert_eq(verdict_on(message, VERDICT_LEN), VERDICT_BAD_COOKIE);
}
