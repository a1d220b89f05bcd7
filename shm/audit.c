/*
 * The audit.  It walks from the roots (the shard's table of names, the
 * dropped buckets, the free lists, the log segments) and marks what it
 * meets; then every unit must have been met exactly once and every sum must
 * agree.  It trusts nothing: offsets are checked, walks are bounded by the
 * marks, and the first thing found wrong is put into words.
 */

#include "shm/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/chain.h"
#include "shm/hash.h"
#include "shm/lock.h"
#include "shm/record.h"
#include "shm/segment.h"
#include "shm/slab.h"
#include "shm/table.h"
#include "shm/word.h"

struct audit {
	struct arena		*a;
	struct shard		*sh;
	uint32_t		 shard;
	struct audit_report	*report;
	uint8_t			*marks;		/* a bit per 64 bytes */
	uint64_t		*live;		/* log bytes, per segment */
	uint64_t		*units;		/* units in use, per segment */
};

static void __attribute__((format(printf, 2, 3)))
wrong(struct audit *au, const char *fmt, ...)
{
	struct audit_report *r = au->report;
	va_list ap;
	int n;

	if (r->errors++ > 0)
		return;
	n = snprintf(r->first_error, sizeof(r->first_error), "shard %u: ",
	    au->shard);
	va_start(ap, fmt);
	vsnprintf(r->first_error + n, sizeof(r->first_error) - (size_t)n, fmt,
	    ap);
	va_end(ap);
}

/* Mark bytes at off as met; false if some of them were already. */
static bool
mark(struct audit *au, arena_off off, uint64_t bytes)
{
	uint64_t unit = off / sizeof(struct line);
	uint64_t end = unit + bytes / sizeof(struct line);
	bool fresh = true;

	for (; unit < end; unit++) {
		if ((au->marks[unit / 8] & 1U << unit % 8) != 0)
			fresh = false;
		au->marks[unit / 8] |= (uint8_t)(1U << unit % 8);
	}
	return fresh;
}

/* A unit in use: of the right kind of segment, ours, met only once. */
static bool
use_unit(struct audit *au, arena_off off, enum slab_class class,
    const char *what)
{
	enum segment_kind want = class == SLAB_LINE ? SEGMENT_LINES :
	    SEGMENT_INDEX;
	uint64_t segment, state;

	if (!arena_holds(au->a, off, slab_bytes(class)) ||
	    (off - au->a->segments_off) % slab_bytes(class) != 0) {
		wrong(au, "%s at impossible offset %#lx", what, off);
		return false;
	}
	segment = arena_segment_of(au->a, off);
	state = word_peek(&au->a->table[segment].state);
	if (segment_kind(state) != want ||
	    segment_owner(state) != au->shard) {
		wrong(au, "%s at %#lx is in a foreign segment", what, off);
		return false;
	}
	if (!mark(au, off, slab_bytes(class))) {
		wrong(au, "%s at %#lx is used twice", what, off);
		return false;
	}
	au->units[segment]++;
	return true;
}

struct walk {			/* over one table */
	struct audit	*au;
	enum record_op	 op;
	arena_off	 bucket;
	uint64_t	 lines;
	uint64_t	 entries;
	uint64_t	 bytes;
	uint64_t	 max_lsn;
};

static void audit_bucket(struct audit *, const struct record_view *);

static bool
is_log_of_shard(const struct audit *au, arena_off off)
{
	uint64_t state;

	if (!arena_holds(au->a, off, sizeof(struct record)))
		return false;
	state = word_peek(&au->a->table[arena_segment_of(au->a, off)].state);
	return (segment_kind(state) == SEGMENT_HOT ||
	    segment_kind(state) == SEGMENT_COLD) &&
	    segment_owner(state) == au->shard;
}

