#ifndef KVD_SHM_AUDIT_PARTS_H
#define KVD_SHM_AUDIT_PARTS_H

#include "shm/audit.h"
#include "shm/chain.h"
#include "shm/lock.h"
#include "shm/record.h"
#include "shm/segment.h"
#include "shm/slab.h"
#include "shm/word.h"

/*
 * What the parts of the audit share.  All of them run under the lock of
 * au->shard, but for audit_pool(), and trust nothing that they read.
 */

/* A walk over the lines of one table. */
#define AUDIT_SEEN	128	/* entries of a chain that are compared */

struct audit_walk {
	enum record_op	 op;		/* RECORD_PUT: pairs of a bucket */
	arena_off	 bucket;
	bool		 is_dropped;	/* nobody looks into it any more */
	uint64_t	 created;	/* its records are younger */
	uint64_t	 lines;		/* as the table counts them now */
	uint64_t	 entries;	/* met so far, and of these: */
	uint64_t	 bytes;
	uint64_t	 max_lsn;
	uint64_t	 seen[AUDIT_SEEN];	/* slots of the chain in hand */
	unsigned	 nseen;
};

/* A bucket met in a line of names, to be checked in slices of its own. */
struct audit_bucket {
	arena_off	off;
	uint64_t	created;
};

enum audit_phase {
	AUDIT_NAMES, AUDIT_BUCKETS, AUDIT_LISTS, AUDIT_SEGMENTS, AUDIT_DONE
};

#define AUDIT_FOUND	(LINE_SLOTS * CHAIN_STEPS_MAX)

/* Where the slices of a shard have got to. */
struct audit_slices {
	enum audit_phase	 phase;
	bool			 names_done;
	uint64_t		 names;		/* cursor, see table.h */
	struct audit_bucket	 found[AUDIT_FOUND];
	unsigned		 nfound, next;
	struct audit_walk	 walk;		/* of found[next] */
	uint64_t		 cursor;
	bool			 begun;		/* the walk */
	bool			 torn;		/* by an unlock */
	uint64_t		 segment;
	uint64_t		 state;		/* of the log in hand */
	uint64_t		 at, index;	/* in it: bytes, records */
	uint64_t		 lsn;		/* the shard's, last seen */
};

struct audit {
	struct arena		*a;
	struct shard		*sh;
	uint32_t		 shard;
	uint64_t		 mapped;	/* segments, so far */
	bool			 whole;		/* the shard at one moment */
	bool			 pool;		/* not in a shard */
	bool			 done;
	uint64_t		 piece;
	uint64_t		 spent;		/* under this lock */
	uint64_t		 index_bytes;	/* its lines and pages */
	uint64_t		 keys;		/* of its live buckets */
	struct audit_report	 report;
	/* Of the shard in hand, if it is checked whole: */
	uint8_t			*marks;		/* a bit per 64 bytes */
	uint64_t		*live;		/* log bytes, per segment */
	uint64_t		*units;		/* units in use, per segment */
	struct audit_slices	 slices;
};

/* audit.c */

/* Something is wrong; the first one is kept in words. */
void audit_wrong(struct audit *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Pay for some work; audit_is_spent() says when to leave off. */
static inline void
audit_spend(struct audit *au, uint64_t units)
{
	au->spent += units;
}

static inline bool
audit_is_spent(const struct audit *au)
{
	return au->spent > au->piece;
}

/*
 * A unit in use: of the right kind of segment, ours, and, if the shard is
 * checked whole, met only once.
 */
bool audit_use_unit(struct audit *, arena_off, enum slab_class,
    const char *what);

/* A bucket of the graveyard, counted and checked; NULL if it is no unit. */
const struct bucket *audit_dropped(struct audit *, arena_off);

/* Mark bytes as met; false if some of them were already. */
bool audit_mark(struct audit *, arena_off, uint64_t bytes);

/* True if the segment is of this shard and kind. */
bool audit_is_ours(const struct audit *, uint64_t segment,
    enum segment_kind);

/* Words that no change may leave behind: intent, batch, version. */
void audit_words(struct audit *);

/* Is the shard still cleaned? */
void audit_poisoned(struct audit *);

/* audit_table.c */

/* Can a table have this shape and root?  If not, it is said. */
bool audit_shape(struct audit *, struct audit_walk *, const struct table *);

/* One chain, whose home line is known to be a line of ours. */
void audit_chain(struct audit *, struct audit_walk *, uint64_t number,
    const struct line *home, void (*named)(struct audit *,
    const struct record_view *));

/* The revision of the record that a bucket says has its name, or 0. */
uint64_t audit_created(const struct audit *, const struct bucket *);

/* The sums of a bucket whose table was walked at one moment. */
void audit_sums(struct audit *, const struct audit_walk *,
    const struct bucket *);

/* All tables of the shard, at one moment. */
void audit_tables(struct audit *);

/* audit_segment.c */

/* Both heads of the log, and the lists of segments with room. */
void audit_lists(struct audit *);

/* Bytes of a log segment that are written. */
uint64_t audit_written(const struct audit *, uint64_t segment);

/*
 * The records of a log segment from *at, the *index-th, on; leaves off when
 * the work is spent.  True at the end.
 */
bool audit_log(struct audit *, uint64_t segment, uint64_t *at,
    uint64_t *index);

/* The free units of a segment of lines or pages, and their number. */
void audit_units(struct audit *, uint64_t segment, enum slab_class);

/* A segment that is not free, and this shard's. */
bool audit_owns(const struct audit *, uint64_t segment);

/* One of them; of a log its records only if the shard is checked whole. */
void audit_segment(struct audit *, uint64_t segment);

/* Every segment of the shard, at one moment. */
void audit_segments(struct audit *);

/* A bucket that lives is marked as one. */
static inline bool
audit_is_marked(const struct bucket *b)
{
	uint64_t mark = word_peek(&b->mark);

	return mark == BUCKET_LIVE || mark == BUCKET_AUTO;
}

/* audit_slice.c */
void audit_slices_begin(struct audit *);
/* One slice; true after the last. */
bool audit_slice(struct audit *);

/* audit_pool.c: without a lock. */
void audit_pool(struct audit *);

#endif
