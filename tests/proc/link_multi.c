/*
 * What two nodes say to each other for a transaction, in the hands of a test:
 * once it is the one that is asked, and once the one that asks.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/little.h"
#include "tests/proc/redis_talk.h"
#include "tests/proc/understudy.h"

static struct understudy u;
static int fd;

static void
begin(void)
{
	understudy_begin(&u);
	/* Of the same worker, whose link is theirs. */
	fd = redis_open_worker(&u.c.node[0],
	    (unsigned)talk_info(u.client, "server", "worker"));
}

static void
end(void)
{
	close(fd);
	understudy_end(&u);
}

TestSuite(link_multi, .init = begin, .fini = end, .timeout = 120);

#define OK	"+OK\r\n"
#define Q	"+QUEUED\r\n"

/* --- asked --- */

/* The next request is one of these words, one of which may be of any bytes. */
static void
expect(struct peer *p, struct frame *frame, const struct slice *words,
    size_t n)
{
	static struct request req;
	const char *reason;
	size_t i;

	cr_assert(peer_next(p, frame));
	cr_assert_eq(frame->op, FRAME_REQUEST);
	cr_assert(frame_words(frame, &req, &reason), "%s", reason);
	cr_assert_eq(req.argc, n);
	for (i = 0; i < n; i++)
		cr_assert(req.argv[i].len == words[i].len &&
		    (words[i].len == 0 || memcmp(req.argv[i].data,
		    words[i].data, words[i].len) == 0), "word %zu", i);
}

#define BYTES(text) \
	((struct slice){ (const uint8_t *)(text), sizeof(text) - 1 })

/* As kvd-link(7) has it, byte by byte. */
/* clang-format off */
#define WATCHED	BYTES("\1\2\3\4\5\6\7\10" "\4\0\0\0milk")
#define COMMANDS \
	BYTES("\3\0\0\0" "\3\0\0\0SET" "\4\0\0\0milk" "\1\0\0\0" "1" \
	    "\2\0\0\0" "\3\0\0\0GET" "\4\0\0\0milk")
#define READ	BYTES("\2\0\0\0" "\3\0\0\0GET" "\4\0\0\0milk")
#define SET_AND_GET \
	BYTES("\3\0\0\0" "\3\0\0\0SET" "\3\0\0\0egg" "\1\0\0\0" "1" \
	    "\2\0\0\0" "\3\0\0\0get" "\3\0\0\0egg")
#define EGG_IS_NOT	BYTES("\0\0\0\0\0\0\0\0" "\3\0\0\0egg")
#define FIG_IS_NOT	BYTES("\0\0\0\0\0\0\0\0" "\3\0\0\0fig")
#define INCR_EGG	BYTES("\2\0\0\0" "\4\0\0\0INCR" "\3\0\0\0egg")
#define NO_VALUE	BYTES("\1\0\0\0" "\5\0\0\0$-1\r\n")
#define IS_TWO		BYTES("\1\0\0\0" "\4\0\0\0:2\r\n")
/* clang-format on */

static void
expect_exec(struct frame *frame, struct slice watched, struct slice commands)
{
	expect(&u.p, frame, (struct slice[]){ BYTES("EXEC"), watched,
	    commands }, 3);
}

static void
answer(const struct frame *request, uint8_t flags, struct slice payload)
{
	struct frame reply = {
		.op = FRAME_REPLY, .id = request->id, .table = u.p.table,
		.flags = FRAME_RESP2 | flags, .payload = payload
	};

	peer_send(&u.p, &reply);
}

/* A link that was of use. */
static void
take_idle(void)
{
	struct frame frame;

	talk_send(fd, "STRLEN milk\r\n");
	understudy_take(&u, &frame, "STRLEN milk");
	answer(&frame, 0, BYTES(":0\r\n"));
	talk_expect(fd, ":0\r\n");
}

static void
watch_milk(void)
{
	struct frame frame;

	talk_send(fd, "WATCH milk\r\n");
	peer_expect_request(&u.p, &frame, "WATCH milk");
	cr_assert_eq(frame.flags, FRAME_RESP2);
	answer(&frame, 0, BYTES("\1\2\3\4\5\6\7\10"));
	talk_expect(fd, OK);
}

