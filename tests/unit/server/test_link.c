/*
 * A link to a node that is a socket of the test: what it does with memory
 * that runs out, answers that lead nowhere, and addresses that do not answer.
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/link_state.h"

#define CANCELS_FULL	30000	/* so many are more than a link takes */

static char names[2][4] = { "bar", "me" };
static struct config_node nodes[2] = {
	{ .name = names[0] }, { .name = names[1] }
};
static struct config config = { .nodes = { .node = nodes, .count = 2 } };
static struct route route = { .config = &config, .self = 1 };
static struct links *links;
static struct link *node;
static int other;		/* what the node would hold */

/* What the link has told. */
static int answers, rooms;
static int failures[LINK_UNKNOWN + 1];
static char failed_why[LINK_WHY_MAX];

static void
on_answer(void *arg, void *who, const struct frame *frame)
{
	(void)arg;
	(void)who;
	(void)frame;
	answers++;
}

static void
on_failure(void *arg, void *who, enum link_failure what, const char *name,
    const char *why)
{
	(void)arg;
	(void)who;
	cr_assert_str_eq(name, "bar");
	failures[what]++;
	strlcpy(failed_why, why, sizeof(failed_why));
}

static bool
on_room(void *arg, const struct link *link, size_t bytes)
{
	(void)arg;
	cr_assert_eq(link, node);
	cr_assert_gt(bytes, 0);
	rooms++;
	return false;
}

static void
begin(void)
{
	int fd[2];

	links = calloc(1, sizeof(*links) + sizeof(links->link[0]));
	cr_assert_not_null(links);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	links->route = &route;
	links->listener = (struct link_listener){ .answered = on_answer,
	    .failed = on_failure, .has_room = on_room };
	cr_assert_neq(links->epoll_fd = epoll_create1(0), -1);
	links->now_ms = 1;
	links->in_max = 65536;
	links->self.name = "me";
	links->self.cookie = (struct slice){ (const uint8_t *)"of tests", 8 };
	links->count = 1;
	node = &links->link[0];
	node->all = links;
	node->cap = 4;
	cr_assert_not_null(node->ring = calloc(4, sizeof(node->ring[0])));
	node->state = LINK_UP;
	node->handshake.peer_payload_max = 65536;
	node->writable = true;
	node->fd = fd[0];
	other = fd[1];
}

static void
end(void)
{
	node->addresses = NULL;
	close(links->epoll_fd);
	links_close(links);
	close(other);
}

TestSuite(link, .init = begin, .fini = end, .timeout = 30);

static enum link_answer
ask(const struct link_question *how)
{
	static struct request req = { .argc = 2 };
	struct link_question q = *how;

	req.argv[0] = (struct slice){ (const uint8_t *)"COUNT", 5 };
	req.argv[1] = (struct slice){ (const uint8_t *)"milk", 4 };
	q.req = &req;
	q.who = &answers;
	return link_ask(node, &q);
}

static void
answer(const struct frame *frame)
{
	struct outbuf out;

	outbuf_init(&out);
	frame_write(&out, frame);
	cr_assert_eq(send(other, out.data, outbuf_len(&out), 0),
	    (ssize_t)outbuf_len(&out));
	outbuf_free(&out);
	cr_assert(links_event(links, node, EPOLLIN));
}

/* Lengths are believed before bytes are copied. */
Test(link, without_memory_for_one_question_takes_the_next)
{
	static struct request req = { .argc = 2 };
	const struct link_question q = { .who = &req, .req = &req };

	node->state = LINK_DIALLING;
	req.argv[0] = (struct slice){ (const uint8_t *)"COUNT", 5 };
	req.argv[1] = (struct slice){ (const uint8_t *)"milk", SIZE_MAX / 2 };
	cr_assert_eq(link_ask(node, &q), LINK_DOWN);
	cr_assert_eq(failures[LINK_UNAVAILABLE], 1);
	cr_assert_str_eq(failed_why, "out of memory here");
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_ASKED);
	cr_assert_eq(node->count, 1);
}

