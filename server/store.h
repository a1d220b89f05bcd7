#ifndef KVD_SERVER_STORE_H
#define KVD_SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/outbuf.h"
#include "proto/request.h"
#include "server/route.h"
#include "shm/arena.h"
#include "shm/audit.h"
#include "shm/bucket.h"
#include "shm/feed.h"
#include "shm/message.h"
#include "shm/pair.h"
#include "shm/pair_edit.h"
#include "shm/pair_run.h"
#include "shm/scan.h"
#include "shm/status.h"
#include "shm/txn.h"

/* What was changed by somebody who wants to know: all, or too much to tell. */
#define STORE_CHANGES_MAX	32
struct store_changes {
	size_t			n;
	struct txn_revisions	of[STORE_CHANGES_MAX];
};

/*
 * The store as a command sees it: words of a request in, a status out.  One
 * per worker process.  Answers are those of shm/pair.h and its like.
 */
struct store {
	struct arena		*arena;
	uint8_t			*value;		/* room for any value */
	struct pair		*pairs;		/* room for any MPUT */
	struct scan_batch	 batch;		/* names of the last scan */
	size_t			 batch_pos;
	uint64_t		 changed[ARENA_SHARDS_MAX / 64];
	bool			 any_changed;
	struct audit		*audit;		/* NULL: none is running */
	struct txn		*txn;
	struct txn_draft	*draft;
	struct txn		*view;		/* of the draft that is being
						 * written, or NULL */
	struct store_changes	*changes;	/* noted if not NULL: those
						 * of transactions */
};

/* Returns 0, or -1 when memory ran out. */
int store_open(struct store *, struct arena *);
void store_close(struct store *);

/* Longest value, bytes. */
uint64_t store_value_max(const struct store *);

/* SHM_NOT_A_BUCKET: the name is that of a string. */
enum shm_status store_create(struct store *, struct slice bucket);
enum shm_status store_drop(struct store *, struct slice bucket);
enum shm_status store_stat(struct store *, struct slice bucket,
    struct bucket_stat *);
enum shm_status store_put(struct store *, struct slice bucket,
    struct slice key, struct slice value);
/* words: key, value, key, value, ..; n of them, at most REQUEST_ARGS_MAX. */
enum shm_status store_put_many(struct store *, struct slice bucket,
    const struct slice *words, size_t n);
enum shm_status store_delete(struct store *, struct slice bucket,
    struct slice key);
/* *value stays until the next call for this store. */
enum shm_status store_get(struct store *, struct slice bucket,
    struct slice key, struct slice *value);

/*
 * A transaction on a shard, see shm/txn.h: op is called under its lock.
 */
enum shm_status store_change(struct store *, uint32_t shard,
    enum shm_status (*op)(struct txn *, void *), void *arg);

/*
 * A message on a channel, see shm/message.h; not while a draft is written,
 * for it could not be taken back.
 */
enum shm_status store_say(struct store *, struct slice channel,
    struct slice text);

/*
 * The same as pair_set() and pair_edit(), which are transactions on a single
 * pair, and quicker; in a draft they are SHM_NO_BUCKET, which they may be
 * anyhow.
 */
enum shm_status store_set(struct store *, uint32_t shard,
    struct bytes bucket, const struct pair *, struct pair_set *);
enum shm_status store_edit(struct store *, uint32_t shard,
    struct bytes bucket, struct bytes key, struct pair_edit *);

/*
 * The same as pair_set_run() and pair_set_all(), see shm/pair_run.h; in a draft
 * nothing is done.
 */
size_t store_set_run(struct store *, uint32_t shard, unsigned slot,
    struct pair_step *, size_t n);
bool store_set_all(struct store *, uint32_t shard, unsigned slot,
    struct pair_step *, size_t n);

/*
 * The same as store_get(), and as pair_look(), of a bucket of that shard,
 * which may be the one without a name.
 */
enum shm_status store_read(struct store *, uint32_t shard,
    struct bytes bucket, struct bytes key, struct slice *value);
enum shm_status store_look(struct store *, uint32_t shard,
    struct bytes bucket, struct bytes key, void *buf, size_t cap,
    struct pair_facts *);

/*
 * A draft of a transaction on a shard, see shm/txn.h: while write() runs, what
 * is read and changed by the functions above is the draft's.  It may run
 * several times, at last under the shard's lock.
 */
enum shm_status store_draft(struct store *, uint32_t shard,
    enum shm_status (*write)(void *), void *arg);
/* Nobody uses any more what they have returned. */
void store_turn_page(struct store *);

/*
 * One step of a walk (see shm/scan.h); its names are then taken with
 * store_next_name() before the next step of any walk.  SHM_FULL: no memory
 * in this process for a line of long keys.  A step is of `enough' names or a
 * few more, if that is not 0.
 */
enum shm_status store_scan_keys(struct store *, struct slice bucket,
    struct scan *);
enum shm_status store_scan_buckets(struct store *, uint32_t shard,
    struct scan *, size_t enough);
/* Over the strings of a shard, which may have none: SHM_NO_BUCKET. */
enum shm_status store_scan_strings(struct store *, uint32_t shard,
    struct scan *, size_t enough);
bool store_next_name(struct store *, struct slice *name);

/*
 * The same with values, for store_next_pair(), those that have expired too.
 * And all there are, as they are at one moment: SHM_NO_ROOM if they are many.
 */
enum shm_status store_scan_pairs(struct store *, struct slice bucket,
    struct scan *, size_t enough);
enum shm_status store_scan_moment(struct store *, struct slice bucket);
bool store_next_pair(struct store *, struct pair *);

/* SHM_NO_ROOM in a walk of one's own over a batch: false without memory. */
bool store_enlarge_batch(struct store *);

/*
 * How many names there are, in a shard and in all: of buckets, and of strings.
 * Those that have expired are counted until the cleaner comes by.
 */
void store_count_names(const struct store *, uint32_t shard,
    uint64_t *buckets, uint64_t *strings);
void store_count_all(const struct store *, uint64_t *buckets,
    uint64_t *strings);

/*
 * One step of a walk over the buckets of a shard, for a node among others:
 * the names that are this node's by the table are written as items of a list.
 * *place is where the walk goes on, 0 at both ends.  Nothing is written
 * unless it is SHM_OK.
 */
enum shm_status store_list_buckets(struct store *, const struct route *,
    uint32_t shard, uint64_t *place, struct outbuf *);

/*
 * The audit of shm/audit.h, one at a time.  Begin one when none is running:
 * false if memory ran out.  A step does a piece of it, under one lock at the
 * most; false after the last, and then *report is what was found, good until
 * the end, which comes by store_audit_end() at any time.
 */
bool store_audit_begin(struct store *);
bool store_audit_step(struct store *, const struct audit_report **report);
void store_audit_end(struct store *);

/*
 * Who watches a shard that was changed since the last call: *watchers is
 * their union.  Returns false if there is nobody to wake.
 */
bool store_take_watchers(struct store *, struct feed_watchers *);

#endif
