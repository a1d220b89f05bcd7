/*
 * Choosing: which sealed segment of the log to empty next, if any.
 *
 * Moving must pay: when hardly a segment is free, a shard is touched only if
 * its garbage fills one, or the rest of its cold head takes what lives.  With
 * plenty of memory there is no hurry, and who follows a log is given time.
 */

#include "shm/clean_parts.h"

#include <string.h>

#include "shm/feed.h"
#include "shm/segment.h"
#include "shm/word.h"

bool
clean_is_sealed(const struct arena *a, const struct segment *e)
{
	uint64_t state = word_load(&e->state);
	enum segment_kind kind = segment_kind(state);

	return (kind == SEGMENT_HOT || kind == SEGMENT_COLD) &&
	    segment_owner(state) < a->shards_count &&
	    (word_peek(&e->used) & SEGMENT_SEALED) != 0 &&
	    word_peek(&a->shards[segment_owner(state)].poisoned) == 0;
}

static uint64_t
cold_left(const struct arena *a, uint32_t shard)
{
	uint64_t number = word_peek(&a->shards[shard].cold_segment);

	return number == 0 ? 0 : arena_segment_base(a, number) -
	    word_peek(&a->shards[shard].cold_pos);
}

struct pressure {
	uint64_t	free;		/* segments, raw ones included */
	uint64_t	ready;		/* of these, backed */
	uint64_t	reserve;
	uint64_t	garbage[ARENA_SHARDS_MAX]; /* sealed, bytes */
};

static void
feel_pressure(const struct arena *a, struct pressure *p)
{
	uint64_t i, state;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < a->segments; i++) {
		state = word_load(&a->table[i].state);
		if (clean_is_sealed(a, &a->table[i]))
			p->garbage[segment_owner(state)] +=
			    word_peek(&a->table[i].dead);
		p->ready += segment_kind(state) == SEGMENT_FREE;
		p->free += segment_kind(state) == SEGMENT_RAW;
	}
	p->free += p->ready;
	p->reserve = segment_reserve(a);
}

bool
clean_is_followed(struct arena *a, uint32_t shard)
{
	struct feed_watchers who;

	return feed_watchers(a, shard, &who);
}

static bool
is_plenty(const struct arena *a, const struct pressure *p)
{
	return p->free > a->segments / 4;
}

bool
clean_has_plenty(const struct arena *a)
{
	struct pressure p;

	feel_pressure(a, &p);
	return is_plenty(a, &p);
}

/* Is emptying this segment worth the copying, as memory is now? */
static bool
pays(struct arena *a, const struct segment *e, const struct pressure *p)
{
	uint64_t used = word_peek(&e->used) & ~SEGMENT_SEALED;
	uint64_t dead = word_peek(&e->dead);
	uint32_t shard = segment_owner(word_peek(&e->state));

	if (is_plenty(a, p))
		return dead > used / 4 * 3 &&
		    (segment_kind(word_peek(&e->state)) != SEGMENT_HOT ||
		    !clean_is_followed(a, shard));
	if (dead == used)
		return true;
	if (p->free > p->reserve + a->segments / 16)
		return dead > used / 4;
	if (dead < used / 32 + 1)
		return false;
	return p->ready > 2 || cold_left(a, shard) >= used - dead ||
	    (p->ready > 0 && p->garbage[shard] >= a->segment_bytes);
}

bool
clean_choose_victim(struct arena *a)
{
	uint64_t i, used, dead, best = 0, best_used = 1, best_dead = 0;
	struct pressure p;

	feel_pressure(a, &p);
	for (i = 0; i < a->segments; i++) {
		const struct segment *e = &a->table[i];

		if (!clean_is_sealed(a, e))
			continue;
		used = word_peek(&e->used) & ~SEGMENT_SEALED;
		dead = word_peek(&e->dead);
		/* dead / used above the best, without a division */
		if ((best != 0 && dead * best_used <= best_dead * used) ||
		    !pays(a, e, &p))
			continue;
		best = i + 1;
		best_used = used;
		best_dead = dead;
	}
	if (best == 0)
		return false;
	word_store(&a->cleaning->victim, 0);
	word_store(&a->cleaning->offset, 0);
	word_store(&a->cleaning->generation, segment_generation(
	    word_peek(&a->table[best - 1].state)));
	word_store(&a->cleaning->victim, best);
	return true;
}
