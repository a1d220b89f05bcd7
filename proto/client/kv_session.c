/*
 * The connection of kv to its server, and how its failures look: one line on
 * standard error that names the thing, the reason and what to do, and an exit
 * status that a script can tell apart.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/client/kv_session.h"

#define SHOWN_BYTES	40
#define PASSWORD_MAX	255

void
session_complain(const char *fmt, ...)
{
	va_list ap;

	/* What went well is shown above what did not. */
	(void)fflush(stdout);
	(void)fputs("kv: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

const char *
session_shown(struct kv_bytes name)
{
	static char shown[4 * SHOWN_BYTES + 8];
	bool cut = name.len > SHOWN_BYTES;
	size_t len;

	if (cut)
		name.len = SHOWN_BYTES;
	len = kv_quote(shown, name);
	(void)snprintf(shown + len, sizeof(shown) - len, "%s",
	    cut ? "..." : "");
	return shown;
}

int
session_exit_status(enum kv_status status)
{
	switch (status) {
	case KV_OK:
		return 0;
	case KV_NO_KEY:
	case KV_NO_BUCKET:
		return EXIT_NOT_FOUND;
	case KV_BAD_ARGUMENT:
		return EX_USAGE;
	case KV_UNREACHABLE:
		return EX_UNAVAILABLE;
	case KV_UNAVAILABLE:
	case KV_AGAIN:
	case KV_STALE:
	case KV_ELSEWHERE:
		return EX_TEMPFAIL;
	case KV_UNKNOWN:
		return EXIT_UNKNOWN;
	case KV_PARTIAL:
		return EXIT_PARTIAL;
	case KV_REFUSED:
	case KV_UNKNOWN_COMMAND:
	case KV_BUSY:
	case KV_FULL:
	case KV_NO_REPLY:
	case KV_TIMEOUT:
	case KV_CLOSED:
	case KV_GARBAGE:
	case KV_TOO_LONG:
	case KV_NO_MEMORY:
	case KV_SYSTEM:
	case KV_STOPPED:
	case KV_BROKEN:
	case KV_DAMAGED:
		break;
	}
	return EXIT_SERVER;
}

/* In memory that stays until our end, of which there is no more than one. */
bool
session_read_password(struct session *session, const char *path)
{
	static char line[PASSWORD_MAX + 2];
	FILE *file = fopen(path, "re");
	bool is_read = file != NULL && fgets(line, sizeof(line), file) != NULL;

	if (file != NULL)
		(void)fclose(file);
	line[strcspn(line, "\r\n")] = '\0';
	if (!is_read || *line == '\0') {
		session_complain("%s: %s", path, file == NULL ?
		    strerror(errno) : "no password (it is the first line)");
		return false;
	}
	session->password = line;
	return true;
}

struct kv *
session_open(const struct session *session, int *exit_status)
{
	const struct kv_options options = { .password = session->password };
	struct kv_error error;
	struct kv *kv = kv_open(session->server, &options, &error);

	if (kv == NULL) {
		session_complain("%s", error.message);
		*exit_status = session_exit_status(error.status);
	}
	return kv;
}

static int
open_map(struct session *session)
{
	struct kv_error error;

	/* It costs so little that none is kept, which could be stale. */
	kv_map_close(session->map);
	session->map = kv_map_open(session->local, NULL, &error);
	if (session->map != NULL)
		return 0;
	session_complain("%s", error.message);
	return session_exit_status(error.status);
}

int
session_connect(struct session *session)
{
	int exit_status = 0;

	if (session->local != NULL)
		return open_map(session);
	if (session->kv == NULL)
		session->kv = session_open(session, &exit_status);
	else if (!kv_usable(session->kv))
		exit_status = session_verdict(session->kv,
		    kv_reopen(session->kv));
	return exit_status;
}

size_t
session_servers(const struct session *session)
{
	const char *p = session->server;
	size_t n = 1;

	for (; p != NULL && *p != '\0'; p++)
		n += *p == ',';
	return n;
}

void
session_close(struct session *session)
{
	kv_close(session->kv);
	session->kv = NULL;
	kv_map_close(session->map);
	session->map = NULL;
}

int
session_answer(const struct session *session, enum kv_status status)
{
	if (session->map == NULL)
		return session_verdict(session->kv, status);
	if (status != KV_OK)
		session_complain("%s", kv_map_message(session->map));
	return session_exit_status(status);
}

int
session_verdict(const struct kv *handle, enum kv_status status)
{
	if (status != KV_OK)
		session_complain("%s", kv_message(handle));
	return session_exit_status(status);
}
