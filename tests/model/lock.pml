/*
 * The lock that outlives its owner (lock.c): who gets it after a death
 * repairs the shard, and only then is it consistent.
 */

/* repair.c */
inline repair_shard()
{
#ifdef FAULT_STRAYS_FIRST
	segment_free_strays();
#endif
#ifndef FAULT_NOT_FINISHED
	intent_finish();
#endif
	segment_free_strays()
#if BATCHES && !defined FAULT_BATCH_FORGOTTEN
	; batch_finish()
#endif
}

#ifdef FAULT_NOT_CONSISTENT
#define CONSISTENT	skip
#else
#define CONSISTENT	PRIVATE("recover: consistent\n", died[s] = false)
#endif

/*
 * Nothing is held by who waits here, so killing it now would be the same as
 * not having begun.
 */
inline lock_shard()
{
	d_step {
		CAN && lock[s] == 0 ->
		TELL("lock_shard: locked\n");
		lock[s] = me;
		assert(died[s] || intent[s].state == EMPTY);
		on = died[s];
		turn = me
	};
	if
	:: on ->
		on = false;
		repair_shard();
		CONSISTENT
	:: else
	fi
}

/* Who lets go of a lock that is not consistent makes it lost for all. */
inline lock_release()
{
	SHARED("lock_release: unlocked\n",
	    assert(lock[s] == me && !died[s]);
	    audit_shard();
	    lock[s] = 0)
}
