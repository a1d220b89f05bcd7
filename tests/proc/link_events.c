/*
 * A bucket of another node is followed, and that node misbehaves: subscribers
 * are told that they miss something and when they hear again, and are never
 * told half an event.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/understudy.h"

#define EVENT	"k SET TO v\r\n"

static struct understudy u;
static int sub;
static uint32_t feed;		/* its id on the present link */

static void
expect_line(const char *word)
{
	char line[128], expected[128];

	snprintf(expected, sizeof(expected), "%s %s", word, u.c.node[1].name);
	cr_assert(talk_line(sub, line, sizeof(line)), "no line came");
	cr_assert_str_eq(line, expected);
}

static void
grant(struct frame *frame)
{
	peer_reply(&u.p, frame, "");
	feed = frame->id;
}

static void
send_event(uint32_t id, const char *text)
{
	const struct frame frame = peer_frame(&u.p, FRAME_EVENT, id, text);

	peer_send(&u.p, &frame);
}

static void
begin(void)
{
	struct frame frame;

	understudy_begin(&u);
	sub = understudy_open(&u);
	talk_send(sub, "SUBSCRIBE milk\r\n");
	understudy_take(&u, &frame, "SUBSCRIBE milk");
	grant(&frame);
	send_event(feed, EVENT);
	talk_expect(sub, EVENT);
}

static void
end(void)
{
	close(sub);
	understudy_end(&u);
}

TestSuite(link_events, .init = begin, .fini = end, .timeout = 60);

/* The link has broken; it is followed anew over another one. */
static void
resume(void)
{
	struct frame frame;

	expect_line("LOST");
	understudy_take(&u, &frame, "SUBSCRIBE milk");
	talk_expect_silence(sub);
	grant(&frame);
	expect_line("RESUMED");
}

Test(link_events, that_are_cut_off_at_any_byte_are_not_told)
{
	struct frame frame;
	size_t cut, len = 1;
	uint8_t *bytes;

	for (cut = 0; cut < len; cut++) {
		frame = peer_frame(&u.p, FRAME_EVENT, feed, EVENT);
		bytes = peer_bytes(&frame, &len);
		talk_send_bytes(u.p.fd, bytes, cut);
		free(bytes);
		peer_close(&u.p);
		resume();
	}
	send_event(feed, EVENT);
	talk_expect(sub, EVENT);
}

Test(link_events, of_what_nobody_has_asked_for_end_the_link)
{
	/* It has been asked for one thing only since. */
	send_event(feed + 1, EVENT);
	peer_expect_end(&u.p);
	peer_close(&u.p);
	resume();
	send_event(feed + (1U << 30), EVENT);
	peer_expect_end(&u.p);
	peer_close(&u.p);
	resume();
	/* What was cancelled once may still be on its way. */
	send_event(feed - 1, EVENT);
	send_event(feed, "k DELETED\r\n");
	talk_expect(sub, "k DELETED\r\n");
	cr_assert_eq(understudy_count_log(&u, "answers what was not asked"),
	    2);
	peer_close(&u.p);
}

Test(link_events, with_answers_between_them_are_told_in_their_order)
{
	struct frame frame;
	int i;

	for (i = 0; i < 100; i++) {
		talk_send(u.client, "GET milk k\r\n");
		send_event(feed, EVENT);
		peer_expect_request(&u.p, &frame, "GET milk k");
		peer_reply(&u.p, &frame, "v\r\nOK\r\n");
		talk_expect(u.client, "v\r\nOK\r\n");
		talk_expect(sub, EVENT);
	}
	peer_close(&u.p);
}

/* A node that is asked nothing is asked whether it is there. */
Test(link_events, that_may_not_come_any_more_are_asked_after)
{
	struct frame frame;
	int i;

	for (i = 0; i < 2; i++) {
		cr_assert(peer_next(&u.p, &frame));
		cr_assert_eq(frame.op, FRAME_PING);
		frame = peer_frame(&u.p, FRAME_PONG, frame.id, "");
		peer_send(&u.p, &frame);
		talk_expect_silence(sub);
	}
	cr_assert(peer_next(&u.p, &frame));
	cr_assert_eq(frame.op, FRAME_PING);
	peer_expect_end(&u.p);
	peer_close(&u.p);
	resume();
	cr_assert_eq(understudy_count_log(&u, "does not answer"), 1);
	peer_close(&u.p);
}

/* A PONG that nobody has asked for is not one. */
Test(link_events, are_not_had_from_who_answers_before_the_question)
{
	struct frame frame = peer_frame(&u.p, FRAME_PONG, feed + 1, "");

	peer_send(&u.p, &frame);
	peer_expect_end(&u.p);
	peer_close(&u.p);
	resume();
	peer_close(&u.p);
}

Test(link_events, of_a_bucket_that_went_with_the_link_end_the_subscription)
{
	struct frame frame;

	peer_close(&u.p);
	expect_line("LOST");
	understudy_take(&u, &frame, "SUBSCRIBE milk");
	frame = peer_frame(&u.p, FRAME_REPLY, frame.id, "NOT FOUND\r\n");
	frame.flags |= FRAME_FAILED;
	peer_send(&u.p, &frame);
	talk_expect(sub, "NOT FOUND\r\n");
	talk_expect_end(sub);
	peer_close(&u.p);
}

Test(link_events, that_are_refused_later_end_the_subscription_with_a_reason)
{
	struct frame frame;

	peer_close(&u.p);
	expect_line("LOST");
	understudy_take(&u, &frame, "SUBSCRIBE milk");
	frame = peer_frame(&u.p, FRAME_REFUSED, frame.id, "not today");
	peer_send(&u.p, &frame);
	understudy_expect_error(&u, sub, "unavailable", "not today");
	talk_expect_end(sub);
	peer_close(&u.p);
}

/* Its subscriber has gone: it is cancelled by the id that it has had. */
Test(link_events, that_nobody_wants_any_more_are_cancelled)
{
	struct frame frame;

	close(sub);
	cr_assert(peer_next(&u.p, &frame));
	cr_assert_eq(frame.op, FRAME_CANCEL);
	cr_assert_eq(frame.id, feed);
	send_event(feed, EVENT);
	talk_send(u.client, "GET milk k\r\n");
	peer_expect_request(&u.p, &frame, "GET milk k");
	peer_reply(&u.p, &frame, "v\r\nOK\r\n");
	talk_expect(u.client, "v\r\nOK\r\n");
	sub = -1;
	peer_close(&u.p);
}
