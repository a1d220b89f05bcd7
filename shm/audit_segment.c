/*
 * Segments: the log record by record, units and their free lists, and the
 * words of the shard that lead to them.
 */

#include "shm/audit_parts.h"
#include "shm/bucket.h"
#include "shm/pair.h"
#include "shm/word.h"

#define TABLE_ENTRIES	16	/* of the segment table for a unit of work */

static enum segment_kind
kind_of(enum slab_class class)
{
	return class == SLAB_LINE ? SEGMENT_LINES : SEGMENT_INDEX;
}

static bool
is_head(const struct audit *au, uint64_t i)
{
	return word_peek(&au->sh->hot_segment) == i + 1 ||
	    word_peek(&au->sh->cold_segment) == i + 1;
}

uint64_t
audit_written(const struct audit *au, uint64_t i)
{
	arena_off base = arena_segment_base(au->a, i);

	if (word_peek(&au->sh->hot_segment) == i + 1)
		return word_peek(&au->sh->hot_pos) - base;
	if (word_peek(&au->sh->cold_segment) == i + 1)
		return word_peek(&au->sh->cold_pos) - base;
	return word_peek(&au->a->table[i].used) & ~SEGMENT_SEALED;
}

static void
check_head(struct audit *au, const word *segment, const word *pos,
    enum segment_kind kind, const char *what)
{
	uint64_t number = word_peek(segment), at;

	if (number == 0)
		return;
	if (number > au->a->segments ||
	    !audit_is_ours(au, number - 1, kind)) {
		audit_wrong(au, "the %s head is in a foreign segment", what);
		return;
	}
	at = word_peek(pos) - arena_segment_base(au->a, number - 1);
	if (at > au->a->segment_bytes || at % 8 != 0)
		audit_wrong(au, "the %s head is at an impossible place",
		    what);
	if (word_peek(&au->a->table[number - 1].used) != 0)
		audit_wrong(au, "the %s head is in a sealed segment", what);
}

static uint64_t
capacity(const struct audit *au, enum slab_class class)
{
	return au->a->segment_bytes / slab_bytes(class);
}

static bool
has_room(const struct audit *au, uint64_t i, enum slab_class class)
{
	return audit_is_ours(au, i, kind_of(class)) &&
	    word_peek(&au->a->table[i].live) < capacity(au, class);
}

/* Segments with room, and only those, are on the list of their class. */
static void
check_partial(struct audit *au, enum slab_class class)
{
	uint64_t number = word_peek(&au->sh->partial[class]), prev = 0;
	uint64_t i, n, want = 0;

	audit_spend(au, au->a->segments / TABLE_ENTRIES + 1);
	for (i = 0; i < au->a->segments; i++)
		want += has_room(au, i, class);
	for (n = 0; number != 0 && number <= au->a->segments && n <= want;
	    n++) {
		const struct segment *e = &au->a->table[number - 1];

		if (!has_room(au, number - 1, class))
			audit_wrong(au, "segment %lu is on a list of others",
			    number - 1);
		if (word_peek(&e->prev) != prev)
			audit_wrong(au, "segment %lu: broken list",
			    number - 1);
		prev = number;
		number = word_peek(&e->next);
	}
	if (n != want || number != 0)
		audit_wrong(au, "%lu segments with room, %lu on the list",
		    want, n);
}

void
audit_lists(struct audit *au)
{
	check_head(au, &au->sh->hot_segment, &au->sh->hot_pos, SEGMENT_HOT,
	    "hot");
	check_head(au, &au->sh->cold_segment, &au->sh->cold_pos, SEGMENT_COLD,
	    "cold");
	check_partial(au, SLAB_LINE);
	check_partial(au, SLAB_PAGE);
}

/*
 * The cleaner may be led to a free unit by an old record, and takes it for a
 * bucket if it is marked as one.  A creation that was not committed leaves
 * such a mark, but on an empty bucket.
 */
