/*
 * A request that crashes its worker is sent again by a client that means
 * well, and crashes the next one.  So the second death in a row that is laid
 * on the same request has it refused for a while: one client is told no, and
 * the others keep their workers.
 *
 * What counts against a request is what it can have done itself: a fault that
 * the kernel has found, an abort of its own, and that it went on for so long
 * that the watchdog killed its worker.  A signal that somebody has sent says
 * nothing about it, be it from an operator's hand or from a kernel that is
 * out of memory, for any request may have been in hand then; and a worker
 * that somebody has stopped is not a worker that hangs.  An exit says nothing
 * either: it was a decision, and its reason is in the log.
 *
 * The words of the list need no order between them.  Who reads an entry while
 * it is replaced may refuse one request too many or too few, once.  A list of
 * a handful is searched from end to end, but only while something is refused:
 * `latest_ms' says that nothing is, and is all that a request costs then.
 *
 * The list dies with the master.  A new program, as after an upgrade, may
 * have the mistake mended, and shall be tried.
 */

#include "server/poison.h"

#include <sys/mman.h>

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "server/clock.h"
#include "server/log.h"

struct entry {
	_Atomic uint64_t	 fingerprint;	/* 0: never used */
	_Atomic uint64_t	 until_ms;	/* refused; 0: it is not */
	uint64_t		 death_ms;	/* the last; the master's */
	unsigned		 deaths;	/* the master's */
};

struct poison_list {
	_Atomic uint64_t	 latest_ms;	/* of all until_ms */
	struct entry		 entry[POISON_MAX];
};

struct poison_list *
poison_open(void)
{
	struct poison_list *list;

	list = mmap(NULL, sizeof(*list), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (list == MAP_FAILED)
		return NULL;
	return list;
}

void
poison_close(struct poison_list *list)
{
	munmap(list, sizeof(*list));
}

/* That of the request, or the one whose last death is the longest ago. */
static struct entry *
find_or_replace(struct poison_list *list, uint64_t fingerprint)
{
	struct entry *oldest = &list->entry[0];
	size_t i;

	for (i = 0; i < POISON_MAX; i++) {
		if (list->entry[i].fingerprint == fingerprint)
			return &list->entry[i];
		if (list->entry[i].death_ms < oldest->death_ms)
			oldest = &list->entry[i];
	}
	oldest->until_ms = 0;
	oldest->fingerprint = fingerprint;
	oldest->deaths = 0;
	return oldest;
}

bool
poison_add(struct poison_list *list, uint64_t fingerprint, uint64_t now_ms,
    uint64_t refuse_ms)
{
	struct entry *entry;

	if (refuse_ms == 0)
		return false;
	entry = find_or_replace(list, fingerprint);
	if (now_ms - entry->death_ms >= refuse_ms)
		entry->deaths = 0;
	entry->deaths++;
	entry->death_ms = now_ms;
	if (entry->deaths < POISON_DEATHS)
		return false;
	entry->until_ms = now_ms + refuse_ms;
	if (entry->until_ms > list->latest_ms)
		list->latest_ms = entry->until_ms;
	return true;
}

bool
poison_is_any(const struct poison_list *list, uint64_t now_ms)
{
	return atomic_load_explicit(&list->latest_ms, memory_order_relaxed) >
	    now_ms;
}

bool
poison_is_refused(const struct poison_list *list, uint64_t fingerprint,
    uint64_t now_ms)
{
	size_t i;

	if (!poison_is_any(list, now_ms))
		return false;
	for (i = 0; i < POISON_MAX; i++)
		if (list->entry[i].fingerprint == fingerprint)
			return list->entry[i].until_ms > now_ms;
	return false;
}

bool
poison_is_to_blame(const struct lastwords *words)
{
	if (words->state < LASTWORDS_CAUSE)
		return false;
	return words->code > 0 ||
	    (words->signal == SIGABRT && words->sender == words->pid);
}

void
poison_note(const struct inherit *in, uint64_t fingerprint)
{
	uint64_t refuse_ms = in->config->refuse_ms;

	if (fingerprint == 0 ||
	    !poison_add(in->poison, fingerprint, clock_ms(), refuse_ms))
		return;
	log_warn("request %016jx has ended %d workers and is refused for "
	    "%ju.%03ju s", (uintmax_t)fingerprint, POISON_DEATHS,
	    (uintmax_t)(refuse_ms / 1000), (uintmax_t)(refuse_ms % 1000));
}
