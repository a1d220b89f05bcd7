/*
 * The pool (segment.c): the states of the segments are the pool, and taking
 * one is one compare-and-swap.
 *
 * How many are free, and which is looked at first, is policy there, and
 * counting takes many steps in which others take and free.  So here any count
 * may come out: whoever asks may get any free segment, or none, or may have
 * to give the one back that it got.
 */

#define FREE_AT(i)	(KIND(mem[STATE(i)]) == FREE)
#define TAKEN_STATE(i)	MAKE_STATE(GENERATION(mem[STATE(i)]) + 1, s, TAKEN)

/* The one store to a word that no lock protects. */
#ifdef FAULT_TAKEN_BY_STORE
#define TRY_TAKE(i) \
	:: d_step { CAN && FREE_AT(i) -> seg = i; turn = 0 }; \
	SHARED("try_take: stored\n", mem[STATE(seg)] = TAKEN_STATE(seg))
#else
#define TRY_TAKE(i) \
	:: d_step { CAN && FREE_AT(i) -> \
		TELL("try_take: segment "); printf("%d\n", i); \
		seg = i; mem[STATE(seg)] = TAKEN_STATE(seg); turn = 0 }
#endif

/* RELEASED or TAKEN to FREE, directly */
inline segment_free(number)
{
	SHARED("segment_free\n",
	    store(STATE(number), AS(mem[STATE(number)], FREE)))
}

inline free_released()
{
	if
	:: released != 0 -> segment_free(released - 1); released = 0
	:: else
	fi
}

/* The cleaner has no reserve to respect: it keeps what it gets. */
inline keep_or_return(kind)
{
	if
	:: kind == HOT ->
		d_step { CAN -> no_room = true; turn = 0 };
		segment_free(seg)
	:: LOOK(no_room = false)
	fi
}

inline segment_take(kind)
{
	if
	TRY_TAKE(0)
	TRY_TAKE(1)
	TRY_TAKE(2)
#if SEGMENTS > 3
	TRY_TAKE(3)
#endif
	:: LOOK(no_room = true)
	:: DIE
	fi;
	if
	:: !no_room -> keep_or_return(kind)
	:: else
	fi
}

#define IS_STRAY(i)	(OWNER(mem[STATE(i)]) == s && \
	(KIND(mem[STATE(i)]) == TAKEN || KIND(mem[STATE(i)]) == RELEASED))

#if SEGMENTS > 3
#define IS_LAST_STRAY	IS_STRAY(3)
#else
#define IS_LAST_STRAY	false
#endif

#ifdef FAULT_STRAYS_LEFT
inline segment_free_strays()
{
	skip
}
#else
inline segment_free_strays()
{
	do
	:: LOOK(seg = (IS_STRAY(0) -> 0 : (IS_STRAY(1) -> 1 :
	    (IS_STRAY(2) -> 2 : (IS_LAST_STRAY -> 3 : SEGMENTS)))));
		if
		:: seg < SEGMENTS -> segment_free(seg)
		:: else -> break
		fi
	od;
	seg = 0
}
#endif

/* back(): what the compare-and-swap at its end does, if it succeeds */
inline segment_back_one()
{
	d_step {
		CAN ->
		seg = 0;
		do
		:: seg < SEGMENTS && KIND(mem[STATE(seg)]) != RAW -> seg++
		:: else -> break
		od;
		if
		:: seg < SEGMENTS -> mem[STATE(seg)] = AS(mem[STATE(seg)], FREE)
		:: else
		fi;
		seg = 0
	}
}
