/*
 * The memory of the roster: made, taken over, and cleared after a death.
 *
 * Neither the arena nor a lock, on purpose.  What is here is true for as long
 * as its worker lives: there is nothing to be repaired after a death, only
 * something to be forgotten, and the arena is for what outlives everybody.  A
 * lock could be held by who is killed or stopped; without one a writer can
 * harm its own desk alone, and the desk is cleared before another sits there.
 *
 * It is a memfd, and not an anonymous mapping, for two reasons: a new program
 * can be given it, and no kernel that is strict about memory counts what is
 * never touched.
 */

#include "server/roster.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/roster_state.h"

#define TRIES_AT_ONCE	64
#define TRIES		192
#define NAP_NS		1000000

static struct roster_memory *
map(int fd)
{
	struct roster_memory *m;

	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		return NULL;
	madvise(m, sizeof(*m), MADV_DONTDUMP);
	return m;
}

static bool
take_over(struct roster *r, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1 ||
	    st.st_size != (off_t)sizeof(struct roster_memory) ||
	    (r->memory = map(fd)) == NULL)
		return false;
	if (r->memory->kind == ROSTER_KIND) {
		r->fd = fd;
		return true;
	}
	munmap(r->memory, sizeof(*r->memory));
	return false;
}

static bool
make(struct roster *r)
{
	r->fd = memfd_create("roster", MFD_CLOEXEC);
	if (r->fd == -1)
		return false;
	if (ftruncate(r->fd, (off_t)sizeof(*r->memory)) == 0 &&
	    (r->memory = map(r->fd)) != NULL) {
		r->memory->kind = ROSTER_KIND;
		arc4random_buf(r->memory->seed, sizeof(r->memory->seed));
		return true;
	}
	close(r->fd);
	return false;
}

struct roster *
roster_open(int fd)
{
	struct roster *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	if (fd != -1 && take_over(r, fd))
		return r;
	if (fd != -1)
		close(fd);
	if (make(r))
		return r;
	free(r);
	return NULL;
}

void
roster_close(struct roster *r)
{
	if (r == NULL)
		return;
	roster_free_globs(r);
	munmap(r->memory, sizeof(*r->memory));
	close(r->fd);
	free(r);
}

int
roster_fd(const struct roster *r)
{
	return r->fd;
}

/* --- desks --- */

/*
 * The counts first: who looks then finds nothing.  Who is in the middle of a
 * room finds zeros, and that the number of changes is another.
 */
void
roster_clear(struct roster *r, unsigned desk)
{
	struct roster_desk *d = &r->memory->desk[desk];
	struct roster_room *room = &r->memory->room[desk];
	int kind;

	roster_clear_slow(r, desk);
	if (roster_peek(&d->places) == 0 && d->cells == 0 &&
	    roster_look(&d->seal) % 2 == 0)
		return;
	roster_break(&d->seal);
	roster_put(&d->places, 0);
	for (kind = 0; kind < ROSTER_KINDS; kind++) {
		roster_put(&d->names[kind], 0);
		roster_put(&d->first[kind], 0);
		d->last[kind] = 0;
	}
	d->called = 0;
	d->free_place = d->cells = d->free_cell = 0;
	d->patterns_changed++;
	/* Zeros again, and the memory goes back. */
	if (madvise(room, sizeof(*room), MADV_REMOVE) == -1)
		memset(room, 0, sizeof(*room));
	roster_seal(&d->seal);
}

/* Pairs with itself in other workers: the number only grows. */
static void
count_desk(struct roster_memory *m, unsigned desk)
{
	uint32_t n = m->desks;

	while (n <= desk &&
	    !atomic_compare_exchange_weak(&m->desks, &n, desk + 1))
		;
}

void
roster_enter(struct roster *r, unsigned desk)
{
	r->desk = desk;
	roster_clear(r, desk);
	count_desk(r->memory, desk);
}

void
roster_pause(struct roster *r, uint64_t until_ms, bool changes_alone)
{
	r->memory->pauses_changes_alone = changes_alone;
	r->memory->paused_until_ms = until_ms;
}

bool
roster_is_paused(const struct roster *r, bool is_change, uint64_t now_ms)
{
	const struct roster_memory *m = r->memory;

	if (atomic_load_explicit(&m->paused_until_ms, memory_order_relaxed) <=
	    now_ms)
		return false;
	return is_change || !m->pauses_changes_alone;
}

uint64_t
roster_next_id(struct roster *r)
{
	return atomic_fetch_add_explicit(&r->memory->last_id, 1,
	    memory_order_relaxed) + 1;
}

bool
roster_retry(unsigned *tries)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	/* Not so long that we were taken for one that hangs. */
	if (++*tries > TRIES_AT_ONCE)
		nanosleep(&nap, NULL);
	return *tries < TRIES;
}
