/*
 * A node that has dialled another one, and gets answers that no node gives:
 * none, half of one, another one's, one too many.  Whoever has asked is told
 * in time what is known of his request, the link is closed at once with one
 * line in the log, and other buckets have nothing to do with it.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/understudy.h"

static struct understudy u;

static void
begin(void)
{
	understudy_begin(&u);
}

static void
end(void)
{
	understudy_end(&u);
}

TestSuite(link_answers, .init = begin, .fini = end, .timeout = 120);

/* It was dialled anew, and asked again. */
static void
answer_again(const char *words, const char *reply)
{
	struct frame frame;

	understudy_take(&u, &frame, words);
	peer_reply(&u.p, &frame, reply);
	talk_expect(u.client, reply);
}

/* What is said instead of the REPLY to a request with this id. */
static const struct {
	enum frame_op	 op;
	uint8_t		 flags;		/* besides those it must have */
	int32_t		 id;		/* that much more than it should be */
	const char	*payload;
	const char	*why;
} answers[] = {
	{ FRAME_REPLY, 0, 1, "OK\r\n", "answers what was not asked" },
	{ FRAME_REPLY, 0, -1, "OK\r\n", "answers what was not asked" },
	{ FRAME_REPLY, 0, 1 << 30, "OK\r\n", "answers what was not asked" },
	{ FRAME_REPLY, FRAME_PLACE, 0, "v\r\n", "answers what was not asked" },
	{ FRAME_PONG, 0, 0, "", "answers what was not asked" },
	{ FRAME_EVENT, 0, 0, "k DELETED\r\n", "answers what was not asked" },
	{ FRAME_NOT_MINE, 0, 1, "somebody", "answers what was not asked" },
	{ FRAME_REFUSED, 0, 1, "no", "answers what was not asked" },
	{ FRAME_NOT_MINE, 0, 0, "..", "not the name of a node" },
	{ FRAME_REFUSED, 0, 0, "two\nlines", "not a reason" },
	{ FRAME_REPLY, 0x80, 0, "OK\r\n", "unknown flag" },
	{ FRAME_CANCEL, 0, 0, "", "answers what was not asked" },
	{ FRAME_PING, 0, 0, "", "answers what was not asked" },
	{ FRAME_REQUEST, 0, 0, "GET apples k", "answers what was not asked" },
};

#define ANSWERS	(sizeof(answers) / sizeof(answers[0]))

static void
misbehave(size_t i, uint32_t id)
{
	struct frame frame = peer_frame(&u.p, answers[i].op,
	    id + (uint32_t)answers[i].id, answers[i].payload);

	frame.flags |= answers[i].flags;
	peer_send(&u.p, &frame);
	peer_expect_end(&u.p);
	peer_close(&u.p);
}

Test(link_answers, that_make_no_sense_end_the_link_and_reads_are_asked_again)
{
	struct frame frame;
	int before;
	size_t i;

	for (i = 0; i < ANSWERS; i++) {
		before = understudy_count_log(&u, answers[i].why);
		understudy_take_idle(&u);
		talk_send(u.client, "PUT milk k v\r\n");
		peer_expect_request(&u.p, &frame, "PUT milk k v");
		misbehave(i, frame.id);
		understudy_expect_error(&u, u.client, "unknown",
		    UNDERSTUDY_UNKNOWN);
		understudy_take_idle(&u);
		talk_send(u.client, "GET milk k\r\n");
		peer_expect_request(&u.p, &frame, "GET milk k");
		misbehave(i, frame.id);
		answer_again("GET milk k", "v\r\nOK\r\n");
		cr_assert_eq(understudy_count_log(&u, answers[i].why),
		    before + 2, "%zu: %s", i, answers[i].why);
		peer_close(&u.p);
		/* Its end is seen before anything is asked. */
		talk(u.client, "GET apples k\r\n", "v\r\nOK\r\n");
	}
}

/* Bytes that are no frame: the header of a REPLY, one byte of it changed. */
Test(link_answers, that_are_no_frames_end_the_link)
{
	static const struct {
		size_t		 at;
		uint8_t		 byte;
		const char	*why;
	} changes[] = {
		{ 3, 0xff, "payload too long" },
		{ 8, 99, "unknown operation" },
		{ 10, 1, "a field without meaning is set" },
		{ 12, 9, "another version of frames" },
		{ 32, 1, "a field without meaning is set" },
	};
	struct frame frame;
	uint8_t *bytes;
	size_t i, len;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		understudy_take_idle(&u);
		talk_send(u.client, "PUT milk k v\r\n");
		peer_expect_request(&u.p, &frame, "PUT milk k v");
		frame = peer_frame(&u.p, FRAME_REPLY, frame.id, "OK\r\n");
		bytes = peer_bytes(&frame, &len);
		bytes[changes[i].at] = changes[i].byte;
		talk_send_bytes(u.p.fd, bytes, len);
		free(bytes);
		peer_expect_end(&u.p);
		peer_close(&u.p);
		understudy_expect_error(&u, u.client, "unknown",
		    UNDERSTUDY_UNKNOWN);
		cr_assert_geq(understudy_count_log(&u, changes[i].why), 1);
	}
}