static void
ask_exec(struct frame *frame)
{
	watch_milk();
	talk(fd, "MULTI\r\nSET milk 1\r\nPING\r\nGET milk\r\n", OK Q Q Q);
	talk_send(fd, "EXEC\r\nPING\r\n");
	expect_exec(frame, WATCHED, COMMANDS);
	cr_assert_eq(frame->flags, FRAME_RESP2);
}

Test(link_multi, is_one_request_and_one_answer)
{
	struct frame frame;

	take_idle();
	ask_exec(&frame);
	talk_expect_silence(fd);
	answer(&frame, 0, BYTES("\2\0\0\0" "\5\0\0\0+OK\r\n"
	    "\7\0\0\0$1\r\n1\r\n"));
	talk_expect(fd, "*3\r\n" OK "+PONG\r\n$1\r\n1\r\n+PONG\r\n");
	ask_exec(&frame);
	answer(&frame, 0, BYTES(""));
	talk_expect(fd, "*-1\r\n+PONG\r\n");
	ask_exec(&frame);
	answer(&frame, FRAME_FAILED, BYTES("-EXECABORT so\r\n"));
	talk_expect(fd, "-EXECABORT so\r\n+PONG\r\n");
	talk(fd, "EXEC\r\n", "-ERR EXEC without MULTI\r\n");
	peer_close(&u.p);
}

static void
expect_error(const char *code, const char *text)
{
	char line[512];

	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(strncmp(line, code, strlen(code)), 0, "%s", line);
	cr_assert_not_null(strstr(line, text), "%s", line);
}

Test(link_multi, that_is_refused_is_over_and_not_executed)
{
	struct frame frame, refusal;

	take_idle();
	ask_exec(&frame);
	refusal = peer_frame(&u.p, FRAME_REFUSED, frame.id, "for a reason");
	peer_send(&u.p, &refusal);
	expect_error("-UNAVAILABLE ", "for a reason");
	talk_expect(fd, "+PONG\r\n");
	talk(fd, "EXEC\r\n", "-ERR EXEC without MULTI\r\n");
	talk_send(fd, "WATCH milk\r\nMULTI\r\nPING\r\nEXEC\r\n");
	peer_expect_request(&u.p, &frame, "WATCH milk");
	refusal = peer_frame(&u.p, FRAME_REFUSED, frame.id, "for a reason");
	peer_send(&u.p, &refusal);
	expect_error("-UNAVAILABLE ", "for a reason");
	talk_expect(fd, OK Q "*1\r\n+PONG\r\n");
	peer_close(&u.p);
}

/* Nobody has believed half of one. */
Test(link_multi, whose_answer_makes_no_sense_is_unknown)
{
	const struct slice bad[] = {
		BYTES("\0"), BYTES("\2\0\0"), BYTES("\2\0\0\0"),
		BYTES("\0\0\0\0"), BYTES("\1\0\0\0" "\5\0\0\0+OK\r\n"),
		BYTES("\2\0\0\0" "\5\0\0\0+OK\r\n" "\6\0\0\0+OK\r\n"),
		BYTES("\2\0\0\0" "\5\0\0\0+OK\r\n" "\5\0\0\0+OK\r\nx"),
		BYTES("\2\0\0\0" "\5\0\0\0+OK\r\n" "\377\377\377\377+OK\r\n"),
		BYTES("\3\0\0\0" "\1\0\0\0+" "\1\0\0\0+" "\1\0\0\0+")
	};
	struct frame frame;
	size_t i;

	take_idle();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ask_exec(&frame);
		answer(&frame, 0, bad[i]);
		expect_error("-UNKNOWN ", "makes no sense");
		talk_expect(fd, "+PONG\r\n");
	}
	talk_send(fd, "WATCH milk\r\n");
	peer_expect_request(&u.p, &frame, "WATCH milk");
	answer(&frame, 0, BYTES("\1\2\3\4\5\6\7"));
	expect_error("-UNAVAILABLE ", "makes no sense");
	peer_close(&u.p);
}

Test(link_multi, in_flight_when_the_link_is_cut_is_unknown)
{
	struct frame frame;

	take_idle();
	ask_exec(&frame);
	peer_close(&u.p);
	expect_error("-UNKNOWN ", UNDERSTUDY_UNKNOWN);
	talk_expect(fd, "+PONG\r\n");
	talk(fd, "EXEC\r\n", "-ERR EXEC without MULTI\r\n");
}

