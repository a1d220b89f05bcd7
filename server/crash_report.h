#ifndef KVD_SERVER_CRASH_REPORT_H
#define KVD_SERVER_CRASH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/lastwords.h"
#include "shm/board.h"

/* All that is known of a child that a signal or a failure has ended. */
struct crash {
	const char		*who;		/* "worker 0" */
	pid_t			 pid;
	int			 status;	/* of waitpid(2) */
	bool			 stood_still;	/* so the watchdog killed it */
	uint64_t		 fingerprint;	/* request in hand; 0: none */
	uint64_t		 requests;	/* as its slot counts them */
	uint64_t		 age_ms;
	uint64_t		 restarts;	/* of its slot, before it */
	struct lastwords	 words;
};

#define CRASH_PLACE_MAX	48	/* bytes, NUL included */
#define CRASH_CAUSE_MAX	96	/* room for any cause */

/*
 * Name a place in the code as object+0xOFFSET; addr2line(1) takes the offset
 * for an address in that object.  Works for all code that the process had in
 * common with its children when it forked them; other addresses stay
 * numbers.
 */
void crash_place(uint64_t address, char *place, size_t size);

/*
 * The crash report, one line without its end, to out: who, of what, what it
 * had in hand, and the places it was called from, as many as fit.  place
 * names them.  No state, no system call.
 */
void crash_format(char *out, size_t size, const struct crash *,
    void (*place)(uint64_t address, char *, size_t));

/* What stays on the board of it; at_ms is left to the caller. */
struct board_end crash_end(const struct crash *);

/*
 * That again in few words, such as "signal 11, Segmentation fault, at 0x0",
 * "exit status 1", or "stood still, killed".  False, and nothing is written,
 * if it is the end of nobody.
 */
bool crash_cause(char *out, size_t size, const struct board_end *);

#endif
