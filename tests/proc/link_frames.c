/*
 * A node that is dialled, and hears on the link what no node would say:
 * frames cut off or in pieces, of another kind, of another table, or none at
 * all.  What makes no sense ends the link at once, with one line in the log;
 * what makes sense and is not for this node is refused, and the link goes on.
 * The node's clients notice nothing of either.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/peer.h"

#define CLOSING	"closing the link of 127."

static struct cluster c;
static struct frame_table table;	/* known by the one link before */

/* Node 1 is the test. */
static void
begin(void)
{
	struct peer p;

	cluster_prepare(&c, 2);
	daemon_launch(&c.node[0], NULL);
	peer_dial(&p, &c, 1, 0);
	table = p.table;
	peer_close(&p);
	daemon_await_log(&c.node[0], CLOSING, 1);
	talk_once(&c.node[0], "CREATE apples\r\nPUT apples k v\r\n",
	    "OK\r\nOK\r\n");
}

static void
end(void)
{
	cluster_remove(&c);
}

TestSuite(link_frames, .init = begin, .fini = end, .timeout = 120);

static void
dial(struct peer *p)
{
	peer_dial_again(p, &c, 1, 0, &table);
}

static void
expect_alive(void)
{
	struct frame frame;
	struct peer p;

	talk_once(&c.node[0], "GET apples k\r\n", "v\r\nOK\r\n");
	dial(&p);
	frame = peer_frame(&p, FRAME_REQUEST, 1, "GET apples k");
	peer_send(&p, &frame);
	peer_expect(&p, FRAME_REPLY, "v\r\nOK\r\n");
	peer_close(&p);
}

/* One of each kind that a dialler sends, and what is answered. */
static const struct {
	enum frame_op	 op;
	uint8_t		 flags;		/* besides those it must have */
	const char	*payload;
	enum frame_op	 answer;	/* FRAME_BYE: none */
	const char	*text;
} kinds[] = {
	{ FRAME_REQUEST, 0, "GET apples k", FRAME_REPLY, "v\r\nOK\r\n" },
	{ FRAME_REQUEST, FRAME_PLACE, "KEYS apples", FRAME_REPLY,
	    "k\r\nOK\r\n" },
	{ FRAME_REQUEST, 0, "SUBSCRIBE apples", FRAME_REPLY, "" },
	{ FRAME_REQUEST, 0, "GET milk k", FRAME_NOT_MINE, NULL },
	{ FRAME_PING, 0, "", FRAME_PONG, "" },
	{ FRAME_CANCEL, 0, "", FRAME_BYE, NULL },
	{ FRAME_BYE, 0, "", FRAME_BYE, NULL },
};

#define KINDS	(sizeof(kinds) / sizeof(kinds[0]))

static uint8_t *
make(const struct peer *p, size_t kind, size_t *len)
{
	struct frame frame = peer_frame(p, kinds[kind].op,
	    kinds[kind].op == FRAME_BYE ? 0 : 7, kinds[kind].payload);

	frame.flags |= kinds[kind].flags;
	return peer_bytes(&frame, len);
}

Test(link_frames, may_be_cut_off_at_every_byte)
{
	size_t kind, cut, len;
	struct peer p;
	uint8_t *bytes;

	for (kind = 0; kind < KINDS; kind++)
		for (cut = 0, len = 1; cut < len; cut++) {
			dial(&p);
			bytes = make(&p, kind, &len);
			talk_send_bytes(p.fd, bytes, cut);
			cr_assert_eq(shutdown(p.fd, SHUT_WR), 0);
			peer_expect_end(&p);
			free(bytes);
			peer_close(&p);
		}
	expect_alive();
	/* That somebody hangs up is no news. */
	cr_assert_eq(daemon_count_log(&c.node[0], CLOSING), 1);
}

static void
expect_answer(struct peer *p, size_t kind)
{
	const char *text = kinds[kind].text;

	if (kinds[kind].answer != FRAME_BYE)
		peer_expect(p, kinds[kind].answer,
		    text == NULL ? c.node[1].name : text);
}

/* Each half is there before the other one is sent: a PING is behind none. */
Test(link_frames, may_come_in_two_pieces)
{
	size_t kind, cut, len;
	struct frame ping;
	struct peer p;
	uint8_t *bytes;

	for (kind = 0; kind < KINDS; kind++) {
		dial(&p);
		for (cut = 1, len = 2; cut < len; cut++) {
			bytes = make(&p, kind, &len);
			ping = peer_frame(&p, FRAME_PING, (uint32_t)cut, "");
			peer_send(&p, &ping);
			talk_send_bytes(p.fd, bytes, cut);
			peer_expect(&p, FRAME_PONG, "");
			talk_send_bytes(p.fd, bytes + cut, len - cut);
			expect_answer(&p, kind);
			free(bytes);
		}
		peer_close(&p);
	}
	expect_alive();
}

