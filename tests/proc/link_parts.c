/*
 * A node that is asked for its part of what several have, and answers what is
 * none, or hangs up; and one that is asked for what it has no part in.  Of the
 * two nodes the test plays the second; the first has "apples".
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"
#include "tests/proc/understudy.h"

#define NOT_ASKED	"answers what was not asked"

static struct understudy u;
static int client;

static void
begin(void)
{
	understudy_begin(&u);
	client = redis_open(&u.c.node[0]);
}

static void
end(void)
{
	close(client);
	understudy_end(&u);
}

TestSuite(link_parts, .init = begin, .fini = end, .timeout = 120);

static void
answer(const struct frame *request, uint8_t flags, uint64_t place,
    const char *text)
{
	struct frame frame = peer_frame(&u.p, FRAME_REPLY, request->id, text);

	frame.flags = (request->flags & (FRAME_PROTOCOLS | FRAME_PLACE)) |
	    flags;
	frame.place = place;
	peer_send(&u.p, &frame);
}

static void
expect_error(const char *code, const char *why)
{
	char line[512], wanted[256];

	snprintf(wanted, sizeof(wanted), "-%s %s: %s", code,
	    u.c.node[1].name, why);
	cr_assert(talk_line(client, line, sizeof(line)));
	cr_assert_str_eq(line, wanted);
}

/* It is asked about no shard, from one place to the next. */
Test(link_parts, are_got_in_pieces)
{
	struct frame frame;

	talk_send(client, "DBSIZE\r\n");
	understudy_take(&u, &frame, "DBSIZE");
	cr_assert_eq(frame.flags, FRAME_RESP2 | FRAME_PLACE);
	cr_assert_eq(frame.shard, FRAME_NO_SHARD);
	cr_assert_eq(frame.place, 0);
	answer(&frame, 0, 5, ":3\r\n");
	peer_expect_request(&u.p, &frame, "DBSIZE");
	cr_assert_eq(frame.place, 5);
	answer(&frame, 0, 0, ":4\r\n");
	talk_expect(client, ":8\r\n");
	talk_send(client, "KEYS *\r\n");
	peer_expect_request(&u.p, &frame, "KEYS *");
	answer(&frame, 0, 7, "$4\r\nmilk\r\n");
	peer_expect_request(&u.p, &frame, "KEYS *");
	answer(&frame, 0, 9, "");
	peer_expect_request(&u.p, &frame, "KEYS *");
	answer(&frame, 0, 0, "$2\r\nno\r\n$0\r\n\r\n");
	talk_expect(client, "*4\r\n$6\r\napples\r\n$4\r\nmilk\r\n$2\r\nno\r\n"
	    "$0\r\n\r\n");
	peer_close(&u.p);
}

/* Not of milk, but of what is its part of the request. */
Test(link_parts, have_the_words_that_concern_them)
{
	struct frame frame;

	talk_send(client, "MSET apples 1 milk 2 bread 3 pears 4\r\n");
	understudy_take(&u, &frame, "MSET milk 2 pears 4");
	cr_assert_eq(frame.flags, FRAME_RESP2);
	answer(&frame, 0, 0, "+OK\r\n");
	talk_expect(client, "+OK\r\n");
	talk_send(client, "MGET pears apples milk pears\r\n");
	peer_expect_request(&u.p, &frame, "MGET pears milk pears");
	answer(&frame, 0, 0, "*3\r\n$1\r\n4\r\n$-1\r\n$2\r\n\r\n\r\n");
	talk_expect(client, "*4\r\n$1\r\n4\r\n$1\r\n1\r\n$-1\r\n"
	    "$2\r\n\r\n\r\n");
	talk_send(client, "SCAN 2048 COUNT 5\r\n");
	peer_expect_request(&u.p, &frame, "SCAN 2048 COUNT 5");
	cr_assert_eq(frame.flags, FRAME_RESP2);
	cr_assert_eq(frame.shard, FRAME_NO_SHARD);
	answer(&frame, 0, 0, "*2\r\n$1\r\n0\r\n*0\r\n");
	talk_expect(client, "*2\r\n$1\r\n0\r\n*0\r\n");
	peer_close(&u.p);
}