static void
check_entry(struct walk *w, uint64_t number, uint64_t slot)
{
	struct audit *au = w->au;
	struct record_view r;
	uint64_t hash;

	if (!is_log_of_shard(au, slot_off(slot)) ||
	    !record_read(au->a, slot_off(slot), &r)) {
		wrong(au, "entry %#lx leads to no record", slot);
		return;
	}
	hash = hash_keyed(au->a->hash_seed, r.key.data, r.key.len);
	if (r.op != w->op || (w->op == RECORD_PUT && r.bucket != w->bucket))
		wrong(au, "entry %#lx leads to a foreign record", slot);
	if (slot_make(hash, slot_off(slot)) != slot ||
	    table_line_number(w->lines, hash) != number)
		wrong(au, "entry %#lx is in the wrong line", slot);
	if (r.lsn > word_peek(&au->sh->lsn))
		wrong(au, "record of the future, lsn %lu", r.lsn);
	w->entries++;
	w->bytes += (uint64_t)r.key.len + r.value.len;
	w->max_lsn = r.lsn > w->max_lsn ? r.lsn : w->max_lsn;
	au->live[arena_segment_of(au->a, slot_off(slot))] += r.size;
	au->report->records++;
	if (w->op == RECORD_CREATE)
		audit_bucket(au, &r);
}

/* One chain; its home line is marked by whoever led here. */
static void
check_chain(struct walk *w, uint64_t number, const struct line *line)
{
	uint64_t slot;
	unsigned i, n;

	for (;;) {
		w->au->report->lines++;
		if ((word_peek(&line->version) & 1) != 0)
			wrong(w->au, "line %lu is left odd", number);
		for (n = 0; n < LINE_SLOTS; n++) {
			slot = word_peek(&line->slots[n]);
			if (slot == 0 || slot_is_link(slot))
				break;
			check_entry(w, number, slot);
		}
		for (i = n + 1; i < LINE_SLOTS; i++)
			if (word_peek(&line->slots[i]) != 0)
				wrong(w->au, "line %lu has a hole", number);
		if (n == LINE_SLOTS || slot == 0)
			return;
		if (n != LINE_SLOTS - 1)
			wrong(w->au, "line %lu links too early", number);
		if (!use_unit(w->au, slot_off(slot), SLAB_LINE,
		    "overflow line"))
			return;
		line = arena_at(w->au->a, slot_off(slot));
	}
}

/* The tree at `at`, whose first line has that number in the table. */
static void
check_tree(struct walk *w, arena_off at, unsigned depth, uint64_t first)
{
	bool of_lines = depth == TABLE_LINES_PAGE;
	uint64_t i, n, each, number;
	word *top;

	if (!use_unit(w->au, at, of_lines ? SLAB_PAGE : table_class(depth),
	    "part of an index"))
		return;
	if (depth == 0) {
		check_chain(w, first, arena_at(w->au->a, at));
		return;
	}
	top = arena_at(w->au->a, at);
	n = of_lines ? PAGE_LINES : slab_bytes(table_class(depth)) /
	    sizeof(word);
	each = of_lines ? 1 : table_capacity(depth) / n;
	for (i = 0; i < n; i++) {
		number = first + i * each;
		if (of_lines && number < w->lines)
			check_chain(w, number, (struct line *)top + i);
		else if (!of_lines && number < w->lines)
			check_tree(w, word_peek(&top[i]),
			    table_child_depth(depth, number), number);
		else if (!of_lines && word_peek(&top[i]) != 0)
			wrong(w->au, "index %#lx names a part too many", at);
	}
}

static void
check_lines(struct walk *w, const struct table *t)
{
	uint64_t root = word_peek(&t->root);
	unsigned depth = (unsigned)(root & ROOT_DEPTH_MASK);

	w->lines = table_lines(word_peek(&t->shape));
	if (w->lines == 0 && root != 0)
		wrong(w->au, "a table without lines has a root");
	else if (w->lines > 0 && (depth > TABLE_DEPTH_MAX ||
	    w->lines > table_capacity(depth) ||
	    (depth > 0 && w->lines <= table_capacity(depth - 1))))
		wrong(w->au, "a tree of impossible depth %u", depth);
	else if (w->lines > 0)
		check_tree(w, root & ~ROOT_DEPTH_MASK, depth, 0);
}

static void
check_table(struct walk *w, const struct table *t)
{
	check_lines(w, t);
	if (w->entries != word_peek(&t->count))
		wrong(w->au, "a table counts %lu entries and has %lu",
		    word_peek(&t->count), w->entries);
}

