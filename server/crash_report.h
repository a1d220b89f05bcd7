#ifndef KVD_SERVER_CRASH_REPORT_H
#define KVD_SERVER_CRASH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/lastwords.h"
#include "server/role.h"

/* All that is known of a child that a signal or a failure has ended. */
struct crash {
	const char		*who;		/* "worker 0" */
	pid_t			 pid;
	int			 status;	/* of waitpid(2) */
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

/*
 * The same in few words, such as "signal 11, Segmentation fault, at 0x0",
 * "exit status 1", or "stood still, killed".
 */
void crash_cause(char *out, size_t size, int status,
    const struct lastwords *);

/* Does their signal tell an address, as that of a fault does? */
bool crash_has_address(const struct lastwords *);

/*
 * The master, between waitpid(2) and board_leave(): log how a child that had
 * this slot ended, and blame the request it had in hand if its last words
 * do.  stood_still: the watchdog killed it, and has blamed whom it wanted.
 * *words becomes what crash_cause() wants.
 */
void crash_bury(const struct inherit *, const char *who, unsigned slot,
    pid_t, int status, bool stood_still, struct lastwords *words);

#endif
