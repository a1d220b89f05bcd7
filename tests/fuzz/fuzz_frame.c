/*
 * Any bytes from another node: as frames, and as either side of a handshake.
 * What is accepted as a frame is written again and must be the same bytes;
 * it must not matter in how many pieces anything arrives; and nobody gets
 * through a handshake without the cookie.  So that there is something to be
 * found behind that, an input may ask to be signed.
 */

#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "proto/frame.h"
#include "proto/handshake.h"
#include "proto/hmac.h"
#include "tests/copy.h"

#define CHALLENGE_LEN	48
#define HELLO_FIXED	64
#define VERDICT_SIGNED	24

static const uint8_t accept_random[HANDSHAKE_CHALLENGE_LEN] = "acceptor";
static const uint8_t dial_random[HANDSHAKE_CHALLENGE_LEN] = "dialler";

/* --------------------------------------------------------------- frames */

/* Of lists of words in a word, each ends inside, and they end somewhere. */
static void
check_lists(struct slice rest)
{
	static struct request req;
	size_t before;

	while (rest.len > 0) {
		before = rest.len;
		if (!frame_next_words(&rest, &req))
			break;
		must(rest.len < before);
		must(frame_words_len(req.argv, req.argc) ==
		    before - rest.len);
	}
}

/* A request's words are inside, and are written as the same bytes. */
static void
check_words(const struct frame *frame)
{
	static struct request req;
	const uint8_t *payload = frame->payload.data;
	size_t len = frame->payload.len, i;
	const char *reason = NULL;
	struct outbuf out;

	if (!frame_words(frame, &req, &reason)) {
		must(reason != NULL);
		return;
	}
	must(req.argc > 0 && req.argc <= REQUEST_ARGS_MAX);
	for (i = 0; i < req.argc; i++)
		must(req.argv[i].data >= payload &&
		    req.argv[i].len <= len &&
		    req.argv[i].data + req.argv[i].len <= payload + len);
	outbuf_init(&out);
	frame_put_words(&out, req.argv, req.argc);
	must(frame_words_len(req.argv, req.argc) == len);
	must(outbuf_len(&out) == len);
	must(memcmp(out.data, payload, len) == 0);
	outbuf_free(&out);
	check_lists(req.argv[req.argc - 1]);
}

static void
check_rewritten(const struct frame *frame, const uint8_t *bytes, size_t len)
{
	struct outbuf out;

	outbuf_init(&out);
	frame_write(&out, frame);
	must(outbuf_len(&out) == len);
	must(memcmp(out.data, bytes, len) == 0);
	outbuf_free(&out);
}

/* The first frame of these bytes, cut short, is not there yet or is bad. */
static void
check_cut(const uint8_t *bytes, size_t used, size_t payload_max, size_t step)
{
	enum frame_status status;
	struct frame frame;
	const char *reason;
	size_t at, cut_used;
	uint8_t *copy;

	for (at = 0; at < used; at += step) {
		copy = copy_of(bytes, at);
		status = frame_parse(copy, at, payload_max, &frame, &reason,
		    &cut_used);
		must(status == FRAME_MORE && cut_used == 0);
		free(copy);
	}
}

static void
check_frames(const uint8_t *bytes, size_t len, size_t payload_max, size_t step)
{
	uint8_t *buf = copy_of(bytes, len);
	enum frame_status status;
	const char *reason = NULL;
	struct frame frame;
	size_t at, used;

	for (at = 0;; at += used) {
		status = frame_parse(buf + at, len - at, payload_max, &frame,
		    &reason, &used);
		if (status != FRAME_OK)
			break;
		must(used >= FRAME_HEADER_LEN && used <= len - at);
		must(used <= FRAME_HEADER_LEN + payload_max);
		if (frame.op == FRAME_REQUEST)
			check_words(&frame);
		check_rewritten(&frame, buf + at, used);
		check_cut(buf + at, used, payload_max, step);
	}
	must(used == 0);
	must(status == FRAME_BAD ? reason != NULL :
	    len - at < FRAME_HEADER_LEN + payload_max);
	free(buf);
}

/* ----------------------------------------------------------- handshakes */

static bool
is_node(void *arg, const char *name)
{
	(void)arg;
	return strlen(name) > 2;
}

static const struct handshake_self self = {
	.name = "beta",
	.cookie = { (const uint8_t *)"cookie", 6 },
	.table = { 7, 8 },
	.payload_max = 9,
	.is_node = is_node
};

