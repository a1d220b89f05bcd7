/*
 * The log of a shard (log.c): a hot head where clients' records go, a cold
 * one where the cleaner's do.
 */

#define LEFT(segment, pos) (mem[segment] == 0 -> 0 : \
	BASE(mem[segment]) - mem[pos])

inline fill_open(segment, pos, kind)
{
	old = mem[segment];
	if
	:: old != 0 ->
		intent_add(USED(old - 1), SEALED + mem[pos] - BASE(old - 1))
	:: else
	fi;
	old = 0;
	intent_add(STATE(seg), AS(mem[STATE(seg)], kind));
	intent_add(pos, BASE(seg));
	intent_add(segment, seg + 1);
	seg = 0
}

inline open_segment(segment, pos, kind)
{
	segment_take(kind);
	if
	:: !no_room ->
		PRIVATE("open_segment: used\n", store(USED(seg), 0));
		PRIVATE("open_segment: dead\n", store(DEAD(seg), 0));
		FILL(fill_open(segment, pos, kind));
		intent_commit()
	:: else
	fi
}

/* For `need` records in one piece; no_room says that it failed. */
inline log_room()
{
	LOOK(on = (LEFT(HOT_SEGMENT(s), HOT_POS(s)) >= need));
	if
	:: !on -> open_segment(HOT_SEGMENT(s), HOT_POS(s), HOT)
	:: else
	fi;
	on = false
}

inline log_cold_room()
{
	LOOK(on = (LEFT(COLD_SEGMENT(s), COLD_POS(s)) >= 1));
	if
	:: !on -> open_segment(COLD_SEGMENT(s), COLD_POS(s), COLD)
	:: else
	fi;
	on = false
}

#ifdef FAULT_INCREMENT
#define MORE_DEAD(off, n) n
#else
#define MORE_DEAD(off, n) (mem[DEAD(SEGMENT_OF(off))] + (n))
#endif

inline log_kill(off, n)
{
	intent_add(DEAD(SEGMENT_OF(off)), MORE_DEAD(off, n))
}

#ifdef FAULT_FREE_IN_INTENT
#define LEAVING		FREE
#define RELEASE(number)	0
#else
#define LEAVING		RELEASED
#define RELEASE(number)	((number) + 1)
#endif

/* If it is a head, whose word is in old, that is closed with it. */
inline fill_free(number)
{
	if
	:: old != 0 -> intent_add(old, 0)
	:: else
	fi;
	old = 0;
	intent_add(STATE(number), AS(mem[STATE(number)], LEAVING));
	released = RELEASE(number)
}

inline log_free_segment(number)
{
	FILL(fill_free(number));
	intent_commit()
}
