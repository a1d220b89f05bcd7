/*
 * What is demanded of a state that a kill has left.
 *
 * An operation that follows is not there for its own sake: a mistake in what
 * is reachable is found by the audit at once, but one in what the next change
 * relies on, such as a free unit or the place of the next record, only shows
 * when it is used.
 */

#include "prove.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "must.h"
#include "reader.h"
#include "shm/audit.h"
#include "shm/clean.h"
#include "shm/handle.h"

#define SECONDS_MAX	30	/* for one state; a bound for hangs only */
#define CLEANINGS_MAX	300
#define SPARE		19	/* a bucket that no scenario needs */
#define VERSIONS_OF_NEIGHBOUR UINT64_C(1000000)

static bool
fail(struct proof *p, const char *when, const char *what)
{
	snprintf(p->wrong, sizeof(p->wrong), "%s: %s", when, what);
	return false;
}

/* Everything the arena says of itself, and what it tells those who ask. */
static bool
is_sound(struct proof *p, const struct model *m, const char *when)
{
	static struct audit_report r;
	const char *wrong;

	if (audit_arena(p->w->a, &r) == -1)
		return fail(p, when, "no memory for the audit");
	if (r.errors > 0)
		return fail(p, when, r.first_error);
	if ((wrong = model_compare(m, p->w->a)) != NULL ||
	    (wrong = world_compare_news(p->w, m)) != NULL)
		return fail(p, when, wrong);
	return true;
}

/* The contents must be the one or the other, as far as that is still open. */
static bool
decide(struct proof *p, const struct model *before, enum verdict *v,
    enum seen seen)
{
	enum verdict want = *v;

	*v = VERDICT_OLD;
	if (!p->changes)
		return true;
	if (want == VERDICT_NEW || model_compare(before, p->w->a) != NULL)
		*v = VERDICT_NEW;
	if (want == VERDICT_OLD && *v == VERDICT_NEW)
		return fail(p, "repaired", "what was not done is done");
	if (*v == VERDICT_OLD && seen == SEEN_NEW)
		return fail(p, "repaired", "a reader saw what is gone now");
	return true;
}

/*
 * Somebody has a pair put in the other shard while this one lies as it was
 * left, and takes a segment for it from the pool that both share.
 */
static bool
neighbour(struct proof *p, struct world *w, struct model *other)
{
	const struct op op = {
		.kind = OP_PUT, .bucket = MODEL_OTHER_SHARD, .key = 1,
		.size = WORLD_SEGMENT_FILLER
	};
	enum shm_status status;
	const char *wrong;

	w->m.versions = other->versions = VERSIONS_OF_NEIGHBOUR;
	wrong = world_try(w, &op, &status);
	if (wrong == NULL)
		wrong = model_apply(other, &op, status);
	return wrong == NULL || fail(p, "a neighbour", wrong);
}

static bool
follow(struct proof *p, struct world *w, struct op op)
{
	enum shm_status status;
	const char *wrong = world_try(w, &op, &status);

	return wrong == NULL || fail(p, "the next operation", wrong);
}

static bool
work_off(struct proof *p, struct world *w, enum op_kind kind)
{
	const struct op op = { .kind = kind };
	enum shm_status status = SHM_OK;
	unsigned i;

	for (i = 0; i < CLEANINGS_MAX && status == SHM_OK; i++)
		(void)world_try(w, &op, &status);
	return status != SHM_OK ||
	    fail(p, "the cleaner afterwards", "has no end of work");
}

/* The lock of the cleaners protects nothing that the audit could look at. */
static bool
cleaners_exclude_each_other(struct proof *p)
{
	pthread_mutex_t *lock = &p->w->a->cleaning->lock;

	if (pthread_mutex_trylock(lock) != 0)
		return fail(p, "in the end", "the cleaners' lock is lost");
	pthread_mutex_unlock(lock);
	return true;
}

static struct op
create(unsigned bucket)
{
	return (struct op){ .kind = OP_CREATE, .bucket = bucket };
}

