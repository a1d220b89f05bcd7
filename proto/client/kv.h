#ifndef KV_H
#define KV_H

/*
 * libkv: talk to a kvd server from C.
 *
 * A struct kv is one connection.  It is used in one of three ways:
 *
 *	calls		kv_put(), kv_get(), ...  Each sends one request and
 *			waits for its reply.
 *	pipelining	kv_pipe_put(), ... queue requests, kv_pipe_reply()
 *			reads the replies in the order of the requests.  Many
 *			requests share one round trip.
 *	a subscription	after kv_subscribe() the connection brings the events
 *			of one bucket, and nothing else.
 *
 *	struct kv_error error;
 *	struct kv_bytes value;
 *	struct kv *kv = kv_open("127.0.0.1:4040", NULL, &error);
 *
 *	if (kv == NULL)
 *		errx(1, "%s", error.message);
 *	if (kv_get(kv, kv_str("shopping"), kv_str("milk"), &value) == KV_OK)
 *		fwrite(value.data, 1, value.len, stdout);
 *	kv_close(kv);
 *
 * Read this before anything else:
 *
 * - Bytes that the library hands out (values, keys, messages, replies,
 *   events) live in the handle.  They are good until the next call on the
 *   same handle and no longer; copy what must stay.
 * - After KV_TIMEOUT, KV_CLOSED, KV_GARBAGE, KV_TOO_LONG, KV_NO_MEMORY,
 *   KV_SYSTEM and KV_STOPPED it is not known where the next reply begins.
 *   The handle is then unusable: every further call answers KV_BROKEN.
 *   Call kv_reopen(), or close it and open another.  kv_event() alone may
 *   time out harmlessly.
 * - A write that ended with KV_TIMEOUT, KV_CLOSED or KV_UNKNOWN may or may
 *   not have been executed: the request may have arrived and the reply may be
 *   lost, on its way here or between two nodes.  One that ended with
 *   KV_UNAVAILABLE was not executed and is safe to repeat.
 * - A handle is for one thread at a time.  Different handles know nothing of
 *   each other.  After fork(2) only one of the two processes may use one.
 * - The library never prints, never exits, raises no SIGPIPE, installs no
 *   handler, starts no thread and keeps no global state.
 * - Looking up a host name is done by getaddrinfo(3), which knows no
 *   deadline.  With a numeric address or a path there is nothing to look up.
 *
 * Bucket names, keys and values are any bytes, NUL included.  What is too
 * long is decided by the server alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

struct kv;

/* Bytes that belong to somebody else.  data may be NULL if len is 0. */
struct kv_bytes {
	const void	*data;
	size_t		 len;
};

static inline struct kv_bytes
kv_str(const char *s)
{
	struct kv_bytes bytes;

	bytes.data = s;
	bytes.len = strlen(s);
	return bytes;
}

/*
 * What a call answers.  New codes may be added at the end.
 */
enum kv_status {
	/* Done. */
	KV_OK = 0,

	/* The answers of a healthy server; the handle stays usable. */
	KV_NO_KEY,		/* the bucket is there, the key is not */
	KV_NO_BUCKET,		/* no bucket of that name */
	KV_REFUSED,		/* the server said ERROR and why: a limit, no
				 * memory, too many connections, ... */
	KV_UNKNOWN_COMMAND,	/* the server is older than this library */

	/* Said by the library before anything is sent; nothing happened. */
	KV_BAD_ARGUMENT,	/* a bad server name, option or line */
	KV_BUSY,		/* a call while replies of the pipeline are
				 * unread, or on a subscription, or inside a
				 * callback of the same handle */
	KV_FULL,		/* the pipeline is full: read replies first */
	KV_NO_REPLY,		/* no request of the pipeline is unanswered */
	KV_UNREACHABLE,		/* could not connect: name, route, refusal, or
				 * the connect deadline */

	/* The connection is lost; the handle is unusable from here on. */
	KV_TIMEOUT,		/* the deadline passed */
	KV_CLOSED,		/* the server closed the connection */
	KV_GARBAGE,		/* what came is not the kvd protocol */
	KV_TOO_LONG,		/* a line longer than line_max_bytes */
	KV_NO_MEMORY,		/* malloc(3) failed */
	KV_SYSTEM,		/* a system call failed; the message has it */
	KV_STOPPED,		/* a callback stopped a list before its end */

	/* A call on a handle that one of the above made unusable. */
	KV_BROKEN,

