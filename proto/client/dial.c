/*
 * Connecting to the first of some servers that lets us.
 *
 * The time for it is one time for all of them, and each may take an equal
 * share of what is left: so the caller knows how long it takes, and a host
 * that swallows packets leaves time for the others.  wire_connect() does the
 * same with the addresses of one server.
 *
 * A server counts as reached when it is connected to, whatever it says then:
 * nothing is sent to find out.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/client/handle.h"

/* Of a message: the rest is for the remedy. */
#define TRIED_MAX	440

/* What was tried, as "name: reason; name: reason"; two fit in any case. */
struct tried {
	char		 text[TRIED_MAX];
	size_t		 len;
	size_t		 left_out;	/* for lack of room */
	const char	*remedy;	/* of the last one */
};

static void
note(struct tried *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
note(struct tried *tried, const char *fmt, ...)
{
	size_t begin = tried->len, room;
	va_list ap;
	int n;

	if (begin > 0)
		begin += (size_t)snprintf(tried->text + begin,
		    sizeof(tried->text) - begin, "; ");
	room = begin < sizeof(tried->text) ? sizeof(tried->text) - begin : 0;
	va_start(ap, fmt);
	n = vsnprintf(room > 0 ? tried->text + begin : NULL, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < room) {
		tried->len = begin + (size_t)n;
		return;
	}
	tried->text[tried->len] = '\0';
	tried->left_out++;
}

static enum address_status
find(const char *server, struct address_list *list, struct tried *tried)
{
	const char *why;
	enum address_status status = address_find(server, HANDLE_PORT, list,
	    &why);

	if (status == ADDRESS_BAD || status == ADDRESS_UNKNOWN) {
		note(tried, "%.100s: %s", server, why);
		tried->remedy = "check the name";
	}
	return status;
}

static bool
connect_to(struct kv *kv, const struct address_list *list, const char *server,
    int ms, struct tried *tried)
{
	switch (wire_connect(&kv->wire, list, wire_deadline(ms))) {
	case WIRE_OK:
		return true;
	case WIRE_TIMEOUT:
		note(tried, "%.100s: no connection within %d ms", server, ms);
		tried->remedy = "is the host up?";
		break;
	case WIRE_NO_MEMORY:
	case WIRE_FULL:
	case WIRE_CLOSED:
	case WIRE_SYSTEM:
		note(tried, "%.100s: %s", server, strerror(errno));
		tried->remedy = "is kvd running there?";
		break;
	}
	return false;
}

/* What this server may take, if `left' of them want their share. */
static int
share_ms(const struct kv *kv, int64_t begun_ms, int64_t now_ms, size_t left)
{
	int64_t rest_ms = kv->connect_ms - (now_ms - begun_ms);

	if (kv->connect_ms < 0)
		return -1;
	return rest_ms > 0 ? (int)(rest_ms / (int64_t)left) : 0;
}

static enum kv_status
unreachable(struct kv *kv, const struct tried *tried)
{
	if (kv->servers.n == 1)
		return handle_break(kv, KV_UNREACHABLE, "%s (%s)",
		    tried->text, tried->remedy);
	if (tried->left_out == 0)
		return handle_break(kv, KV_UNREACHABLE,
		    "%s (is kvd running on any of them?)", tried->text);
	return handle_break(kv, KV_UNREACHABLE,
	    "%s; and %zu more (is kvd running on any of them?)", tried->text,
	    tried->left_out);
}

enum kv_status
handle_dial(struct kv *kv, size_t first)
{
	struct tried tried = { .text = "", .remedy = "" };
	int64_t begun_ms = wire_now_ms(), now_ms = begun_ms;
	size_t n = kv->servers.n, i;
	struct address_list list;
	enum address_status status;
	const char *server;
	bool connected;

	for (i = 0; i < n; i++) {
		server = kv->servers.names[(first + i) % n];
		status = find(server, &list, &tried);
		if (status == ADDRESS_NO_MEMORY)
			return handle_break(kv, KV_NO_MEMORY,
			    "%.100s: out of memory", server);
		connected = status == ADDRESS_OK && connect_to(kv, &list,
		    server, share_ms(kv, begun_ms, now_ms, n - i), &tried);
		address_free(&list);
		if (connected) {
			kv->current = (first + i) % n;
			kv->server = server;
			return KV_OK;
		}
		now_ms = wire_now_ms();
	}
	return unreachable(kv, &tried);
}
