#ifndef KVD_SERVER_LASTWORDS_H
#define KVD_SERVER_LASTWORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What a child can still say when a signal kills it: why, where, and how it
 * got there.  The sheet is memory that the master shares with its children,
 * an entry for each slot of the board; a dying child fills its own, and the
 * master reads it afterwards.
 */
struct lastwords_sheet;

#define LASTWORDS_FRAMES	16

/* How far it got, for it may be killed while it speaks. */
enum lastwords_state {
	LASTWORDS_NONE,		/* nothing is known */
	LASTWORDS_BEGUN,	/* nothing but that it was dying */
	LASTWORDS_CAUSE,	/* all but the frames */
	LASTWORDS_WHOLE
};

struct lastwords {
	enum lastwords_state	 state;
	pid_t			 pid;		/* whose words these are */
	int			 signal;
	int			 code;		/* si_code; > 0: the kernel's */
	pid_t			 sender;	/* if code <= 0 */
	uint64_t		 address;	/* if code > 0: si_addr */
	uint64_t		 pc;		/* where it was; 0: unknown */
	unsigned		 frames;
	uint64_t		 frame[LASTWORDS_FRAMES]; /* return addresses */
};

/*
 * For the master, before it forks.  Also loads what backtrace(3) needs, so
 * that no dying child has to.  NULL with errno.
 */
struct lastwords_sheet *lastwords_open(void);
void lastwords_close(struct lastwords_sheet *);

/*
 * In a child with one thread, once: from now on SEGV, BUS, ILL, FPE, ABRT,
 * SYS and TRAP are noted in the entry of this slot before the process dies
 * of them, by the same signal.  Takes away what an earlier owner of the slot
 * has left there.  Processes that it forks note nothing.
 * Returns 0, or -1 with errno.
 */
int lastwords_arm(struct lastwords_sheet *, unsigned slot);

/*
 * Copy out what process pid has said in this slot so far; state NONE, and
 * the rest 0, if nothing.  Anybody, at any time.
 */
void lastwords_read(const struct lastwords_sheet *, unsigned slot, pid_t pid,
    struct lastwords *);

/* The same for a process that is dead, and the entry is empty afterwards. */
void lastwords_take(struct lastwords_sheet *, unsigned slot, pid_t pid,
    struct lastwords *);

#endif