static struct op
drop(unsigned bucket)
{
	return (struct op){ .kind = OP_DROP, .bucket = bucket };
}

static struct op
put(unsigned bucket, unsigned key, uint32_t size)
{
	return (struct op){
		.kind = OP_PUT, .bucket = bucket, .key = key, .size = size
	};
}

static struct op
take_out(unsigned bucket, unsigned key)
{
	return (struct op){
		.kind = OP_DELETE, .bucket = bucket, .key = key
	};
}

static struct op
put_three(unsigned bucket)
{
	return (struct op){
		.kind = OP_PUT_MANY, .bucket = bucket, .key = 1, .n = 3,
		.size = 10
	};
}

/* The same shard, bucket and key again, new ones, old ones, and all at once. */
static bool
follow_up(struct proof *p, struct world *w)
{
	unsigned b = p->op->bucket, k = p->op->key;
	struct op again = *p->op;

	again.size = again.size < 16 ? again.size + 8 : again.size;
	if (again.kind == OP_CLEAN || again.kind == OP_SWEEP ||
	    again.kind == OP_BACK)
		again = create(b);
	return follow(p, w, again) && follow(p, w, create(b)) &&
	    follow(p, w, put(b, 33, 12)) && follow(p, w, put(b, k, 9)) &&
	    follow(p, w, take_out(b, 2)) && follow(p, w, create(SPARE)) &&
	    follow(p, w, put_three(SPARE)) &&
	    is_sound(p, &w->m, "after the next operations") &&
	    follow(p, w, drop(SPARE)) && work_off(p, w, OP_CLEAN) &&
	    work_off(p, w, OP_SWEEP) &&
	    follow(p, w, *p->op) && is_sound(p, &w->m, "in the end") &&
	    cleaners_exclude_each_other(p);
}

int
prove_repair(const void *arg)
{
	struct arena *const *a = arg;

	return (int)clean_repair_all(*a);
}

static bool
prove(struct proof *p, enum verdict *v)
{
	static struct model after;
	static struct world w;
	enum seen seen;
	const char *wrong;

	w = *p->w;
	after = *p->after;
	if ((wrong = reader_look(w.a, &w.m, &after, &seen)) != NULL)
		return fail(p, "a reader before the repair", wrong);
	if (!neighbour(p, &w, &after))
		return false;
	clean_repair_all(w.a);
	if (!decide(p, &w.m, v, seen))
		return false;
	if (*v == VERDICT_NEW || !p->changes)
		w.m = after;
	return is_sound(p, &w.m, "repaired") && follow_up(p, &w);
}

/* There is no way out of a loop in libshm but the end of the process. */
static void
give_up(int signal)
{
	static const char text[] = "step: hang\n";

	(void)signal;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

bool
prove_state(struct proof *p, enum verdict *v)
{
	bool good;

	signal(SIGALRM, give_up);
	alarm(SECONDS_MAX);
	good = prove(p, v);
	alarm(0);
	return good;
}

struct page {			/* shared with the other process */
	bool		good;
	enum verdict	verdict;
	char		wrong[sizeof(((struct proof *)0)->wrong)];
};

static _Noreturn void
be_other(struct proof *p, struct page *page)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	page->good = prove_state(p, &page->verdict);
	memcpy(page->wrong, p->wrong, sizeof(page->wrong));
	_exit(0);
}

bool
prove_elsewhere(struct proof *p, enum verdict *v)
{
	static struct page *page;
	int status;
	pid_t pid;

	if (page == NULL)
		page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED, "no memory");
	page->verdict = *v;
	pid = fork();
	must(pid != -1, "fork");
	if (pid == 0)
		be_other(p, page);
	while (waitpid(pid, &status, 0) == -1)
		must(errno == EINTR, "waitpid");
	*v = page->verdict;
	if (status != 0)
		return fail(p, "another process", "did not survive it");
	memcpy(p->wrong, page->wrong, sizeof(p->wrong));
	return page->good;
}
