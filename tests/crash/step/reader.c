/*
 * The readers.  A reader of kvd that is told to try again does so, and takes
 * the lock in the end; these here never do, for the lock is in the hands of
 * a process that stands still.
 */

#include "reader.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "must.h"
#include "shm/read.h"
#include "tally.h"

static void
copy(void *arg, const struct record_view *r)
{
	struct answer *got = arg;

	got->len = r->value.len;
	got->revision = r->lsn;
	got->expires_ms = r->expires_ms;
	if (r->value.len > 0 && r->value.len <= sizeof(got->bytes))
		memcpy(got->bytes, r->value.data, r->value.len);
}

bool
reader_try(const struct arena *a, unsigned bucket, unsigned key,
    struct answer *got)
{
	struct read_action action = { copy, got };

	got->len = 0;
	got->expires_ms = 0;
	if (!read_pair_once(a, model_bucket_name(bucket), model_key(key),
	    &action, &got->status))
		return false;
	if (got->status == SHM_OK && got->expires_ms != 0 &&
	    got->expires_ms <= MODEL_NOW_MS)
		got->status = SHM_NO_KEY;
	return true;
}

/* Old or new?  NULL, or why it is neither. */
static const char *
judge(const struct model *before, const struct model *after, unsigned b,
    unsigned k, const struct answer *got, enum seen *seen)
{
	bool new = model_check_answer(after, b, k, got) == NULL;
	const char *wrong = model_check_answer(before, b, k, got);

	*seen = SEEN_NOTHING;
	if (wrong != NULL && !new)
		return wrong;
	*seen = wrong != NULL ? SEEN_NEW : !new ? SEEN_OLD : SEEN_NOTHING;
	return NULL;
}

/* Keys that are, or were, or will be in that bucket. */
static unsigned
keys_of(const struct model *before, const struct model *after, unsigned b)
{
	return before->buckets[b].touched > after->buckets[b].touched ?
	    before->buckets[b].touched : after->buckets[b].touched;
}

const char *
reader_look(const struct arena *a, const struct model *before,
    const struct model *after, enum seen *seen)
{
	uint64_t tried = 0, again = 0;
	const char *wrong = NULL;
	struct answer got;
	unsigned b, k;
	enum seen one;

	*seen = SEEN_NOTHING;
	for (b = 0; b < MODEL_BUCKETS && wrong == NULL; b++)
		for (k = 0; k < keys_of(before, after, b) && wrong == NULL;
		    k++) {
			tried++;
			if (!reader_try(a, b, k, &got)) {
				again++;
				continue;
			}
			wrong = judge(before, after, b, k, &got, &one);
			if (one != SEEN_NOTHING && *seen != SEEN_NOTHING &&
			    one != *seen)
				wrong = "half of a change is seen";
			if (one != SEEN_NOTHING)
				*seen = one;
		}
	tally_add(TALLY_READS, tried);
	tally_add(TALLY_RETRIES, again);
	return wrong;
}

struct page {			/* shared with the reading process */
	_Atomic bool		stop;
	_Atomic uint64_t	rounds, reads;
	char			wrong[128];
};

static struct page *page;

static void
read_round(const struct arena *a, const struct model *before,
    const struct model *after, uint8_t *new)
{
	const char *wrong;
	struct answer got;
	unsigned b, k, n = 0;
	enum seen seen;

	for (b = 0; b < MODEL_BUCKETS; b++)
		for (k = 0; k < keys_of(before, after, b); k++, n++) {
			if (!reader_try(a, b, k, &got))
				continue;
			page->reads++;
			wrong = judge(before, after, b, k, &got, &seen);
			if (wrong == NULL && seen == SEEN_OLD && new[n])
				wrong = "a change is not there any more";
			if (wrong != NULL)
				snprintf(page->wrong, sizeof(page->wrong),
				    "%s", wrong);
			new[n] |= seen == SEEN_NEW;
		}
	page->rounds++;
}

/* On any processor, when nobody else wants it: the one that is stepped
 * through is to come forward. */
static _Noreturn void
be_reader(struct arena *a, const struct model *before,
    const struct model *after)
{
	static uint8_t new[MODEL_CELLS];
	const struct sched_param none = { .sched_priority = 0 };
	cpu_set_t all;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	sched_setscheduler(0, SCHED_IDLE, &none);
	arena_remember_names(a);
	while (!page->stop)
		read_round(a, before, after, new);
	_exit(0);
}

/* Wait until it has been round so often; false if it died before. */
static bool
wait_for_rounds(pid_t pid, uint64_t rounds)
{
	const struct timespec pause = { .tv_nsec = 200000 };

	while (page->rounds < rounds) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

pid_t
reader_start(struct arena *a, const struct model *before,
    const struct model *after)
{
	pid_t pid;

	if (page == NULL)
		page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED, "no memory");
	memset(page, 0, sizeof(*page));
	pid = fork();
	must(pid != -1, "fork");
	if (pid == 0)
		be_reader(a, before, after);
	must(wait_for_rounds(pid, 1), "the reader is gone");
	return pid;
}

const char *
reader_stop(pid_t pid)
{
	/* Two more rounds: one at least is of what is there in the end. */
	if (!wait_for_rounds(pid, page->rounds + 2))
		return "the reader beside it has died";
	page->stop = true;
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	tally_add(TALLY_BESIDE, page->reads);
	return page->wrong[0] != '\0' ? page->wrong : NULL;
}
