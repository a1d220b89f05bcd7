/*
 * Making a handle and ending it, and what can be asked of one without
 * talking to the server.
 *
 * Nothing is sent on connecting but a password, if there is one: the protocol
 * has no greeting, and a server that refuses us says so in the place of the
 * first reply.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/client/error.h"
#include "proto/client/handle.h"

/* The last value may stand in the buffer together with its OK. */
#define LINE_EXTRA	8
/* The least that holds any answer of the server that is not a value. */
#define LINE_MIN	((size_t)1024)

static struct kv *
new_handle(const struct kv_options *options)
{
	struct kv_options none = { 0 };
	struct kv *kv = calloc(1, sizeof(*kv));

	if (kv == NULL)
		return NULL;
	if (options == NULL)
		options = &none;
	kv->line_max = options->line_max_bytes;
	if (kv->line_max == 0)
		kv->line_max = HANDLE_LINE_MAX;
	if (kv->line_max < LINE_MIN)
		kv->line_max = LINE_MIN;
	wire_init(&kv->wire, kv->line_max + LINE_EXTRA);
	kv->window_bytes = options->window_bytes != 0 ?
	    options->window_bytes : HANDLE_WINDOW;
	kv->depth = options->depth != 0 ? options->depth : HANDLE_DEPTH;
	kv->connect_ms = options->connect_ms != 0 ?
	    options->connect_ms : HANDLE_CONNECT_MS;
	kv_set_deadline(kv, options->call_ms);
	if (options->password == NULL ||
	    (kv->password = strdup(options->password)) != NULL)
		return kv;
	free(kv);
	return NULL;
}

/* The one thing that may be said on connecting. */
static enum kv_status
say_password(struct kv *kv)
{
	struct kv_bytes word = kv_str(kv->password);
	struct answer_part part = { 0 };
	enum kv_status status;

	status = handle_begin(kv, (struct expect){ .shape = SHAPE_STATUS });
	if (status == KV_OK)
		status = handle_compose(kv, "AUTH", &word, 1);
	if (status == KV_OK)
		status = handle_read(kv, handle_deadline(kv), &part);
	return status == KV_OK ? handle_verdict(kv, &part, kv_str("AUTH")) :
	    status;
}

static enum kv_status
connect_to_one(struct kv *kv, size_t first)
{
	enum kv_status status = handle_dial(kv, first);

	if (status != KV_OK)
		return status;
	kv->mode = HANDLE_CALLS;
	kv->message[0] = '\0';
	return kv->password == NULL ? KV_OK : say_password(kv);
}

static enum kv_status
read_servers(struct kv *kv, const char *text)
{
	const char *why;
	size_t entry;

	switch (servers_read(&kv->servers, text, HANDLE_PORT, &entry, &why)) {
	case ADDRESS_OK:
		return KV_OK;
	case ADDRESS_NO_MEMORY:
		return handle_fail(kv, KV_NO_MEMORY, "%.100s: out of memory",
		    text);
	case ADDRESS_BAD:
	case ADDRESS_UNKNOWN:
		break;
	}
	if (strchr(text, ',') == NULL)
		return handle_fail(kv, KV_BAD_ARGUMENT, "%.100s: %s (a server "
		    "is host:port, :port or the path of a socket)", text, why);
	return handle_fail(kv, KV_BAD_ARGUMENT, "%.100s: server %zu of the "
	    "list: %s (write host:port,host:port,...)", text, entry, why);
}

struct kv *
kv_open(const char *server, const struct kv_options *options,
    struct kv_error *error)
{
	struct kv *kv = new_handle(options);
	enum kv_status status;

	if (kv == NULL) {
		error_set(error, KV_NO_MEMORY, "a handle: out of memory");
		return NULL;
	}
	status = read_servers(kv, server != NULL ? server : HANDLE_SERVER);
	if (status == KV_OK)
		status = connect_to_one(kv, 0);
	if (status == KV_OK)
		return kv;
	error_set(error, status, kv->message);
	kv_close(kv);
	return NULL;
}

/* Forget the connection and whatever was under way on it. */
static void
hang_up(struct kv *kv)
{
	wire_free(&kv->wire);
	wire_init(&kv->wire, kv->line_max + LINE_EXTRA);
	free(kv->pending.ring);
	kv->pending = (struct pending){ 0 };
	free(kv->subject);
	kv->subject = NULL;
	kv->answering = false;
	kv->asked = false;
}

enum kv_status
kv_reopen(struct kv *kv)
{
	if (kv->mode == HANDLE_LIST)
		return handle_check(kv, false);
	hang_up(kv);
	return connect_to_one(kv, kv->current + 1);
}

static void
forget_password(struct kv *kv)
{
	if (kv->password != NULL)
		explicit_bzero(kv->password, strlen(kv->password));
	free(kv->password);
}

void
kv_close(struct kv *kv)
{
	if (kv == NULL)
		return;
	hang_up(kv);
	servers_free(&kv->servers);
	forget_password(kv);
	free(kv);
}

void
kv_set_deadline(struct kv *kv, int ms)
{
	kv->call_ms = ms != 0 ? ms : HANDLE_CALL_MS;
}

const char *
kv_message(const struct kv *kv)
{
	return kv->message;
}

const char *
kv_server(const struct kv *kv)
{
	return kv->server;
}

int
kv_fd(const struct kv *kv)
{
	return kv->wire.fd;
}

bool
kv_usable(struct kv *kv)
{
	switch (wire_peek(&kv->wire)) {
	case WIRE_QUIET:
		return kv->mode != HANDLE_BROKEN;
	case WIRE_BYTES:
		return kv->mode == HANDLE_SUBSCRIBED || kv->pending.len > 0;
	case WIRE_GONE:
		break;
	}
	return false;
}