Test(link_parts, that_fail_are_the_answer_as_they_are)
{
	struct frame frame;

	talk_send(client, "MSET apples 1 milk 2\r\n");
	understudy_take(&u, &frame, "MSET milk 2");
	answer(&frame, FRAME_FAILED, 0, "-OOM no more\r\n");
	talk_expect(client, "-OOM no more\r\n");
	talk_send(client, "KEYS *\r\n");
	peer_expect_request(&u.p, &frame, "KEYS *");
	answer(&frame, FRAME_FAILED, 0, "-ERR shard damaged\r\n");
	talk_expect(client, "-ERR shard damaged\r\n");
	talk_send(client, "DEL milk apples\r\nGET apples\r\n");
	peer_expect_request(&u.p, &frame, "DEL milk");
	frame = peer_frame(&u.p, FRAME_REFUSED, frame.id, "no time");
	peer_send(&u.p, &frame);
	expect_error("PARTIAL", "no time");
	talk_expect(client, "$-1\r\n");
	peer_close(&u.p);
}

/* The link is sound, it is the node that is not. */
Test(link_parts, that_make_no_sense_are_an_error)
{
	static const struct {
		const char	*request;
		const char	*part;
		const char	*code;
	} answers[] = {
		{ "DBSIZE", "", "UNAVAILABLE" },
		{ "DBSIZE", "+OK\r\n", "UNAVAILABLE" },
		{ "DBSIZE", ":1\r\n:2\r\n", "UNAVAILABLE" },
		{ "DBSIZE", ":9223372036854775807\r\n", "UNAVAILABLE" },
		{ "KEYS *", "*1\r\n$1\r\nx\r\n", "UNAVAILABLE" },
		{ "KEYS *", "$3\r\nx\r\n", "UNAVAILABLE" },
		{ "KEYS *", "$1\r\nx\r\n$", "UNAVAILABLE" },
		{ "RANDOMKEY", ":1\r\n", "UNAVAILABLE" },
		{ "RANDOMKEY", ":-1\r\n$1\r\nx\r\n", "UNAVAILABLE" },
		{ "RANDOMKEY", "$1\r\nx\r\n", "UNAVAILABLE" },
		{ "DEL milk apples", "x", "UNKNOWN" },
		{ "MGET milk apples", "*0\r\n", "UNAVAILABLE" },
		{ "MGET milk apples", "$1\r\nx\r\n", "UNAVAILABLE" },
		{ "MGET milk apples", "*1\r\n$1\r\nx\r\n$1\r\nx\r\n",
		    "UNAVAILABLE" },
	};
	struct frame frame;
	bool first = true;
	size_t i;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		redis_ask(client, "SET apples v", "+OK");
		talk_send(client, answers[i].request);
		talk_send(client, "\r\n");
		if (first)
			peer_accept(&u.p, &u.c, u.listen_fd, 1);
		first = false;
		cr_assert(peer_next(&u.p, &frame));
		answer(&frame, 0, 0, answers[i].part);
		expect_error(answers[i].code, "its answer makes no sense");
	}
	peer_close(&u.p);
}

/* What reads is asked again; of the rest nobody knows. */
Test(link_parts, that_do_not_come_are_asked_for_again_or_unknown)
{
	struct frame frame;

	talk_send(client, "DBSIZE\r\n");
	understudy_take(&u, &frame, "DBSIZE");
	answer(&frame, 0, 0, ":1\r\n");
	talk_expect(client, ":2\r\n");
	talk_send(client, "MGET apples milk\r\n");
	peer_expect_request(&u.p, &frame, "MGET milk");
	peer_close(&u.p);
	understudy_take(&u, &frame, "MGET milk");
	answer(&frame, 0, 0, "*1\r\n$1\r\nx\r\n");
	talk_expect(client, "*2\r\n$-1\r\n$1\r\nx\r\n");
	talk_send(client, "DEL apples milk\r\nEXISTS apples\r\n");
	peer_expect_request(&u.p, &frame, "DEL milk");
	peer_close(&u.p);
	expect_error("UNKNOWN", UNDERSTUDY_UNKNOWN);
	talk_expect(client, ":0\r\n");
	talk_send(client, "FLUSHALL\r\n");
	understudy_take(&u, &frame, "FLUSHALL");
	answer(&frame, 0, 9, "");
	peer_expect_request(&u.p, &frame, "FLUSHALL");
	peer_close(&u.p);
	expect_error("UNKNOWN", UNDERSTUDY_UNKNOWN);
}

/* Who hangs up is forgotten, with what was got for him. */
Test(link_parts, are_for_nobody_if_the_client_has_gone)
{
	struct frame frame;

	talk_send(client, "KEYS *\r\n");
	understudy_take(&u, &frame, "KEYS *");
	close(client);
	client = redis_open(&u.c.node[0]);
	answer(&frame, 0, 7, "$4\r\nmilk\r\n");
	redis_ask(client, "EXISTS apples", ":1");
	peer_close(&u.p);
}

