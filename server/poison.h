#ifndef KVD_SERVER_POISON_H
#define KVD_SERVER_POISON_H

#include <stdbool.h>
#include <stdint.h>

#include "server/lastwords.h"
#include "server/role.h"

/*
 * Requests that kill: which they were, and which of them are refused for a
 * while.  A request is known by its fingerprint, see command_fingerprint().
 * The list lies in memory that the master shares with its children; the
 * master alone writes it.  Times are of clock_ms().
 */
struct poison_list;

#define POISON_MAX	16	/* requests that are remembered */
#define POISON_DEATHS	2	/* of workers, until a request is refused */

/* For the master, before it forks.  NULL with errno. */
struct poison_list *poison_open(void);
void poison_close(struct poison_list *);

/*
 * The master: a request has killed one more worker.  If it is the second one
 * within refuse_ms the request is refused from now_ms on for refuse_ms, and
 * the answer is true.  With refuse_ms 0 nothing is noted.  No fingerprint is
 * 0.
 */
bool poison_add(struct poison_list *, uint64_t fingerprint, uint64_t now_ms,
    uint64_t refuse_ms);

/* Any process: is this request refused now? */
bool poison_is_refused(const struct poison_list *, uint64_t fingerprint,
    uint64_t now_ms);

/* Is any, perhaps?  If not, none is that is executed now. */
bool poison_is_any(const struct poison_list *, uint64_t now_ms);

/*
 * Do these last words lay the death on the request in hand?  Yes for a fault
 * that the kernel has found and for an abort of its own; no for a signal that
 * somebody has sent, or when nothing is known.
 */
bool poison_is_to_blame(const struct lastwords *);

/*
 * The master: poison_add() by the clock and the configuration, and a line in
 * the log when the request is refused from now on.  Does nothing if
 * fingerprint is 0, which means that no request was in hand.
 */
void poison_note(const struct inherit *, uint64_t fingerprint);

#endif
