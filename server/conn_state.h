#ifndef KVD_SERVER_CONN_STATE_H
#define KVD_SERVER_CONN_STATE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/outbuf.h"
#include "proto/plain.h"
#include "proto/resp.h"
#include "proto/resp_quick.h"
#include "proto/text.h"
#include "server/channel.h"
#include "server/command.h"
#include "server/command_fingerprint.h"
#include "server/conn.h"
#include "server/inbuf.h"
#include "server/link.h"
#include "server/session.h"
#include "server/stream.h"
#include "server/subscribe.h"
#include "shm/ahead.h"
#include "shm/board.h"

/*
 * What the files conn*.c share, and nobody else sees: a connection, the set
 * of them, and what one file does for another.
 */

#define OUTPUT_KEEP	((size_t)32 * 1024)	/* memory an idle one keeps */
#define OUTPUT_HIGH	((size_t)256 * 1024)	/* enough for now */
#define TOO_SLOW	"too slow for the events of its subscription, see " \
    "`output' in kvd.conf(5)"
#define DISCARD_BYTES	((size_t)16 * 1024)

enum conn_state {			/* drawn in conn.c */
	CONN_FIRST, CONN_SERVING, CONN_SUBSCRIBED, CONN_CLOSING,
	CONN_LINGERING
};

/* What all nodes are asked, one after the other: where it has got to. */
struct gather {
	bool		 facts;		/* a line of each, not its buckets */
	bool		 sum;		/* a number of each, not a list */
	uint64_t	 total;		/* of those */
	uint32_t	 node;		/* whose turn it is */
	uint32_t	 shard;
	uint64_t	 place;		/* in that shard */
	char		*partial;	/* who did not answer, or NULL; ours */
};

struct split;

/*
 * What a connection has asked of other nodes.  All that is in flight goes to
 * one node, so replies come in the order of the requests, and a request that
 * is for anybody else is held until they have come.
 */
struct away {
	struct link		*link;		/* if asked > 0 */
	unsigned		 asked;		/* in flight */
	bool			 crowded;	/* the link was full */
	bool			 waited;	/* and is no more: our turn */
	bool			 list;		/* held, and got in pieces */
	uint64_t		 place;		/* of the next piece */
	bool			 every;		/* held, a list of all nodes' */
	bool			 multi;		/* held, WATCH or EXEC */
	bool			 answered;	/* and the answer is there */
	bool			 following;	/* it is about to */
	bool			 bad;		/* a bad line is next */
	struct text_error	 error;		/* of that */
	bool			 again;		/* parse anew */
	bool			 large;		/* so was the last reply */
	unsigned		 small;		/* replies since, up to ... */
	struct gather		 gather;
	struct split		*split;		/* held, and done in parts */
	size_t			 argc;		/* of the one held; 0: none */
	struct slice		*argv;		/* ours to free */
	size_t			 used;		/* its bytes in the input */
};

struct node_feed;

struct conn {
	enum conn_state		 state;
	int			 fd;
	bool			 readable;	/* until EAGAIN */
	bool			 writable;	/* until EAGAIN */
	bool			 hung_up;	/* the end may be in sight:
						 * read on until 0 */
	bool			 lost;		/* it hears nothing any more */
	bool			 eof;		/* no more will come */
	bool			 parting;	/* no more is waited for */
	bool			 broken;	/* nothing can be sent */
	bool			 hungry;	/* no whole request is here */
	bool			 queued;
	bool			 paused;	/* and its request held */
	struct text_parser	 parser;
	struct resp_parser	 resp;
	struct resp_error	 resp_error;	/* with away.bad */
	struct session		 session;	/* speaks text until it does
						 * something else */
	struct inbuf		 in;
	size_t			 pending;	/* of in, read by the stream */
	struct outbuf		 out;
	struct stream		 stream;
	struct away		 away;
	enum conn_kind		 kind;
	struct handshake	*greeting;	/* NULL: not of a node */
	bool			 stranger;	/* it has not greeted yet */
	bool			 greeted;	/* frames follow */
	uint64_t		 fingerprint;	/* of the last request */
	struct subscriber	 sub;		/* of a bucket of ours */
	struct follower		 follower;	/* of another node's */
	bool			 is_counted;	/* as a subscriber of that */
	TAILQ_HEAD(, node_feed)	 feeds;		/* of a node */
	uint64_t		 n_feeds;
	const char		*parts_for;	/* why it is to be dropped */
	uint64_t		 active_ms;	/* last whole request */
	bool			 waiting;	/* for it to take output */
	uint64_t		 sent_ms;	/* output last moved */
	TAILQ_ENTRY(conn)	 all;
	TAILQ_ENTRY(conn)	 queue;
	TAILQ_ENTRY(conn)	 crowd;
};

