/*
 * The reader without a lock (read.c): versions, data, versions again.  What
 * it returns must be whole, and a value that the key had meanwhile.
 */

/* A reader writes nothing, so killing it here would be like not reading. */
#define PEEK(what, x)	d_step { CAN -> TELL(what); x; turn = 0 }

#define MATCHES(value)	(value != TOMBSTONE && value != NOTHING && \
	PLACE_OF(value) == PLACE(s, k))

inline read_once()
{
	PEEK("read: shard version\n", shard_version = mem[SHARD_VERSION(s)]);
	PEEK("read: line version\n", version = mem[LINE_VERSION(s)]);
	if
	:: (shard_version & 1) == 0 && (version & 1) == 0 ->
		PEEK("read: slot\n", slot = mem[SLOT(s, k)]);
		if
		:: slot != 0 ->
			PEEK("read: head\n", id = head[slot];
			    if
			    :: MATCHES(id)
			    :: else -> slot = 0; id = NOTHING
			    fi)
		:: else
		fi;
		if
		:: slot != 0 -> PEEK("read: tail\n", copy = tail[slot])
		:: else
		fi;
		PEEK("read: line version again\n",
		    on = (version == mem[LINE_VERSION(s)]));
		PEEK("read: shard version again\n",
		    on = (on && shard_version == mem[SHARD_VERSION(s)]);
		    if
		    :: on ->
			assert(id == copy);
			assert((allowed >> id) & 1);
			read_settle()
		    :: else
		    fi)
	:: else
	fi
}

/* Who has seen the new value does not see the old one afterwards. */
inline read_settle()
{
	if
	:: id == truth[PLACE(s, k)] -> former[PLACE(s, k)] = id
	:: else
	fi
}

inline forget_read()
{
	forget();
	version = 0; shard_version = 0; slot = 0; copy = NOTHING
}

/* Under the lock, which repairs, one attempt must do. */
inline read_locked()
{
	lock_shard();
	SHARED("read: under the lock\n",
	    id = (mem[SLOT(s, k)] == 0 -> NOTHING : head[mem[SLOT(s, k)]]);
	    assert((mem[LINE_VERSION(s)] & 1) == 0);
	    assert((mem[SHARD_VERSION(s)] & 1) == 0);
	    assert(id == truth[PLACE(s, k)]));
	lock_release()
}

#if READERS
proctype reader(byte me)
{
	LOCALS;
	byte version, shard_version, slot, copy;

	BEGIN;
	do
	:: atomic {
		CAN && reads > 0 ->
		reads--;
		forget_read();
		s = READ_SHARD;
		k = 0;
		if
		:: KEYS > 1 -> k = 1
		:: true
		fi;
		reading = PLACE(s, k) + 1;
		allowed = (1 << truth[PLACE(s, k)]) |
		    (1 << former[PLACE(s, k)])
	};
		do
		:: read_once();
			if
			:: on -> break
			:: else ->
				d_step { id = 0; slot = 0; copy = 0 };
				if
				:: true		/* patience */
				:: true -> read_locked(); break
				fi
			fi
		od;
		atomic { reading = 0; allowed = 0; forget_read() }
	:: atomic { CAN && reads == 0 -> present--; break }
	od
}
#endif