/* What each kind of answer means when it is whole. */
static const struct {
	enum frame_op	 op;
	const char	*payload;
} cuts[] = {
	{ FRAME_REPLY, "OK\r\n" },
	{ FRAME_NOT_MINE, "somebody" },
	{ FRAME_REFUSED, "no" },
	{ FRAME_PONG, "" },
	{ FRAME_EVENT, "k DELETED\r\n" },
	{ FRAME_BYE, "" },
};

static void
cut_answer(size_t kind, size_t cut, size_t *len)
{
	struct frame frame;
	uint8_t *bytes;

	understudy_take_idle(&u);
	talk_send(u.client, "PUT milk k v\r\n");
	peer_expect_request(&u.p, &frame, "PUT milk k v");
	frame = peer_frame(&u.p, cuts[kind].op,
	    cuts[kind].op == FRAME_BYE ? 0 : frame.id, cuts[kind].payload);
	bytes = peer_bytes(&frame, len);
	talk_send_bytes(u.p.fd, bytes, cut);
	free(bytes);
	peer_close(&u.p);
	understudy_expect_error(&u, u.client, "unknown", UNDERSTUDY_UNKNOWN);
}

Test(link_answers, may_be_cut_off_at_every_byte)
{
	size_t kind, cut, len;

	for (kind = 0; kind < sizeof(cuts) / sizeof(cuts[0]); kind++)
		for (cut = 0, len = 1; cut < len; cut++)
			cut_answer(kind, cut, &len);
	talk(u.client, "GET apples k\r\n", "v\r\nOK\r\n");
}

Test(link_answers, may_come_byte_by_byte)
{
	struct frame frame;
	size_t i, len;
	uint8_t *bytes;

	understudy_take_idle(&u);
	talk_send(u.client, "GET milk k\r\n");
	peer_expect_request(&u.p, &frame, "GET milk k");
	frame = peer_frame(&u.p, FRAME_REPLY, frame.id, "v\r\nOK\r\n");
	bytes = peer_bytes(&frame, &len);
	for (i = 0; i < len; i++) {
		talk_expect_silence(u.client);
		talk_send_bytes(u.p.fd, bytes + i, 1);
	}
	talk_expect(u.client, "v\r\nOK\r\n");
	free(bytes);
	peer_close(&u.p);
}

/* The second one is nobody's, and comes with nothing in flight. */
Test(link_answers, given_twice_end_the_link_and_are_heard_once)
{
	struct frame frame;

	understudy_take_idle(&u);
	talk_send(u.client, "PUT milk k v\r\n");
	peer_expect_request(&u.p, &frame, "PUT milk k v");
	peer_reply(&u.p, &frame, "OK\r\n");
	peer_reply(&u.p, &frame, "ERROR twice\r\n");
	peer_expect_end(&u.p);
	peer_close(&u.p);
	talk_expect(u.client, "OK\r\n");
	cr_assert_eq(understudy_count_log(&u, "answers what was not asked"), 1);
	understudy_take_idle(&u);
	talk_expect_silence(u.client);
	peer_close(&u.p);
}

/* A reason of the other node is one, and the link is as good as before. */
Test(link_answers, that_refuse_are_told_and_the_link_goes_on)
{
	struct frame frame;

	understudy_take_idle(&u);
	talk_send(u.client, "PUT milk k v\r\nPUT milk k w\r\n");
	peer_expect_request(&u.p, &frame, "PUT milk k v");
	frame = peer_frame(&u.p, FRAME_REFUSED, frame.id, "not today");
	peer_send(&u.p, &frame);
	understudy_expect_error(&u, u.client, "unavailable", "not today");
	peer_expect_request(&u.p, &frame, "PUT milk k w");
	frame = peer_frame(&u.p, FRAME_NOT_MINE, frame.id, "somebody");
	peer_send(&u.p, &frame);
	understudy_expect_error(&u, u.client, "unavailable",
	    "the owner is somebody");
	talk_send(u.client, "GET milk k\r\n");
	peer_expect_request(&u.p, &frame, "GET milk k");
	peer_reply(&u.p, &frame, "v\r\nOK\r\n");
	talk_expect(u.client, "v\r\nOK\r\n");
	peer_close(&u.p);
}