TAILQ_HEAD(conn_list, conn);

/*
 * Requests of the connection whose turn it is that were parsed before it was
 * their turn: those from `i' on, the first of which begins at `at' in the
 * input.
 */
#define BATCH		32U	/* requests */

struct batch_request {
	struct plain	 plain;
	const uint8_t	*end;		/* of it, in the input */
	uint64_t	 begun;		/* its fingerprint, before the key */
	struct ahead	 ahead;		/* where it will look: if it is plain,
					 * or the home is not NULL */
};

/* Its fingerprint, if it is plain: command_fingerprint_of() its words. */
static inline uint64_t
batch_fingerprint(const struct batch_request *r)
{
	struct slice key = { r->ahead.key.data, r->ahead.key.len };
	uint64_t hash = fingerprint_add(r->begun, key);

	if (r->plain.kind == PLAIN_STRING_SET)
		hash = fingerprint_add(hash, r->plain.argv[2]);
	return fingerprint_end(hash);
}

struct batch {
	const uint8_t		*at;
	size_t			 n, i;
	struct batch_request	 request[BATCH];
};

struct conns {
	const struct command_env *env;
	struct subscriptions	*subs;
	struct links		*links;
	int			 epoll_fd;
	unsigned		 slot;
	uint64_t		 now_ms;
	uint64_t		 clock_us;	/* see conn_clock.c */
	bool			 clock_stale;	/* more than requests since */
	bool			 clock_moved;	/* in this turn */
	bool			 measures;	/* requests, in this one */
	uint64_t		 count;
	struct sessions		 sessions;	/* of clients */
	unsigned		 strangers;
	size_t			 line_max;
	bool			 alone;		/* every bucket is ours */
	bool			 draining;
	bool			 retiring;
	bool			 pausing;	/* somebody is paused */
	struct conn_list	 all;
	struct conn_list	 queue;
	struct conn_list	 crowd;		/* who waits for full links */
	struct conn_list	 spare;		/* closed, to be used again */
	size_t			 spares;
	struct inbuf_pool	 pool;
	uint64_t		 counted[BOARD_COUNTERS];
	uint64_t		 refused;	/* poison, no line of log yet */
	uint64_t		 refused_log_ms;	/* the next is due */
	struct request		 req;
	struct batch		 batch;
	const char		*verbs[PLAIN_KINDS];	/* of Redis, or NULL */
	bool			 is_large;	/* the store */
	uint8_t			 discarded[DISCARD_BYTES];
};

struct turn {			/* what a turn may still do */
	size_t		bytes;
	unsigned	requests;
};

static inline void
turn_spend(struct turn *turn, size_t bytes)
{
	turn->bytes -= bytes < turn->bytes ? bytes : turn->bytes;
}

/* conn.c: the ends of a life. */

/* One more look: what has arrived is answered, and then it is finished. */
void conn_part(struct conns *, struct conn *);
/* No more of its requests: send what waits, then close. */
void conn_finish(struct conns *, struct conn *);
/* All has been sent: wait for the client's end. */
void conn_linger(struct conns *, struct conn *);
/* At once.  The connection is gone when this returns. */
void conn_close(struct conns *, struct conn *);
/* The same against the client's will: counted, and told to the log. */
void conn_drop(struct conns *, struct conn *, const char *why);

/*
 * conn_batch.c: execute what comes next in the input the short way, as far as
 * that goes, and the request behind it as any other.  False: nothing was done,
 * for it is to be parsed first.  Forget what is parsed but not executed, before
 * the input changes otherwise than by inbuf_consume().
 */
bool conn_run_batch(struct conns *, struct conn *, struct turn *);
void conn_forget_batch(struct conns *);
/* Once, before the first. */
void conns_prepare_batches(struct conns *);

/*
 * conn_batch_parse.c: what comes next in the input into set->batch; false if
 * nothing of it can be parsed there.  Is the store so large that all short
 * requests are?  Asked for now and then.
 */
bool conn_parse_batch(struct conns *, const struct conn *);
void conns_measure(struct conns *);

/*
 * conn_batch_run.c and conn_batch_change.c: execute the first of these, which
 * are reads, or changes of one shard, and append their answers.  Returns how
 * many were done.  A read behind them was tried, unless OUTPUT_HIGH is reached,
 * and is to be executed as if it had not been; so is the first change, if none
 * was done.
 */