Test(link, is_closed_if_a_list_does_not_get_on)
{
	struct frame reply = { .op = FRAME_REPLY,
	    .flags = FRAME_TEXT | FRAME_PLACE, .place = 8 };

	cr_assert_eq(ask(&(struct link_question){ .piece = true, .place = 7,
	    .repeatable = true }), LINK_ASKED);
	links_turn(links);
	answer(&reply);
	cr_assert_eq(answers, 1);
	cr_assert_eq(ask(&(struct link_question){ .piece = true, .place = 8,
	    .repeatable = true }), LINK_ASKED);
	links_turn(links);
	reply.id = 1;
	node->has_answered = false;
	answer(&reply);
	cr_assert_eq(answers, 1);
	cr_assert_eq(failures[LINK_UNAVAILABLE], 1);
	cr_assert_eq(node->fd, -1);
}

Test(link, forgets_nobody_who_waits_for_what_is_not_answered)
{
	static uint8_t bytes[65536];
	uint32_t i;

	node->writable = false;
	for (i = 0; i < CANCELS_FULL; i++)
		link_push_cancel(node, i);
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_FULL);
	do {
		node->writable = node->dirty = true;
		links_turn(links);
		cr_assert(rooms > 0 || node->count > 0);
	} while (rooms == 0 && recv(other, bytes, sizeof(bytes), 0) > 0);
	cr_assert_eq(rooms, 1);
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_ASKED);
}

Test(link, lets_nobody_pass_those_who_wait)
{
	node->full = true;
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_FULL);
	cr_assert_eq(ask(&(struct link_question){ .waited = true }),
	    LINK_ASKED);
}

Test(link, that_breaks_before_its_first_answer_does_not_know)
{
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_ASKED);
	links_turn(links);
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_ASKED);
	shutdown(other, SHUT_RDWR);
	links_event(links, node, EPOLLIN);
	cr_assert(node->proven_down);
	cr_assert_eq(failures[LINK_UNKNOWN], 1);
	cr_assert_eq(failures[LINK_UNAVAILABLE], 1);
}

static bool
is_any(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return true;
}

/* The other end of the handshake, for a node that takes so long a payload. */
static void
greet(uint32_t payload_max)
{
	static const uint8_t random[HANDSHAKE_CHALLENGE_LEN];
	struct handshake_self self = links->self;
	struct handshake bar;
	struct outbuf out;
	uint8_t hello[HANDSHAKE_LEN_MAX];
	ssize_t len;
	size_t used;

	self.name = "bar";
	self.payload_max = payload_max;
	self.is_node = is_any;
	outbuf_init(&out);
	node->state = LINK_GREETING;
	handshake_dial(&node->handshake, &links->self, "bar", random);
	handshake_accept(&bar, &self, random, &out);
	send(other, out.data, outbuf_len(&out), 0);
	links_event(links, node, EPOLLIN);
	len = recv(other, hello, sizeof(hello), 0);
	cr_assert_gt(len, 0);
	outbuf_drain(&out, outbuf_len(&out), 0);
	cr_assert_eq(handshake_step(&bar, hello, (size_t)len, &out, &used),
	    HANDSHAKE_OK);
	send(other, out.data + out.head, outbuf_len(&out), 0);
	outbuf_free(&out);
	links_event(links, node, EPOLLIN);
}

/* It would break the link, for those as well who have asked for less. */
Test(link, sends_nothing_that_the_node_turns_out_not_to_take)
{
	static uint8_t value[1000];
	static struct request req = { .argc = 2 };
	const struct link_question q = { .who = &req, .req = &req };
	struct frame reply = { .op = FRAME_REPLY, .flags = FRAME_TEXT };

	node->state = LINK_DIALLING;
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_ASKED);
	req.argv[0] = (struct slice){ (const uint8_t *)"COUNT", 5 };
	req.argv[1] = (struct slice){ value, sizeof(value) };
	cr_assert_eq(link_ask(node, &q), LINK_ASKED);
	greet(sizeof(value));
	cr_assert_eq(node->state, LINK_UP);
	cr_assert_eq(failures[LINK_UNAVAILABLE], 1);
	cr_assert_str_eq(failed_why, "takes no request as long as this");
	cr_assert_eq(node->count, 1);
	cr_assert_eq(node->sent, outbuf_len(&node->out));
	reply.id = node->first_id;
	answer(&reply);
	cr_assert_eq(answers, 1);
}

