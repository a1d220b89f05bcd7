/*
 * The audit, from outside: pieces, shards, and what is said about them.
 *
 * The work that a shard takes is not known before it is done, since the
 * records of its log are nowhere counted.  So each shard is first tried
 * whole.  When that turns out to be more than a piece, everything the
 * attempt has found is forgotten and the shard begun anew in slices: it costs
 * one piece and keeps the report free of halves.
 *
 * Before its lock is taken the memory of a shard is touched, page by page.
 * Without that, a process that has not yet seen these pages would spend ten
 * times as long under the lock mapping them.
 *
 * Marks and sums are of the shard in hand and cleared under its lock: on a
 * live arena a segment may have been another shard's a moment ago.
 */

#include "shm/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/audit_parts.h"
#include "shm/word.h"

/* Clearing marks costs about as much as a unit of work for so many bytes. */
#define CLEAR_BYTES	512
#define MAP_BYTES	(16U << 20)	/* touched in one step */

void
audit_wrong(struct audit *au, const char *fmt, ...)
{
	struct audit_report *r = &au->report;
	va_list ap;
	int n;

	if (r->errors++ > 0)
		return;
	if (au->pool)
		n = snprintf(r->first_error, sizeof(r->first_error), "pool: ");
	else
		n = snprintf(r->first_error, sizeof(r->first_error),
		    "shard %u: ", au->shard);
	va_start(ap, fmt);
	vsnprintf(r->first_error + n, sizeof(r->first_error) - (size_t)n, fmt,
	    ap);
	va_end(ap);
}

static uint64_t
mark_of(const struct audit *au, arena_off off)
{
	return (off - au->a->segments_off) / sizeof(struct line);
}

bool
audit_mark(struct audit *au, arena_off off, uint64_t bytes)
{
	uint64_t unit = mark_of(au, off);
	uint64_t end = unit + bytes / sizeof(struct line);
	bool fresh = true;

	for (; unit < end; unit++) {
		if ((au->marks[unit / 8] & 1U << unit % 8) != 0)
			fresh = false;
		au->marks[unit / 8] |= (uint8_t)(1U << unit % 8);
	}
	return fresh;
}

bool
audit_is_ours(const struct audit *au, uint64_t segment,
    enum segment_kind kind)
{
	uint64_t state = word_peek(&au->a->table[segment].state);

	return segment_kind(state) == kind &&
	    segment_owner(state) == au->shard;
}

bool
audit_use_unit(struct audit *au, arena_off off, enum slab_class class,
    const char *what)
{
	uint64_t segment;

	if (!arena_holds(au->a, off, slab_bytes(class)) ||
	    (off - au->a->segments_off) % slab_bytes(class) != 0) {
		audit_wrong(au, "%s at impossible offset %#lx", what, off);
		return false;
	}
	segment = arena_segment_of(au->a, off);
	if (!audit_is_ours(au, segment, class == SLAB_LINE ? SEGMENT_LINES :
	    SEGMENT_INDEX)) {
		audit_wrong(au, "%s at %#lx is in a foreign segment", what,
		    off);
		return false;
	}
	if (off - arena_segment_base(au->a, segment) >=
	    word_peek(&au->a->table[segment].used)) {
		audit_wrong(au, "%s at %#lx was never carved", what, off);
		return false;
	}
	if (!au->whole)
		return true;
	if (!audit_mark(au, off, slab_bytes(class))) {
		audit_wrong(au, "%s at %#lx is used twice", what, off);
		return false;
	}
	au->units[segment]++;
	return true;
}

void
audit_words(struct audit *au)
{
	if (word_peek(&au->sh->intent.state) != INTENT_EMPTY)
		audit_wrong(au, "an intent is left");
	if (word_peek(&au->sh->batch_end) != 0)
		audit_wrong(au, "a batch is left");
	if ((word_peek(&au->sh->version) & 1) != 0)
		audit_wrong(au, "the version is left odd");
}

/* Last, for whatever made the cleaner leave off is told in other words. */
void
audit_poisoned(struct audit *au)
{
	if (word_peek(&au->sh->poisoned) != 0)
		audit_wrong(au, "it is not cleaned any more: damage was met, "
		    "or it is called lost and is not");
}

/* Nothing of the shard's segments has been met yet. */
static void
forget_marks(struct audit *au)
{
	uint64_t i, bytes = au->a->segment_bytes / sizeof(struct line) / 8;
	uint64_t state, first;

	audit_spend(au, au->a->segments / 16);
	for (i = 0; i < au->a->segments && !audit_is_spent(au); i++) {
		state = word_peek(&au->a->table[i].state);
		if (segment_owner(state) != au->shard)
			continue;
		au->live[i] = au->units[i] = 0;
		if (segment_kind(state) != SEGMENT_LINES &&
		    segment_kind(state) != SEGMENT_INDEX)
			continue;
		first = mark_of(au, arena_segment_base(au->a, i)) / 8;
		memset(au->marks + first, 0, bytes);
		audit_spend(au, bytes / CLEAR_BYTES);
	}
}

