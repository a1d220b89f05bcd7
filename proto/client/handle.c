/*
 * What every call does: check that the handle may be used, write a request,
 * read a reply, and put failures into words.
 *
 * Invariant: a usable handle stands at the beginning of a reply, or knows
 * what is under way (answer, pending).  Whatever loses that place breaks the
 * handle for good: guessing where the next reply begins would one day hand
 * out the value of another key.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client/handle.h"
#include "proto/quote.h"

#define THING_MAX	40	/* bytes of a name that a message quotes */
#define THING_ROOM	(4 * THING_MAX + 8)
#define REASON_MAX	320	/* the longest name of a node, and why */

static void
write_message(struct kv *kv, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
write_message(struct kv *kv, const char *fmt, va_list ap)
{
	unsigned char *p;

	if (vsnprintf(kv->message, sizeof(kv->message), fmt, ap) < 0)
		kv->message[0] = '\0';
	/* A terminal must not obey what a server or a name has in it. */
	for (p = (unsigned char *)kv->message; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
}

enum kv_status
handle_fail(struct kv *kv, enum kv_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_message(kv, fmt, ap);
	va_end(ap);
	return status;
}

enum kv_status
handle_break(struct kv *kv, enum kv_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_message(kv, fmt, ap);
	va_end(ap);
	kv->mode = HANDLE_BROKEN;
	return status;
}

enum kv_status
handle_check(struct kv *kv, bool pipelined)
{
	char why[sizeof(kv->message)];

	switch (kv->mode) {
	case HANDLE_CALLS:
		if (pipelined || kv->pending.len == 0)
			return KV_OK;
		return handle_fail(kv, KV_BUSY, "%s: %zu requests of the "
		    "pipeline are unanswered (read their replies first)",
		    kv->server, kv->pending.len);
	case HANDLE_LIST:
		return handle_fail(kv, KV_BUSY, "%s: a list is being read "
		    "(use a second handle inside its callback)", kv->server);
	case HANDLE_SUBSCRIBED:
		return handle_fail(kv, KV_BUSY, "%s: this handle brings "
		    "events (use another for requests)", kv->server);
	case HANDLE_BROKEN:
		break;
	}
	/* The first failure stays readable, however often it is called. */
	(void)snprintf(why, sizeof(why), "%s", kv->message);
	if (strncmp(why, "unusable since: ", 16) != 0)
		(void)handle_fail(kv, KV_BROKEN, "unusable since: %.480s",
		    why);
	return KV_BROKEN;
}

enum kv_status
handle_begin(struct kv *kv, struct expect expect)
{
	enum kv_status status = handle_check(kv, false);
	size_t len;

	if (status != KV_OK)
		return status;
	wire_release(&kv->wire);
	/* More than was asked for: the next reply would be another's. */
	if (wire_bytes(&kv->wire, &len) != NULL)
		return handle_break(kv, KV_GARBAGE, "%s: more came than one "
		    "reply (is it kvd that listens there?)", kv->server);
	kv->message[0] = '\0';
	handle_expect(kv, expect);
	return KV_OK;
}

int64_t
handle_deadline(const struct kv *kv)
{
	return wire_deadline(kv->call_ms);
}

static void
append_word(struct outbuf *out, struct kv_bytes word)
{
	bool plain = quote_is_plain(word.data, word.len);
	size_t len = plain ? word.len : quote_len(word.data, word.len);
	uint8_t *p = outbuf_reserve(out, len + 1);

	if (p == NULL)
		return;
	*p++ = ' ';
	if (plain)
		memcpy(p, word.data, len);
	else
		(void)quote_write(p, word.data, word.len);
	outbuf_commit(out, len + 1);
}

static enum kv_status
end_request(struct kv *kv)
{
	outbuf_append(&kv->wire.out, "\r\n", 2);
	kv->asked = true;
	if (!kv->wire.out.failed)
		return KV_OK;
	/* Half a request may be queued, and must never be sent. */
	return handle_break(kv, KV_NO_MEMORY, "%s: out of memory for a "
	    "request", kv->server);
}

enum kv_status
handle_compose(struct kv *kv, const char *verb, const struct kv_bytes *words,
    size_t n)
{
	size_t i;

	outbuf_append(&kv->wire.out, verb, strlen(verb));
	for (i = 0; i < n; i++)
		append_word(&kv->wire.out, words[i]);
	return end_request(kv);
}

enum kv_status
handle_compose_keys(struct kv *kv, const char *verb, struct kv_bytes bucket,
    const struct kv_bytes *keys, size_t n)
{
	size_t i;

	outbuf_append(&kv->wire.out, verb, strlen(verb));
	append_word(&kv->wire.out, bucket);
	for (i = 0; i < n; i++)
		append_word(&kv->wire.out, keys[i]);
	return end_request(kv);
}

enum kv_status
handle_compose_pairs(struct kv *kv, const char *verb, struct kv_bytes bucket,
    const struct kv_pair *pairs, size_t n)
{
	size_t i;

	outbuf_append(&kv->wire.out, verb, strlen(verb));
	append_word(&kv->wire.out, bucket);
	for (i = 0; i < n; i++) {
		append_word(&kv->wire.out, pairs[i].key);
		append_word(&kv->wire.out, pairs[i].value);
	}
	return end_request(kv);
}

void
handle_expect(struct kv *kv, struct expect expect)
{
	answer_init(&kv->answer, expect);
	kv->answering = true;
}

enum kv_status
handle_lost(struct kv *kv, enum wire_status status)
{
	switch (status) {
	case WIRE_OK:
		return KV_OK;
	case WIRE_TIMEOUT:
		return handle_break(kv, KV_TIMEOUT, "%s: no answer within "
		    "%d ms (is the server stopped or overloaded?)",
		    kv->server, kv->call_ms);
	case WIRE_CLOSED:
		return handle_break(kv, KV_CLOSED, "%s: the server closed "
		    "the connection (connect again; its log says why)",
		    kv->server);
	case WIRE_FULL:
		return handle_break(kv, KV_TOO_LONG, "%s: a line of a reply "
		    "is over %zu bytes (raise line_max_bytes)", kv->server,
		    kv->wire.in_max);
	case WIRE_NO_MEMORY:
		return handle_break(kv, KV_NO_MEMORY, "%s: out of memory for "
		    "a reply", kv->server);
	case WIRE_SYSTEM:
		break;
	}
	return handle_break(kv, KV_SYSTEM, "%s: %s (connect again)",
	    kv->server, strerror(errno));
}

enum kv_status
handle_read(struct kv *kv, int64_t deadline, struct answer_part *part)
{
	enum wire_status status;
	uint8_t *bytes;
	size_t len;

	wire_release(&kv->wire);
	for (;;) {
		bytes = wire_bytes(&kv->wire, &len);
		part->kind = ANSWER_MORE;
		if (len > 0)
			answer_read(&kv->answer, bytes, len, part);
		if (part->kind != ANSWER_MORE)
			break;
		status = wire_receive(&kv->wire, deadline);
		if (status != WIRE_OK)
			return handle_lost(kv, status);
	}
	if (part->kind == ANSWER_BAD)
		return handle_break(kv, KV_GARBAGE, "%s: the reply is not "
		    "of the kvd protocol: %s (is it kvd that listens "
		    "there?)", kv->server, part->why);
	wire_take(&kv->wire, part->used);
	if (part->last)
		kv->answering = false;
	return KV_OK;
}

/* The beginning of a name as a message shows it. */
static const char *
thing_text(char *out, struct kv_bytes thing)
{
	size_t len = thing.len < THING_MAX ? thing.len : THING_MAX;

	len = quote_write((uint8_t *)out, thing.data, len);
	(void)snprintf(out + len, THING_ROOM - len, "%s",
	    thing.len > THING_MAX ? "..." : "");
	return out;
}

/* What the server said after ERROR, and what that means. */
static enum kv_status
refused(struct kv *kv, const struct answer_part *part)
{
	struct kv_bytes reason = part->text;
	const char *remedy = "";

	if (reason.len == 0)
		reason = kv_str("refused without a reason");
	if (part->status == KV_UNAVAILABLE)
		remedy = " (not executed: try again)";
	else if (part->status == KV_UNKNOWN)
		remedy = " (executed or not: look before you try again)";
	else if (part->status == KV_PARTIAL)
		remedy = " (the list is not complete)";
	return handle_fail(kv, part->status, "%s: %.*s%s", kv->server,
	    reason.len < REASON_MAX ? (int)reason.len : REASON_MAX,
	    (const char *)reason.data, remedy);
}

enum kv_status
handle_verdict(struct kv *kv, const struct answer_part *part,
    struct kv_bytes thing)
{
	char name[THING_ROOM];

	if (part->kind == ANSWER_MISSING)
		return handle_fail(kv, KV_NO_KEY, "%s: no such key",
		    thing_text(name, thing));
	if (part->kind == ANSWER_ITEM || part->status == KV_OK)
		return KV_OK;
	if (part->status == KV_NO_BUCKET)
		return handle_fail(kv, KV_NO_BUCKET,
		    "%s: no such bucket (create it first)",
		    thing_text(name, thing));
	if (part->status != KV_UNKNOWN_COMMAND)
		return refused(kv, part);
	return handle_fail(kv, part->status, "%s: the server does not know "
	    "this command (it may be older than this client)", kv->server);
}
