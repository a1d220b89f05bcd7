/*
 * What must be so.  None of this is in the arena: it is what an onlooker
 * with perfect memory knows, and compares with the words.
 *
 * A change happens when its intent is COMMITTED: from then on every repair
 * leads to the new value, before that to the old one.  Readers may see
 * either until the intent is EMPTY again, which is before the client is
 * answered.
 */

#define PLACES		(SHARDS * KEYS)
#define PLACE(s, k)	((s) * KEYS + (k))
/* The j-th value of a place, j from 0; which place it belongs to. */
#define VALUE(j, place)	(1 + (place) + PLACES * (j))
#define PLACE_OF(value)	(((value) - 1) % PLACES)

byte truth[PLACES];		/* the value of each key */
byte former[PLACES];		/* what may still be seen instead */
byte reading;			/* a place that somebody reads, + 1 */
int allowed;			/* a bit for each value it may return */

hidden byte x;
hidden byte y;
hidden byte live;

inline becomes(place, new)
{
	former[place] = truth[place];
	truth[place] = new;
	if
	:: reading == (place) + 1 -> allowed = allowed | (1 << new)
	:: else
	fi
}

#define ALL_KEYS	(KEYS + 1)	/* in `want': of the shard, from id on */

/* Part of the step that stores COMMITTED. */
inline truth_commit()
{
	if
	:: want == 0
	:: want > 0 && want <= KEYS -> becomes(PLACE(s, want - 1), id)
	:: want == ALL_KEYS ->
		x = 0;
		do
		:: x < KEYS -> becomes(PLACE(s, x), id + x); x++
		:: else -> break
		od
	fi;
	want = 0
}

/* Part of the step that stores EMPTY. */
inline truth_settle()
{
	x = 0;
	do
	:: x < KEYS -> former[PLACE(s, x)] = truth[PLACE(s, x)]; x++
	:: else -> break
	od
}

/* Up to where there are records in the segment of that offset. */
#define END_OF(i)	(mem[USED(i)] & SEALED -> \
	BASE(i) + mem[USED(i)] - SEALED : (KIND(mem[STATE(i)]) == HOT -> \
	mem[HOT_POS(s)] : mem[COLD_POS(s)]))
#define HEAD_OF(i)	(KIND(mem[STATE(i)]) == HOT -> \
	mem[HOT_SEGMENT(s)] : mem[COLD_SEGMENT(s)])
#define IS_OURS(i)	(OWNER(mem[STATE(i)]) == s && IS_LOG(mem[STATE(i)]))
#define IS_SLOT_IN(k, i) (mem[SLOT(s, k)] != 0 && \
	SEGMENT_OF(mem[SLOT(s, k)]) == (i))

/* An entry of the index: the newest value, whole, in the shard's own log. */
inline audit_slot()
{
	y = mem[SLOT(s, x)];
	if
	:: y == 0 -> assert(truth[PLACE(s, x)] == NOTHING)
	:: else ->
		assert(IS_OURS(SEGMENT_OF(y)));
		assert(y < END_OF(SEGMENT_OF(y)));
		assert(head[y] == truth[PLACE(s, x)]);
		assert(tail[y] == truth[PLACE(s, x)]);
		live++
	fi
}

/* A segment of this shard: linked, and its dead records counted. */
inline audit_segment()
{
	assert(IS_LOG(mem[STATE(x)]));
	assert((HEAD_OF(x) == x + 1) == ((mem[USED(x)] & SEALED) == 0));
	y = 0;
	live = 0;
	do
	:: y < KEYS -> live = live + IS_SLOT_IN(y, x); y++
	:: else -> break
	od;
	assert(END_OF(x) >= BASE(x) && END_OF(x) <= BASE(x + 1));
	assert(mem[DEAD(x)] + live == END_OF(x) - BASE(x))
}

#define HEAD_IS(segment, kind) (mem[segment] == 0 || \
	(IS_OURS(mem[segment] - 1) && \
	KIND(mem[STATE(mem[segment] - 1)]) == kind))

/* The shard as it must be whenever its lock is free and consistent. */
inline audit_shard()
{
	assert(intent[s].state == EMPTY);
	assert((mem[LINE_VERSION(s)] & 1) == 0);
	assert((mem[SHARD_VERSION(s)] & 1) == 0);
	assert(mem[BATCH_END(s)] == 0);
	assert(HEAD_IS(HOT_SEGMENT(s), HOT));
	assert(HEAD_IS(COLD_SEGMENT(s), COLD));
	live = 0;
	x = 0;
	do
	:: x < KEYS -> audit_slot(); x++
	:: else -> break
	od;
	assert(mem[COUNT(s)] == live);
	x = 0;
	do
	:: x < SEGMENTS ->
		if
		:: OWNER(mem[STATE(x)]) == s && !IN_POOL(x) ->
			audit_segment()
		:: else
		fi;
		x++
	:: else -> break
	od
}

/* No segment is between the pool and a shard's log. */
inline audit_pool()
{
	x = 0;
	do
	:: x < SEGMENTS ->
		assert(IN_POOL(x) || IS_LOG(mem[STATE(x)]));
		x++
	:: else -> break
	od
}
