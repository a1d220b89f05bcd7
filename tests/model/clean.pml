/*
 * The cleaner (clean.c, clean_tidy.c).  Which segment is worth it is policy,
 * so here it may be any: the one that was chosen is looked at again under
 * its shard's lock.  Its records are looked at from the first one on; those
 * that an earlier cleaner has moved are not live any more.
 */

inline fill_move()
{
	intent_add(SLOT(s, k), to);
	log_kill(at, 1);
	intent_add(COLD_POS(s), to + 1);
	intent_guard()
}

/* Copied, then published as an ordinary change. */
inline move()
{
	log_cold_room();
	if
	:: !no_room ->
		LOOK(to = mem[COLD_POS(s)]);
		write_record(to, head[at]);
		FILL(fill_move());
		intent_commit()
	:: else
	fi;
	to = 0
}

#ifdef FAULT_ANY_GENERATION
#define SAME_LIFE	true
#else
#define SAME_LIFE	(GENERATION(mem[STATE(victim)]) == GENERATION(seen))
#endif

/* is_victim(): still what was chosen, and no head writes to it */
#define IS_VICTIM	(SAME_LIFE && IS_LOG(mem[STATE(victim)]) && \
	(mem[USED(victim)] & SEALED) != 0)
#define USED_END	(BASE(victim) + mem[USED(victim)] - SEALED)
#define IS_ALL_DEAD	(mem[DEAD(victim)] == mem[USED(victim)] - SEALED)

/* Every key's slot is asked, as find_live() does by hash. */
inline clean_record()
{
	LOOK(k = 0;
	    do
	    :: k < KEYS && mem[SLOT(s, k)] != at -> k++
	    :: else -> break
	    od);
	if
	:: k < KEYS -> move()
	:: else
	fi;
	at++
}

/* empty_some(): is the victim to be given back? */
inline empty_victim()
{
	LOOK(no_room = !IS_VICTIM; at = BASE(victim));
	do
	:: LOOK(on = (!no_room && at < USED_END && !IS_ALL_DEAD));
		if
		:: on -> clean_record()
		:: else -> break
		fi
	od;
	k = 0;
	LOOK(on = (!no_room && IS_ALL_DEAD); seg = victim)
}

#define IS_DEAD_HEAD(segment, pos) (mem[segment] != 0 && \
	mem[DEAD(mem[segment] - 1)] == mem[pos] - BASE(mem[segment] - 1))

/* vacate(): a shard without pairs holds no segment; one head at a time */
inline choose_dead_head()
{
	old = (mem[COUNT(s)] != 0 -> 0 :
	    (IS_DEAD_HEAD(HOT_SEGMENT(s), HOT_POS(s)) -> HOT_SEGMENT(s) :
	    (IS_DEAD_HEAD(COLD_SEGMENT(s), COLD_POS(s)) -> COLD_SEGMENT(s) :
	    0)));
	if
	:: old != 0 -> on = true; seg = mem[old] - 1
	:: else
	fi
}

/* One piece of work under the lock of a shard, see clean_step(). */
inline clean()
{
	lock_shard();
	if
	:: victim < SEGMENTS -> empty_victim()
	:: else -> LOOK(choose_dead_head())
	fi;
	if
	:: on -> log_free_segment(seg)
	:: else
	fi;
	lock_release();
	d_step { forget(); victim = 0 }
}
