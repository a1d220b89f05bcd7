/*
 * Reading the memory of a server on the same machine: what every call does.
 *
 * The reads are those of shm/, which are the workers' own.  What is added is
 * what a worker need not ask itself: is this still the memory that the name
 * stands for, and what if a change stands half done?  A worker takes the lock
 * and finishes it; we may write nothing and have nobody to tell.  But the
 * cleaner is told of every death and repairs what was left within
 * milliseconds, and a process that stands still is killed after a second.  So
 * we wait, and only if there is no server that could do all that, in vain.
 *
 * That the memory was retired is read with every call.  Whether it has lost
 * its name in some other way takes a system call, which is made once per tick
 * of the coarse clock, or it would be what most calls do.
 */

#include "proto/client/map.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "shm/short.h"

#define PAUSE_NS	1000000

enum kv_status
map_fail(struct kv_map *map, enum kv_status status, const char *fmt, ...)
{
	unsigned char *p;
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(map->message, sizeof(map->message), fmt, ap) < 0)
		map->message[0] = '\0';
	va_end(ap);
	/* A terminal must not obey what a name has in it. */
	for (p = (unsigned char *)map->message; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
	map->why = map->message;
	return status;
}

uint64_t
map_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool
is_current(struct kv_map *map)
{
	uint64_t now_ms;

	if (map->arena == NULL || !arena_is_current(map->arena))
		return false;
	if ((now_ms = map_clock_ms()) != map->looked_ms) {
		map->looked_ms = now_ms;
		map->is_lost = !arena_has_name(map->arena);
	}
	return !map->is_lost;
}

bool
map_is_at_hand(struct kv_map *map, struct bytes bucket)
{
	const struct ahead_bucket *last = &map->last;

	if (last->at == 0 || map->listing || bucket.len != last->name.len ||
	    !short_equal(bucket.data, last->name.data, bucket.len) ||
	    !is_current(map) || ownership_ask(map->arena, &map->owned,
	    bucket) != OWNERSHIP_OURS)
		return false;
	map->why = "";
	return true;
}

static enum kv_status
begin(struct kv_map *map, const struct bytes *name)
{
	if (!is_current(map))
		return map_fail(map, KV_STALE, "/dev/shm/kvd.%s: what is "
		    "mapped was removed or replaced (open it again)",
		    map->name);
	if (name == NULL)
		return KV_OK;
	switch (ownership_ask(map->arena, &map->owned, *name)) {
	case OWNERSHIP_OURS:
		break;
	case OWNERSHIP_OTHERS:
		return map_fail(map, KV_ELSEWHERE, "/dev/shm/kvd.%s: that is "
		    "another node's (ask the server)", map->name);
	case OWNERSHIP_UNKNOWN:
		return KV_AGAIN;
	}
	return KV_OK;
}

/* What is nothing special gets a message that costs nothing. */
enum kv_status
map_verdict(struct kv_map *map, enum shm_status status)
{
	switch (status) {
	case SHM_OK:
		return KV_OK;
	case SHM_NO_KEY:
		map->why = "no such key";
		return KV_NO_KEY;
	case SHM_NO_BUCKET:
		map->why = "no such bucket (create it first)";
		return KV_NO_BUCKET;
	case SHM_FULL:
		return map_fail(map, KV_NO_MEMORY, "a list: out of memory");
	case SHM_BUCKET_NAME_SIZE:
	case SHM_KEY_SIZE:
	case SHM_VALUE_SIZE:
	case SHM_BATCH_SIZE:
	case SHM_NOT_A_BUCKET:
		return map_fail(map, KV_REFUSED, "/dev/shm/kvd.%s: %s",
		    map->name, shm_strstatus(status));
	case SHM_NO_ROOM:	/* longer than any value is */
	case SHM_DAMAGED:
	case SHM_BUSY:
		break;
	}
	return map_fail(map, KV_DAMAGED, "/dev/shm/kvd.%s: a shard is damaged "
	    "(kv audit tells more)", map->name);
}

/* Returns false when it has been long enough. */
static bool
pause_before(const struct kv_map *map, uint64_t *deadline_ms)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };

	if (map->wait_ms >= 0) {
		if (*deadline_ms == 0)
			*deadline_ms = map_clock_ms() +
			    (uint64_t)map->wait_ms;
		if (map_clock_ms() >= *deadline_ms)
			return false;
	}
	nanosleep(&pause, NULL);
	return true;
}

static enum kv_status
give_up(struct kv_map *map)
{
	const char *remedy = "is it overloaded? try again";

	if (!arena_is_served(map->arena))
		remedy = "start kvd, which finishes it";
	return map_fail(map, KV_AGAIN, "/dev/shm/kvd.%s: a change is half "
	    "done since %d ms (%s)", map->name, map->wait_ms, remedy);
}

enum kv_status
map_run(struct kv_map *map, const struct map_read *read)
{
	uint64_t deadline_ms = 0;
	enum kv_status status;
	enum shm_status answer;

	if (map->listing)
		return map_fail(map, KV_BUSY, "/dev/shm/kvd.%s: a list is "
		    "being read (use a second handle inside its callback)",
		    map->name);
	map->why = "";
	do {
		status = begin(map, read->name);
		if (status != KV_OK && status != KV_AGAIN)
			return status;
		if (status == KV_OK && (answer = read->op(map, read->arg)) !=
		    SHM_BUSY)
			return map_verdict(map, answer);
	} while (pause_before(map, &deadline_ms));
	return give_up(map);
}
