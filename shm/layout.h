#ifndef KVD_SHM_LAYOUT_H
#define KVD_SHM_LAYOUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "shm/board.h"
#include "shm/feed.h"
#include "shm/ownership.h"

/*
 * Every structure that lives in shared memory, and nothing else.  Everything
 * is named by its offset from the start of the arena; 0 names nothing.
 *
 *	+------------+----------+-------+--------------+---------------+--
 *	| superblock | cleaning | board | shard 0..S-1 | segment table | ...
 *	+------------+----------+-------+--------------+---------------+--
 *	--+----------------+
 *	  | segment 0..N-1 |
 *	--+----------------+
 *
 * Who may write a field is said at the field.  "lock" means the lock of the
 * shard (or of the shard that owns the segment), and, but for what is marked
 * "direct", only through its intent.  No two locks are ever held at once.
 */

typedef uint64_t arena_off;		/* bytes from the start of the arena */
typedef _Atomic uint64_t word;		/* the unit of change, see intent.h */

#define LAYOUT_MAGIC	UINT64_C(0x6b76644172656e61)	/* "kvdArena" */
#define LAYOUT_VERSION	7

/* Fixed for the life of the arena, written by its creator. */
struct superblock {
	word		magic;			/* stored last */
	uint64_t	version;
	uint64_t	layout_hash;
	uint64_t	size_bytes;
	uint64_t	segment_bytes;
	uint64_t	segments;
	uint64_t	shards;
	uint64_t	value_max_bytes;
	arena_off	cleaning_off;
	arena_off	board_off;
	arena_off	shards_off;
	arena_off	table_off;
	arena_off	segments_off;
	uint64_t	hash_seed[2];
	uint64_t	pidns[2];		/* device, inode */
	uint8_t		uuid[16];
	char		boot_id[40];
};

/*
 * Hints about the pool, in the page of the superblock.  Segments are backed
 * in the order of their numbers, so all of them below backed_end are.
 */
#define POOL_OFF	2048

struct pool {
	word	backed_end;	/* atomically; an offset, only grows */
	word	backing;	/* atomically; the same, with a part of one */
	word	refused_ms;	/* atomically; when the system had no memory, */
	word	huge_refused_ms; /* or no huge pages, see huge.c */
	word	hurry;		/* atomically; free segments that are missing */
	word	spare[3];
};

/*
 * Which buckets are the node's, in the same page; see ownership.h.  Written by
 * the master, but the strays by the cleaner.
 */
#define OWNERSHIP_OFF	3072

struct ownership_record {
	word	sequence;	/* odd while what follows is written */
	word	version;
	word	hash;
	word	by;		/* enum ownership_by */
	word	strays_buckets;
	word	strays_keys;
	word	strays_hash;	/* the table they were counted for */
	word	spare;
	word	has[OWNERSHIP_PIECES / 64];
};

/*
 * What the cleaner is at, shared by all who clean so that no two segments are
 * half emptied at once: each would hold on to memory that the other needs.
 * Hints, checked before use: while they name a segment that can be emptied
 * they are changed by who has the lock of its shard, and otherwise by who has
 * this one, which protects nothing that must be repaired.
 */
struct cleaning {
	word		victim;		/* segment number + 1; 0: none */
	word		generation;	/* of the victim */
	word		offset;		/* in the victim; all before is done */
	word		spare[5];
	pthread_mutex_t	lock;
	uint8_t		spare2[64 - sizeof(pthread_mutex_t)];
};

struct board_slot {		/* written by the process that owns it... */
	word	role_state;	/* role << 32 | state */
	word	pid;
	word	started_ms;
	word	restarts;
	word	heartbeat;
	word	fingerprint;
	word	end_how;	/* ...but how its last owner ended, and */
	word	end_at;		/* when: by the master */
	word	end_address;
	word	counters[BOARD_COUNTERS];
} __attribute__((aligned(64)));

/*
 * A line of an index: up to seven entries of {16-bit tag, 48-bit offset of
 * a record}.  The version is odd while the line, or the chain it heads,
 * changes.  A chain is dense: with more than seven entries the last slot
 * of a line is a link (tag LINE_LINK) to the next line of the chain.
 *
 *	 0         8        16                       56        64
 *	+---------+---------+---------+-- ... --+---------+
 *	| version | slot 0  | slot 1  |         | slot 6  |
 *	+---------+---------+---------+-- ... --+---------+
 *	            63    48 47                0
 *	           +--------+-------------------+
 *	           |  tag   |  offset           |   0: empty
 *	           +--------+-------------------+
 */
