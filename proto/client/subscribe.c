/*
 * The connection as a stream of events.
 *
 * The server says nothing when it takes a subscription, so a missing bucket
 * is learnt from the first line.  No event is no failure: unlike everywhere
 * else a deadline that passes leaves the handle as it was, because the place
 * in the stream is known.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/client/handle.h"

enum kv_status
kv_subscribe(struct kv *kv, struct kv_bytes bucket)
{
	struct expect expect = { .shape = SHAPE_TEXT };
	enum kv_status status = handle_begin(kv, expect);

	if (status != KV_OK)
		return status;
	kv->subject = malloc(bucket.len + 1);
	if (kv->subject == NULL)
		return handle_fail(kv, KV_NO_MEMORY, "%s: out of memory for "
		    "a subscription", kv->server);
	kv->subject_len = bucket.len;
	memcpy(kv->subject, bucket.data != NULL ? bucket.data : "",
	    bucket.len);
	status = handle_compose(kv, "SUBSCRIBE", &bucket, 1);
	if (status != KV_OK)
		return status;
	status = handle_lost(kv, wire_send(&kv->wire));
	if (status != KV_OK)
		return status;
	kv->mode = HANDLE_SUBSCRIBED;
	return KV_OK;
}

/* The subscription ended with one of the server's answers. */
static enum kv_status
over(struct kv *kv, enum kv_status status, struct kv_bytes reason)
{
	struct kv_bytes bucket = { kv->subject, kv->subject_len };
	struct answer_part part = {
		.kind = ANSWER_DONE, .status = status, .text = reason
	};

	status = handle_verdict(kv, &part, bucket);
	kv->mode = HANDLE_BROKEN;
	return status;
}

static enum kv_status
read_event(struct kv *kv, uint8_t *line, size_t len, struct kv_event *event)
{
	struct kv_bytes reason;
	enum kv_status status;

	switch (answer_event(line, len, event, &status, &reason)) {
	case ANSWER_EVENT:
		return KV_OK;
	case ANSWER_OVER:
		return over(kv, status, reason);
	case ANSWER_NO_EVENT:
		break;
	}
	return handle_break(kv, KV_GARBAGE, "%s: a line is no event of the "
	    "kvd protocol (is it kvd that listens there?)", kv->server);
}

enum kv_status
kv_event(struct kv *kv, struct kv_event *event, int ms)
{
	int64_t deadline = wire_deadline(ms);
	enum wire_status status;
	size_t len, line_len, used;
	uint8_t *bytes;

	if (kv->mode == HANDLE_BROKEN)
		return handle_check(kv, false);
	if (kv->mode != HANDLE_SUBSCRIBED)
		return handle_fail(kv, KV_BAD_ARGUMENT, "%s: not subscribed "
		    "(call kv_subscribe first)", kv->server);
	wire_release(&kv->wire);
	for (;;) {
		bytes = wire_bytes(&kv->wire, &len);
		if (len > 0 && answer_line(bytes, len, &kv->answer.scanned,
		    &line_len, &used))
			break;
		status = wire_receive(&kv->wire, deadline);
		if (status == WIRE_TIMEOUT)
			return handle_fail(kv, KV_TIMEOUT, "%s: no event "
			    "within %d ms", kv->server, ms);
		if (status != WIRE_OK)
			return handle_lost(kv, status);
	}
	wire_take(&kv->wire, used);
	return read_event(kv, bytes, line_len, event);
}