/* Neither half is answered, and nobody waits for the other one. */
Test(link_frames, that_stop_in_the_middle_keep_nobody_waiting)
{
	struct peer p[KINDS];
	size_t kind, len[KINDS];
	uint8_t *bytes[KINDS];

	for (kind = 0; kind < KINDS; kind++) {
		dial(&p[kind]);
		bytes[kind] = make(&p[kind], kind, &len[kind]);
		talk_send_bytes(p[kind].fd, bytes[kind], len[kind] - 1);
	}
	expect_alive();
	for (kind = 0; kind < KINDS; kind++) {
		talk_expect_silence(p[kind].fd);
		talk_send_bytes(p[kind].fd, bytes[kind] + len[kind] - 1, 1);
		expect_answer(&p[kind], kind);
		free(bytes[kind]);
		peer_close(&p[kind]);
	}
}

/* A byte of a GET that is changed, by its place in the frame. */
static const struct {
	size_t		 at;
	uint8_t		 byte;
	const char	*why;
} changes[] = {
	{ 3, 0xff, "payload too long" },
	{ 8, 0, "unknown operation" },
	{ 8, 10, "unknown operation" },
	{ 8, FRAME_REPLY, "a field without meaning is set" },
	{ 8, FRAME_CANCEL, "unknown flag" },
	{ 9, 0, "no protocol, or more than one" },
	{ 9, 0x81, "unknown flag" },
	{ 9, FRAME_TEXT | FRAME_FAILED, "unknown flag" },
	{ 10, 2, "too many hops" },
	{ 11, 1, "a field without meaning is set" },
	{ 12, 2, "another version of frames" },
	{ 14, 1, "a field without meaning is set" },
	{ 40, 2, "" },			/* words: fewer than there are */
	{ 40, 4, "" },			/* more */
	{ 40, 0, "" },			/* none */
	{ 44, 255, "" },		/* the first one is longer than all */
};

Test(link_frames, that_make_no_sense_end_the_link_with_one_line)
{
	size_t i, len;
	struct frame frame;
	struct peer p;
	uint8_t *bytes;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		dial(&p);
		frame = peer_frame(&p, FRAME_REQUEST, 1, "GET apples k");
		frame.shard = 5;
		bytes = peer_bytes(&frame, &len);
		bytes[changes[i].at] = changes[i].byte;
		talk_send_bytes(p.fd, bytes, len);
		peer_expect_end(&p);
		daemon_await_log(&c.node[0], CLOSING, (int)i + 2);
		cr_assert_eq(daemon_count_log(&c.node[0], CLOSING),
		    (int)i + 2);
		cr_assert_geq(daemon_count_log(&c.node[0], changes[i].why), 1,
		    "%zu: %s", i, changes[i].why);
		free(bytes);
		peer_close(&p);
	}
	expect_alive();
}

/* Whole ones, but only an acceptor says them; and what is no frame at all. */
Test(link_frames, that_are_not_for_an_acceptor_end_the_link)
{
	static const enum frame_op ops[] = {
		FRAME_REPLY, FRAME_EVENT, FRAME_NOT_MINE, FRAME_REFUSED,
		FRAME_PONG
	};
	uint8_t garbage[1000];
	struct frame frame;
	struct peer p;
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		dial(&p);
		frame = peer_frame(&p, ops[i], 1,
		    ops[i] == FRAME_PONG ? "" : "x");
		peer_send(&p, &frame);
		peer_expect_end(&p);
		peer_close(&p);
		daemon_await_log(&c.node[0], "it sends what is not for us",
		    (int)i + 1);
	}
	memset(garbage, 0xa5, sizeof(garbage));
	dial(&p);
	talk_send_bytes(p.fd, garbage, sizeof(garbage));
	peer_expect_end(&p);
	peer_close(&p);
	daemon_await_log(&c.node[0], CLOSING, (int)i + 2);
	cr_assert_eq(daemon_count_log(&c.node[0], CLOSING), (int)i + 2);
	expect_alive();
}

static void
ask(struct peer *p, const char *words, uint8_t flags, uint32_t shard)
{
	struct frame frame = peer_frame(p, FRAME_REQUEST, 3, words);

	frame.flags |= flags;
	frame.shard = shard;
	peer_send(p, &frame);
}

