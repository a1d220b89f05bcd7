/*
 * Links to other nodes.
 *
 *	 IDLE --asked--> DIALLING --> GREETING --> UP --BYE--> LEAVING
 *	  ^                 |            |          |             |
 *	  +--- down, ------ + ---------- +          + -- broken - +
 *	       later again
 *
 * A question is a frame in `out', which stays there until it is answered.  So
 * when a connection breaks it is known of each whether it was sent, and what
 * changes nothing can be asked again.
 *
 * A node that could not be reached is down until it has been: who asks is
 * told so at once, and the links try again by themselves, ever more seldom.
 *
 * Here: asking.  Questions and their frames are link_push.c, connecting is
 * link_dial.c, bytes are link_io.c, and what a break means link_break.c.
 */

#include <sys/epoll.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/link_state.h"
#include "server/store.h"

#define RING_MIN	64	/* questions */
#define FULL_BYTES	((size_t)1024 * 1024)	/* of frames not answered */
#define ROOM_BYTES	(FULL_BYTES / 2)	/* and then no more than this */
#define SILENCE_MS	3000	/* with a question open */
#define PING_MS		1000	/* without one, but a feed */
#define IDLE_MS		60000	/* without either */

_Static_assert(CONFIG_NAME_MAX <= FRAME_NAME_MAX,
    "a node may have a name that cannot be said");

static bool
is_node(void *arg, const char *name)
{
	const struct route *route = arg;
	uint32_t node = route_find(route, name);

	return node != ROUTE_NOBODY && node != route_self(route);
}

static void
introduce(struct links *links)
{
	const struct config *config = links->inherit->config;
	const struct route *route = links->route;

	links->self = (struct handshake_self){
		.name = route_name(route, route_self(route)),
		.table = { route_version(route), route_hash(route) },
		.payload_max = (uint32_t)links->in_max - FRAME_HEADER_LEN,
		.is_node = is_node,
		.arg = (void *)(uintptr_t)route,
	};
	links->self.cookie.data = (const uint8_t *)config->secret;
	links->self.cookie.len = strlen(config->secret);
}

/* A request of one pair with room for its lengths, or a piece of a list. */
static size_t
frame_max(const struct arena *arena)
{
	size_t max = arena_value_max(arena) + PAIR_KEY_MAX + BUCKET_NAME_MAX;

	return FRAME_HEADER_LEN + 4 * max + 65536;
}

struct links *
links_open(const struct inherit *in, const struct route *route,
    const struct link_listener *listener, int epoll_fd)
{
	uint32_t i, n = route_is_alone(route) ? 0 : route_count(route);
	struct links *links = calloc(1, sizeof(*links) +
	    n * sizeof(links->link[0]));

	if (links == NULL)
		return NULL;
	links->inherit = in;
	links->route = route;
	links->listener = *listener;
	links->epoll_fd = epoll_fd;
	links->now_ms = clock_ms();
	links->in_max = frame_max(in->arena);
	links->count = n;
	for (i = 0; i < n; i++) {
		links->link[i].all = links;
		links->link[i].node = i;
		links->link[i].fd = -1;
		links->link[i].cap = RING_MIN;
		links->link[i].ring = calloc(RING_MIN,
		    sizeof(struct question));
		if (links->link[i].ring == NULL) {
			links->count = i;
			links_close(links);
			return NULL;
		}
	}
	if (n > 0)
		introduce(links);
	for (i = 0; i < n; i++)
		if (i != route_self(route))
			link_look_up(&links->link[i]);
	return links;
}

void
links_close(struct links *links)
{
	struct link *link;
	uint32_t i;

	if (links == NULL)
		return;
	for (i = 0; i < links->count; i++) {
		link = &links->link[i];
		if (link->fd != -1)
			close(link->fd);
		inbuf_clear(&link->in, &links->pool);
		outbuf_free(&link->out);
		outbuf_free(&link->greeting);
		link_forget_answer(link);
		free(link->ring);
		link_feeds_free(link);
		if (link->addresses != NULL)
			freeaddrinfo(link->addresses);
	}
	inbuf_pool_free(&links->pool);
	free(links);
}

const struct handshake_self *
links_self(const struct links *links)
{
	return &links->self;
}