static void
audit_bucket(struct audit *au, const struct record_view *r)
{
	struct walk w = { .au = au, .op = RECORD_PUT, .bucket = r->bucket };
	const struct bucket *b;

	if (!use_unit(au, r->bucket, SLAB_LINE, "bucket"))
		return;
	b = arena_at(au->a, r->bucket);
	au->report->buckets++;
	if (word_peek(&b->mark) != BUCKET_LIVE)
		wrong(au, "bucket %#lx has no mark", r->bucket);
	if (word_peek(&b->created) != r->lsn)
		wrong(au, "bucket %#lx has another's creation", r->bucket);
	check_table(&w, &b->table);
	if (w.bytes != word_peek(&b->bytes))
		wrong(au, "bucket %#lx counts %lu bytes and has %lu",
		    r->bucket, word_peek(&b->bytes), w.bytes);
	if (word_peek(&b->revision) > word_peek(&au->sh->lsn) ||
	    word_peek(&b->revision) < w.max_lsn)
		wrong(au, "bucket %#lx has an impossible revision",
		    r->bucket);
}

static void
audit_graveyard(struct audit *au)
{
	arena_off off = word_peek(&au->sh->graveyard);
	const struct bucket *b;

	while (off != 0) {
		struct walk w = { .au = au, .op = RECORD_PUT, .bucket = off };

		if (!use_unit(au, off, SLAB_LINE, "dropped bucket"))
			return;
		b = arena_at(au->a, off);
		au->report->dropped++;
		if (word_peek(&b->mark) != BUCKET_DROPPED)
			wrong(au, "dropped bucket %#lx has no mark", off);
		/* Its count is not kept while it is taken apart. */
		check_lines(&w, &b->table);
		off = word_peek(&b->link);
	}
}

static void
audit_units(struct audit *au, uint64_t i, enum slab_class class)
{
	const struct segment *e = &au->a->table[i];
	uint64_t bytes = slab_bytes(class), used = word_peek(&e->used);
	uint64_t most = au->a->segment_bytes / bytes, free_units = 0;
	arena_off base = arena_segment_base(au->a, i);
	arena_off unit = word_peek(&e->free_head);

	for (; unit != 0; free_units++) {
		if (unit < base || unit - base >= used ||
		    (unit - base) % bytes != 0 || !mark(au, unit, bytes)) {
			wrong(au, "segment %lu: bad free unit %#lx", i, unit);
			return;
		}
		unit = word_peek((word *)arena_at(au->a, unit) + UNIT_LINK);
	}
	if (au->units[i] != word_peek(&e->live))
		wrong(au, "segment %lu counts %lu units in use and has %lu",
		    i, word_peek(&e->live), au->units[i]);
	if (au->units[i] + free_units != used / bytes || used / bytes > most)
		wrong(au, "segment %lu leaks: %lu used, %lu free, %lu carved",
		    i, au->units[i], free_units, used / bytes);
}

static void
audit_log(struct audit *au, uint64_t i)
{
	const struct segment *e = &au->a->table[i];
	arena_off base = arena_segment_base(au->a, i);
	uint64_t used = word_peek(&e->used) & ~SEGMENT_SEALED;
	uint64_t dead = word_peek(&e->dead), at;
	struct record_view r;

	if (word_peek(&au->sh->hot_segment) == i + 1)
		used = word_peek(&au->sh->hot_pos) - base;
	else if (word_peek(&au->sh->cold_segment) == i + 1)
		used = word_peek(&au->sh->cold_pos) - base;
	else if ((word_peek(&e->used) & SEGMENT_SEALED) == 0)
		wrong(au, "segment %lu is no head and not sealed", i);
	if (used > au->a->segment_bytes) {
		wrong(au, "segment %lu is used beyond its end", i);
		return;
	}
	for (at = 0; at < used; at += r.size)
		if (!record_read(au->a, base + at, &r)) {
			wrong(au, "segment %lu: torn record at %lu", i, at);
			break;
		}
	if (au->live[i] + dead != used)
		wrong(au, "segment %lu: %lu live + %lu dead of %lu bytes", i,
		    au->live[i], dead, used);
	au->report->live_bytes += au->live[i];
	au->report->dead_bytes += dead;
}

