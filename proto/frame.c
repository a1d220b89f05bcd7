/*
 * Frames between nodes.  Whoever sends them has proved to know the cookie,
 * but may be another version, or mad: so all that can be checked here is
 * checked, and what does not add up ends the link.  There is nothing to go on
 * with behind a bad frame, for only its length says where it ends.
 *
 * Invariant: frame_parse() accepts exactly what frame_write() writes.  Flags
 * and fields that mean nothing yet are therefore refused, not ignored; a later
 * version that gives them a meaning is another version.
 */

#include <assert.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/little.h"
#include "proto/reply.h"

#define PLACE_LEN	8
#define COUNT_LEN	4	/* of a number of words, or of bytes in one */

enum payload {
	PAYLOAD_NONE,
	PAYLOAD_WORDS,
	PAYLOAD_BYTES,
	PAYLOAD_NAME,
	PAYLOAD_REASON
};

/* What each operation has. */
static const struct rule {
	uint8_t		one_of;		/* flags; 0: no matter */
	uint8_t		may;
	enum payload	payload;
} rules[] = {
	[FRAME_REQUEST] = { FRAME_PROTOCOLS, FRAME_PLACE, PAYLOAD_WORDS },
	[FRAME_REPLY] = { FRAME_PROTOCOLS,
	    FRAME_PLACE | FRAME_FAILED | FRAME_GOES_ON, PAYLOAD_BYTES },
	[FRAME_EVENT] = { FRAME_TEXT, 0, PAYLOAD_BYTES },
	[FRAME_NOT_MINE] = { 0, 0, PAYLOAD_NAME },
	[FRAME_REFUSED] = { 0, 0, PAYLOAD_REASON },
	[FRAME_CANCEL] = { 0, 0, PAYLOAD_NONE },
	[FRAME_PING] = { 0, 0, PAYLOAD_NONE },
	[FRAME_PONG] = { 0, 0, PAYLOAD_NONE },
	[FRAME_BYE] = { 0, 0, PAYLOAD_NONE }
};

#define RULES	(sizeof(rules) / sizeof(rules[0]))

/* A header as it stands there, believed by nobody yet. */
struct header {
	uint32_t	length;
	uint8_t		op;
	uint8_t		reserved;
	uint16_t	version;
	uint16_t	reserved_too;
};

static const uint8_t *
read_header(const uint8_t *in, struct header *header, struct frame *frame)
{
	header->length = (uint32_t)little_get(&in, 4);
	frame->id = (uint32_t)little_get(&in, 4);
	header->op = (uint8_t)little_get(&in, 1);
	frame->flags = (uint8_t)little_get(&in, 1);
	frame->hops = (uint8_t)little_get(&in, 1);
	header->reserved = (uint8_t)little_get(&in, 1);
	header->version = (uint16_t)little_get(&in, 2);
	header->reserved_too = (uint16_t)little_get(&in, 2);
	frame->table.version = little_get(&in, 8);
	frame->table.hash = little_get(&in, 8);
	frame->shard = (uint32_t)little_get(&in, 4);
	frame->deadline_ms = (uint32_t)little_get(&in, 4);
	return in;
}

static void
write_header(uint8_t *out, size_t length, const struct frame *frame)
{
	out = little_put(out, length, 4);
	out = little_put(out, frame->id, 4);
	out = little_put(out, frame->op, 1);
	out = little_put(out, frame->flags, 1);
	out = little_put(out, frame->hops, 1);
	out = little_put(out, 0, 1);
	out = little_put(out, FRAME_VERSION, 2);
	out = little_put(out, 0, 2);
	out = little_put(out, frame->table.version, 8);
	out = little_put(out, frame->table.hash, 8);
	out = little_put(out, frame->shard, 4);
	little_put(out, frame->deadline_ms, 4);
}

/* Is a field set that this operation does not use? */
static bool
has_extras(const struct header *header, const struct frame *frame)
{
	if (header->reserved != 0 || header->reserved_too != 0)
		return true;
	if (header->op == FRAME_BYE && frame->id != 0)
		return true;
	return header->op != FRAME_REQUEST &&
	    (frame->hops != 0 || frame->shard != 0 || frame->deadline_ms != 0);
}