#define LINE_SLOTS	7
#define LINE_LINK	UINT64_C(0xffff)
#define LINE_OFF_MASK	((UINT64_C(1) << 48) - 1)

struct line {
	word	version;
	word	slots[LINE_SLOTS];
};

/*
 * A page is 64 lines, or 512 offsets.  Lines and pages that are not in use
 * are linked through the last word of their first 64 bytes.
 */
#define PAGE_BYTES	4096
#define PAGE_LINES	64
#define PAGE_WORDS	512
#define UNIT_LINK	7	/* index of the word that links free units */

/*
 * A linear-hashing table.  shape counts its lines (40 bits) below a number
 * that changes with every change of shape (24 bits); root is an offset with
 * the depth of the tree in its low bits, see table.c.
 */
#define SHAPE_LINES_MASK	((UINT64_C(1) << 40) - 1)
#define ROOT_DEPTH_MASK		UINT64_C(7)
#define TABLE_DEPTH_MAX		6

struct table {
	word	shape;
	word	root;
	word	count;		/* entries */
};

/*
 * A bucket: one unit of a LINES segment; its name is in its record.  One that
 * is AUTO lives and goes with its last key; what is left of one that has
 * expired, until somebody has time to drop it, is a ghost, see bucket.h.
 */
#define BUCKET_LIVE	UINT64_C(0xb0c4e7a11fe00001)
#define BUCKET_AUTO	UINT64_C(0xb0c4e7a0d0000001)
#define BUCKET_DROPPED	UINT64_C(0xb0c4e7dead000001)

struct bucket {
	word		mark;		/* BUCKET_LIVE, .. */
	struct table	table;
	word		bytes;		/* of keys and values */
	word		revision;	/* lsn of its last change */
	word		record;		/* offset of its RECORD_CREATE; dropped:
					 * the lsn that it had */
	word		link;		/* dropped: the next one; else when
					 * it expires, ms since 1970, or 0 */
};

/*
 * A record of the log, immutable once the log head has passed it.
 *
 *	 0                        8                                      16
 *	+----------+-------------+------------+---------------+-------+--+-----
 *	| lsn (52) | key len(12) | bucket(41) | value len(12) | flags |op| ...
 *	+----------+-------------+------------+---------------+-------+--+-----
 *	... [key len: 4, value len: 4, if RECORD_LONG]
 *	... [expires_ms: 8, if RECORD_EXPIRES] key, value, padding to 8
 *
 * A length of 4095 or more has no room there: then the one of the key is
 * RECORD_LONG, the one of the value 0, and both follow.
 *
 * bucket is the offset of its struct bucket in units of 64 bytes, 0 of none.
 * The upper flags tell why the change was made, for those who follow the log: a
 * number that is theirs, but for RECORD_EXPIRED.
 */
#define RECORD_LSN_SHIFT	12
#define RECORD_BUCKET_SHIFT	23
#define RECORD_VALUE_SHIFT	11
#define RECORD_FLAGS_SHIFT	3
#define RECORD_LONG		UINT64_C(0xfff)	/* a mask, too */
#define RECORD_FLAGS_MASK	UINT64_C(0xff)
#define RECORD_OP_MASK		UINT64_C(7)
#define RECORD_EXPIRES		1U
#define RECORD_AUTO		2U	/* the bucket goes with its last key */
#define RECORD_MORE		4U	/* the same was before, of its bucket */
#define RECORD_WHY_SHIFT	3
#define RECORD_EXPIRED		1U	/* its time had come */

enum record_op {
	RECORD_PUT = 1, RECORD_DELETE, RECORD_CREATE, RECORD_DROP,
	RECORD_TOUCH,		/* a bucket is AUTO, or not, and expires */
	RECORD_MESSAGE		/* on the channel `key', of no bucket */
};
#define RECORD_OPS	(RECORD_MESSAGE + 1)

struct record {
	uint64_t	lsn;
	uint64_t	meta;
};

struct record_lengths {			/* of a long one */
	uint32_t	key;
	uint32_t	value;
};

/*
 * The state of a segment is one word, {generation 32, owner 24, kind 8}, so
 * that taking a free one is one compare-and-swap and needs no lock:
 *
 *	RAW -> FREE -> TAKEN -> HOT, COLD, LINES, INDEX -> RELEASED -> FREE
 *
 * RAW is not backed by memory yet.  TAKEN and RELEASED are in the hands of
 * the owner shard but reachable from nowhere: who repairs that shard gives
 * them back.  RELEASED exists because an intent may be applied twice: the
 * word must not be one that another shard may have changed in between.
 */
