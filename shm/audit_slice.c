/*
 * A shard in slices, while others change it in between.
 *
 *	names		the lines of the table of buckets, one at a time;
 *	buckets		then the lines of each bucket found in it
 *	lists		heads, lists, dropped buckets
 *	segments	units; records of the log
 *
 * Tables are walked by the cursor of shm/scan.h, which stays good when lines
 * split and merge.  A bucket is known by its place and the revision of its
 * creation, a segment of the log by its state: if that has changed, the thing
 * is another one or gone, and the walk over it ends.  What was walked under
 * one lock from its begin to its end adds up, and is told to.
 */

#include <string.h>

#include "shm/audit_parts.h"
#include "shm/hash.h"
#include "shm/table.h"
#include "shm/word.h"

static void
note_bucket(struct audit *au, const struct record_view *r)
{
	struct audit_slices *s = &au->slices;

	if (s->nfound < AUDIT_FOUND)
		s->found[s->nfound++] = (struct audit_bucket){
			r->bucket, r->lsn
		};
}

/*
 * The line of a table at the cursor, which moves on; true at the end.  A line
 * that cannot be found ends the walk: others would not be found either.
 */
static bool
walk_line(struct audit *au, struct audit_walk *w, const struct table *t,
    uint64_t *cursor, void (*named)(struct audit *,
    const struct record_view *))
{
	enum slab_class class;
	const struct line *line;
	uint64_t number;
	arena_off off;

	if (!audit_shape(au, w, t) || w->lines == 0)
		return true;
	number = table_line_number(w->lines, hash_reverse(*cursor));
	line = table_line(au->a, word_peek(&t->root), number);
	if (line == NULL) {
		audit_wrong(au, "line %lu cannot be found", number);
		return true;
	}
	class = number < PAGE_LINES ? SLAB_LINE : SLAB_PAGE;
	off = arena_off_of(au->a, line);
	if (audit_use_unit(au, off - off % slab_bytes(class), class, "line"))
		audit_chain(au, w, number, line, named);
	*cursor = table_interval_end(*cursor,
	    table_line_bits(w->lines, number));
	return *cursor == 0;
}

static void
walk_names(struct audit *au)
{
	struct audit_slices *s = &au->slices;
	struct audit_walk w = { .op = RECORD_CREATE };

	s->nfound = s->next = 0;
	if (s->names_done) {
		s->phase = AUDIT_LISTS;
		return;
	}
	s->names_done = walk_line(au, &w, &au->sh->buckets, &s->names,
	    note_bucket);
	s->phase = AUDIT_BUCKETS;
}

/* Is it still the bucket that was found?  At first sight it has to be. */
static bool
is_bucket(struct audit *au, const struct audit_bucket *found, bool first)
{
	const struct bucket *b;

	if (!first && (!arena_holds(au->a, found->off, sizeof(*b)) ||
	    !audit_is_ours(au, arena_segment_of(au->a, found->off),
	    SEGMENT_LINES)))
		return false;
	if (first && !audit_use_unit(au, found->off, SLAB_LINE, "bucket"))
		return false;
	b = arena_at(au->a, found->off);
	if (audit_is_marked(b) && audit_created(au, b) == found->created)
		return true;
	if (first)
		audit_wrong(au, "bucket %#lx has no mark, or another's "
		    "creation", found->off);
	return false;
}

static void
end_bucket(struct audit_slices *s)
{
	s->begun = false;
	s->next++;
}

static void
begin_bucket(struct audit *au, const struct audit_bucket *found)
{
	struct audit_slices *s = &au->slices;

	s->walk = (struct audit_walk){
		.op = RECORD_PUT, .bucket = found->off,
		.created = found->created
	};
	s->cursor = 0;
	s->begun = true;
	s->torn = false;
	au->report.buckets++;
}