Test(link_multi, that_only_reads_is_asked_again)
{
	struct frame frame;

	take_idle();
	talk_send(fd, "WATCH milk\r\n");
	peer_expect_request(&u.p, &frame, "WATCH milk");
	peer_close(&u.p);
	understudy_take(&u, &frame, "WATCH milk");
	answer(&frame, 0, BYTES("\1\2\3\4\5\6\7\10"));
	talk_expect(fd, OK);
	talk(fd, "MULTI\r\nGET milk\r\n", OK Q);
	talk_send(fd, "EXEC\r\n");
	expect_exec(&frame, WATCHED, READ);
	peer_close(&u.p);
	peer_accept(&u.p, &u.c, u.listen_fd, 1);
	expect_exec(&frame, WATCHED, READ);
	answer(&frame, 0, NO_VALUE);
	talk_expect(fd, "*1\r\n$-1\r\n");
	peer_close(&u.p);
}

/* The client has gone, and nothing waits for the answer. */
Test(link_multi, of_a_client_that_has_gone_is_answered_to_nobody)
{
	struct frame frame;

	take_idle();
	ask_exec(&frame);
	close(fd);
	fd = redis_open(&u.c.node[0]);
	talk_send(u.client, "COUNT milk\r\n");
	answer(&frame, 0, BYTES(""));
	peer_expect_request(&u.p, &frame, "COUNT milk");
	peer_reply(&u.p, &frame, "0\r\nOK\r\n");
	talk_expect(u.client, "0\r\nOK\r\n");
	peer_close(&u.p);
}

/* --- asking --- */

static struct peer asker;
static uint32_t id;

static struct frame
ask(const struct slice *words, size_t n, uint8_t flags)
{
	struct outbuf out = { .data = NULL };
	struct frame frame = {
		.op = FRAME_REQUEST, .id = id++, .table = asker.table,
		.flags = flags
	};

	frame_put_words(&out, words, n);
	frame.payload = (struct slice){ out.data, outbuf_len(&out) };
	peer_send(&asker, &frame);
	outbuf_free(&out);
	cr_assert(peer_next(&asker, &frame), "no answer");
	return frame;
}

static struct frame
ask_multi(struct slice watched, struct slice commands)
{
	return ask((struct slice[]){ BYTES("EXEC"), watched, commands }, 3,
	    FRAME_RESP2);
}

static void
expect_answer(const struct frame *frame, uint8_t flags, struct slice payload)
{
	cr_assert_eq(frame->op, FRAME_REPLY, "%.*s",
	    (int)frame->payload.len, (const char *)frame->payload.data);
	cr_assert_eq(frame->flags, FRAME_RESP2 | flags);
	cr_assert(frame->payload.len == payload.len &&
	    (payload.len == 0 || memcmp(frame->payload.data, payload.data,
	    payload.len) == 0), "%.*s", (int)frame->payload.len,
	    (const char *)frame->payload.data);
}

Test(link_multi, is_answered_reply_by_reply)
{
	struct frame frame;

	peer_dial(&asker, &u.c, 1, 0);
	frame = ask_multi(BYTES(""), SET_AND_GET);
	expect_answer(&frame, 0, BYTES("\2\0\0\0" "\5\0\0\0+OK\r\n"
	    "\7\0\0\0$1\r\n1\r\n"));
	frame = ask_multi(EGG_IS_NOT, SET_AND_GET);
	expect_answer(&frame, 0, BYTES(""));
	frame = ask_multi(FIG_IS_NOT, BYTES(""));
	expect_answer(&frame, 0, BYTES("\0\0\0\0"));
	frame = ask_multi(FIG_IS_NOT, SET_AND_GET);
	expect_answer(&frame, FRAME_FAILED, BYTES("-CROSSSLOT Keys in "
	    "request don't hash to the same slot\r\n"));
	peer_close(&asker);
}

