/*
 * The shared memory, cut down to the words that matter (layout.h).  As in C
 * a change is a word's offset and its new value, so that an intent can be
 * applied to whatever those words have become meanwhile.
 *
 *	shard s:	version of its line | a slot per key | count |
 *			heads and their positions | version, batch_end
 *	segment i:	state | used | dead
 *	log:		ROOM records in each segment, in two halves, because a
 *			record is written and copied in more than one step
 *
 * An offset in the log is counted in records, from 1; 0 names nothing.  A
 * head is a segment number + 1.  What a record holds is a number that no
 * other write has, from which its key follows.
 */

#define SHARDS		2
#define ROOM		2	/* records */
#define NOTHING		0	/* the value of a key that is not there */
#define TOMBSTONE	255

#define LINE_VERSION(s)	((s) * SHARD_WORDS)
#define SHARD_VERSION(s) ((s) * SHARD_WORDS + 1)
#define BATCH_END(s)	((s) * SHARD_WORDS + 2)
#define COUNT(s)	((s) * SHARD_WORDS + 3)
#define HOT_SEGMENT(s)	((s) * SHARD_WORDS + 4)
#define HOT_POS(s)	((s) * SHARD_WORDS + 5)
#define COLD_SEGMENT(s)	((s) * SHARD_WORDS + 6)
#define COLD_POS(s)	((s) * SHARD_WORDS + 7)
#define SLOT(s, k)	((s) * SHARD_WORDS + 8 + (k))
#define SHARD_WORDS	(8 + KEYS)

#define TABLE		(SHARDS * SHARD_WORDS)
#define STATE(i)	(TABLE + (i) * 3)
#define USED(i)		(TABLE + (i) * 3 + 1)
#define DEAD(i)		(TABLE + (i) * 3 + 2)
#define WORDS		(TABLE + SEGMENTS * 3)

#define IS_STATE(w)	((w) >= TABLE && ((w) - TABLE) % 3 == 0)
#define IS_DEAD(w)	((w) >= TABLE && ((w) - TABLE) % 3 == 2)
#define SEGMENT_OF_WORD(w) (((w) - TABLE) / 3)

#define BASE(i)		((i) * ROOM + 1)
#define SEGMENT_OF(off)	(((off) - 1) / ROOM)
#define SEALED		4	/* in used */

/* {generation 4, owner 1, kind 3}, as segment.h does it with 64 bits */
#define RAW		0
#define FREE		1
#define TAKEN		2
#define RELEASED	3
#define HOT		4
#define COLD		5
#define KIND(state)	((state) & 7)
#define OWNER(state)	((state) >> 3 & 1)
#define GENERATION(state) ((state) >> 4)
#define MAKE_STATE(generation, owner, kind) \
	(((generation) & 15) << 4 | (owner) << 3 | (kind))
#define AS(state, kind)	(((state) & 248) | (kind))
#define IS_LOG(state)	(KIND(state) == HOT || KIND(state) == COLD)

byte lock[SHARDS];		/* its owner; 0: nobody */
bool died[SHARDS];		/* its owner did; not yet consistent */
byte mem[WORDS];
byte head[SEGMENTS * ROOM + 1];		/* of the record at an offset */
byte tail[SEGMENTS * ROOM + 1];

#define EMPTY		0
#define COMMITTED	1
#define PAIRS		5

typedef intent_t {
	byte state;
	byte npairs;
	byte guard;		/* the even value; 0: nguards is 0 */
	byte off[PAIRS];
	byte value[PAIRS]
};
intent_t intent[SHARDS];

/*
 * Whose lock protects a word.  A segment in the pool is nobody's: only the
 * compare-and-swap of segment_take() may touch it.
 */
#define SHARD_OF_WORD(w) ((w) < TABLE -> (w) / SHARD_WORDS : \
	OWNER(mem[STATE(SEGMENT_OF_WORD(w))]))
#define IN_POOL(i)	(KIND(mem[STATE(i)]) <= FREE)

/* The rule on which the grouping of steps in step.pml rests. */
inline store(w, new)
{
	assert(lock[SHARD_OF_WORD(w)] == me);
	assert((w) < TABLE || !IN_POOL(SEGMENT_OF_WORD(w)));
	mem[w] = new
}

/* The same for one half of a record. */
inline may_store(where)
{
	assert(lock[OWNER(mem[STATE(SEGMENT_OF(where))])] == me);
	assert(!IN_POOL(SEGMENT_OF(where)))
}

/* Words that somebody looks at who does not hold the lock. */
#if READERS
#define IS_LOOKED_AT(w)	(IS_STATE(w) || (w) == LINE_VERSION(s) || \
	(w) == SHARD_VERSION(s) || \
	((w) >= SLOT(s, 0) && (w) < SLOT(s, KEYS)))
#define RECORD_STEP	SHARED
#else
#define IS_LOOKED_AT(w)	IS_STATE(w)
#define RECORD_STEP	PRIVATE
#endif
