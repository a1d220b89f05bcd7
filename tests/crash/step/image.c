/*
 * Images.  The one place that knows how a lock looks in memory: the futex
 * word of a robust mutex is its first, and holds the thread id of the owner.
 * When the owner dies, the kernel walks its list of robust locks and sets
 * that word to FUTEX_OWNER_DIED, keeping FUTEX_WAITERS; also for a lock that
 * was just being taken or released, as long as the word bears its id.
 */

#include "image.h"

#include <linux/futex.h>
#include <sys/mman.h>

#include <string.h>

#include "must.h"
#include "shm/handle.h"

uint8_t *
image_new(const struct arena *a)
{
	void *p = mmap(NULL, a->size_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "no memory");
	return p;
}

void
image_take(const struct arena *a, uint8_t *image)
{
	memcpy(image, a->base, a->size_bytes);
}

void
image_put(struct arena *a, const uint8_t *image)
{
	memcpy(a->base, image, a->size_bytes);
}

/* The locks of the shards, and that of the cleaning. */
static arena_off
lock_off(const struct arena *a, uint32_t i)
{
	return arena_off_of(a, i < a->shards_count ? &a->shards[i].lock :
	    &a->cleaning->lock);
}

unsigned
image_bury(const struct arena *a, uint8_t *image, pid_t dead)
{
	uint8_t *bytes = image != NULL ? image : a->base;
	unsigned held = 0;
	uint32_t i, futex;

	for (i = 0; i <= a->shards_count; i++) {
		memcpy(&futex, bytes + lock_off(a, i), sizeof(futex));
		if ((futex & FUTEX_TID_MASK) != (uint32_t)dead)
			continue;
		futex = (futex & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		memcpy(bytes + lock_off(a, i), &futex, sizeof(futex));
		held++;
	}
	return held;
}

bool
image_matches(const struct arena *a, const uint8_t *image)
{
	uint64_t from = 0, lock, end;
	uint32_t i;

	/* The lock of the cleaning comes before those of the shards. */
	for (i = 0; i <= a->shards_count; i++) {
		lock = lock_off(a, i == 0 ? a->shards_count : i - 1);
		end = lock + sizeof(uint32_t);
		if (memcmp(a->base + from, image + from, end - from) != 0)
			return false;
		from = lock + sizeof(pthread_mutex_t);
	}
	return memcmp(a->base + from, image + from,
	    a->size_bytes - from) == 0;
}

static void
follow(const struct arena *a, uint8_t *image, uint64_t from, uint64_t to,
    void (*changed)(void *, uint32_t, uint64_t), void *arg)
{
	uint64_t at, now, was;

	if (memcmp(a->base + from, image + from, to - from) == 0)
		return;
	for (at = from; at < to; at += sizeof(now)) {
		memcpy(&now, a->base + at, sizeof(now));
		memcpy(&was, image + at, sizeof(was));
		if (now == was)
			continue;
		memcpy(image + at, &now, sizeof(now));
		changed(arg, (uint32_t)(at / sizeof(now)), now);
	}
}

void
image_follow(const struct arena *a, uint8_t *image,
    void (*changed)(void *, uint32_t, uint64_t), void *arg)
{
	follow(a, image, 0, arena_off_of(a, a->board), changed, arg);
	follow(a, image, arena_off_of(a, a->shards), a->size_bytes, changed,
	    arg);
}