enum segment_kind {
	SEGMENT_RAW, SEGMENT_FREE, SEGMENT_TAKEN, SEGMENT_RELEASED,
	SEGMENT_HOT, SEGMENT_COLD, SEGMENT_LINES, SEGMENT_INDEX,
	SEGMENT_KINDS
};

struct segment {
	word	state;		/* lock; FREE -> TAKEN by anybody */
	word	used;		/* log: bytes, once sealed; else bytes carved */
	word	dead;		/* log: bytes of records nobody reaches */
	word	first_lsn;	/* hot log: of its first record */
	word	next;		/* hot log: successor; else: next with room;
				 * a segment number + 1 */
	union {
		word	prev;	/* lines, index: previous with room */
		word	earliest_ms; /* log: nothing that lives here expires
				 * before; 0: nothing does */
	};
	union {
		word	free_head; /* lines, index: first free unit */
		word	swept_ms; /* log: no pair that lives here has expired
				 * by then; 0: not known */
	};
	word	live;		/* lines, index: units in use; hot log: 1 if
				 * it was taken for tombstones only */
};

#define SEGMENT_SEALED	(UINT64_C(1) << 63)	/* in used: bytes are final */
/* In swept_ms: not known, but somebody has been looking since then. */
#define SEGMENT_SWEEPING	(UINT64_C(1) << 63)

/* Classes of units carved from segments. */
enum slab_class { SLAB_LINE, SLAB_PAGE, SLAB_CLASSES };

/*
 * The intent: what is about to change, in absolute values.  guards are
 * version words with the even value they are to have afterwards.
 */
#define INTENT_PAIRS	492
#define INTENT_GUARDS	16

enum intent_state { INTENT_EMPTY, INTENT_COMMITTED };

struct intent_pair {
	word	off;
	word	value;
};

struct intent {
	word			state;
	word			npairs;
	word			nguards;
	word			spare[5];
	struct intent_pair	guards[INTENT_GUARDS];
	struct intent_pair	pairs[INTENT_PAIRS];
};

/*
 * Readers without the lock look at the first of these lines, so nothing that
 * an ordinary PUT changes is in it.
 */
struct shard {
	word		version;	/* lock; odd during a batch or drop */
	struct table	buckets;	/* lock; names of buckets */
	word		graveyard;	/* lock; dropped buckets */
	word		watched;	/* atomically: watchers is not empty */
	word		poisoned;	/* atomically: its lock is lost, or the
					 * cleaner has met damage */
	word		spare0[1];

	word		lsn;		/* lock; of the last record */
	word		hot_segment;	/* lock; segment number + 1 */
	word		hot_pos;	/* lock; where the next record goes */
	word		batch_end;	/* lock; see batch.h, 0: none */
	word		partial[SLAB_CLASSES]; /* lock; segments with room */
	word		keys;		/* lock; of all live buckets */
	word		spare1[1];

	word		watchers[FEED_WATCHERS_MAX / 64]; /* atomically */

	word		cold_segment;	/* lock; the cleaner's head */
	word		cold_pos;	/* lock */
	word		durable;	/* the walwriter's, later */
	word		spare2[5];

	pthread_mutex_t	lock;
	uint8_t		spare3[64 - sizeof(pthread_mutex_t)];

	struct intent	intent;		/* lock, direct */
} __attribute__((aligned(64)));

_Static_assert(sizeof(word) == 8, "a word is eight bytes");
_Static_assert(sizeof(pthread_mutex_t) <= 64, "the lock fits its line");
_Static_assert(sizeof(struct superblock) == 192, "superblock");
_Static_assert(sizeof(struct superblock) <= POOL_OFF, "pool follows");
_Static_assert(sizeof(struct pool) == 64, "pool");
_Static_assert(POOL_OFF + sizeof(struct pool) <= OWNERSHIP_OFF,
    "ownership follows");
_Static_assert(sizeof(struct ownership_record) == 192, "ownership");
_Static_assert(sizeof(struct cleaning) == 128, "cleaning");
_Static_assert(sizeof(struct line) == 64, "a line is a cache line");
_Static_assert(sizeof(struct bucket) == sizeof(struct line), "same unit");
_Static_assert(sizeof(struct record) == 16, "record");
_Static_assert(sizeof(struct record_lengths) == 8, "lengths");
_Static_assert(RECORD_OPS <= RECORD_OP_MASK + 1, "operations fit");
_Static_assert(sizeof(struct segment) == 64, "segment");
_Static_assert(sizeof(struct intent) % 64 == 0, "intent");
_Static_assert(sizeof(struct shard) == 320 + sizeof(struct intent), "shard");

#endif