/* --- answers that are longer than a frame --- */

static void
answer_part(const struct frame *request, const char *text)
{
	answer(request, FRAME_GOES_ON, 0, text);
}

/* A link that has been of use, so that it is worth to be dialled again. */
static void
take_idle(void)
{
	struct frame frame;

	talk_send(client, "HLEN milk\r\n");
	understudy_take(&u, &frame, "HLEN milk");
	answer(&frame, 0, 0, ":0\r\n");
	talk_expect(client, ":0\r\n");
}

/* It has ended, and the request comes by another one, whose end is seen. */
static void
answer_again(const char *request, const char *text, const char *reply)
{
	struct frame frame;

	peer_expect_end(&u.p);
	peer_close(&u.p);
	understudy_take(&u, &frame, request);
	answer(&frame, 0, 0, text);
	talk_expect(client, reply);
	peer_close(&u.p);
	redis_ask(client, "EXISTS apples", ":1");
}

Test(link_parts, of_one_reply_are_one_for_the_client)
{
	struct frame frame;

	talk_send(client, "HGETALL milk\r\nHGET milk b\r\n");
	understudy_take(&u, &frame, "HGETALL milk");
	answer_part(&frame, "*2\r\n$1\r");
	answer_part(&frame, "");
	answer_part(&frame, "\na\r\n$2");
	talk_expect_silence(client);
	answer(&frame, 0, 0, "\r\nbb\r\n");
	talk_expect(client, "*2\r\n$1\r\na\r\n$2\r\nbb\r\n");
	peer_expect_request(&u.p, &frame, "HGET milk b");
	answer(&frame, 0, 0, "$-1\r\n");
	talk_expect(client, "$-1\r\n");
	peer_close(&u.p);
}

/* Nobody was told of the half that had come. */
Test(link_parts, of_a_reply_that_is_cut_off_are_asked_for_again)
{
	struct frame frame;

	take_idle();
	talk_send(client, "HGETALL milk\r\n");
	peer_expect_request(&u.p, &frame, "HGETALL milk");
	answer_part(&frame, "*2\r\n$1\r\na\r\n");
	peer_close(&u.p);
	understudy_take(&u, &frame, "HGETALL milk");
	answer(&frame, 0, 0, "*2\r\n$1\r\nb\r\n$1\r\nb\r\n");
	talk_expect(client, "*2\r\n$1\r\nb\r\n$1\r\nb\r\n");
	talk_send(client, "HGETDEL milk FIELDS 1 b\r\n");
	peer_expect_request(&u.p, &frame, "HGETDEL milk FIELDS 1 b");
	answer_part(&frame, "*1\r\n");
	peer_close(&u.p);
	expect_error("UNKNOWN", UNDERSTUDY_UNKNOWN);
}

/* Nothing comes between two of them, and no piece of a list is so long. */
Test(link_parts, of_a_reply_end_the_link_if_they_make_no_sense)
{
	static const struct {
		const char	*request;
		enum frame_op	 op;
		int32_t		 id;	/* that much more than it should be */
		bool		 piece;
	} cases[] = {
		{ "HGETALL milk", FRAME_REFUSED, 0, false },
		{ "HGETALL milk", FRAME_PONG, 0, false },
		{ "HGETALL milk", FRAME_REPLY, 1, false },
		{ "KEYS *", FRAME_REPLY, 0, true },
	};
	struct frame frame, second;
	int before;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		before = understudy_count_log(&u, NOT_ASKED);
		take_idle();
		talk_send(client, cases[i].request);
		talk_send(client, "\r\n");
		peer_expect_request(&u.p, &frame, cases[i].request);
		answer_part(&frame, "$1");
		second = peer_frame(&u.p, cases[i].op,
		    frame.id + (uint32_t)cases[i].id,
		    cases[i].op == FRAME_REFUSED ? "no" : "");
		if (!cases[i].piece)
			peer_send(&u.p, &second);
		answer_again(cases[i].request, cases[i].piece ?
		    "$1\r\nx\r\n" : "*0\r\n", cases[i].piece ?
		    "*2\r\n$6\r\napples\r\n$1\r\nx\r\n" : "*0\r\n");
		cr_assert_eq(understudy_count_log(&u, NOT_ASKED), before + 1,
		    "%zu", i);
	}
}

