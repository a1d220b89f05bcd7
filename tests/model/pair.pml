/*
 * What a client asks for (pair.c, publish.c, batch.c): lock, room, record,
 * one intent, unlock, and then the answer.
 */

inline write_record(where, new)
{
	RECORD_STEP("record_write: head\n", may_store(where); head[where] = new);
	RECORD_STEP("record_write: tail\n", may_store(where); tail[where] = new)
}

#ifdef FAULT_WORD_BESIDE
/* The head moves outside the intent, before it is committed. */
#define HEAD_BESIDE	PRIVATE("log_advance: hot_pos\n", \
	store(HOT_POS(s), to + 1))
#define log_advance()	skip
#else
#define HEAD_BESIDE	skip
#define log_advance()	intent_add(HOT_POS(s), to + 1)
#endif

#ifdef FAULT_STORED_EARLY
/* The slot changes before the commit, and again with it. */
#define SLOT_EARLY	SHARED("index_move: slot\n", store(SLOT(s, k), to))
#else
#define SLOT_EARLY	skip
#endif

/* publish_put(), of key k: its record is at to, and the newest */
inline fill_put()
{
	intent_add(SLOT(s, k), to);
	if
	:: old != 0 -> log_kill(old, 1)
	:: else -> intent_add(COUNT(s), mem[COUNT(s)] + 1)
	fi;
	log_advance();
	intent_guard()
}

/* publish_delete(): its tombstone is dead as soon as it is there */
inline fill_delete()
{
	intent_add(SLOT(s, k), 0);
	if
	:: SEGMENT_OF(old) == SEGMENT_OF(to) -> log_kill(old, 2)
	:: else -> log_kill(old, 1); log_kill(to, 1)
	fi;
	intent_add(COUNT(s), mem[COUNT(s)] - 1);
	log_advance();
	intent_guard()
}

/* pair_put(), or with id NOTHING pair_delete(), which may find no such key */
inline change_pair()
{
	LOOK(to = mem[HOT_POS(s)]; old = mem[SLOT(s, k)]; want = k + 1);
	write_record(to, (id == NOTHING -> TOMBSTONE : id));
	SLOT_EARLY;
	HEAD_BESIDE;
	FILL(if
	    :: id != NOTHING -> fill_put()
	    :: else -> fill_delete()
	    fi);
	intent_commit()
}

#if BATCHES
/* The next record of a batch, or the end of it: then k is KEYS. */
inline fill_batch()
{
	to = mem[HOT_POS(s)];
	k = (to < mem[BATCH_END(s)] -> PLACE_OF(head[to]) % KEYS : KEYS);
	if
	:: k < KEYS -> old = mem[SLOT(s, k)]; fill_put()
	:: else ->
		intent_add(BATCH_END(s), 0);
		intent_add(SHARD_VERSION(s), (mem[SHARD_VERSION(s)] | 1) + 1)
	fi;
	old = 0;
	to = 0
}

/* Publish one after the other, moving the head past each; close_batch() */
inline batch_finish()
{
	do
	:: mem[BATCH_END(s)] != 0 -> FILL(fill_batch()); intent_commit()
	:: else -> break
	od;
	k = 0
}

/* batch_run(), a pair for every key of the shard */
inline run_batch()
{
	LOOK(to = mem[HOT_POS(s)]; want = ALL_KEYS);
	write_record(to, id);
	write_record(to + 1, id + 1);
	FILL(intent_add(SHARD_VERSION(s), mem[SHARD_VERSION(s)] | 1);
	    intent_add(BATCH_END(s), to + KEYS));
	intent_commit();
	batch_finish()
}
#endif

/*
 * A request of a client.  What was begun has been committed by the time the
 * client is answered, whoever is killed from then on.
 */
inline run_pair()
{
	lock_shard();
	LOOK(no_room = (id == NOTHING && mem[SLOT(s, k)] == 0));
	if
	:: !no_room -> log_room()
	:: else
	fi;
	if
	:: no_room
	:: !no_room && need == 1 -> change_pair()
#if BATCHES
	:: !no_room && need > 1 -> run_batch()
#endif
	fi;
	lock_release();
	d_step { assert(want == 0); forget() }
}