	/*
	 * Further answers of a healthy server, about another node that the
	 * request was passed on to, or was to be.  The handle stays usable,
	 * but for a subscription, which is over.
	 */
	KV_UNAVAILABLE,		/* could not be: nothing was executed, and it
				 * is safe to try again */
	KV_UNKNOWN,		/* it was, and no answer came: it may or may
				 * not have been executed */
	KV_PARTIAL,		/* a list that lacks what that node has, or
				 * the rest of it; what came is right */

	/* Of reading without a server, see kv_map_open(). */
	KV_AGAIN,		/* a change stands half done, because its
				 * writer died or stands still, and nobody has
				 * finished it; reading harms nothing, and is
				 * worth another try */
	KV_STALE,		/* what is mapped is not the server's data any
				 * more: kv_map_reopen() */
	KV_ELSEWHERE,		/* the bucket is another node's; a server
				 * would ask that one */
	KV_DAMAGED		/* that part of the data is damaged */
};

/* A short phrase for a code.  Static storage; any thread. */
const char *kv_strerror(enum kv_status);

/* Why kv_open() failed.  The message is "thing: reason (remedy)". */
struct kv_error {
	enum kv_status	status;
	char		message[512];
};

/*
 * Set everything to 0 and change what matters; 0 is the default everywhere.
 * A negative time means: wait for ever.
 */
struct kv_options {
	int		connect_ms;	/* to be connected; 5000.  Of several
					 * servers each may take an equal
					 * share of what is left */
	int		call_ms;	/* see kv_set_deadline(); 30000 */
	size_t		line_max_bytes;	/* longest line of a reply as it is on
					 * the wire, where one byte of a value
					 * may take four; 64 MiB */
	size_t		window_bytes;	/* queued in a pipeline, not yet
					 * sent; 256 KiB */
	size_t		depth;		/* requests in a pipeline without an
					 * answer; 16384 */
	const char	*password;	/* said to each server that is
					 * connected to, or NULL */
	uint64_t	reserved[7];	/* 0 */
};

/* ------------------------------------------------------------ handles */

/*
 * Connect to a server: "host:port", "host" (port 4040), ":port" (this
 * machine), "[v6-address]:port", or the path of a unix socket, which holds a
 * slash.  NULL is 127.0.0.1:4040.  Every address of a name is tried.
 *
 * Or to the first of several that can be connected to: names with commas in
 * between and no spaces, "a,b,c".  All of them are checked to be names first.
 *
 * options may be NULL, and so may error.  Returns NULL on failure, with
 * *error set to KV_BAD_ARGUMENT, KV_UNREACHABLE or KV_NO_MEMORY; the message
 * has each server that was tried.  With a password also to what else a call
 * may end with, KV_REFUSED if it is not the right one.
 */
struct kv *kv_open(const char *server, const struct kv_options *options,
    struct kv_error *error);

/*
 * Leave this connection, good or not, and make another: to the next of the
 * servers that can be connected to, the one that is left coming last.  The
 * handle is then as kv_open() gave it, with the deadline it had; nothing is
 * sent again.  Else KV_UNREACHABLE or KV_NO_MEMORY, and the handle is unusable
 * but for another try.  KV_BUSY inside a callback of the handle.
 */
enum kv_status kv_reopen(struct kv *);

/*
 * Close the connection and free the handle; NULL is fine.  Requests of a
 * pipeline whose replies were not read may or may not be executed.
 */
void kv_close(struct kv *);

/*
 * From now on every call ends within ms milliseconds, or fails with
 * KV_TIMEOUT; negative: no deadline; 0: the default.  A call that brings a
 * list (kv_keys() and its like) gets this time anew with each piece that
 * arrives, so a long list is not cut short, and a silent server is noticed.
 */
void kv_set_deadline(struct kv *, int ms);

/*
 * "thing: reason (remedy)" of the last call that did not answer KV_OK, or an
 * empty string.  No control bytes are in it.
 */
const char *kv_message(const struct kv *);

/*
 * The name, as given to kv_open(), of the server that the handle is or was
 * last connected to; it stays as long as the handle.
 */
const char *kv_server(const struct kv *);

/*
 * False if the handle is unusable, or if the server has closed the
 * connection, e.g. because it was idle, or said something that nobody asked
 * for.  Does not wait, sends nothing.
 */
bool kv_usable(struct kv *);

/*
 * The socket, for poll(2) on POLLIN; never read from it or close it.  What
 * has already been received is not announced by it: call kv_event() with 0
 * until it answers KV_TIMEOUT, and only then poll.
 */
int kv_fd(const struct kv *);

/* -------------------------------------------------------------- calls */