/* How much memory all tables of the shard can fill. */
static void
measure_index(struct audit *au)
{
	uint64_t i;

	au->index_bytes = 0;
	for (i = 0; i < au->a->segments; i++)
		if (audit_is_ours(au, i, SEGMENT_LINES) ||
		    audit_is_ours(au, i, SEGMENT_INDEX))
			au->index_bytes += au->a->segment_bytes;
}

/* With the lock: all of the shard; false if it was more than a piece. */
static bool
try_whole(struct audit *au)
{
	struct audit_report before = au->report;

	au->whole = true;
	forget_marks(au);
	audit_words(au);
	audit_tables(au);
	audit_lists(au);
	audit_segments(au);
	audit_poisoned(au);
	if (!audit_is_spent(au)) {
		au->report.shards_whole++;
		return true;
	}
	au->report = before;
	au->whole = false;
	return false;
}

/* With the lock: a piece of work; true if the shard is done with it. */
static bool
do_piece(struct audit *au)
{
	au->spent = 0;
	measure_index(au);
	if (au->slices.phase == AUDIT_DONE) {
		if (try_whole(au))
			return true;
		audit_slices_begin(au);
		return false;
	}
	if (!audit_slice(au))
		return false;
	au->report.shards_sliced++;
	return true;
}

static void
touch(const struct audit *au, uint64_t segment)
{
	arena_off off = arena_segment_base(au->a, segment);
	arena_off end = off + au->a->segment_bytes;

	if (!arena_holds(au->a, off, au->a->segment_bytes))
		return;
	for (; off < end; off += PAGE_BYTES)
		(void)word_load(arena_at(au->a, off));
}

/*
 * Without the lock: some of the segments that the shard has now.  True when
 * all have been seen.
 */
static bool
map_segments(struct audit *au)
{
	uint64_t bytes = 0;

	for (; au->mapped < au->a->segments && bytes < MAP_BYTES;
	    au->mapped++)
		if (audit_owns(au, au->mapped)) {
			touch(au, au->mapped);
			bytes += au->a->segment_bytes;
		}
	return au->mapped == au->a->segments;
}

/* Nothing can be said of it. */
static bool
lose_shard(struct audit *au)
{
	au->report.shards_lost++;
	au->slices.phase = AUDIT_DONE;
	return true;
}

static bool
step_in_shard(struct audit *au)
{
	struct held h;
	bool done;

	au->sh = &au->a->shards[au->shard];
	if (!lock_is_ours(&au->sh->lock)) {
		audit_wrong(au, "the lock is none of ours");
		return lose_shard(au);
	}
	switch (lock_shard(au->a, au->shard, &h)) {
	case LOCK_POISONED:
		audit_wrong(au, "the lock is poisoned");
		return lose_shard(au);
	case LOCK_RECOVERED:
		au->report.shards_repaired++;
		break;
	case LOCK_OK:
		break;
	}
	done = do_piece(au);
	lock_release(&h);
	return done;
}

bool
audit_step(struct audit *au)
{
	if (au->done)
		return false;
	if (au->shard < au->a->shards_count) {
		if ((au->piece == AUDIT_WHOLE || map_segments(au)) &&
		    step_in_shard(au)) {
			au->report.shards++;
			au->shard++;
			au->mapped = 0;
		}
		return true;
	}
	au->pool = true;
	audit_pool(au);
	au->done = true;
	return false;
}

struct audit *
audit_open(struct arena *a, uint64_t piece)
{
	struct audit *au = calloc(1, sizeof(*au));

	if (au == NULL)
		return NULL;
	au->a = a;
	au->piece = piece;
	au->slices.phase = AUDIT_DONE;
	au->marks = calloc(a->segments * a->segment_bytes /
	    sizeof(struct line) / 8 + 1, 1);
	au->live = calloc(a->segments, sizeof(*au->live));
	au->units = calloc(a->segments, sizeof(*au->units));
	if (au->marks != NULL && au->live != NULL && au->units != NULL)
		return au;
	audit_close(au);
	return NULL;
}

const struct audit_report *
audit_report(const struct audit *au)
{
	return &au->report;
}

void
audit_close(struct audit *au)
{
	if (au == NULL)
		return;
	free(au->marks);
	free(au->live);
	free(au->units);
	free(au);
}

int
audit_arena(struct arena *a, struct audit_report *report)
{
	struct audit *au = audit_open(a, AUDIT_WHOLE);

	memset(report, 0, sizeof(*report));
	if (au == NULL)
		return -1;
	while (audit_step(au))
		;
	*report = *audit_report(au);
	audit_close(au);
	return 0;
}
