/*
 * The intent (intent.c): what shall be stored is written down, one word says
 * that it holds, and whoever has the lock can store it, as often as it takes.
 */

/*
 * Filling it is one step: while the state is EMPTY nobody reads what is in
 * it, so a kill half way would be like one just before the commit.  For the
 * same reason CLEAR may forget what was in it.
 */
#define FILL(x)		LOOK(assert(intent[s].state == EMPTY); x; \
	intent[s].npairs = npairs; intent[s].guard = guard; npairs = 0)

inline intent_add(w, v)
{
	intent[s].off[npairs] = w;
	intent[s].value[npairs] = v;
	npairs++
}

#ifdef FAULT_NO_GUARD
#define intent_guard()	skip
#else
#define intent_guard()	guard = NEXT_VERSION
#endif

/* Without readers nobody looks at more than whether it is odd. */
#if READERS
#define NEXT_VERSION	((mem[LINE_VERSION(s)] & 254) + 2)
#else
#define NEXT_VERSION	2
#endif

/*
 * The stores of apply() in their order: the guard odd, the words, the guard
 * even.  They come from what stands in the arena, not from what a process
 * remembers.
 */
#define IS_GUARD	(guard != 0 && (i == 0 || i > intent[s].npairs))
#define PAIR		(i - (guard != 0))
#define WORD_OFF	(IS_GUARD -> LINE_VERSION(s) : intent[s].off[PAIR])
#define WORD_VALUE	(IS_GUARD -> guard - (i == 0) : PAIR_VALUE)

#ifdef FAULT_INCREMENT
#define PAIR_VALUE	(IS_DEAD(intent[s].off[PAIR]) -> \
	mem[intent[s].off[PAIR]] + intent[s].value[PAIR] : \
	intent[s].value[PAIR])
#else
#define PAIR_VALUE	intent[s].value[PAIR]
#endif

#ifdef FAULT_LEFT_ODD
#define GUARD_STORES	1
#else
#define GUARD_STORES	2
#endif

inline tell_word(w, v)
{
	if
	:: (w) < TABLE -> printf("word %d = %d\n", (w) % SHARD_WORDS, v)
	:: else -> printf("segment %d, word %d = %d\n", SEGMENT_OF_WORD(w),
	    ((w) - TABLE) % 3, v)
	fi
}

inline begin_apply()
{
	i = 0;
	guard = intent[s].guard;
	m = intent[s].npairs + (guard != 0 -> GUARD_STORES : 0)
}

inline apply()
{
	do
	:: d_step {
		CAN && i < m ->
		TELL("apply: ");
		x = WORD_OFF;
		y = WORD_VALUE;
		tell_word(x, y);
		store(x, y);
		turn = (IS_LOOKED_AT(x) -> 0 : me);
		i++
	}
	:: DIE_IF(i < m)
	:: i == m -> break
	od
}

#define FORGET_PAIR(i)	intent[s].off[i] = 0; intent[s].value[i] = 0
#define CLEAR	m = 0; i = 0; guard = 0; \
	intent[s].npairs = 0; intent[s].guard = 0; \
	FORGET_PAIR(0); FORGET_PAIR(1); FORGET_PAIR(2); FORGET_PAIR(3); \
	FORGET_PAIR(4); intent[s].state = EMPTY; truth_settle()

/* The point of no return comes while the last pair is not there yet. */
#ifdef FAULT_COMMIT_EARLY
#define COMMIT_EARLY	PRIVATE("intent_commit: too early\n", \
	intent[s].npairs--; intent[s].state = COMMITTED); \
	LOOK(intent[s].npairs++)
#else
#define COMMIT_EARLY	skip
#endif

/* What is left of `released' when the intent is EMPTY goes to the pool. */
inline intent_commit()
{
	COMMIT_EARLY;
	PRIVATE("intent_commit: state = COMMITTED\n",
	    intent[s].state = COMMITTED; truth_commit(); begin_apply());
	apply();
#ifdef FAULT_FREED_BEFORE_EMPTY
	free_released();
#endif
#ifndef FAULT_NEVER_CLEARED
	PRIVATE("intent_commit: state = EMPTY\n", CLEAR);
#endif
	free_released()
}

/* Of a COMMITTED intent, else it does nothing. */
inline intent_finish()
{
	LOOK(on = (intent[s].state == COMMITTED);
	    if
	    :: on -> begin_apply()
	    :: else
	    fi);
	if
	:: on ->
		apply();
		PRIVATE("intent_finish: state = EMPTY\n", CLEAR; on = false)
	:: else
	fi
}