/* What a node of another version, or in error, may ask. */
Test(link_frames, that_ask_too_much_are_refused_and_the_link_goes_on)
{
	static const char no[] = "it takes no such request";
	static const char *const here[] = {
		"PING", "INFO", "INFO server", "INFO nodes", "INFO node",
		"WHERE apples", "HELP", "AUDIT", "QUIT", "NONSENSE",
		"GET apples", "CREATE", "AUTH x"
	};
	struct frame frame;
	struct peer p;
	size_t i;

	dial(&p);
	for (i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		ask(&p, here[i], 0, 0);
		peer_expect(&p, FRAME_REFUSED, no);
		ask(&p, here[i], FRAME_PLACE, 0);
		peer_expect(&p, FRAME_REFUSED, no);
	}
	ask(&p, "GET apples k", FRAME_PLACE, 0);
	peer_expect(&p, FRAME_REFUSED, no);
	ask(&p, "KEYS apples", 0, 0);
	peer_expect(&p, FRAME_REFUSED, no);
	ask(&p, "BUCKETS", FRAME_PLACE, 1 << 20);
	peer_expect(&p, FRAME_REFUSED, "it has no such shard");
	ask(&p, "CREATE milk", 0, 0);
	peer_expect(&p, FRAME_NOT_MINE, c.node[1].name);
	/* It was not executed with another table, whatever it was. */
	frame = peer_frame(&p, FRAME_REQUEST, 3, "PUT apples k w");
	frame.table.version++;
	peer_send(&p, &frame);
	peer_expect(&p, FRAME_REFUSED, "its routing table is another one: "
	    "compare the nodes in both configurations");
	frame.table = p.table;
	frame.table.hash++;
	frame.payload = peer_words("PUT apples k w");
	peer_send(&p, &frame);
	peer_expect(&p, FRAME_REFUSED, "its routing table is another one: "
	    "compare the nodes in both configurations");
	ask(&p, "GET apples k", 0, 0);
	peer_expect(&p, FRAME_REPLY, "v\r\nOK\r\n");
	peer_close(&p);
	cr_assert_eq(daemon_count_log(&c.node[0], CLOSING), 1);
}

/* INFO node is about no shard, and is the one piece of a list. */
Test(link_frames, that_ask_of_the_node_itself_are_answered_with_its_line)
{
	char expected[128];
	struct frame frame;
	struct peer p;

	dial(&p);
	ask(&p, "INFO node", FRAME_PLACE, FRAME_NO_SHARD);
	cr_assert(peer_next(&p, &frame));
	cr_assert_eq(frame.op, FRAME_REPLY);
	cr_assert_eq(frame.flags, FRAME_TEXT | FRAME_PLACE);
	cr_assert_eq(frame.place, 0);
	snprintf(expected, sizeof(expected), "node_%s:address=127.0.0.1:4040,"
	    "state=up,", c.node[0].name);
	cr_assert_eq(memcmp(frame.payload.data, expected, strlen(expected)),
	    0);
	cr_assert_eq(memchr(frame.payload.data, '\n', frame.payload.len),
	    frame.payload.data + frame.payload.len - 1);
	ask(&p, "INFO node", 0, FRAME_NO_SHARD);
	peer_expect(&p, FRAME_REFUSED, "it takes no such request");
	peer_close(&p);
}

/* A list from a place that there is not, as after a restart of this node. */
Test(link_frames, with_any_place_are_answered)
{
	struct frame frame;
	struct peer p;
	int i;

	dial(&p);
	for (i = 0; i < 64; i++) {
		frame = peer_frame(&p, FRAME_REQUEST, 1, i % 2 == 0 ?
		    "KEYS apples" : "BUCKETS");
		frame.flags |= FRAME_PLACE;
		frame.place = UINT64_MAX >> i;
		peer_send(&p, &frame);
		cr_assert(peer_next(&p, &frame));
		cr_assert_eq(frame.op, FRAME_REPLY);
	}
	peer_close(&p);
	expect_alive();
}

/* What was asked before BYE is answered; so is what is asked after it. */
Test(link_frames, with_BYE_behind_them_are_answered)
{
	enum { MANY = 2000 };
	struct frame frame, bye;
	struct peer p;
	uint32_t i;

	dial(&p);
	for (i = 0; i < MANY; i++) {
		frame = peer_frame(&p, FRAME_REQUEST, i, "GET apples k");
		peer_send(&p, &frame);
	}
	bye = peer_frame(&p, FRAME_BYE, 0, "");
	peer_send(&p, &bye);
	cr_assert_eq(shutdown(p.fd, SHUT_WR), 0);
	for (i = 0; i < MANY; i++) {
		cr_assert(peer_next(&p, &frame));
		cr_assert_eq(frame.op, FRAME_REPLY);
		cr_assert_eq(frame.id, i);
	}
	peer_expect_end(&p);
	peer_close(&p);
}
