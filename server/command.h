#ifndef KVD_SERVER_COMMAND_H
#define KVD_SERVER_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/outbuf.h"
#include "proto/request.h"
#include "server/config.h"
#include "server/role.h"
#include "server/route.h"
#include "server/store.h"
#include "server/stream.h"

/* What the connection does after a command. */
enum call_next {
	CALL_GO_ON,		/* to the next request */
	CALL_STREAM,		/* until call->stream has ended */
	CALL_SUBSCRIBE,		/* to argv[1]: from now on only events */
	CALL_CLOSE,		/* once the replies are sent */
	CALL_CUT		/* at once and without a word */
};

/*
 * How another node is asked, if it has the bucket, see command.def.  NODE is
 * what NODES comes to at that other one: not asked, and to be answered if it
 * is a node that asks.  WATCH and EXEC are those of Redis, whose answers are
 * for this node and not yet for the client.
 */
enum command_kind {
	COMMAND_HERE, COMMAND_CHANGE, COMMAND_READ, COMMAND_LIST,
	COMMAND_EVERY, COMMAND_NODES, COMMAND_NODE, COMMAND_FEED, COMMAND_ALL,
	COMMAND_HEAR, COMMAND_WATCH, COMMAND_EXEC, COMMAND_AT
};

/* What commands may look at, the same for all of a worker's calls. */
struct command_env {
	const struct inherit	*inherit;
	const struct config	*config;	/* as last reloaded */
	const struct route	*route;
	struct store		*store;
};

/* One execution of one command. */
struct session;

struct call {
	const struct command_env *env;
	const struct request	*req;
	struct outbuf		*out;
	struct stream		*stream;	/* set with CALL_STREAM */
	enum call_next		 next;
	bool			 failed;	/* answered with an error */
	const struct command	*command;	/* of command_check() */
	const struct redis_command *redis;	/* or this, of RESP */
	const struct redis_sub	*sub;		/* and this, or NULL */
	struct session		*session;	/* RESP; NULL: a node asks */
};

/* Once per process, before the first execution. */
void command_init(void);

/*
 * Execute call->req, of at least one word; the other fields are set.  In two
 * steps: find the command and check words and sizes, false if that has given
 * the answer; then run it.
 */
void command_execute(struct call *);
bool command_check(struct call *);
void command_run(struct call *);

/*
 * Of the words alone, HERE if there is no such command.  If it is CHANGE,
 * READ, LIST or FEED, argv[1] is a bucket, once command_check() has found it
 * sound.
 */
enum command_kind command_kind(const struct request *);

/* Is the verb of the request this one, in any case? */
bool command_is(const struct request *, const char *verb);

/*
 * The bucket and the key that a request of these words is about, if that can be
 * told at a glance: false if not.  A string's bucket has no name.
 */
bool command_pair(enum request_protocol, const struct slice *argv,
    size_t argc, struct slice *bucket, struct slice *key);

/*
 * A browser can be made to send anything to a local port, in a POST request
 * or behind one's header lines.  No client of ours says these words.
 */
bool command_is_http(const struct request *);

/*
 * The word by which a request is routed: the name of a bucket, or of a string;
 * of no bytes if there is none.
 */
struct slice command_name(const struct request *);

/* What it is known by, see command_fingerprint.h; never 0. */
uint64_t command_fingerprint(const struct request *);
/* The same of these words. */
uint64_t command_fingerprint_of(const struct slice *argv, size_t argc);

/* Does clients' password say so?  Takes the same time for any. */
bool command_is_password(const struct call *, struct slice);
/* Is one needed at all? */
static inline bool
command_wants_password(const struct call *call)
{
	return call->env->config->client_secret != NULL;
}

/*
 * INFO, which has a file of its own.  Where there are other nodes and it is
 * of the kind NODES, info_reply() is not called: info_local() writes what
 * comes before the lines of the nodes; then each node writes its own, or
 * another one writes that it does not answer, and for what reason.
 */
enum command_kind info_kind(const struct request *);
void info_reply(struct call *);
void info_local(struct call *);
void info_node(const struct command_env *, struct outbuf *);
void info_node_down(const struct command_env *, uint32_t node,
    const char *why, struct outbuf *);

#endif