/* A line of the bucket in hand. */
static void
walk_bucket(struct audit *au, bool fresh)
{
	struct audit_slices *s = &au->slices;
	const struct audit_bucket *found = &s->found[s->next];
	const struct bucket *b;

	if (s->next == s->nfound) {
		s->phase = AUDIT_NAMES;
		return;
	}
	audit_spend(au, 1);
	/* What was found under this very lock must be a bucket. */
	if (!is_bucket(au, found, fresh && !s->begun)) {
		end_bucket(s);
		return;
	}
	if (!s->begun)
		begin_bucket(au, found);
	b = arena_at(au->a, found->off);
	if (!walk_line(au, &s->walk, &b->table, &s->cursor, NULL))
		return;
	if (!s->torn)
		audit_sums(au, &s->walk, b);
	end_bucket(s);
}

/*
 * The list of the dropped, as far as a piece goes.  The hare is the list's
 * walker; should it ever meet the tortoise, half as fast, the list is a ring.
 */
static void
walk_graveyard(struct audit *au)
{
	arena_off off = word_peek(&au->sh->graveyard), slow = off;
	const struct bucket *b;
	uint64_t n;

	for (n = 1; off != 0 && !audit_is_spent(au); n++) {
		if ((b = audit_dropped(au, off)) == NULL)
			return;
		off = word_peek(&b->link);
		if (off != 0 && off == slow) {
			audit_wrong(au, "the dropped buckets are a ring");
			return;
		}
		if (n % 2 == 0)
			slow = word_peek(&((struct bucket *)arena_at(au->a,
			    slow))->link);
	}
}

static void
next_segment(struct audit_slices *s)
{
	s->segment++;
	s->at = s->index = 0;
	s->state = 0;
}

static bool
is_log(uint64_t state)
{
	return segment_kind(state) == SEGMENT_HOT ||
	    segment_kind(state) == SEGMENT_COLD;
}

/* A segment, or a part of its records. */
static void
walk_segment(struct audit *au)
{
	struct audit_slices *s = &au->slices;
	uint64_t state;

	if (s->segment == au->a->segments) {
		s->phase = AUDIT_DONE;
		return;
	}
	state = word_peek(&au->a->table[s->segment].state);
	/* Gone since the last slice, and perhaps another's by now. */
	if (s->state != 0 && s->state != state)
		s->at = s->index = s->state = 0;
	if (s->segment % 16 == 0)
		audit_spend(au, 1);
	if (!audit_owns(au, s->segment)) {
		next_segment(s);
		return;
	}
	if (s->state == 0)
		audit_segment(au, s->segment);
	s->state = state;
	if (!is_log(state) || audit_log(au, s->segment, &s->at, &s->index))
		next_segment(s);
}

void
audit_slices_begin(struct audit *au)
{
	struct audit_slices *s = &au->slices;

	s->phase = AUDIT_NAMES;
	s->names_done = s->begun = false;
	s->names = 0;
	s->nfound = s->next = 0;
	s->segment = s->at = s->index = s->state = 0;
	s->lsn = word_peek(&au->sh->lsn);
}

static void
check_lsn(struct audit *au)
{
	uint64_t lsn = word_peek(&au->sh->lsn);

	if (lsn < au->slices.lsn)
		audit_wrong(au, "revision %lu came after %lu", lsn,
		    au->slices.lsn);
	au->slices.lsn = lsn;
}

bool
audit_slice(struct audit *au)
{
	struct audit_slices *s = &au->slices;
	bool fresh = false;

	audit_words(au);
	check_lsn(au);
	s->torn = true;
	while (!audit_is_spent(au) && s->phase != AUDIT_DONE)
		switch (s->phase) {
		case AUDIT_NAMES:
			walk_names(au);
			fresh = true;
			break;
		case AUDIT_BUCKETS:
			walk_bucket(au, fresh);
			break;
		case AUDIT_LISTS:
			/* They cannot be left off in the middle. */
			if (au->spent > 0)
				return false;
			audit_lists(au);
			walk_graveyard(au);
			audit_poisoned(au);
			s->phase = AUDIT_SEGMENTS;
			break;
		case AUDIT_SEGMENTS:
			walk_segment(au);
			break;
		case AUDIT_DONE:
			break;
		}
	return s->phase == AUDIT_DONE;
}