static void
take_info(struct frame *frame)
{
	peer_expect_request(&u.p, frame, "INFO node");
	cr_assert_eq(frame->flags, FRAME_TEXT | FRAME_PLACE);
	cr_assert_eq(frame->shard, FRAME_NO_SHARD);
	cr_assert_eq(frame->place, 0);
}

/* The next line begins with the node, where clients find it, and this. */
static void
expect_line_of(size_t node, const char *facts)
{
	char line[1024], expected[1024];

	snprintf(expected, sizeof(expected), "node_%s:address=127.0.0.1:%zu,%s",
	    u.c.node[node].name, 4040 + node, facts);
	cr_assert(talk_line(u.client, line, sizeof(line)));
	cr_assert_eq(strncmp(line, expected, strlen(expected)), 0, "%s", line);
}

/* A line is the only piece, whatever the other node says of further ones. */
Test(link_answers, of_a_node_about_itself_are_its_line_or_why_there_is_none)
{
	char why[400], facts[sizeof(why) + 32];
	struct frame frame;

	understudy_take_idle(&u);
	talk_send(u.client, "INFO nodes\r\nINFO nodes\r\nGET milk k\r\n");
	take_info(&frame);
	frame = peer_frame(&u.p, FRAME_REPLY, frame.id, "node_x:marvels=7\r\n");
	frame.flags |= FRAME_PLACE;
	frame.place = 7;
	peer_send(&u.p, &frame);
	expect_line_of(0, "state=up,");
	talk_expect(u.client, "node_x:marvels=7\r\nOK\r\n");
	take_info(&frame);
	memset(why, 'y', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	frame = peer_frame(&u.p, FRAME_REFUSED, frame.id, why);
	peer_send(&u.p, &frame);
	snprintf(facts, sizeof(facts), "state=down,why=%s", why);
	expect_line_of(0, "state=up,");
	expect_line_of(1, facts);
	understudy_expect_error(&u, u.client, "partial", "yyy");
	peer_expect_request(&u.p, &frame, "GET milk k");
	peer_reply(&u.p, &frame, "v\r\nOK\r\n");
	talk_expect(u.client, "v\r\nOK\r\n");
	peer_close(&u.p);
}

/* Its link has never been of use: that does not make the write undone. */
Test(link_answers, that_never_come_leave_a_write_unknown_from_the_first)
{
	struct frame frame;

	talk_send(u.client, "PUT milk k v\r\n");
	understudy_take(&u, &frame, "PUT milk k v");
	peer_close(&u.p);
	understudy_expect_error(&u, u.client, "unknown", UNDERSTUDY_UNKNOWN);
	cr_assert_eq(daemon_count_log(&u.c.node[0], "is down: "), 1);
	/* It is down, which is known at once. */
	talk_send(u.client, "PUT milk k v\r\n");
	understudy_expect_error(&u, u.client, "unavailable",
	    "it closed the link");
}

static bool
has_something(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 100) == 1;
}

/*
 * Others who ask meanwhile do not make it wait longer: their bytes are taken
 * by the system of the other node, which says nothing about that node.
 */
Test(link_answers, that_never_come_are_not_waited_for_while_others_ask)
{
	struct frame frame;
	int first, i;

	understudy_take_idle(&u);
	first = understudy_open(&u);
	talk_send(first, "PUT milk k v\r\n");
	peer_expect_request(&u.p, &frame, "PUT milk k v");
	for (i = 0; i < 100 && !has_something(first); i++)
		talk_send(u.client, "GET milk k\r\n");
	cr_assert_lt(i, 60, "it waits for as long as others ask");
	understudy_expect_error(&u, first, "unknown", UNDERSTUDY_UNKNOWN);
	cr_assert_eq(understudy_count_log(&u, "does not answer"), 1);
	close(first);
	peer_close(&u.p);
}

/* Nor does a read, which is asked twice, wait for longer than two times. */
Test(link_answers, that_never_come_to_a_read_are_waited_for_twice)
{
	struct peer first;
	struct frame frame;

	understudy_take_idle(&u);
	talk_send(u.client, "GET milk k\r\n");
	peer_expect_request(&u.p, &frame, "GET milk k");
	first = u.p;
	understudy_take(&u, &frame, "GET milk k");
	peer_expect_end(&first);
	peer_close(&first);
	peer_expect_end(&u.p);
	understudy_expect_error(&u, u.client, "unavailable",
	    "does not answer");
	peer_close(&u.p);
	talk(u.client, "GET apples k\r\n", "v\r\nOK\r\n");
}