static bool
looks_like_bucket(const struct audit *au, arena_off unit)
{
	const struct bucket *b = arena_at(au->a, unit);

	return audit_is_marked(b) &&
	    (word_peek(&b->table.root) | word_peek(&b->table.shape)) != 0;
}

/* Free units lie in what was carved, and are not in use. */
static bool
is_free_unit(struct audit *au, uint64_t i, enum slab_class class,
    arena_off unit)
{
	arena_off base = arena_segment_base(au->a, i);
	uint64_t bytes = slab_bytes(class);

	return unit >= base &&
	    unit - base < word_peek(&au->a->table[i].used) &&
	    (unit - base) % bytes == 0 &&
	    (!au->whole || audit_mark(au, unit, bytes));
}

void
audit_units(struct audit *au, uint64_t i, enum slab_class class)
{
	const struct segment *e = &au->a->table[i];
	uint64_t used = word_peek(&e->used), live = word_peek(&e->live);
	uint64_t carved = used / slab_bytes(class), n;
	arena_off unit = word_peek(&e->free_head);

	if (used > au->a->segment_bytes || used % slab_bytes(class) != 0) {
		audit_wrong(au, "segment %lu: impossible %lu bytes carved",
		    i, used);
		return;
	}
	for (n = 0; unit != 0 && !audit_is_spent(au); n++) {
		audit_spend(au, 1);
		if (n > carved || !is_free_unit(au, i, class, unit)) {
			audit_wrong(au, "segment %lu: bad free unit %#lx", i,
			    unit);
			return;
		}
		if (class == SLAB_LINE && looks_like_bucket(au, unit))
			audit_wrong(au, "free unit %#lx is a bucket", unit);
		unit = word_peek((word *)arena_at(au->a, unit) + UNIT_LINK);
	}
	if (unit != 0)
		return;		/* a piece was not enough for the list */
	if (au->whole && au->units[i] != live)
		audit_wrong(au, "segment %lu counts %lu units in use and has "
		    "%lu", i, live, au->units[i]);
	if (live + n != carved)
		audit_wrong(au, "segment %lu leaks: %lu used, %lu free, "
		    "%lu carved", i, live, n, carved);
}

static bool
is_possible(const struct record_view *r)
{
	switch (r->op) {
	case RECORD_PUT:
		return r->key.len <= PAIR_KEY_MAX;
	case RECORD_DELETE:
		return r->key.len <= PAIR_KEY_MAX && r->value.len == 0;
	case RECORD_CREATE:
	case RECORD_DROP:
	case RECORD_TOUCH:
		return r->key.len <= BUCKET_NAME_MAX && r->value.len == 0;
	case RECORD_MESSAGE:
		return r->key.len <= PAIR_KEY_MAX && r->bucket == 0;
	}
	return false;
}

/*
 * The hot log has every revision in order.  The cold one has what was moved,
 * and that was live.
 */
static void
check_revision(struct audit *au, uint64_t i, uint64_t at, uint64_t index,
    const struct record_view *r)
{
	if (!is_possible(r))
		audit_wrong(au, "segment %lu: impossible record at %lu", i,
		    at);
	if (r->lsn > word_peek(&au->sh->lsn))
		audit_wrong(au, "segment %lu: record of the future at %lu",
		    i, at);
	if (audit_is_ours(au, i, SEGMENT_COLD)) {
		if (r->op != RECORD_PUT && r->op != RECORD_CREATE)
			audit_wrong(au, "segment %lu: a tombstone was moved",
			    i);
	} else if (r->lsn != word_peek(&au->a->table[i].first_lsn) + index) {
		audit_wrong(au, "segment %lu: revision %lu out of order at "
		    "%lu", i, r->lsn, at);
	}
}

