#include <sys/random.h>
#include <sys/socket.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/handshake.h"
#include "proto/little.h"
#include "tests/proc/peer.h"

#define PAYLOAD_MAX	(4U * 1024 * 1024)
#define IN_MAX		(FRAME_HEADER_LEN + PAYLOAD_MAX)
#define HELLO_TABLE	48	/* where a hello has it */
#define WORDS_MAX	16

static bool
is_any_node(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return true;
}

static struct handshake_self
introduce(const struct cluster *c, size_t as, const struct frame_table *table)
{
	struct handshake_self self = {
		.name = c->node[as].name, .table = *table,
		.payload_max = PAYLOAD_MAX, .is_node = is_any_node
	};

	self.cookie.data = (const uint8_t *)CLUSTER_COOKIE;
	self.cookie.len = strlen(CLUSTER_COOKIE);
	return self;
}

static void
begin(struct peer *p, int fd, uint8_t random[HANDSHAKE_CHALLENGE_LEN])
{
	memset(p, 0, sizeof(*p));
	cr_assert_neq(p->fd = fd, -1);
	talk_set_patience(fd);
	cr_assert_not_null(p->in = malloc(IN_MAX));
	cr_assert_eq(getrandom(random, HANDSHAKE_CHALLENGE_LEN, 0),
	    HANDSHAKE_CHALLENGE_LEN);
}

/* Returns false at the end. */
static bool
receive(struct peer *p)
{
	ssize_t n = recv(p->fd, p->in + p->len, IN_MAX - p->len, 0);

	cr_assert(n >= 0 || errno == ECONNRESET, "recv: %s", strerror(errno));
	if (n <= 0)
		return false;
	p->len += (size_t)n;
	return true;
}

static void
consume(struct peer *p, size_t n)
{
	p->len -= n;
	memmove(p->in, p->in + n, p->len);
}

static void
flush(const struct peer *p, struct outbuf *out)
{
	if (outbuf_len(out) > 0)
		talk_send_bytes(p->fd, out->data + out->head, outbuf_len(out));
	outbuf_free(out);
}

/* What the other one says first decides which table we have. */
static void
copy_table(struct peer *p, struct handshake_self *self)
{
	const uint8_t *at = p->in + HELLO_TABLE;

	if (p->len < HELLO_TABLE + 16)
		return;
	p->table.version = little_get(&at, 8);
	p->table.hash = little_get(&at, 8);
	self->table = p->table;
}

void
peer_accept(struct peer *p, const struct cluster *c, int listen_fd, size_t as)
{
	struct handshake_self self = introduce(c, as, &p->table);
	uint8_t random[HANDSHAKE_CHALLENGE_LEN];
	enum handshake_status status;
	struct outbuf out = { .data = NULL };
	struct handshake shake;
	size_t used;

	begin(p, accept(listen_fd, NULL, NULL), random);
	handshake_accept(&shake, &self, random, &out);
	flush(p, &out);
	do {
		cr_assert(receive(p));
		copy_table(p, &self);
		status = handshake_step(&shake, p->in, p->len, &out, &used);
	} while (status == HANDSHAKE_MORE);
	cr_assert_eq(status, HANDSHAKE_OK);
	flush(p, &out);
	consume(p, used);
}

/* Returns false if it has another table, which is then known. */
static bool
dial(struct peer *p, const struct cluster *c, size_t as, size_t to,
    const struct frame_table *table)
{
	struct handshake_self self = introduce(c, as, table);
	uint8_t random[HANDSHAKE_CHALLENGE_LEN];
	enum handshake_status status;
	struct outbuf out = { .data = NULL };
	struct handshake shake;
	size_t used;

	begin(p, cluster_dial(c, to), random);
	handshake_dial(&shake, &self, c->node[to].name, random);
	do {
		cr_assert(receive(p));
		status = handshake_step(&shake, p->in, p->len, &out, &used);
		flush(p, &out);
		consume(p, status == HANDSHAKE_BAD ? 0 : used);
	} while (status == HANDSHAKE_MORE);
	p->table = shake.peer_table;
	cr_assert(status == HANDSHAKE_OK ||
	    shake.verdict == VERDICT_OTHER_TABLE);
	return status == HANDSHAKE_OK;
}

