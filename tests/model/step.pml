/*
 * Steps and kills.
 *
 * A step is one store.  Before each one the process may be killed instead,
 * as long as there are kills left: the kernel marks its locks, its memory is
 * gone, and a fresh process begins in its place.
 *
 * A SHARED step can be seen by others without the lock, so anybody may run
 * after it.  A PRIVATE step changes only what the held lock protects, which
 * store() asserts; it commutes with all that others can do, so the process
 * keeps its turn until its next shared step.  That leaves out no kill, only
 * orders that cannot be told apart.
 */

#define CAN		(turn == 0 || turn == me)
#define DIE_IF(c)	atomic { CAN && kills < KILLS && (c) -> \
		TELL("killed\n"); kills++; turn = me; goto dead }
#define DIE		DIE_IF(true)
#define TELL(what)	printf("process %d, shard %d: ", me, s); printf(what)

#define SHARED(what, x)	if :: d_step { CAN -> TELL(what); x; turn = 0 } \
	:: DIE fi
#define PRIVATE(what, x) if :: d_step { CAN -> TELL(what); x; turn = me } \
	:: DIE fi
/* Reading what the held lock protects: no store, no kill of its own. */
#define LOOK(x)		d_step { CAN -> x; turn = me }

byte turn;			/* whose steps are grouped; 0: nobody's */
byte kills;

/* struct held, and what else a process has on its stack */
#define LOCALS \
	byte s;			/* the shard that is held */ \
	byte k;			/* the key at hand */ \
	byte npairs; \
	byte released;		/* segment + 1 */ \
	byte m, i;		/* how many, and which, while applying */ \
	byte guard;		/* the version afterwards; 0: no guard */ \
	byte to;		/* where a record is written */ \
	byte old;		/* where the one is that it replaces */ \
	byte seg;		/* the segment in hand */ \
	byte id;		/* what is written; NOTHING: a delete */ \
	byte want;		/* a key whose value changes, + 1 */ \
	byte need;		/* room in the log, in records */ \
	byte at;		/* cleaning: the record looked at */ \
	byte seen;		/* cleaning: state of the victim */ \
	bool no_room; \
	bool on

inline forget()
{
	s = 0; k = 0; npairs = 0; released = 0; m = 0; i = 0; guard = 0;
	to = 0; old = 0; seg = 0; id = 0; want = 0; need = 0; at = 0; seen = 0;
	no_room = false; on = false
}

/*
 * A process begins, or what is left of a killed one is taken away and
 * another begins in its place: the kernel marks the locks it held.
 */
#define BEGIN		dead: atomic { CAN -> begin() }

inline begin()
{
	forget();
	do
	:: s < SHARDS ->
		if
		:: lock[s] == me -> lock[s] = 0; died[s] = true
		:: else
		fi;
		s++
	:: else -> break
	od;
	s = 0;
	turn = 0
}
