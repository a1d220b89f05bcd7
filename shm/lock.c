/*
 * The only file that knows EOWNERDEAD.  A lock whose owner died is handed to
 * the next one who asks; that one repairs what the lock protects and only
 * then calls the mutex consistent, so a death inside the repair leads here
 * again.  If the repair finds nonsense the mutex is given up unrepaired,
 * which makes it ENOTRECOVERABLE for everybody: one shard answers with an
 * error, and the others go on.
 */

#include "shm/lock.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <unistd.h>

#include "shm/intent.h"
#include "shm/pause.h"
#include "shm/repair.h"
#include "shm/word.h"

int
lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int error;

	if ((error = pthread_mutexattr_init(&attr)) != 0)
		return error;
	error = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (error == 0)
		error = pthread_mutexattr_setrobust(&attr,
		    PTHREAD_MUTEX_ROBUST);
	if (error == 0)
		error = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return error;
}

bool
lock_is_ours(const pthread_mutex_t *lock)
{
	pthread_mutex_t ours;
	bool is;

	/* POSIX has no way to ask.  The kind is a word of glibc's that is
	 * written by the initialisation alone. */
	if (lock_init(&ours) != 0)
		return true;
	is = lock->__data.__kind == ours.__data.__kind;
	pthread_mutex_destroy(&ours);
	return is;
}

/*
 * To sleep and be woken takes longer than the changes that are waited for, so
 * whoever finds the lock taken looks again for about as long as that would
 * take.  Looking is reading, which leaves the line with its owner in between.
 * Where there is one processor the owner needs it.  What was measured
 * is in kvd-internals(7).
 */
#define SPINS_MAX	400U

unsigned
lock_spins(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? SPINS_MAX : 0;
}

/* Nobody's, or a dead one's: a word of glibc's that the kernel knows, too. */
static bool
is_there_to_be_had(const pthread_mutex_t *lock)
{
	return (__atomic_load_n(&lock->__data.__lock, __ATOMIC_RELAXED) &
	    FUTEX_TID_MASK) == 0;
}

/* By itself, for tests/bench/instructions leaves out what is spent here. */
static __attribute__((noinline)) void
look_until_free(pthread_mutex_t *lock, unsigned spins)
{
	for (; spins > 0 && !is_there_to_be_had(lock); spins--)
		pause_briefly();
}

/*
 * pthread_mutex_trylock(3) would do as well, but that of glibc 2.36 keeps a
 * lock that it says is not recoverable, and the next one waits for ever.
 */
static int
take(struct arena *a, pthread_mutex_t *lock)
{
	if (!is_there_to_be_had(lock)) {
		a->delays++;
		look_until_free(lock, a->lock_spins);
	}
	return pthread_mutex_lock(lock);
}

static enum lock_status
recover(struct held *h)
{
	if (!repair_shard(h)) {
		word_store(&h->sh->poisoned, 1);
		pthread_mutex_unlock(&h->sh->lock);
		return LOCK_POISONED;
	}
	pthread_mutex_consistent(&h->sh->lock);
	return LOCK_RECOVERED;
}

enum lock_status
lock_shard(struct arena *a, uint32_t shard, struct held *h)
{
	h->a = a;
	h->sh = &a->shards[shard];
	h->shard = shard;
	h->npairs = h->nguards = h->nreleased = 0;
	h->emptied = h->broken = false;
	h->last[0].table = h->last[1].table = NULL;
	switch (take(a, &h->sh->lock)) {
	case 0:
		return LOCK_OK;
	case EOWNERDEAD:
		return recover(h);
	default:
		return LOCK_POISONED;
	}
}

void
lock_release(struct held *h)
{
	if (h->broken)
		intent_abandon(h);
	pthread_mutex_unlock(&h->sh->lock);
}

void
lock_hints(pthread_mutex_t *lock)
{
	if (pthread_mutex_lock(lock) == EOWNERDEAD)
		pthread_mutex_consistent(lock);
}

void
lock_hints_release(pthread_mutex_t *lock)
{
	pthread_mutex_unlock(lock);
}

static int
probe_child_dies_with(pthread_mutex_t *lock)
{
	pid_t pid;
	int status;

	if ((pid = fork()) == -1)
		return -1;
	if (pid == 0)
		_exit(pthread_mutex_lock(lock) == 0 ? 0 : 1);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int
lock_probe(void)
{
	pthread_mutex_t *lock;
	int answer = -1;

	lock = mmap(NULL, sizeof(*lock), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lock == MAP_FAILED)
		return -1;
	if (lock_init(lock) == 0 && probe_child_dies_with(lock) == 0) {
		answer = pthread_mutex_trylock(lock) == EOWNERDEAD;
		if (answer == 1)
			pthread_mutex_consistent(lock);
		pthread_mutex_unlock(lock);
		pthread_mutex_destroy(lock);
	}
	munmap(lock, sizeof(*lock));
	return answer;
}