/*
 * All of these answer KV_OK or the codes above; the ones that matter are
 * named.  Any of them may answer KV_UNAVAILABLE or KV_UNKNOWN where there are
 * several nodes.  They answer KV_BUSY while a pipeline has unread replies.
 */

/* Make a bucket.  KV_OK also if it is there. */
enum kv_status kv_create(struct kv *, struct kv_bytes bucket);

/* Remove a bucket with all its keys.  KV_NO_BUCKET. */
enum kv_status kv_drop(struct kv *, struct kv_bytes bucket);

/* Set a key.  KV_NO_BUCKET; KV_REFUSED if a limit is passed. */
enum kv_status kv_put(struct kv *, struct kv_bytes bucket,
    struct kv_bytes key, struct kv_bytes value);

/* *value is set with KV_OK alone.  KV_NO_KEY, KV_NO_BUCKET. */
enum kv_status kv_get(struct kv *, struct kv_bytes bucket,
    struct kv_bytes key, struct kv_bytes *value);

/* Remove a key.  KV_OK also if it is not there.  KV_NO_BUCKET. */
enum kv_status kv_delete(struct kv *, struct kv_bytes bucket,
    struct kv_bytes key);

/* A key and its value. */
struct kv_pair {
	struct kv_bytes	key;
	struct kv_bytes	value;
};

/*
 * Set n keys, all or none.  KV_NO_BUCKET; KV_REFUSED if it is more than the
 * server takes in one request.  n = 0 does nothing.
 */
enum kv_status kv_mput(struct kv *, struct kv_bytes bucket,
    const struct kv_pair *pairs, size_t n);

/*
 * Called for each key of a kv_mget(), in their order: i is its place in
 * keys[]; value is NULL if the key is not there.  Return 0 to go on, anything
 * else to stop (KV_STOPPED).
 */
typedef int kv_value_fn(void *arg, size_t i, const struct kv_bytes *value);

/*
 * Get n keys.  They are asked for in requests of at most a few thousand, one
 * after the other, so this is no snapshot.  n = 0 does nothing, and asks
 * nobody.  KV_NO_BUCKET.  KV_PARTIAL if the values handed on are not all.
 */
enum kv_status kv_mget(struct kv *, struct kv_bytes bucket,
    const struct kv_bytes *keys, size_t n, kv_value_fn *, void *arg);

/*
 * Called for each item of a list.  Return 0 to go on, anything else to stop
 * the list, which makes the handle unusable (KV_STOPPED): the rest of the
 * list is still on its way, however long it is.
 */
typedef int kv_item_fn(void *arg, struct kv_bytes item);

/*
 * The keys of a bucket, in no order, as they arrive: the list is nowhere
 * held in memory.  A key that is there all the time is reported once or
 * more, one that comes or goes meanwhile perhaps.  A callback that takes its
 * time slows the server down, and one that takes longer than the server's
 * patience is cut off (KV_CLOSED).  KV_NO_BUCKET, also when the bucket is
 * dropped under way.  KV_PARTIAL if the keys handed on are not all.
 */
enum kv_status kv_keys(struct kv *, struct kv_bytes bucket, kv_item_fn *,
    void *arg);

/* The names of all buckets, as kv_keys(); KV_PARTIAL if a node is missing. */
enum kv_status kv_buckets(struct kv *, kv_item_fn *, void *arg);

/* How many keys a bucket has.  KV_NO_BUCKET. */
enum kv_status kv_count(struct kv *, struct kv_bytes bucket, uint64_t *count);

/*
 * What the server says of itself, line by line as it wrote it.  section may
 * be NULL: all.  KV_REFUSED if there is no such section; KV_PARTIAL if a node
 * does not answer, of which there is then a line that says so.
 */
enum kv_status kv_info(struct kv *, const char *section, kv_item_fn *,
    void *arg);

/*
 * Which node has each of n buckets, which need not be there: a line for each,
 * in their order, as the server wrote it: slot=N,shard=N,node=S,address=S and
 * ,why=S, which goes to the end of the line.  They are asked for in requests
 * of at most a few thousand.  n = 0 does nothing, and asks nobody.  KV_REFUSED
 * if a name is too long or empty.
 */
enum kv_status kv_where(struct kv *, const struct kv_bytes *buckets, size_t n,
    kv_item_fn *, void *arg);

/*
 * Have the server check all that it stores, while it goes on serving, and
 * tell in lines name:number what it has checked; one is errors:0 if all is
 * well.  The lines come when all is done, which takes seconds for millions of
 * keys: see to it that kv_set_deadline() allows for that.  KV_REFUSED if the
 * process of the server that serves this handle is at it already, or has no
 * memory for it.
 */
