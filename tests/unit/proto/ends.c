#include "tests/unit/proto/ends.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* The one other node that an end knows. */
static bool
is_known(void *arg, const char *name)
{
	const char *const *known = arg;

	return strcmp(name, *known) == 0;
}

void
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

void
make_ends(struct end *alpha, struct end *beta)
{
	make_end(alpha, "alpha", "beta", RANDOM_D, 0x100000);
	make_end(beta, "beta", "alpha", RANDOM_A, 0x200000);
}

void
free_ends(struct end *alpha, struct end *beta)
{
	outbuf_free(&alpha->out);
	outbuf_free(&beta->out);
}

void
set_cookie(struct end *end, const char *cookie)
{
	end->self.cookie.data = (const uint8_t *)cookie;
	end->self.cookie.len = strlen(cookie);
}

enum handshake_status
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

enum handshake_status
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

enum handshake_status
hear(struct end *end, const uint8_t *bytes, size_t len)
{
	return hear_in_pieces(end, bytes, len, len);
}

enum handshake_status
pass(struct end *from, struct end *to, size_t piece)
{
	size_t len = outbuf_len(&from->out);
	enum handshake_status status;

	status = hear_in_pieces(to, from->out.data + from->out.head, len,
	    piece);
	outbuf_drain(&from->out, len, SIZE_MAX);
	return status;
}

void
begin(struct end *alpha, struct end *beta, const char *wanted)
{
	handshake_accept(&beta->shake, &beta->self, beta->random, &beta->out);
	handshake_dial(&alpha->shake, &alpha->self, wanted, alpha->random);
}

void
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

void
check_said(struct end *end, const uint8_t *bytes, size_t len)
{
	cr_assert_eq(outbuf_len(&end->out), len, "%zu",
	    outbuf_len(&end->out));
	cr_assert_arr_eq(end->out.data + end->out.head, bytes, len);
	outbuf_drain(&end->out, len, SIZE_MAX);
}

const char *
name_of(char *name, size_t n, char letter)
{
	memset(name, letter, n);
	name[n] = '\0';
	return name;
}

void
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

enum handshake_verdict
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

void
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
