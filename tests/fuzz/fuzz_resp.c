/*
 * Any bytes as RESP.  The same bytes, cut at places that the input chooses,
 * must give the same requests and the same end; words must be inside of the
 * bytes that were taken; and each request that is accepted is written again,
 * with lengths, and must be the same request.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "proto/plain.h"
#include "proto/resp.h"
#include "tests/copy.h"

#define ANSWERS_MAX	1024	/* as many as an input has bytes */

/* What came of one request: its words by a sum of them. */
struct answer {
	enum resp_status	status;
	struct resp_error	error;
	size_t			used, words;
	uint64_t		sum;
};

/* How the bytes arrive: each piece is as long as the next of these says. */
struct cuts {
	const uint8_t	*lens;
	size_t		 n, next;
};

static struct resp_limits limits;
static struct request request;

static uint64_t
sum_of(const struct request *req)
{
	uint64_t sum = req->argc;
	size_t i, j;

	for (i = 0; i < req->argc && i < REQUEST_ARGS_MAX; i++) {
		sum = sum * 257 + req->argv[i].len;
		for (j = 0; j < req->argv[i].len; j++)
			sum = sum * 257 + req->argv[i].data[j];
	}
	return sum;
}

/* Write a request with lengths, read it, and compare. */
static void
check_rewritten(uint64_t sum)
{
	static const struct resp_limits none = {
		.request_max = SIZE_MAX, .word_max = SIZE_MAX,
		.is_trusted = true
	};
	size_t i, room = 32, at, used;
	struct resp_parser parser;
	struct resp_error error;
	uint8_t *buf;

	for (i = 0; i < request.argc; i++)
		room += request.argv[i].len + 32;
	buf = malloc(room);
	at = (size_t)sprintf((char *)buf, "*%zu\r\n", request.argc);
	for (i = 0; i < request.argc; i++) {
		at += (size_t)sprintf((char *)buf + at, "$%zu\r\n",
		    request.argv[i].len);
		memcpy(buf + at, request.argv[i].data, request.argv[i].len);
		memcpy(buf + at + request.argv[i].len, "\r\n", 2);
		at += request.argv[i].len + 2;
	}
	resp_parser_init(&parser);
	must(resp_parse(&parser, buf, at, &none, &request, &error, &used) ==
	    RESP_OK);
	must(used == at && sum_of(&request) == sum);
	free(buf);
}

static void
check_ok(struct answer *answer, const uint8_t *buf)
{
	size_t i;

	must(request.argc > 0 && answer->used > 0);
	for (i = 0; i < request.argc; i++) {
		must(request.argv[i].data >= buf &&
		    request.argv[i].len <= answer->used);
		must(request.argv[i].data + request.argv[i].len <
		    buf + answer->used);
		must(limits.is_trusted || buf[0] != '*' ||
		    (i < RESP_STRANGER_WORDS &&
		    request.argv[i].len <= RESP_STRANGER_WORD));
	}
	answer->words = request.argc;
	answer->sum = sum_of(&request);
	check_rewritten(answer->sum);
}

static void
check_answer(struct answer *answer, const uint8_t *buf, size_t len)
{
	must(answer->used <= len && answer->used <= limits.request_max);
	switch (answer->status) {
	case RESP_OK:
		check_ok(answer, buf);
		break;
	case RESP_EMPTY:
		must(answer->used > 0);
		break;
	case RESP_MORE:
		must(answer->used == 0 && len < limits.request_max);
		break;
	case RESP_BAD:
		must(answer->used == 0);
		must(memcmp(answer->error.reason, "Protocol error: ", 16) ==
		    0);
		break;
	}
}

/* What is taken at a glance is the same request. */
static void
check_plain(const struct answer *answer, const uint8_t *buf, size_t len)
{
	struct plain plain;
	size_t i;

	if (len > limits.request_max)
		len = limits.request_max;
	if (!limits.is_trusted || len == 0 ||
	    plain_resp(buf, len, limits.word_max, &plain) == 0)
		return;
	must(answer->status == RESP_OK && answer->used == plain.used);
	must(request.argc == plain.argc);
	for (i = 0; i < plain.argc; i++)
		must(plain.argv[i].len == request.argv[i].len &&
		    plain.argv[i].data == request.argv[i].data);
}

static size_t
next_piece(struct cuts *cuts, size_t rest)
{
	size_t n = rest;

	if (cuts->n > 0)
		n = cuts->lens[cuts->next++ % cuts->n] % 16 + (size_t)1;
	return n < rest ? n : rest;
}

/*
 * All requests of these bytes, as they arrive: their number.  The last answer
 * is BAD, or the MORE of what is left.
 */
static size_t
parse_all(const uint8_t *bytes, size_t len, struct cuts *cuts,
    struct answer answers[ANSWERS_MAX])
{
	size_t at = 0, there = 0, n = 0;
	struct resp_parser parser;
	struct answer *answer;
	uint8_t *buf;

	resp_parser_init(&parser);
	for (;;) {
		must(n < ANSWERS_MAX);
		answer = &answers[n];
		memset(answer, 0, sizeof(*answer));
		buf = copy_of(bytes + at, there - at);
		answer->status = resp_parse(&parser, buf, there - at, &limits,
		    &request, &answer->error, &answer->used);
		check_plain(answer, buf, there - at);
		check_answer(answer, buf, there - at);
		free(buf);
		at += answer->used;
		if (answer->status == RESP_BAD)
			return n + 1;
		if (answer->status != RESP_MORE)
			n++;
		else if (there == len)
			return n + 1;
		else
			there += next_piece(cuts, len - there);
	}
}

static void
check_same(const struct answer *a, const struct answer *b)
{
	must(a->status == b->status && a->used == b->used);
	must(a->words == b->words && a->sum == b->sum);
	must(strcmp(a->error.reason, b->error.reason) == 0);
}

/*
 * The first byte chooses the limits, the second how many of the next are the
 * lengths of the pieces; the rest is sent.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct answer whole[ANSWERS_MAX], pieces[ANSWERS_MAX];
	struct cuts none = { NULL, 0, 0 }, cuts = { NULL, 0, 0 };
	size_t n, i;

	if (len < 2)
		return 0;
	limits.is_trusted = bytes[0] % 2 == 0;
	limits.request_max = bytes[0] % 4 < 2 ? 65536 : bytes[0];
	limits.word_max = bytes[0] % 8 < 4 ? 65536 : bytes[0] / 8;
	cuts.n = bytes[1] % 8U;
	bytes += 2;
	len -= 2;
	if (cuts.n > len)
		cuts.n = len;
	cuts.lens = bytes;
	bytes += cuts.n;
	len -= cuts.n;
	if (len >= ANSWERS_MAX)
		return 0;
	n = parse_all(bytes, len, &none, whole);
	must(n == parse_all(bytes, len, &cuts, pieces));
	for (i = 0; i < n; i++)
		check_same(&whole[i], &pieces[i]);
	return 0;
}