enum kv_status kv_audit(struct kv *, kv_item_fn *, void *arg);

/* The server's own help, line by line; command may be NULL: all. */
enum kv_status kv_help(struct kv *, const char *command, kv_item_fn *,
    void *arg);

/* KV_OK if the server answers. */
enum kv_status kv_ping(struct kv *);

/* --------------------------------------------------------- pipelining */

/*
 *	while (more) {
 *		while ((s = kv_pipe_put(kv, bucket, key, value)) == KV_FULL)
 *			s = kv_pipe_reply(kv, &reply), ...
 *	}
 *	while (kv_pipe_pending(kv) > 0)
 *		s = kv_pipe_reply(kv, &reply), ...
 *
 * What is queued here and what is received is bounded.  When the server does
 * not take more because nobody reads its replies, the answer is KV_FULL and
 * nothing was queued; reading replies makes room.  So the two ends can never
 * wait for each other.  Nothing here waits but kv_pipe_reply().
 */
enum kv_status kv_pipe_create(struct kv *, struct kv_bytes bucket);
enum kv_status kv_pipe_put(struct kv *, struct kv_bytes bucket,
    struct kv_bytes key, struct kv_bytes value);
enum kv_status kv_pipe_get(struct kv *, struct kv_bytes bucket,
    struct kv_bytes key);
enum kv_status kv_pipe_delete(struct kv *, struct kv_bytes bucket,
    struct kv_bytes key);
/* One request, one reply. */
enum kv_status kv_pipe_mput(struct kv *, struct kv_bytes bucket,
    const struct kv_pair *pairs, size_t n);
/* One request; a reply for each key, or a single one if it fails. */
enum kv_status kv_pipe_mget(struct kv *, struct kv_bytes bucket,
    const struct kv_bytes *keys, size_t n);

/* Offer what is queued to the server now.  KV_FULL if some is left. */
enum kv_status kv_pipe_flush(struct kv *);

/* Requests whose last reply has not been read. */
size_t kv_pipe_pending(const struct kv *);

struct kv_reply {
	enum kv_status	status;		/* of the request: KV_OK, KV_NO_KEY,
					 * KV_NO_BUCKET, KV_REFUSED,
					 * KV_UNKNOWN_COMMAND, KV_UNAVAILABLE,
					 * KV_UNKNOWN */
	struct kv_bytes	value;		/* of a get or mget that is KV_OK */
	bool		last;		/* the last reply to its request */
};

/*
 * Wait for the next reply.  The return value tells of the connection, and
 * reply->status of the request; kv_message() of the one that is not KV_OK.
 * KV_NO_REPLY if nothing was asked.
 */
enum kv_status kv_pipe_reply(struct kv *, struct kv_reply *reply);

/* ------------------------------------------------------ subscriptions */

enum kv_op {
	KV_SET,
	KV_DELETED,
	KV_LOST,		/* the server has lost the bucket's node:
				 * changes may be missed from now on */
	KV_RESUMED		/* they are told again */
};

struct kv_event {
	enum kv_op	op;
	struct kv_bytes	key;		/* or the name of the node */
	struct kv_bytes	value;		/* of KV_SET */
};

/*
 * From now on the handle brings the changes of one bucket.  The server does
 * not confirm a subscription: changes made after it has arrived are told,
 * and a missing bucket is told by the first kv_event().
 */
enum kv_status kv_subscribe(struct kv *, struct kv_bytes bucket);

/*
 * Wait at most ms milliseconds (negative: for ever, 0: not at all) for the
 * next event.  KV_TIMEOUT if there was none, which harms nothing.
 * KV_NO_BUCKET, KV_REFUSED, KV_UNAVAILABLE: the subscription is over.
 * KV_CLOSED: it is, and events may be lost, as for one who did not keep up.
 * KV_BAD_ARGUMENT without kv_subscribe().
 */
enum kv_status kv_event(struct kv *, struct kv_event *event, int ms);

/* -------------------------------------------------- local reading */

/*
 * On the machine of a server its shared memory can be read in place: no
 * request is sent, no lock is taken, nothing is written, and the server does
 * not notice.  A read takes a fraction of a microsecond, and sees every
 * change whose reply was sent before it began, as a read by the server would.
 *
 *	struct kv_map *map = kv_map_open("default", NULL, &error);
 *
 *	if (map == NULL)
 *		errx(1, "%s", error.message);
 *	if (kv_map_get(map, kv_str("shopping"), kv_str("milk"), &value) ==
 *	    KV_OK)
 *		fwrite(value.data, 1, value.len, stdout);
 *	kv_map_close(map);
 *
 * - Who may read the memory may read all of it.  Who owns it is trusted: a
 *   file that is cut short under its readers ends them with SIGBUS.
 * - Bytes that are handed out live in the handle, until the next call on it.
 * - A handle is for one thread at a time; after fork(2) both processes may
 *   use theirs.  A map is no connection, and there is none to lose.
 * - All calls answer KV_OK or what is said there, and: KV_AGAIN, if nothing
 *   else came of it within wait_ms; KV_STALE; KV_ELSEWHERE; KV_DAMAGED;
 *   KV_REFUSED for names that are too long; KV_BUSY inside a callback of the
 *   same handle.  After each of them the handle stays as it was.
 */