static const char *
check_length(const struct header *header, const struct frame *frame,
    size_t payload_max)
{
	if (header->length > payload_max)
		return "payload too long";
	if (rules[header->op].payload == PAYLOAD_NONE && header->length > 0)
		return "payload not expected";
	if ((frame->flags & FRAME_PLACE) != 0 && header->length < PLACE_LEN)
		return "payload too short";
	return NULL;
}

static bool
is_one(unsigned flags)
{
	return flags != 0 && (flags & (flags - 1)) == 0;
}

/*
 * The version first: with another one nothing else means anything.  Returns
 * NULL, or what is wrong.
 */
static const char *
check_header(const struct header *header, const struct frame *frame,
    size_t payload_max)
{
	const struct rule *rule;

	if (header->version != FRAME_VERSION)
		return "another version of frames";
	if (header->op == 0 || header->op >= RULES)
		return "unknown operation";
	rule = &rules[header->op];
	if ((frame->flags & ~(rule->one_of | rule->may)) != 0)
		return "unknown flag";
	if (rule->one_of != 0 && !is_one(frame->flags & rule->one_of))
		return "no protocol, or more than one";
	if (has_extras(header, frame))
		return "a field without meaning is set";
	if (frame->hops > FRAME_HOPS_MAX)
		return "too many hops";
	return check_length(header, frame, payload_max);
}

static bool
is_reason(struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.data[i] < ' ' || text.data[i] > '~')
			return false;
	return text.len > 0 && text.len <= REPLY_REASON_MAX;
}

static const char *
check_payload(const struct frame *frame)
{
	switch (rules[frame->op].payload) {
	case PAYLOAD_NAME:
		return frame_is_name(frame->payload.data, frame->payload.len) ?
		    NULL : "not the name of a node";
	case PAYLOAD_REASON:
		return is_reason(frame->payload) ? NULL : "not a reason";
	case PAYLOAD_NONE:
	case PAYLOAD_WORDS:
	case PAYLOAD_BYTES:
		break;
	}
	return NULL;
}

enum frame_status
frame_parse(const uint8_t *buf, size_t len, size_t payload_max,
    struct frame *frame, const char **reason, size_t *used)
{
	struct header header;
	const uint8_t *in;

	*used = 0;
	if (len < FRAME_HEADER_LEN)
		return FRAME_MORE;
	in = read_header(buf, &header, frame);
	*reason = check_header(&header, frame, payload_max);
	if (*reason != NULL)
		return FRAME_BAD;
	if (len - FRAME_HEADER_LEN < header.length)
		return FRAME_MORE;
	frame->op = (enum frame_op)header.op;
	frame->place = 0;
	frame->payload.len = header.length;
	if ((frame->flags & FRAME_PLACE) != 0) {
		frame->place = little_get(&in, PLACE_LEN);
		frame->payload.len -= PLACE_LEN;
	}
	frame->payload.data = in;
	*reason = check_payload(frame);
	if (*reason != NULL)
		return FRAME_BAD;
	*used = FRAME_HEADER_LEN + (size_t)header.length;
	return FRAME_OK;
}

uint8_t
frame_protocol(enum request_protocol protocol)
{
	switch (protocol) {
	case REQUEST_TEXT:
		return FRAME_TEXT;
	case REQUEST_RESP2:
		return FRAME_RESP2;
	case REQUEST_RESP3:
		return FRAME_RESP3;
	}
	return 0;
}

static enum request_protocol
protocol_of(const struct frame *frame)
{
	if ((frame->flags & FRAME_TEXT) != 0)
		return REQUEST_TEXT;
	return (frame->flags & FRAME_RESP2) != 0 ? REQUEST_RESP2 :
	    REQUEST_RESP3;
}

/* The number at *in, if there is one before the end. */
static bool
read_count(const uint8_t **in, const uint8_t *end, size_t *count)
{
	if ((size_t)(end - *in) < COUNT_LEN)
		return false;
	*count = (size_t)little_get(in, COUNT_LEN);
	return true;
}

/* The words at *in, which is then behind them. */
static bool
read_words(const uint8_t **in, const uint8_t *end, struct request *req,
    const char **reason)
{
	struct slice *word = req->argv;

	*reason = "words and payload differ in length";
	if (!read_count(in, end, &req->argc))
		return false;
	if (req->argc == 0 || req->argc > REQUEST_ARGS_MAX) {
		*reason = "no words, or too many";
		return false;
	}
	for (; word < req->argv + req->argc; word++) {
		if (!read_count(in, end, &word->len) ||
		    word->len > (size_t)(end - *in))
			return false;
		word->data = *in;
		*in += word->len;
	}
	return true;
}