Test(link_parts, of_a_reply_without_an_end_end_the_link)
{
	static char text[1024 * 1024 + 1];
	struct frame frame;
	int i;

	memset(text, 'x', sizeof(text) - 1);
	take_idle();
	talk_send(client, "HGETALL milk\r\n");
	peer_expect_request(&u.p, &frame, "HGETALL milk");
	for (i = 0; i < 96; i++)
		answer_part(&frame, text);
	answer_part(&frame, "x");
	answer_again("HGETALL milk", "*0\r\n", "*0\r\n");
	cr_assert_eq(understudy_count_log(&u, NOT_ASKED), 1);
}

/* --- the node is asked --- */

static void
ask(struct peer *p, uint8_t flags, uint32_t shard, const char *words)
{
	struct frame frame = peer_frame(p, FRAME_REQUEST, 1, words);

	frame.flags = flags;
	frame.shard = shard;
	peer_send(p, &frame);
}

Test(link_parts, are_given_to_nodes_in_the_form_that_they_ask_for)
{
	static const struct {
		uint8_t		 flags;
		uint32_t	 shard;
		const char	*words;
		enum frame_op	 op;
		const char	*payload;
	} cases[] = {
		{ FRAME_RESP2 | FRAME_PLACE, FRAME_NO_SHARD, "DBSIZE",
		    FRAME_REPLY, ":1\r\n" },
		{ FRAME_RESP3 | FRAME_PLACE, FRAME_NO_SHARD, "KEYS a*",
		    FRAME_REPLY, "$6\r\napples\r\n" },
		{ FRAME_RESP2 | FRAME_PLACE, FRAME_NO_SHARD, "KEYS x",
		    FRAME_REPLY, "" },
		{ FRAME_RESP2 | FRAME_PLACE, FRAME_NO_SHARD, "RANDOMKEY",
		    FRAME_REPLY, ":1\r\n$6\r\napples\r\n" },
		{ FRAME_RESP2 | FRAME_PLACE, FRAME_NO_SHARD, "FLUSHALL x",
		    FRAME_REPLY, "-ERR syntax error\r\n" },
		{ FRAME_RESP2, FRAME_NO_SHARD, "SCAN 0", FRAME_REPLY,
		    "*2\r\n$4\r\n2048\r\n*1\r\n$6\r\napples\r\n" },
		{ FRAME_RESP2, FRAME_NO_SHARD, "DBSIZE", FRAME_REFUSED,
		    "it takes no such request" },
		{ FRAME_RESP2 | FRAME_PLACE, 0, "DBSIZE", FRAME_REFUSED,
		    "it takes no such request" },
		{ FRAME_RESP2 | FRAME_PLACE, FRAME_NO_SHARD, "SCAN 0",
		    FRAME_REFUSED, "it takes no such request" },
		{ FRAME_RESP2, 0, "SCAN 0", FRAME_REFUSED,
		    "it takes no such request" },
		{ FRAME_RESP2, FRAME_NO_SHARD, "SCAN 2048", FRAME_NOT_MINE,
		    NULL },
		{ FRAME_RESP2 | FRAME_PLACE, FRAME_NO_SHARD, "GET apples",
		    FRAME_REFUSED, "it takes no such request" },
		{ FRAME_TEXT | FRAME_PLACE, FRAME_NO_SHARD, "BUCKETS",
		    FRAME_REFUSED, "it takes no such request" },
	};
	struct peer p;
	size_t i;

	peer_dial(&p, &u.c, 1, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(&p, cases[i].flags, cases[i].shard, cases[i].words);
		peer_expect(&p, cases[i].op, cases[i].payload == NULL ?
		    u.c.node[1].name : cases[i].payload);
	}
	peer_close(&p);
}

/* Not one of them is taken for a place of the table. */
Test(link_parts, begin_at_any_place)
{
	struct frame frame;
	struct peer p;
	uint64_t place;
	int bit;

	peer_dial(&p, &u.c, 1, 0);
	for (bit = 0; bit < 64; bit++)
		for (place = UINT64_MAX >> bit; place != 0;
		    place = frame.place) {
			frame = peer_frame(&p, FRAME_REQUEST, 1, "KEYS *");
			frame.flags = FRAME_RESP2 | FRAME_PLACE;
			frame.shard = FRAME_NO_SHARD;
			frame.place = place;
			peer_send(&p, &frame);
			cr_assert(peer_next(&p, &frame));
			cr_assert_eq(frame.op, FRAME_REPLY);
			cr_assert(frame.place == 0 || frame.place > place);
		}
	peer_close(&p);
}