struct kv_map;

/* All 0 for the defaults. */
struct kv_map_options {
	const char	*owner;		/* user whose memory it must be; NULL:
					 * whoever's may be read */
	int		 wait_ms;	/* for a change that stands half done;
					 * 3000, negative: for ever */
	uint64_t	 reserved[4];	/* 0 */
};

/*
 * Map the memory of the instance of that name; NULL is "default".  options may
 * be NULL, and so may error.  Returns NULL on failure, with *error set to
 * KV_BAD_ARGUMENT, KV_UNREACHABLE or KV_NO_MEMORY.
 */
struct kv_map *kv_map_open(const char *name, const struct kv_map_options *,
    struct kv_error *);

/*
 * Leave what is mapped and map what has that name now.  KV_OK, or
 * KV_UNREACHABLE or KV_NO_MEMORY, and then every call answers KV_STALE until
 * this one succeeds.
 */
enum kv_status kv_map_reopen(struct kv_map *);

/* NULL is fine. */
void kv_map_close(struct kv_map *);

/* As kv_message(). */
const char *kv_map_message(const struct kv_map *);

/*
 * Is there a server that has this memory now?  Without one nothing changes
 * in it, and it can be read as before.
 */
bool kv_map_served(const struct kv_map *);

/* *value is set with KV_OK alone.  KV_NO_KEY, KV_NO_BUCKET. */
enum kv_status kv_map_get(struct kv_map *, struct kv_bytes bucket,
    struct kv_bytes key, struct kv_bytes *value);

/*
 * The revision of a key: a number that grows with every change of it, and is
 * that of no other change near by.  KV_NO_KEY, KV_NO_BUCKET.
 */
enum kv_status kv_map_revision(struct kv_map *, struct kv_bytes bucket,
    struct kv_bytes key, uint64_t *revision);

/*
 * As kv_mget(); several keys take less time than each by itself.  A callback
 * that stops it (KV_STOPPED) does no harm here.
 */
enum kv_status kv_map_mget(struct kv_map *, struct kv_bytes bucket,
    const struct kv_bytes *keys, size_t n, kv_value_fn *, void *arg);

/*
 * As kv_keys(), but a key that is there all the time comes once; KV_STOPPED
 * does no harm.  kv_map_buckets() answers KV_PARTIAL if there are other nodes.
 */
enum kv_status kv_map_keys(struct kv_map *, struct kv_bytes bucket,
    kv_item_fn *, void *arg);
enum kv_status kv_map_buckets(struct kv_map *, kv_item_fn *, void *arg);

/* The same with values, each as it is when it is read. */
typedef int kv_pair_fn(void *arg, const struct kv_pair *pair);
enum kv_status kv_map_pairs(struct kv_map *, struct kv_bytes bucket,
    kv_pair_fn *, void *arg);

/* As kv_count(). */
enum kv_status kv_map_count(struct kv_map *, struct kv_bytes bucket,
    uint64_t *count);

/* A string, which clients of Redis set.  KV_NO_KEY. */
enum kv_status kv_map_string(struct kv_map *, struct kv_bytes key,
    struct kv_bytes *value);

/* ------------------------------------------------------------ quoting */

/*
 * The protocol's way to write any bytes as one printable word, as kv dump
 * uses it: a plain word as it is, all else as "..." with the escapes of C.
 */

/* Length of the written form. */
size_t kv_quoted_len(struct kv_bytes);

/* Write it to out, kv_quoted_len() bytes without a NUL; returns that. */
size_t kv_quote(char *out, struct kv_bytes);

/*
 * Read one word, quoted or plain, at the start of buf, unescaping it in
 * place.  *word becomes its bytes, inside buf, and *used how many bytes of
 * buf it took.  KV_BAD_ARGUMENT if there is no word (len is 0), or it is
 * malformed, and then *used is the offset of what is wrong.
 */
enum kv_status kv_unquote(char *buf, size_t len, struct kv_bytes *word,
    size_t *used);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