bool
frame_words(const struct frame *frame, struct request *req,
    const char **reason)
{
	const uint8_t *in = frame->payload.data;
	const uint8_t *end = in + frame->payload.len;

	req->protocol = protocol_of(frame);
	return read_words(&in, end, req, reason) && in == end;
}

bool
frame_next_words(struct slice *rest, struct request *req)
{
	const uint8_t *in = rest->data;
	const uint8_t *end = in + rest->len;
	const char *reason;

	if (!read_words(&in, end, req, &reason))
		return false;
	rest->data = in;
	rest->len = (size_t)(end - in);
	return true;
}

size_t
frame_words_len(const struct slice *argv, size_t argc)
{
	size_t len = COUNT_LEN * (argc + 1), i;

	for (i = 0; i < argc; i++)
		len += argv[i].len;
	return len;
}

void
frame_put_words(struct outbuf *out, const struct slice *argv, size_t argc)
{
	size_t len = frame_words_len(argv, argc), i;
	uint8_t *p = outbuf_reserve(out, len);

	assert(argc > 0 && argc <= REQUEST_ARGS_MAX);
	if (p == NULL)
		return;
	p = little_put(p, argc, COUNT_LEN);
	for (i = 0; i < argc; i++) {
		p = little_put(p, argv[i].len, COUNT_LEN);
		if (argv[i].len > 0)
			memcpy(p, argv[i].data, argv[i].len);
		p += argv[i].len;
	}
	outbuf_commit(out, len);
}

static size_t
front_len(const struct frame *frame)
{
	return FRAME_HEADER_LEN +
	    ((frame->flags & FRAME_PLACE) != 0 ? PLACE_LEN : 0);
}

/*
 * The mark is a distance from the head, which stays what it is when the
 * bytes move or get new memory.
 */
size_t
frame_begin(struct outbuf *out, const struct frame *frame)
{
	size_t mark = outbuf_len(out);

	if (outbuf_reserve(out, front_len(frame)) != NULL)
		outbuf_commit(out, front_len(frame));
	return mark;
}

void
frame_end(struct outbuf *out, size_t mark, const struct frame *frame)
{
	size_t length;
	uint8_t *start;

	if (out->failed)
		return;
	start = out->data + out->head + mark;
	length = outbuf_len(out) - mark - FRAME_HEADER_LEN;
	assert(length <= UINT32_MAX);
	write_header(start, length, frame);
	if ((frame->flags & FRAME_PLACE) != 0)
		little_put(start + FRAME_HEADER_LEN, frame->place, PLACE_LEN);
}

/* From the last one on, for each makes room for the header of its own. */
void
frame_end_long(struct outbuf *out, size_t mark, const struct frame *frame,
    size_t max)
{
	size_t len = outbuf_len(out) - mark - FRAME_HEADER_LEN;
	size_t more = len == 0 ? 0 : (len - 1) / max, i, size;
	struct frame part = *frame;
	uint8_t *to;

	if (out->failed || outbuf_reserve(out, more * FRAME_HEADER_LEN) ==
	    NULL)
		return;
	outbuf_commit(out, more * FRAME_HEADER_LEN);
	for (i = more + 1; i-- > 0; part.flags |= FRAME_GOES_ON) {
		to = out->data + out->head + mark +
		    i * (max + FRAME_HEADER_LEN);
		size = i == more ? len - i * max : max;
		memmove(to + FRAME_HEADER_LEN, to + FRAME_HEADER_LEN -
		    i * FRAME_HEADER_LEN, size);
		write_header(to, size, &part);
	}
}

void
frame_renumber(uint8_t *frame, uint32_t id)
{
	(void)little_put(frame + 4, id, 4);
}

void
frame_write(struct outbuf *out, const struct frame *frame)
{
	size_t mark = frame_begin(out, frame);

	outbuf_append(out, frame->payload.data, frame->payload.len);
	frame_end(out, mark, frame);
}

bool
frame_is_name(const uint8_t *name, size_t len)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t i;

	if (len == 0 || len > FRAME_NAME_MAX || name[0] == '.')
		return false;
	for (i = 0; i < len; i++)
		if (memchr(legal, name[i], sizeof(legal) - 1) == NULL)
			return false;
	return true;
}
