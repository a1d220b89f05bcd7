#ifndef KVD_CLIENT_KV_SESSION_H
#define KVD_CLIENT_KV_SESSION_H

#include <sysexits.h>

#include "proto/client/kv.h"
#include "proto/client/kv_output.h"

/* What kv exits with besides 0 and the codes of sysexits.h. */
enum {
	EXIT_NOT_FOUND = 1,
	EXIT_DAMAGED = 1,	/* audit */
	EXIT_SERVER = 2,
	EXIT_UNKNOWN = 3,	/* executed or not */
	EXIT_PARTIAL = 4	/* a list that is not complete */
};

/*
 * One run of kv: the options, and the connection, which is made when the
 * first command wants it.
 */
struct session {
	const char	*server;
	const char	*password;	/* or NULL */
	struct kv	*kv;		/* NULL: not connected */
	const char	*local;		/* instance to read in place, or NULL */
	struct kv_map	*map;		/* of it; NULL: not opened */
	struct output	 out;
	bool		 prompt;	/* commands are typed in */
};

/*
 * See that session->kv is connected; at the prompt a connection that was
 * lost meanwhile is made anew, to the next server if there are several.  Or
 * that session->map is open, if there is to be no server.  0, or an exit
 * status after saying why.
 */
int session_connect(struct session *);
/*
 * The password is the first line of a file; false after saying why it is not.
 * For one session of the process.
 */
bool session_read_password(struct session *, const char *path);
/* A further connection; NULL after saying why, with the exit status. */
struct kv *session_open(const struct session *, int *exit_status);
void session_close(struct session *);
/* How many servers there are to connect to. */
size_t session_servers(const struct session *);

/* "kv: message" on standard error, for people. */
void session_complain(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/*
 * The beginning of a name, quoted if need be, to be shown in a message;
 * static, until the next.
 */
const char *session_shown(struct kv_bytes name);

/* The exit status for what a call answered. */
int session_exit_status(enum kv_status);

/*
 * The exit status for what a call answered, after printing its message
 * unless it is KV_OK.  handle is the one that was called.
 */
int session_verdict(const struct kv *handle, enum kv_status);
/* The same of the handle that the session has, of whichever kind. */
int session_answer(const struct session *, enum kv_status);

#endif