/* One that was dialled to see whether the node is back may never be asked. */
Test(link, that_is_idle_is_closed_and_its_node_is_not_down)
{
	static const bool has_answered[] = { true, false };
	size_t i;

	for (i = 0; i < 2; i++) {
		node->has_answered = has_answered[i];
		node->heard_ms = links->now_ms;
		links->now_ms += 59999;
		links_tick(links);
		cr_assert_eq(node->state, LINK_UP);
		links->now_ms++;
		links_tick(links);
		cr_assert_eq(node->state, LINK_IDLE);
		cr_assert_eq(node->fd, -1);
		cr_assert_not(node->proven_down);
		node->state = LINK_UP;
	}
}

/* It was a worker that died, perhaps, and there are others. */
Test(link, that_nobody_has_used_may_break_and_is_not_down)
{
	shutdown(other, SHUT_RDWR);
	links_event(links, node, EPOLLIN);
	cr_assert_eq(node->fd, -1);
	cr_assert_eq(node->state, LINK_IDLE);
	cr_assert_not(node->proven_down);
}

Test(link, to_a_node_that_has_no_address_is_down_and_says_why)
{
	link_hang_up(node);
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_ASKED);
	cr_assert(node->proven_down);
	cr_assert_eq(failures[LINK_UNAVAILABLE], 1);
	cr_assert_str_eq(failed_why, "its address could not be looked up");
}

/* A bound socket, which takes connections if it listens. */
static int
open_address(struct addrinfo *ai, struct sockaddr_in *sin, bool listens)
{
	socklen_t len = sizeof(*sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*sin = (struct sockaddr_in){ .sin_family = AF_INET };
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(fd, (struct sockaddr *)sin, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)sin, &len), 0);
	if (listens)
		cr_assert_eq(listen(fd, 1), 0);
	*ai = (struct addrinfo){ .ai_family = AF_INET, .ai_addrlen = len,
	    .ai_addr = (struct sockaddr *)sin };
	return fd;
}

/* Or it would be dialled for ever, without a pause. */
Test(link, that_is_closed_while_it_greets_is_down)
{
	struct sockaddr_in sin;
	struct addrinfo ai;
	int fd = open_address(&ai, &sin, true);

	node->addresses = &ai;
	node->address = node->tried_first = &ai;
	node->state = LINK_GREETING;
	node->has_answered = true;
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_ASKED);
	shutdown(other, SHUT_RDWR);
	links_event(links, node, EPOLLIN);
	cr_assert(node->proven_down);
	cr_assert_eq(failures[LINK_UNAVAILABLE], 1);
	close(fd);
}

static void
await_greeting(void)
{
	struct epoll_event event;

	while (node->state != LINK_GREETING && !node->proven_down &&
	    epoll_wait(links->epoll_fd, &event, 1, -1) == 1)
		links_event(links, event.data.ptr, event.events);
}

Test(link, tries_all_addresses_of_a_node_before_it_is_down)
{
	struct sockaddr_in sin[3];
	struct addrinfo ai[3];
	int fd[3], i;

	for (i = 0; i < 3; i++) {
		fd[i] = open_address(&ai[i], &sin[i], i == 2);
		ai[i].ai_next = i < 2 ? &ai[i + 1] : NULL;
	}
	link_hang_up(node);
	node->addresses = ai;
	node->address = &ai[0];
	cr_assert_eq(ask(&(struct link_question){ 0 }), LINK_ASKED);
	await_greeting();
	cr_assert_eq(node->state, LINK_GREETING);
	cr_assert_eq(node->address, &ai[2]);
	cr_assert_eq(failures[LINK_UNAVAILABLE], 0);
	/* What does not answer is passed over like what refuses. */
	links->now_ms = node->limit_ms;
	links_tick(links);
	await_greeting();
	cr_assert(node->proven_down);
	cr_assert_eq(failures[LINK_UNAVAILABLE], 1);
	for (i = 0; i < 3; i++)
		close(fd[i]);
}
