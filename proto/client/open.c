/*
 * Making a handle and ending it, and what can be asked of one without
 * talking to the server.
 *
 * Nothing is sent on connecting: the protocol has no greeting, and a server
 * that refuses us says so in the place of the first reply.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client/handle.h"

/* The last value may stand in the buffer together with its OK. */
#define LINE_EXTRA	8

static void
set_error(struct kv_error *error, enum kv_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
set_error(struct kv_error *error, enum kv_status status, const char *fmt, ...)
{
	va_list ap;

	if (error == NULL)
		return;
	error->status = status;
	va_start(ap, fmt);
	if (vsnprintf(error->message, sizeof(error->message), fmt, ap) < 0)
		error->message[0] = '\0';
	va_end(ap);
}

/* The least that holds any answer of the server that is not a value. */
#define LINE_MIN	((size_t)1024)

static struct kv *
new_handle(const char *server, const struct kv_options *options)
{
	struct kv_options none = { 0 };
	struct kv *kv = calloc(1, sizeof(*kv));
	size_t line_max;

	if (kv == NULL || (kv->server = strdup(server)) == NULL) {
		free(kv);
		return NULL;
	}
	if (options == NULL)
		options = &none;
	line_max = options->line_max_bytes;
	if (line_max == 0)
		line_max = HANDLE_LINE_MAX;
	if (line_max < LINE_MIN)
		line_max = LINE_MIN;
	wire_init(&kv->wire, line_max + LINE_EXTRA);
	kv->window_bytes = options->window_bytes != 0 ?
	    options->window_bytes : HANDLE_WINDOW;
	kv->depth = options->depth != 0 ? options->depth : HANDLE_DEPTH;
	kv_set_deadline(kv, options->call_ms);
	return kv;
}

static bool
find(const char *server, struct address_list *list, struct kv_error *error)
{
	const char *why;

	switch (address_find(server, HANDLE_PORT, list, &why)) {
	case ADDRESS_OK:
		return true;
	case ADDRESS_BAD:
		set_error(error, KV_BAD_ARGUMENT, "%.100s: %s (a server is "
		    "host:port, :port or the path of a socket)", server, why);
		break;
	case ADDRESS_UNKNOWN:
		set_error(error, KV_UNREACHABLE, "%.100s: %s (check the name)",
		    server, why);
		break;
	case ADDRESS_NO_MEMORY:
		set_error(error, KV_NO_MEMORY, "%.100s: out of memory", server);
		break;
	}
	return false;
}

static bool
dial(struct kv *kv, const struct address_list *list, int ms,
    struct kv_error *error)
{
	if (ms == 0)
		ms = HANDLE_CONNECT_MS;
	switch (wire_connect(&kv->wire, list, wire_deadline(ms))) {
	case WIRE_OK:
		return true;
	case WIRE_TIMEOUT:
		set_error(error, KV_UNREACHABLE, "%s: no connection within "
		    "%d ms (is the host up?)", kv->server, ms);
		break;
	case WIRE_NO_MEMORY:
	case WIRE_FULL:
	case WIRE_CLOSED:
	case WIRE_SYSTEM:
		set_error(error, KV_UNREACHABLE, "%s: %s (is kvd running "
		    "there?)", kv->server, strerror(errno));
		break;
	}
	return false;
}

struct kv *
kv_open(const char *server, const struct kv_options *options,
    struct kv_error *error)
{
	struct address_list list;
	struct kv *kv;
	bool connected;

	if (server == NULL)
		server = HANDLE_SERVER;
	if (!find(server, &list, error))
		return NULL;
	kv = new_handle(server, options);
	if (kv == NULL) {
		set_error(error, KV_NO_MEMORY, "%.100s: out of memory", server);
		address_free(&list);
		return NULL;
	}
	connected = dial(kv, &list, options != NULL ? options->connect_ms : 0,
	    error);
	address_free(&list);
	if (connected)
		return kv;
	kv_close(kv);
	return NULL;
}

void
kv_close(struct kv *kv)
{
	if (kv == NULL)
		return;
	wire_free(&kv->wire);
	free(kv->pending.ring);
	free(kv->server);
	free(kv->subject);
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
