#ifndef KVD_CLIENT_HANDLE_H
#define KVD_CLIENT_HANDLE_H

#include "proto/client/answer.h"
#include "proto/client/kv.h"
#include "proto/client/servers.h"
#include "proto/client/wire.h"

#define HANDLE_PORT		"4040"
#define HANDLE_SERVER		"127.0.0.1:" HANDLE_PORT
#define HANDLE_CONNECT_MS	5000
#define HANDLE_CALL_MS		30000
#define HANDLE_LINE_MAX		((size_t)64 << 20)
#define HANDLE_WINDOW		((size_t)256 << 10)
#define HANDLE_DEPTH		((size_t)16384)

enum handle_mode {
	HANDLE_CALLS,
	HANDLE_LIST,		/* inside the callback of a list */
	HANDLE_SUBSCRIBED,
	HANDLE_BROKEN
};

/*
 * The requests of a pipeline that wait for their reply: a ring, oldest
 * first, with a power of two of places.
 */
struct pending {
	struct expect	*ring;
	size_t		 cap;
	size_t		 head;
	size_t		 len;
};

struct kv {
	struct wire		 wire;
	enum handle_mode	 mode;
	struct answer		 answer;	/* the reply being read */
	bool			 answering;	/* answer is under way */
	bool			 asked;		/* something was ever sent */
	struct pending		 pending;
	size_t			 window_bytes;
	size_t			 depth;
	int			 call_ms;
	int			 connect_ms;
	size_t			 line_max;
	char			*password;	/* ours, or NULL */
	struct servers		 servers;
	size_t			 current;	/* of the servers */
	const char		*server;	/* its name */
	char			*subject;	/* the bucket subscribed to */
	size_t			 subject_len;
	char			 message[512];
};

/* Write "thing: reason (remedy)" into the handle; returns the status. */
enum kv_status handle_fail(struct kv *, enum kv_status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, and the handle is unusable from now on. */
enum kv_status handle_break(struct kv *, enum kv_status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Connect to the first of the servers that can be, of all in their order from
 * this one on and around.  Else KV_UNREACHABLE or KV_NO_MEMORY, and the handle
 * is unusable.
 */
enum kv_status handle_dial(struct kv *, size_t first);

/* KV_OK if requests may be sent now; pipelined says which kind. */
enum kv_status handle_check(struct kv *, bool pipelined);

/*
 * Begin a call whose reply has this shape, if the handle is free for it: what
 * the last call handed out is gone, and so is its message.
 */
enum kv_status handle_begin(struct kv *, struct expect);

/* The deadline of a call that begins now. */
int64_t handle_deadline(const struct kv *);

/*
 * Add a request to the output: a verb without spaces, then words.
 * KV_NO_MEMORY breaks the handle.
 */
enum kv_status handle_compose(struct kv *, const char *verb,
    const struct kv_bytes *words, size_t n);
/* The same with keys, or with the words of pairs, after the bucket. */
enum kv_status handle_compose_keys(struct kv *, const char *verb,
    struct kv_bytes bucket, const struct kv_bytes *keys, size_t n);
enum kv_status handle_compose_pairs(struct kv *, const char *verb,
    struct kv_bytes bucket, const struct kv_pair *pairs, size_t n);

/* The next reply to be read has this shape. */
void handle_expect(struct kv *, struct expect);

/*
 * Read the next part of the reply begun: an item or the end, see answer.h.
 * What a former step handed out is gone.  Returns KV_OK with *part filled, or
 * the error that broke the connection.
 */
enum kv_status handle_read(struct kv *, int64_t deadline,
    struct answer_part *part);

/* Break the handle for what happened to the wire; KV_OK for WIRE_OK. */
enum kv_status handle_lost(struct kv *, enum wire_status);

/*
 * Turn the end of a reply into the status of a call, with its message; thing
 * is what the request was about, e.g. the bucket.
 */
enum kv_status handle_verdict(struct kv *, const struct answer_part *part,
    struct kv_bytes thing);

#endif