static void
audit_segment(struct audit *au, uint64_t i)
{
	uint64_t state = word_load(&au->a->table[i].state);
	enum segment_kind kind = segment_kind(state);

	if (kind == SEGMENT_RAW || kind == SEGMENT_FREE ||
	    segment_owner(state) != au->shard)
		return;
	au->report->segments++;
	switch (kind) {
	case SEGMENT_LINES:
		audit_units(au, i, SLAB_LINE);
		break;
	case SEGMENT_INDEX:
		audit_units(au, i, SLAB_PAGE);
		break;
	case SEGMENT_HOT:
	case SEGMENT_COLD:
		audit_log(au, i);
		break;
	case SEGMENT_TAKEN:
	case SEGMENT_RELEASED:
		wrong(au, "segment %lu was taken and lost", i);
		break;
	case SEGMENT_RAW:
	case SEGMENT_FREE:
	case SEGMENT_KINDS:
		wrong(au, "segment %lu has an impossible state", i);
		break;
	}
}

/* Segments with room, and only those, are on the list of their class. */
static void
audit_partial(struct audit *au, enum slab_class class)
{
	uint64_t number = word_peek(&au->sh->partial[class]), prev = 0;
	uint64_t n = 0, want = 0, i, state, live;
	uint64_t most = au->a->segment_bytes / slab_bytes(class);

	for (i = 0; i < au->a->segments; i++) {
		state = word_peek(&au->a->table[i].state);
		live = word_peek(&au->a->table[i].live);
		if (segment_owner(state) == au->shard && live < most &&
		    segment_kind(state) == (class == SLAB_LINE ?
		    SEGMENT_LINES : SEGMENT_INDEX))
			want++;
	}
	while (number != 0 && number <= au->a->segments && n <= want) {
		const struct segment *e = &au->a->table[number - 1];

		if (word_peek(&e->prev) != prev)
			wrong(au, "segment %lu: broken list", number - 1);
		prev = number;
		number = word_peek(&e->next);
		n++;
	}
	if (n != want || number > au->a->segments)
		wrong(au, "%lu segments with room, %lu on the list", want, n);
}

static void
audit_shard(struct audit *au)
{
	struct walk w = { .au = au, .op = RECORD_CREATE };
	uint64_t i;

	au->report->shards++;
	if (word_peek(&au->sh->intent.state) != INTENT_EMPTY)
		wrong(au, "an intent is left");
	if (word_peek(&au->sh->batch_end) != 0)
		wrong(au, "a batch is left");
	if ((word_peek(&au->sh->version) & 1) != 0)
		wrong(au, "the version is left odd");
	check_table(&w, &au->sh->buckets);
	audit_graveyard(au);
	for (i = 0; i < au->a->segments; i++)
		audit_segment(au, i);
	audit_partial(au, SLAB_LINE);
	audit_partial(au, SLAB_PAGE);
}

static void
audit_locked(struct audit *au, uint32_t shard)
{
	struct held h;

	au->shard = shard;
	au->sh = &au->a->shards[shard];
	if (lock_shard(au->a, shard, &h) == LOCK_POISONED) {
		wrong(au, "the lock is poisoned");
		return;
	}
	audit_shard(au);
	lock_release(&h);
}

int
audit_arena(struct arena *a, struct audit_report *report)
{
	struct audit au = { .a = a, .report = report };
	int rc = -1;
	uint32_t i;

	memset(report, 0, sizeof(*report));
	au.marks = calloc(a->size_bytes / sizeof(struct line) / 8 + 1, 1);
	au.live = calloc(a->segments, sizeof(*au.live));
	au.units = calloc(a->segments, sizeof(*au.units));
	if (au.marks != NULL && au.live != NULL && au.units != NULL) {
		for (i = 0; i < a->shards_count; i++)
			audit_locked(&au, i);
		rc = 0;
	}
	free(au.marks);
	free(au.live);
	free(au.units);
	return rc;
}
