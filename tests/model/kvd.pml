/*
 * kvd's arena with its processes, any of which may be killed at any store.
 * What is modelled, and what is not, is told in README.md here.
 *
 * Everything is bounded by these: how often each thing is done in one run,
 * by whoever comes first.
 */

#ifndef SEGMENTS
#define SEGMENTS	3	/* or 4 */
#endif
#ifndef KEYS
#define KEYS		1	/* for each shard */
#endif
#ifndef WORKERS
#define WORKERS		2
#endif
#ifndef CLEANERS
#define CLEANERS	1
#endif
#ifndef READERS
#define READERS		0
#endif
#ifndef PUTS
#define PUTS		2
#endif
#ifndef DELETES
#define DELETES		0
#endif
#ifndef BATCHES
#define BATCHES		0
#endif
#ifndef CLEANS
#define CLEANS		1
#endif
#ifndef READS
#define READS		1
#endif
#ifndef READ_SHARD
#define READ_SHARD	0
#endif
#ifndef RAWS
#define RAWS		0	/* segments without memory yet */
#endif
#ifndef FRESH_SHARD
#define FRESH_SHARD	0	/* does shard 1 begin without anything? */
#endif
#ifndef KILLS
#define KILLS		2
#endif

/* How many of each are still to come. */
byte puts, deletes, batches, cleans, reads;
byte present;			/* processes that still run */

#include "arena.pml"
#include "step.pml"
#include "lock.pml"
#include "truth.pml"
#include "intent.pml"
#include "segment.pml"
#include "log.pml"
#include "pair.pml"
#include "clean.pml"
#include "reader.pml"

inline choose_shard()
{
	if
	:: s = 0
	:: s = 1
	fi
}

/* What is put is told by the budget, so that no value comes twice. */
#define NEXT_VALUE	VALUE(puts + batches + 1, PLACE(s, k))

#define NEXT_FREE_VALUE	VALUE(PUTS + BATCHES + 1, 0)

inline choose_request()
{
	if
	:: puts > 0 -> id = NEXT_VALUE; need = 1; puts--
	:: deletes > 0 -> need = 1; deletes--
	:: batches > 0 -> id = NEXT_VALUE; need = KEYS; batches--
	fi
}

proctype worker(byte me)
{
	LOCALS;

	BEGIN;
	do
	:: atomic {
		CAN && puts + deletes + batches > 0 ->
		choose_shard();
		choose_request()
	};
		run_pair()
	:: atomic {
		CAN && puts + deletes + batches == 0 -> present--; break
	}
	od
}

#define CHOOSE(i)	IS_LOG(mem[STATE(i)]) -> seen = mem[STATE(i)]; victim = i

/* Empty a victim, tidy a shard (which may repair it), or back a segment. */
proctype cleaner(byte me)
{
	LOCALS;
	byte victim;

	BEGIN;
	do
	:: atomic {
		CAN && cleans > 0 ->
		cleans--;
		if
		:: CHOOSE(0)
		:: CHOOSE(1)
		:: CHOOSE(2)
#if SEGMENTS > 3
		:: CHOOSE(3)
#endif
		:: true -> victim = SEGMENTS; choose_shard()
		fi;
		s = (victim < SEGMENTS -> OWNER(seen) : s)
	};
		clean()
	:: atomic { CAN && cleans > 0 -> cleans--; segment_back_one() }
	:: atomic { CAN && cleans == 0 -> present--; break }
	od
}

/* When all is quiet: whoever locks next repairs, and then all must be well. */
proctype auditor(byte me)
{
	LOCALS;

	present == 0;
	BEGIN;
	do
	:: k < SHARDS -> s = k; lock_shard(); lock_release(); k++
	:: else -> break
	od;
	k = 0;
	d_step {
		s = 0;
		audit_shard();
		s = 1;
		audit_shard();
		audit_pool()
	}
}

inline begin_record(shard, value)
{
	head[mem[HOT_POS(shard)]] = value;
	tail[mem[HOT_POS(shard)]] = value;
	mem[HOT_POS(shard)] = mem[HOT_POS(shard)] + 1
}

/*
 * A shard whose log is one segment: a record for each key, and dead ones up
 * to its end, so that the first write already needs another segment.
 */
inline begin_shard(shard, segment)
{
	mem[STATE(segment)] = MAKE_STATE(1, shard, HOT);
	mem[HOT_SEGMENT(shard)] = segment + 1;
	mem[HOT_POS(shard)] = BASE(segment);
	mem[COUNT(shard)] = KEYS;
	mem[DEAD(segment)] = ROOM - KEYS;
	x = 0;
	do
	:: x < KEYS ->
		truth[PLACE(shard, x)] = VALUE(0, PLACE(shard, x));
		former[PLACE(shard, x)] = truth[PLACE(shard, x)];
		mem[SLOT(shard, x)] = mem[HOT_POS(shard)];
		begin_record(shard, truth[PLACE(shard, x)]);
		x++
	:: x >= KEYS && x < ROOM -> begin_record(shard, TOMBSTONE); x++
	:: x == ROOM -> break
	od
}

init {
	atomic {
		assert(NEXT_FREE_VALUE < 31);	/* the bits of `allowed' */
		puts = PUTS;
		deletes = DELETES;
		batches = BATCHES;
		cleans = CLEANS;
		reads = READS;
		present = WORKERS + CLEANERS + READERS;
		begin_shard(0, 0);
#if !FRESH_SHARD
		begin_shard(1, 1);
#else
		mem[STATE(1)] = MAKE_STATE(0, 0, FREE);
#endif
		x = 2;
		do
		:: x < SEGMENTS - RAWS ->
			mem[STATE(x)] = MAKE_STATE(0, 0, FREE);
			x++
		:: else -> break
		od;
		run worker(1);
#if WORKERS > 1
		run worker(2);
#endif
#if CLEANERS
		run cleaner(3);
#endif
#if CLEANERS > 1
		run cleaner(4);
#endif
#if READERS
		run reader(5);
#endif
		run auditor(6)
	}
}
