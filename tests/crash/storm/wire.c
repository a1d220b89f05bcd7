/*
 * Requests out, replies in.  Whatever is killed, a reply is whole or it is
 * cut off by the end of the connection: anything else is garbage.
 */

#include "tests/crash/storm/wire.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/crash/storm/storm.h"

#define RETRY_NS	500000

bool
wire_open(struct wire *w, const char *path, const _Atomic bool *stop)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	w->start = w->end = w->out_len = 0;
	while (!atomic_load(stop)) {
		w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (w->fd != -1 && connect(w->fd, (struct sockaddr *)&sun,
		    sizeof(sun)) == 0)
			return true;
		wire_close(w);
		storm_sleep_ns(RETRY_NS);
	}
	return false;
}

void
wire_close(struct wire *w)
{
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
}

void
wire_add(struct wire *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	w->out_len += (size_t)vsnprintf(w->out + w->out_len,
	    sizeof(w->out) - w->out_len, fmt, ap);
	va_end(ap);
}

bool
wire_flush(struct wire *w)
{
	size_t done = 0;
	ssize_t n;

	while (done < w->out_len) {
		n = send(w->fd, w->out + done, w->out_len - done,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		done += (size_t)n;
	}
	w->out_len = 0;
	return w->fd != -1 && done > 0;
}

/* More bytes behind the others; false at the end of the connection. */
static bool
receive(struct wire *w)
{
	ssize_t n;

	memmove(w->in, w->in + w->start, w->end - w->start);
	w->end -= w->start;
	w->start = 0;
	do
		n = recv(w->fd, w->in + w->end, sizeof(w->in) - w->end, 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return false;
	w->end += (size_t)n;
	return true;
}

/*
 * Wait for a whole line, `from' bytes behind the start.  Returns its length
 * without its end, and in *next where the next one begins; -1 if there will
 * be none.
 */
static ssize_t
line(struct wire *w, size_t from, size_t *next)
{
	char *begin, *end;

	while ((end = memchr(w->in + w->start + from, '\n',
	    w->end - w->start - from)) == NULL)
		if (!receive(w))
			return -1;
	begin = w->in + w->start + from;
	*next = from + (size_t)(end - begin) + 1;
	if (end > begin && end[-1] == '\r')
		end--;
	*end = '\0';
	return end - begin;
}

/* Of an answer one word, or none, is an item; more are a refusal. */
static bool
is_item(const char *text)
{
	return strchr(text, ' ') == NULL;
}

enum wire_status
wire_reply(struct wire *w, unsigned items, struct reply *r)
{
	size_t from[WIRE_ITEMS + 1], next = 0;
	ssize_t len;
	unsigned i;

	for (r->items = 0;; r->items++) {
		from[r->items] = next;
		if ((len = line(w, next, &next)) == -1)
			return WIRE_LOST;
		r->last = w->in + w->start + from[r->items];
		if (r->items == items || !is_item(r->last))
			break;
		r->len[r->items] = (size_t)len;
	}
	for (i = 0; i < r->items; i++)
		r->item[i] = w->in + w->start + from[i];
	w->start += next;
	r->ok = strcmp(r->last, "OK") == 0;
	return (size_t)len == strlen(r->last) &&
	    (r->ok || !is_item(r->last)) ? WIRE_OK : WIRE_GARBAGE;
}