struct link *
links_to(struct links *links, uint32_t node)
{
	return &links->link[node];
}

bool
links_event(struct links *links, void *data, uint32_t events)
{
	struct link *link = data;

	if (links->count == 0 || link < links->link ||
	    link >= links->link + links->count)
		return false;
	if (events & ~(uint32_t)EPOLLOUT)
		link->readable = true;
	if (events & ~(uint32_t)EPOLLIN)
		link->writable = true;
	if (link->state == LINK_DIALLING)
		link_go_on_dialling(link);
	if (link->state != LINK_IDLE && link->state != LINK_DIALLING)
		link_read(link);
	if (link->state != LINK_IDLE && link->state != LINK_DIALLING)
		link_write(link);
	return true;
}

static void
tick(struct link *link, uint64_t now_ms)
{
	uint64_t silence_ms = now_ms - link->heard_ms;

	switch (link->state) {
	case LINK_IDLE:
		if (link->proven_down && now_ms >= link->retry_ms)
			link_dial(link);
		break;
	case LINK_DIALLING:
	case LINK_GREETING:
		if (now_ms >= link->limit_ms)
			link_dial_next(link, "does not answer");
		break;
	case LINK_UP:
	case LINK_LEAVING:
		if (link->count > 0 && silence_ms >= SILENCE_MS)
			link_break(link, "does not answer");
		else if (link->count == 0 && link->feeds != NULL &&
		    silence_ms >= PING_MS)
			link_push_ping(link);
		else if (link->count == 0 && silence_ms >= IDLE_MS)
			link_hang_up(link);
		break;
	}
}

void
links_set_time(struct links *links, uint64_t now_ms)
{
	links->now_ms = now_ms;
}

void
links_tick(struct links *links)
{
	uint32_t i;

	for (i = 0; i < links->count; i++)
		tick(&links->link[i], links->now_ms);
}

/*
 * Some room is not enough: then one would be woken for each answer, and most
 * of them in vain.  Who is told nothing but that the node is down needs none.
 */
static bool
let_ask(struct link *link)
{
	struct links *links = link->all;
	size_t len = outbuf_len(&link->out);

	if (!link->full || len > ROOM_BYTES)
		return false;
	link->full = links->listener.has_room(links->listener.arg, link,
	    link->proven_down ? SIZE_MAX : FULL_BYTES - len);
	return true;
}

/*
 * Room is looked for here, once for a turn: whatever has made it, nobody who
 * waits for it is forgotten.
 */
bool
links_turn(struct links *links)
{
	bool more = false;
	struct link *link;
	uint32_t i;

	for (i = 0; i < links->count; i++) {
		link = &links->link[i];
		if (link->dirty && link->state == LINK_UP)
			link_write(link);
		link->dirty = false;
		if (link->readable && link->state >= LINK_GREETING)
			link_read(link);
		more |= link->readable && link->state >= LINK_GREETING;
		more |= let_ask(link);
	}
	return more;
}

/* Asking. */

static enum link_answer
refuse(struct link *link, const struct link_question *q, const char *why)
{
	struct links *links = link->all;

	if (q->who != NULL)
		links->listener.failed(links->listener.arg, q->who,
		    LINK_UNAVAILABLE, route_name(links->route, link->node),
		    why);
	return LINK_DOWN;
}

enum link_answer
link_ask(struct link *link, const struct link_question *q)
{
	if (link->proven_down)
		return refuse(link, q, link->why);
	if (link->state == LINK_UP && frame_words_len(q->req->argv,
	    q->req->argc) + 8 > link->handshake.peer_payload_max)
		return refuse(link, q, LINK_TOO_LONG);
	if ((link->full && !q->waited) ||
	    outbuf_len(&link->out) >= FULL_BYTES) {
		link->full = true;
		return LINK_FULL;
	}
	if (!link_push_request(link, q, NULL))
		return refuse(link, q, "out of memory here");
	if (link->state == LINK_IDLE)
		link_dial(link);
	return LINK_ASKED;
}

void
link_forget(struct link *link, const void *who)
{
	struct question *q;
	size_t i;

	for (i = 0; i < link->count; i++) {
		q = link_question_at(link, i);
		if (q->who == who)
			q->who = NULL;
	}
}