size_t conn_run_reads(struct conns *, struct conn *,
    const struct batch_request *, size_t n);
size_t conn_run_changes(struct conns *, struct conn *,
    const struct batch_request *, size_t n);

/* conn_resp.c: it speaks RESP, as its first byte, or request, has shown. */
bool conn_is_resp(struct conn *);
void conn_parse_resp(struct conns *, struct conn *, struct turn *);
/* What the parser refused is answered, and the connection closed. */
void conn_answer_bad_resp(struct conns *, struct conn *);
/*
 * An error in the protocol of a request, or of the connection.  code is a word
 * in capitals; "UNAVAILABLE why" of RESP is "unavailable: why" of text.
 */
void conn_put_error(struct outbuf *, enum request_protocol, const char *code,
    const char *reason);
void conn_error(struct conn *, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * conn_clock.c: a request begins, and has been executed, but for what follows
 * for the connection.  False: it is not measured, and does not end here.
 */
bool conns_begin_request(struct conns *);
void conns_end_request(struct conns *, const struct session *,
    const struct call *);
/*
 * The same of several that are executed in one go: at the end of each piece,
 * has it taken so long that somebody wants to know?
 */
bool conns_end_piece(struct conns *, uint64_t *took_us);
/* The time at the end of a turn, CLOCK_MONOTONIC. */
uint64_t conns_end_turn_ms(struct conns *);

/* conn_turn.c: queue it for a turn; allowed if it is queued. */
void conn_enqueue(struct conns *, struct conn *);

/* conn_input.c: one read; or read and throw away, as far as the turn goes. */
void conn_read(struct conns *, struct conn *, struct turn *);
void conn_discard(struct conns *, struct conn *, struct turn *);

/* conn_output.c: send as much as the socket takes. */
void conn_send(struct conns *, struct conn *);
/* What its session is told beside replies, if this is the moment for it. */
void conn_take_news(struct conn *);

/* conn_request.c: the next request of the input; or the next piece of the
 * reply that is a stream. */
void conn_parse(struct conns *, struct conn *, struct turn *);
/* Answer the bad line that was put off. */
void conn_answer_bad(struct conns *, struct conn *, struct turn *);
void conn_stream(struct conns *, struct conn *, struct turn *);

/* Clients whose end another one wants, of this worker or of another. */
void conns_end_condemned(struct conns *);

/* Take the request in set->req: at once, or once a pause is over. */
void conn_take(struct conns *, struct conn *, size_t used);
/* A pause may be over. */
void conns_unpause(struct conns *);
/* Execute the request in set->req here; used: its bytes in the input. */
void conn_execute(struct conns *, struct conn *, size_t used);

/*
 * conn_forward.c: execute the request in set->req, wherever that is.  Not for
 * one that has come from a node.
 */
void conn_route(struct conns *, struct conn *, size_t used);
/* The shard of the name that the request in set->req is about. */
uint32_t conn_shard_of(const struct conns *);
/* Keep the request in set->req, to go on with it later. */
void conn_hold(struct conns *, struct conn *, size_t used);
/* Go on with the request that was held. */
void conn_resume(struct conns *, struct conn *, struct turn *);
/* Ask away.link; if it is full, again when it is not. */
void conn_ask(struct conns *, struct conn *, const struct link_question *);
/* The list that was held is complete, or is given up. */
void conn_end_list(struct conns *, struct conn *);
/* It goes: what it has asked is asked for nobody. */
void conn_forget_away(struct conns *, struct conn *);

/* conn_gather.c: lists of what all nodes have, the request being held; of
 * their buckets (EVERY), or of the facts about them (NODES); or what all of
 * them do (ALL). */
void conn_gather_begin(struct conns *, struct conn *, enum command_kind);
/* One has done it, and this is its answer. */
void conn_gather_add(struct conns *, struct conn *, const struct frame *);
/* Have it done on all other nodes, and wait for none of them. */
void conn_say_elsewhere(void *conns, const struct request *);
void conn_gather_step(struct conns *, struct conn *);
void conn_gather_answered(struct conns *, struct conn *, uint64_t place);
void conn_gather_failed(struct conns *, struct conn *, const char *node,
    const char *why);

/*
 * conn_multi.c: WATCH or EXEC of what another node has is asked there, and
 * held; the answer is kept, and the request then executed here.  Or it has
 * failed, which has been answered, and is done with.
 */
void conn_ask_multi(struct conns *, struct conn *, enum command_kind,
    uint32_t shard, size_t used);
void conn_multi_answered(struct conn *, struct slice payload);
void conn_multi_failed(struct conns *, struct conn *);
/* A node asks for an EXEC, whose words are in set->req. */
void conn_take_multi(struct conns *, struct conn *, const struct frame *);

/*
 * conn_split.c: a request in RESP that several nodes have a part in, which is
 * held.  Can the one in set->req be put together from such parts?  Then begin;
 * go on; take what came for it, or did not.
 */
bool conn_split_can(const struct conns *);
void conn_split_begin(struct conns *, struct conn *, enum command_kind,
    size_t used);
void conn_split_step(struct conns *, struct conn *, struct turn *);
void conn_split_answered(struct conns *, struct conn *, const struct frame *);
void conn_split_failed(struct conns *, struct conn *, enum link_failure,
    const char *node, const char *why);
void conn_split_forget(struct away *);

/* conn_feed.c: a client subscribes to argv[1], which another node has. */
void conn_follow_bucket(struct conns *, struct conn *, struct link *,
    uint32_t shard);
/* A node wants to follow argv[1]; *reply is its answer's frame. */
void conn_feed_begin(struct conns *, struct conn *, struct frame *reply);
void conn_feed_cancel(struct conns *, struct conn *, uint32_t id);
void conn_feeds_end(struct conns *, struct conn *);
/* Something was written for a subscriber that is of_node. */
void conn_feed_deliver(struct conns *, struct subscriber *);

/* Is it told of changes as they happen? */
static inline bool
conn_listens(const struct conn *conn)
{
	return conn->state == CONN_SUBSCRIBED ||
	    conn->session.listener != NULL;
}

/* It need not wait any more for what it has asked last. */
static inline void
conn_end_wait(struct conn *conn)
{
	conn->away.asked--;
	conn->away.following = false;
}

/*
 * In flight, of one connection: so many, and one more for each small reply up
 * to so many more.  What a node is asked while it works on the last ones costs
 * both less than what it is woken for, and replies wait here until the client
 * takes them; hence one at a time, as long as they are larger than that.
 */
#define ASKED_MAX	64U
#define SMALL_MAX	192U
#define LARGE_REPLY	((size_t)4096)

/* Nothing can be done for it before another node has answered. */
static inline bool
conn_is_waiting(const struct conn *conn)
{
	const struct away *away = &conn->away;

	return conn->paused || away->crowded || away->following ||
	    (conn->session.listener != NULL &&
	    channels_wait(&conn->session)) ||
	    away->asked >= (away->large ? 1 : ASKED_MAX + away->small) ||
	    (away->asked > 0 && (away->argc > 0 || away->bad ||
	    away->again));
}

/* Is there something that was put off until others have answered? */
static inline bool
conn_is_held(const struct conn *conn)
{
	return conn->away.argc > 0 || conn->away.bad;
}

/* Has it to do with another node at all? */
static inline bool
conn_is_away(const struct conn *conn)
{
	return conn->away.asked > 0 || conn_is_held(conn);
}

/* conn_greet.c: begin with a node that has dialled us; false: out of memory. */
bool conn_greet(struct conns *, struct conn *);
/* It has greeted, or is closed: it is no stranger any more. */
void conn_know(struct conns *, struct conn *);
/* Take its next piece of the handshake. */
void conn_go_on_greeting(struct conns *, struct conn *);
/* Its link is about to be closed: that is told to the log. */
void conn_log_refusal(const struct conn *, const char *why);

/* conn_frame.c: the next frame of a node. */
void conn_parse_frame(struct conns *, struct conn *, struct turn *);
/* Tell it that no more requests are taken on this link. */
void conn_say_bye(struct conns *, struct conn *);

/* What every frame from here has. */
struct frame conn_frame_of(const struct conns *, enum frame_op, uint32_t id);
/* Instead of a reply: it was not executed; or that node has the bucket. */
void conn_refuse_frame(struct conns *, struct conn *, uint32_t id,
    const char *why);
void conn_say_not_mine(struct conns *, struct conn *, uint32_t id,
    uint32_t owner);
/* Which crashed a worker; in a list of all nodes is no place for a line. */
void conn_say_poisoned(struct conns *, struct conn *, const struct frame *,
    bool in_list);
/*
 * As frame_end(); but what is longer than the other end takes of one frame is
 * said in several, and refused if it is a piece of a list.
 */
void conn_end_reply(struct conns *, struct conn *, size_t mark,
    const struct frame *reply);

#define CONN_NO_SUCH	"it takes no such request"
#define CONN_CHANGING	"its routing table is changing"

#endif