void
peer_dial_again(struct peer *p, const struct cluster *c, size_t as, size_t to,
    const struct frame_table *table)
{
	cr_assert(dial(p, c, as, to, table));
}

void
peer_dial(struct peer *p, const struct cluster *c, size_t as, size_t to)
{
	const struct frame_table none = { 0, 0 };
	struct frame_table table;

	cr_assert(!dial(p, c, as, to, &none));
	table = p->table;
	peer_close(p);
	peer_dial_again(p, c, as, to, &table);
}

void
peer_close(struct peer *p)
{
	close(p->fd);
	free(p->in);
	p->in = NULL;
}

bool
peer_next(struct peer *p, struct frame *frame)
{
	enum frame_status status;
	const char *reason = "";

	consume(p, p->used);
	p->used = 0;
	while ((status = frame_parse(p->in, p->len, PAYLOAD_MAX, frame,
	    &reason, &p->used)) == FRAME_MORE)
		if (!receive(p))
			return false;
	cr_assert_eq(status, FRAME_OK, "%s", reason);
	return true;
}

void
peer_expect_request(struct peer *p, struct frame *frame, const char *words)
{
	static struct request req;
	const char *reason, *at = words;
	size_t i;

	cr_assert(peer_next(p, frame), "no request came: %s", words);
	cr_assert_eq(frame->op, FRAME_REQUEST);
	cr_assert(frame_words(frame, &req, &reason), "%s", reason);
	for (i = 0; i < req.argc; i++) {
		cr_assert(strncmp(at, (const char *)req.argv[i].data,
		    req.argv[i].len) == 0, "another request than %s", words);
		at += req.argv[i].len;
		at += *at == ' ';
	}
	cr_assert_eq(*at, '\0', "another request than %s", words);
}

void
peer_expect(struct peer *p, enum frame_op op, const char *payload)
{
	struct frame frame;

	cr_assert(peer_next(p, &frame), "no frame came");
	cr_assert_eq(frame.op, op);
	cr_assert(frame.payload.len == strlen(payload) &&
	    memcmp(frame.payload.data, payload, frame.payload.len) == 0,
	    "\"%.*s\" and not \"%s\"", (int)frame.payload.len,
	    (const char *)frame.payload.data, payload);
}

void
peer_expect_end(struct peer *p)
{
	struct frame frame;

	cr_assert(!peer_next(p, &frame), "a frame came");
	cr_assert_eq(p->len, 0, "part of a frame came");
}

struct frame
peer_frame(const struct peer *p, enum frame_op op, uint32_t id,
    const char *payload)
{
	struct frame frame = { .op = op, .id = id, .table = p->table };

	if (op == FRAME_REQUEST || op == FRAME_REPLY || op == FRAME_EVENT)
		frame.flags = FRAME_TEXT;
	if (op == FRAME_REQUEST)
		frame.payload = peer_words(payload);
	else
		frame.payload = (struct slice){ (const uint8_t *)payload,
		    strlen(payload) };
	return frame;
}

uint8_t *
peer_bytes(const struct frame *frame, size_t *len)
{
	struct outbuf out = { .data = NULL };

	frame_write(&out, frame);
	cr_assert(!out.failed && out.head == 0);
	*len = outbuf_len(&out);
	return out.data;
}

void
peer_send(const struct peer *p, const struct frame *frame)
{
	size_t len;
	uint8_t *bytes = peer_bytes(frame, &len);

	talk_send_bytes(p->fd, bytes, len);
	free(bytes);
}

void
peer_reply(const struct peer *p, const struct frame *request,
    const char *text)
{
	struct frame reply = peer_frame(p, FRAME_REPLY, request->id, text);

	reply.flags |= request->flags & FRAME_PLACE;
	peer_send(p, &reply);
}

struct slice
peer_words(const char *words)
{
	static char copy[256];
	static struct outbuf out;
	struct slice argv[WORDS_MAX];
	char *at = copy, *word;
	size_t argc = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&at, " ")) != NULL && argc < WORDS_MAX)
		argv[argc++] = (struct slice){ (uint8_t *)word, strlen(word) };
	outbuf_free(&out);
	outbuf_init(&out);
	frame_put_words(&out, argv, argc);
	return (struct slice){ out.data + out.head, outbuf_len(&out) };
}
