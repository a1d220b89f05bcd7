/*
 * The sessions of a worker's clients.
 */

#include "server/session.h"

#include <stdlib.h>
#include <string.h>

void
session_begin(struct session *s, struct sessions *set)
{
	s->sessions = set;
	s->id = agreed_next_client(set->agreed);
	s->since_ms = s->active_ms = set->now_ms;
	TAILQ_INSERT_TAIL(&set->all, s, entry);
}

void
session_end(struct session *s)
{
	free(s->name);
	s->name = NULL;
	if (s->sessions != NULL)
		TAILQ_REMOVE(&s->sessions->all, s, entry);
	s->sessions = NULL;
}

void
session_reset(struct session *s)
{
	s->protocol = REQUEST_RESP2;
	s->reply = SESSION_REPLY;
	free(s->name);
	s->name = NULL;
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