Test(link_multi, watches_by_stamps_of_eight_bytes)
{
	struct slice words[] = { BYTES("WATCH"), BYTES("egg"), BYTES("fig") };
	struct frame frame;
	uint8_t watched[8 + 7];

	peer_dial(&asker, &u.c, 1, 0);
	talk(fd, "SET egg 1\r\n", OK);
	frame = ask(words, 3, FRAME_RESP2);
	cr_assert_eq(frame.op, FRAME_REPLY);
	cr_assert_eq(frame.payload.len, 16);
	cr_assert_neq(memcmp(frame.payload.data, "\0\0\0\0\0\0\0\0", 8), 0);
	cr_assert_eq(memcmp(frame.payload.data + 8, "\0\0\0\0\0\0\0\0", 8), 0);
	memcpy(watched, frame.payload.data, 8);
	memcpy(watched + 8, "\3\0\0\0egg", 7);
	frame = ask_multi((struct slice){ watched, sizeof(watched) },
	    INCR_EGG);
	expect_answer(&frame, 0, IS_TWO);
	frame = ask_multi((struct slice){ watched, sizeof(watched) },
	    INCR_EGG);
	expect_answer(&frame, 0, BYTES(""));
	peer_close(&asker);
}

Test(link_multi, that_makes_no_sense_is_refused_and_changes_nothing)
{
	/* clang-format off */
	const struct slice bad[] = {
		/* Cut off, or with something behind. */
		BYTES("\3\0\0\0" "\3\0\0\0SET" "\3\0\0\0egg" "\1\0\0\0"),
		BYTES("\3\0\0\0" "\3\0\0\0SET" "\3\0\0\0egg" "\1\0\0\0" "1x"),
		BYTES("\3\0\0\0"), BYTES("\0\0\0\0"), BYTES("\377\377\377\377"),
		/* No such command, of so many words, or one that has keys. */
		BYTES("\1\0\0\0" "\2\0\0\0NO"),
		BYTES("\2\0\0\0" "\3\0\0\0SET" "\3\0\0\0egg"),
		BYTES("\1\0\0\0" "\4\0\0\0PING"),
		BYTES("\2\0\0\0" "\6\0\0\0OBJECT" "\4\0\0\0HELP"),
		BYTES("\2\0\0\0" "\5\0\0\0WATCH" "\3\0\0\0egg"),
		BYTES("\1\0\0\0" "\4\0\0\0EXEC"),
		BYTES("\1\0\0\0" "\10\0\0\0FLUSHALL"),
	};
	const struct slice bad_watched[] = {
		BYTES("\0"), BYTES("\0\0\0\0\0\0\0\0"),
		BYTES("\0\0\0\0\0\0\0\0" "\4\0\0\0egg"),
		BYTES("\0\0\0\0\0\0\0\0" "\3\0\0\0egg" "\0\0")
	};
	/* clang-format on */
	struct frame frame;
	size_t i;

	peer_dial(&asker, &u.c, 1, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		frame = ask_multi(BYTES(""), bad[i]);
		cr_assert_eq(frame.op, FRAME_REFUSED, "commands %zu", i);
	}
	for (i = 0; i < sizeof(bad_watched) / sizeof(bad_watched[0]); i++) {
		frame = ask_multi(bad_watched[i], SET_AND_GET);
		cr_assert_eq(frame.op, FRAME_REFUSED, "watched %zu", i);
	}
	frame = ask((struct slice[]){ BYTES("EXEC"), BYTES(""), SET_AND_GET },
	    3, FRAME_RESP2 | FRAME_PLACE);
	cr_assert_eq(frame.op, FRAME_REFUSED);
	frame = ask((struct slice[]){ BYTES("EXEC") }, 1, FRAME_RESP2);
	cr_assert_eq(frame.op, FRAME_REFUSED);
	talk(fd, "EXISTS egg\r\n", ":0\r\n");
	peer_close(&asker);
}

Test(link_multi, of_what_is_not_ours_is_told_whose_it_is)
{
	struct frame frame;

	peer_dial(&asker, &u.c, 1, 0);
	frame = ask_multi(BYTES(""), COMMANDS);
	cr_assert_eq(frame.op, FRAME_NOT_MINE);
	cr_assert_eq(frame.payload.len, strlen(u.c.node[1].name));
	frame = ask_multi(WATCHED, BYTES(""));
	cr_assert_eq(frame.op, FRAME_NOT_MINE);
	peer_close(&asker);
}