/* Put the right MAC behind this part of a message. */
static void
sign(const char label[8], const uint8_t *a, const uint8_t *d,
    uint8_t *message, size_t len)
{
	const struct slice parts[] = {
		{ (const uint8_t *)label, 8 },
		{ a, HANDSHAKE_CHALLENGE_LEN },
		{ d, HANDSHAKE_CHALLENGE_LEN },
		{ message, len }
	};

	hmac_sha256(self.cookie, parts, 4, message + len);
}

static void
sign_hello(uint8_t *hello, size_t len)
{
	size_t end;

	if (len < HELLO_FIXED)
		return;
	end = HELLO_FIXED + (size_t)hello[10] + hello[11];
	if (len >= end + HMAC_LEN)
		sign("dialler", accept_random, hello + 16, hello, end);
}

static void
sign_verdict(uint8_t *challenge, size_t len)
{
	if (len >= CHALLENGE_LEN + VERDICT_SIGNED + HMAC_LEN)
		sign("acceptor", challenge + 16, dial_random,
		    challenge + CHALLENGE_LEN, VERDICT_SIGNED);
}

/* These bytes arrive in pieces; *used is what the handshake took of them. */
static enum handshake_status
shake_hands(struct handshake *shake, bool dial, const uint8_t *bytes,
    size_t len, size_t step, size_t *used)
{
	enum handshake_status status = HANDSHAKE_MORE;
	size_t there = 0, at;
	struct outbuf out;
	uint8_t *copy;

	outbuf_init(&out);
	if (dial)
		handshake_dial(shake, &self, "alpha", dial_random);
	else
		handshake_accept(shake, &self, accept_random, &out);
	for (*used = 0; status == HANDSHAKE_MORE && there < len;
	    *used += at) {
		there = len - there > step ? there + step : len;
		copy = copy_of(bytes + *used, there - *used);
		status = handshake_step(shake, copy, there - *used, &out, &at);
		must(status == HANDSHAKE_BAD || at <= there - *used);
		must(!out.failed);
		must(outbuf_len(&out) <= CHALLENGE_LEN + HANDSHAKE_LEN_MAX);
		free(copy);
	}
	outbuf_free(&out);
	return status;
}

static void
check_peer(const struct handshake *shake, bool dial)
{
	must(shake->verdict == VERDICT_OK);
	must(shake->peer_version == FRAME_VERSION);
	must(shake->peer_table.version == 7 && shake->peer_table.hash == 8);
	must(frame_is_name((const uint8_t *)shake->peer,
	    strlen(shake->peer)));
	must(strcmp(shake->wanted, dial ? "alpha" : "beta") == 0);
	must(dial || strlen(shake->peer) > 2);
}

static void
check_handshake(const uint8_t *bytes, size_t len, bool dial, bool is_signed,
    size_t step)
{
	char why[HANDSHAKE_WHY_MAX], again_why[HANDSHAKE_WHY_MAX];
	struct handshake shake, again;
	uint8_t *message = copy_of(bytes, len);
	enum handshake_status status;
	size_t used, again_used;

	if (is_signed && dial)
		sign_verdict(message, len);
	else if (is_signed)
		sign_hello(message, len);
	status = shake_hands(&shake, dial, message, len, len, &used);
	must(shake_hands(&again, dial, message, len, step, &again_used) ==
	    status);
	must(status == HANDSHAKE_BAD || used == again_used);
	must(shake.verdict == again.verdict);
	if (status == HANDSHAKE_OK) {
		must(is_signed);
		check_peer(&shake, dial);
	} else if (status == HANDSHAKE_BAD) {
		must(shake.verdict != VERDICT_OK);
		handshake_why(&shake, why);
		handshake_why(&again, again_why);
		must(strcmp(why, again_why) == 0);
	}
	free(message);
}

/* The first byte chooses what it is to be and the pieces, the rest arrives. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	unsigned what;
	size_t step;

	if (len == 0)
		return 0;
	what = bytes[0] % 8;
	step = bytes[0] / 8 % 16 + 1;
	bytes++;
	len--;
	if (what < 4)
		check_frames(bytes, len, what < 3 ? 4096 : 20, step);
	else
		check_handshake(bytes, len, what % 2 == 0, what >= 6, step);
	return 0;
}
