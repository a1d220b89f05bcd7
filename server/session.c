/*
 * The sessions of a worker's clients, and what the roster shows of them.
 */

#include "server/session.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/peer.h"

static void
write_path(const struct sockaddr_un *un, char *text, size_t size)
{
	strlcpy(text, un->sun_path, size);
	strlcat(text, ":0", size);
}

/* One end of its socket, as Redis writes it. */
static void
write_address(int fd, bool ours, char *text, size_t size)
{
	struct sockaddr_storage addr = { .ss_family = AF_UNSPEC }, *at = &addr;
	socklen_t len = sizeof(addr);
	int error = getsockname(fd, (struct sockaddr *)at, &len);

	if (error == 0 && !ours && addr.ss_family != AF_UNIX) {
		len = sizeof(addr);
		error = getpeername(fd, (struct sockaddr *)at, &len);
	}
	if (error == -1)
		strlcpy(text, "?:0", size);
	else if (addr.ss_family == AF_UNIX)
		write_path((const struct sockaddr_un *)at, text, size);
	else
		peer_address((const struct sockaddr *)at, len, text, size);
}

void
session_address(const struct session *s, char *text, size_t size)
{
	write_address(s->fd, false, text, size);
}

bool
session_begin(struct session *s, struct sessions *set)
{
	struct roster_client *c;

	s->id = roster_next_id(set->roster);
	s->since_ms = s->active_ms = set->now_ms;
	s->place = roster_add(set->roster, s->id);
	if (s->place == ROSTER_NO_PLACE)
		return false;
	s->sessions = set;
	LIST_INSERT_HEAD(&set->all, s, entry);
	c = roster_write(set->roster, s->place);
	c->since_ms = s->since_ms;
	c->fd = s->fd;
	write_address(s->fd, false, c->addr, sizeof(c->addr));
	write_address(s->fd, true, c->laddr, sizeof(c->laddr));
	roster_wrote(set->roster, s->place);
	session_show(s);
	return true;
}

void
session_end(struct session *s)
{
	free(s->name);
	s->name = NULL;
	outbuf_free(&s->news);
	if (s->has_news)
		LIST_REMOVE(s, next_news);
	s->has_news = false;
	if (s->sessions != NULL) {
		LIST_REMOVE(s, entry);
		roster_remove(s->sessions->roster, s->place);
	}
	s->sessions = NULL;
}

/* --- what others see --- */

static void
show_command(struct session *s, struct roster_client *c)
{
	char *p;

	snprintf(c->command, sizeof(c->command), "%s%s%s",
	    s->command == NULL ? "" : s->command, s->sub == NULL ? "" : "|",
	    s->sub == NULL ? "" : s->sub);
	for (p = c->command; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	s->shown_command = s->command;
	s->shown_sub = s->sub;
}

static void
write_sizes(const struct session *s, struct roster_client *c)
{
	c->in_len = inbuf_len(s->in);
	c->in_size = s->in->cap;
	c->out_len = outbuf_len(s->out);
	c->out_size = s->out->cap;
}

void
session_show_sizes(struct session *s)
{
	if (s->sessions == NULL)
		return;
	write_sizes(s, roster_write(s->sessions->roster, s->place));
	roster_wrote(s->sessions->roster, s->place);
}

void
session_show(struct session *s)
{
	struct roster_client *c;

	if (s->sessions == NULL)
		return;
	c = roster_write(s->sessions->roster, s->place);
	c->active_ms = s->active_ms;
	write_sizes(s, c);
	c->queued = s->queued;
	c->names = s->heard[ROSTER_NAME];
	c->patterns = s->heard[ROSTER_PATTERN];
	c->resp3 = s->protocol == REQUEST_RESP3;
	c->waits = s->waits;
	if (s->command != s->shown_command || s->sub != s->shown_sub)
		show_command(s, c);
	roster_wrote(s->sessions->roster, s->place);
}

void
session_show_names(struct session *s)
{
	struct roster_client *c;

	if (s->sessions == NULL)
		return;
	c = roster_write(s->sessions->roster, s->place);
	strlcpy(c->name, s->name == NULL ? "" : s->name, sizeof(c->name));
	strlcpy(c->lib_name, s->lib_name, sizeof(c->lib_name));
	strlcpy(c->lib_version, s->lib_version, sizeof(c->lib_version));
	roster_wrote(s->sessions->roster, s->place);
}

/* --- what the client changes --- */

void
session_has_news(struct session *s)
{
	if (s->has_news)
		return;
	s->has_news = true;
	LIST_INSERT_HEAD(&s->sessions->news, s, next_news);
}

struct session *
session_next_news(struct sessions *set)
{
	struct session *s = LIST_FIRST(&set->news);

	if (s == NULL)
		return NULL;
	LIST_REMOVE(s, next_news);
	s->has_news = false;
	return s;
}

void
session_reset(struct session *s)
{
	s->protocol = REQUEST_RESP2;
	s->reply = SESSION_REPLY;
	free(s->name);
	s->name = NULL;
	session_show_names(s);
}

bool
session_set_name(struct session *s, struct slice name)
{
	char *copy = NULL;

	if (name.len > 0 &&
	    (copy = strndup((const char *)name.data, name.len)) == NULL)
		return false;
	free(s->name);
	s->name = copy;
	session_show_names(s);
	return true;
}

bool
session_step(struct session *s)
{
	switch (s->reply) {
	case SESSION_REPLY:
		return false;
	case SESSION_MUTE:
		return true;
	case SESSION_SKIP_NEXT:
		s->reply = SESSION_SKIP;
		return true;
	case SESSION_SKIP:
		s->reply = SESSION_REPLY;
		return true;
	}
	abort();
}
