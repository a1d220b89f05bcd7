#include "tests/unit/server/listening.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/board.h"
#include "shm/feed.h"
#include "shm/message.h"

#define SLOT	0

struct listening l;

static void
make_arena(void)
{
	char name[64];
	const struct arena_params params = {
		.name = name, .memory_bytes = UINT64_C(8) << 20,
		.shards = LISTENING_SHARDS, .segment_bytes = 64 * 1024
	};

	snprintf(name, sizeof(name), "test.listening.%d", (int)getpid());
	cr_assert_eq(arena_create(&l.arena, &params), ARENA_OK);
	arena_unlink(name);
	board_enter(l.arena, SLOT, BOARD_WORKER, 1, 0);
}

static void
make_tracking(void)
{
	const struct tracking_peers peers = {
		.arena = l.arena, .subs = l.subs,
		.channels = l.sessions.channels, .config = &l.config,
		.agreed = l.agreed, .slot = SLOT
	};

	l.config.tracked_max = 1000;
	cr_assert_not_null(l.sessions.tracking = tracking_open(&peers));
	channels_set_tracking(l.sessions.channels, l.sessions.tracking);
}

void
listening_begin(void)
{
	make_arena();
	cr_assert_not_null(l.txn = txn_open(l.arena));
	cr_assert_not_null(l.subs = subscribe_open(l.arena, SLOT));
	cr_assert_not_null(l.agreed = agreed_open());
	cr_assert_not_null(l.sessions.roster = roster_open(-1));
	roster_enter(l.sessions.roster, 0);
	l.sessions.channels = channels_open(l.arena, l.subs, SLOT,
	    l.sessions.roster);
	cr_assert_not_null(l.sessions.channels);
	make_tracking();
}

void
listening_end(void)
{
	channels_close(l.sessions.channels);
	tracking_close(l.sessions.tracking);
	subscribe_close(l.subs);
	roster_close(l.sessions.roster);
	agreed_close(l.agreed);
	txn_close(l.txn);
	arena_close(l.arena);
}

void
listening_read(void)
{
	uint64_t events = 0;

	while (subscribe_read(l.subs, &events))
		;
	tracking_tell(l.sessions.tracking);
}

uint64_t
listening_count(enum board_counter counter)
{
	return board_sum(l.arena, counter);
}

unsigned
listening_watched(void)
{
	struct feed_watchers watchers;
	unsigned n = 0;
	uint32_t i;

	for (i = 0; i < LISTENING_SHARDS; i++)
		n += feed_watchers(l.arena, i, &watchers);
	return n;
}

/* --- clients --- */

void
client_begin(struct client *c, enum request_protocol protocol)
{
	memset(c, 0, sizeof(*c));
	c->session.fd = -1;
	c->session.protocol = protocol;
	c->session.in = &c->in;
	c->session.out = &c->out;
	cr_assert(session_begin(&c->session, &l.sessions));
}

void
client_end(struct client *c)
{
	channels_forget(&c->session);
	tracking_forget(&c->session);
	session_end(&c->session);
	outbuf_free(&c->out);
}

void
client_listen(struct client *c, enum channel_kind kind, const char *name)
{
	cr_assert(channel_add(&c->session, kind, slice_of(name), &c->out));
}

/* The first bytes that wait are these; they are taken. */
static void
take(struct outbuf *out, const char *text)
{
	size_t len = outbuf_len(out), wanted = strlen(text);
	const char *got = len == 0 ? "" : (const char *)out->data + out->head;

	cr_assert(len >= wanted && memcmp(got, text, wanted) == 0,
	    "\"%.*s\", not \"%s\"", (int)len, got, text);
	outbuf_drain(out, wanted, 0);
}

static void
is_empty(const struct outbuf *out)
{
	size_t len = outbuf_len(out);

	cr_assert_eq(len, 0, "more: \"%.*s\"", (int)len,
	    (const char *)out->data + out->head);
}

void
client_hears(struct client *c, const char *pattern, const char *channel,
    const char *message)
{
	const char *words[] = { "message", channel, message, NULL };
	const char *more[] = { "pmessage", pattern, channel, message, NULL };
	const char **word = pattern == NULL ? words : more;
	char text[1024];
	int n = snprintf(text, sizeof(text), "%c%d\r\n",
	    c->session.protocol == REQUEST_RESP3 ? '>' : '*',
	    pattern == NULL ? 3 : 4);

	for (; *word != NULL; word++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    "$%zu\r\n%s\r\n", strlen(*word), *word);
	take(&c->out, text);
}

void
client_hears_no_more(const struct client *c)
{
	is_empty(&c->out);
}

void
client_has_news(struct client *c, const char *text)
{
	cr_assert_eq(c->session.has_news, *text != '\0');
	if (c->session.has_news)
		LIST_REMOVE(&c->session, next_news);
	c->session.has_news = false;
	take(&c->session.news, text);
	is_empty(&c->session.news);
}

/* --- changes --- */

struct slice
slice_of(const char *text)
{
	return (struct slice){ (const uint8_t *)text, strlen(text) };
}

struct bytes
bytes_of(const char *text)
{
	return (struct bytes){ text, strlen(text) };
}

uint32_t
shard_of(const char *name)
{
	return arena_shard_of(l.arena, bytes_of(name));
}

struct txn_revisions
change(uint32_t shard, enum shm_status (*op)(struct txn *, void *), void *arg)
{
	cr_assert_eq(txn_run(l.txn, shard, op, arg, NULL), SHM_OK);
	return txn_revisions(l.txn);
}

struct set {
	struct bytes		bucket;
	struct pair		pair;
	enum event_reason	why;
};

static enum shm_status
set(struct txn *t, void *arg)
{
	const struct set *s = arg;
	enum shm_status status;

	txn_because(t, s->why);
	if (s->pair.value.data == NULL)
		return txn_delete(t, s->bucket, s->pair.key);
	/* Strings live in a bucket that stays. */
	status = txn_create(t, s->bucket, s->bucket.len > 0);
	return status == SHM_OK ? txn_put(t, s->bucket, &s->pair) : status;
}

static struct bytes
value_of(const char *value)
{
	return value == NULL ? (struct bytes){ NULL, 0 } : bytes_of(value);
}

struct txn_revisions
set_string(const char *name, const char *value, enum event_reason why)
{
	struct set s = {
		.pair = { .key = bytes_of(name), .value = value_of(value) },
		.why = why
	};

	return change(shard_of(name), set, &s);
}

struct txn_revisions
set_field(const char *name, const char *field, const char *value,
    enum event_reason why)
{
	struct set s = {
		.bucket = bytes_of(name),
		.pair = { .key = bytes_of(field), .value = value_of(value) },
		.why = why
	};

	return change(shard_of(name), set, &s);
}

void
say(const char *channel, const char *text)
{
	cr_assert_eq(message_say(l.arena, bytes_of(channel), bytes_of(text)),
	    SHM_OK);
}