/* Behind the last record of a segment. */
static void
check_end(struct audit *au, uint64_t i, uint64_t at, uint64_t index)
{
	if (at != audit_written(au, i))
		audit_wrong(au, "segment %lu: torn record at its end", i);
	if (word_peek(&au->sh->hot_segment) == i + 1 &&
	    word_peek(&au->a->table[i].first_lsn) + index !=
	    word_peek(&au->sh->lsn) + 1)
		audit_wrong(au, "the log ends before or behind revision %lu",
		    word_peek(&au->sh->lsn));
}

bool
audit_log(struct audit *au, uint64_t i, uint64_t *at, uint64_t *index)
{
	arena_off base = arena_segment_base(au->a, i);
	uint64_t written = audit_written(au, i);
	struct record_view r;

	if (written > au->a->segment_bytes) {
		audit_wrong(au, "segment %lu is used beyond its end", i);
		return true;
	}
	for (; *at < written; *at += r.size, ++*index) {
		if (audit_is_spent(au))
			return false;
		audit_spend(au, 1);
		if (!record_read(au->a, base + *at, &r)) {
			audit_wrong(au, "segment %lu: torn record at %lu", i,
			    *at);
			return true;
		}
		au->report.log_records++;
		check_revision(au, i, *at, *index, &r);
	}
	check_end(au, i, *at, *index);
	return true;
}

/* The words of a log segment that hold however its records are. */
static void
check_log_words(struct audit *au, uint64_t i)
{
	const struct segment *e = &au->a->table[i];

	if (!is_head(au, i) && (word_peek(&e->used) & SEGMENT_SEALED) == 0)
		audit_wrong(au, "segment %lu is no head and not sealed", i);
	if (word_peek(&e->dead) > audit_written(au, i))
		audit_wrong(au, "segment %lu: more dead bytes than written",
		    i);
	if (word_peek(&e->next) > au->a->segments)
		audit_wrong(au, "segment %lu: impossible successor", i);
	au->report.dead_bytes += word_peek(&e->dead);
}

/* Each byte that was written is live or dead. */
static void
check_log_sums(struct audit *au, uint64_t i)
{
	const struct segment *e = &au->a->table[i];
	uint64_t written = audit_written(au, i), dead = word_peek(&e->dead);

	if (au->live[i] + dead != written)
		audit_wrong(au, "segment %lu: %lu live + %lu dead of %lu "
		    "bytes", i, au->live[i], dead, written);
	if (audit_is_ours(au, i, SEGMENT_HOT) && word_peek(&e->live) != 0 &&
	    au->live[i] != 0)
		audit_wrong(au, "segment %lu: a put among tombstones", i);
}

void
audit_segment(struct audit *au, uint64_t i)
{
	uint64_t at = 0, index = 0;

	au->report.segments++;
	switch (segment_kind(word_peek(&au->a->table[i].state))) {
	case SEGMENT_LINES:
		audit_units(au, i, SLAB_LINE);
		break;
	case SEGMENT_INDEX:
		audit_units(au, i, SLAB_PAGE);
		break;
	case SEGMENT_HOT:
	case SEGMENT_COLD:
		check_log_words(au, i);
		if (au->whole) {
			(void)audit_log(au, i, &at, &index);
			check_log_sums(au, i);
		}
		break;
	case SEGMENT_TAKEN:
	case SEGMENT_RELEASED:
		audit_wrong(au, "segment %lu was taken and lost", i);
		break;
	case SEGMENT_RAW:
	case SEGMENT_FREE:
	case SEGMENT_KINDS:
		break;		/* for audit_pool() */
	}
}

bool
audit_owns(const struct audit *au, uint64_t i)
{
	uint64_t state = word_load(&au->a->table[i].state);
	enum segment_kind kind = segment_kind(state);

	return kind != SEGMENT_RAW && kind != SEGMENT_FREE &&
	    segment_owner(state) == au->shard;
}

void
audit_segments(struct audit *au)
{
	uint64_t i;

	for (i = 0; i < au->a->segments && !audit_is_spent(au); i++)
		if (audit_owns(au, i))
			audit_segment(au, i);
}