/* It notices at once, and not only when it has something to say. */
static void
reset(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
	    sizeof(linger)), 0);
	close(fd);
}

static void
await_clients(uint64_t n)
{
	while (talk_info(u.client, "clients", "clients") != n)
		;
}

/* Who comes next gets the memory of who has gone, and must not get more. */
Test(link_answers, to_a_client_that_has_gone_are_nobodys)
{
	static const char *const requests[] = {
		"GET milk k", "PUT milk k v", "COUNT milk"
	};
	struct frame frame, next;
	uint64_t clients;
	char line[64];
	size_t i;
	int fd;

	understudy_take_idle(&u);
	clients = talk_info(u.client, "clients", "clients");
	for (i = 0; i < 3; i++) {
		fd = understudy_open(&u);
		snprintf(line, sizeof(line), "%s\r\n", requests[i]);
		talk_send(fd, line);
		peer_expect_request(&u.p, &frame, requests[i]);
		reset(fd);
		await_clients(clients);
		fd = understudy_open(&u);
		talk_send(fd, "GET milk l\r\n");
		peer_expect_request(&u.p, &next, "GET milk l");
		peer_reply(&u.p, &frame, "secret\r\nOK\r\n");
		peer_reply(&u.p, &next, "v\r\nOK\r\n");
		talk_expect(fd, "v\r\nOK\r\n");
		talk_expect_silence(fd);
		close(fd);
		await_clients(clients);
	}
	peer_close(&u.p);
}

/* The rest of a list is not asked for, for nobody wants it. */
Test(link_answers, to_a_client_that_has_gone_end_its_list)
{
	struct frame frame;
	uint64_t clients;
	int fd;

	understudy_take_idle(&u);
	clients = talk_info(u.client, "clients", "clients");
	fd = understudy_open(&u);
	talk_send(fd, "KEYS milk\r\n");
	peer_expect_request(&u.p, &frame, "KEYS milk");
	reset(fd);
	frame = peer_frame(&u.p, FRAME_REPLY, frame.id, "a\r\n");
	frame.flags |= FRAME_PLACE;
	frame.place = 1;
	peer_send(&u.p, &frame);
	await_clients(clients);
	talk_send(u.client, "GET milk k\r\n");
	peer_expect_request(&u.p, &frame, "GET milk k");
	peer_reply(&u.p, &frame, "v\r\nOK\r\n");
	talk_expect(u.client, "v\r\nOK\r\n");
	peer_close(&u.p);
}

static void
refuse(const struct frame *request)
{
	const struct frame frame = peer_frame(&u.p, FRAME_REFUSED,
	    request->id, "not today");

	peer_send(&u.p, &frame);
}

Test(link_answers, that_refuse_the_rest_of_a_list_make_it_partial)
{
	struct frame frame;

	understudy_take_idle(&u);
	talk_send(u.client, "KEYS milk\r\nKEYS milk\r\n");
	peer_expect_request(&u.p, &frame, "KEYS milk");
	frame = peer_frame(&u.p, FRAME_REPLY, frame.id, "a\r\n");
	frame.flags |= FRAME_PLACE;
	frame.place = 1;
	peer_send(&u.p, &frame);
	peer_expect_request(&u.p, &frame, "KEYS milk");
	refuse(&frame);
	talk_expect(u.client, "a\r\n");
	understudy_expect_error(&u, u.client, "partial", "not today");
	peer_expect_request(&u.p, &frame, "KEYS milk");
	refuse(&frame);
	understudy_expect_error(&u, u.client, "unavailable", "not today");
	peer_close(&u.p);
}

Test(link_answers, to_a_subscriber_that_has_gone_are_cancelled)
{
	struct frame frame;
	uint64_t clients;
	uint32_t id;
	int fd;

	understudy_take_idle(&u);
	clients = talk_info(u.client, "clients", "clients");
	fd = understudy_open(&u);
	talk_send(fd, "SUBSCRIBE milk\r\n");
	peer_expect_request(&u.p, &frame, "SUBSCRIBE milk");
	reset(fd);
	id = frame.id;
	peer_reply(&u.p, &frame, "");
	cr_assert(peer_next(&u.p, &frame));
	cr_assert_eq(frame.op, FRAME_CANCEL);
	cr_assert_eq(frame.id, id);
	await_clients(clients);
	peer_close(&u.p);
}
