/*
 * Tables: the tree, its lines, and what their entries lead to.  Everything is
 * checked before it is followed: trees by the marks of their parts and by
 * their depth, chains by their length, records by the segment they are in.
 *
 * A damaged table could have its entries lead to a few huge records again and
 * again, and hashing their keys would take for ever: no segment is allowed
 * more live bytes than it has, and that is looked at before the key is.
 */

#include <string.h>

#include "shm/audit_parts.h"
#include "shm/bucket.h"
#include "shm/hash.h"
#include "shm/pair.h"
#include "shm/table.h"
#include "shm/word.h"

#define KEY_BYTES	128	/* of a key cost as much as an entry */

static bool
is_log_of_shard(const struct audit *au, uint64_t segment)
{
	return audit_is_ours(au, segment, SEGMENT_HOT) ||
	    audit_is_ours(au, segment, SEGMENT_COLD);
}

/* The record that an entry leads to, if it can be one of ours. */
static bool
read_entry(const struct audit *au, arena_off off, struct record_view *r)
{
	uint64_t i, base;

	if (!arena_holds(au->a, off, sizeof(struct record)))
		return false;
	i = arena_segment_of(au->a, off);
	base = arena_segment_base(au->a, i);
	return is_log_of_shard(au, i) && record_read(au->a, off, r) &&
	    off - base + r->size <= audit_written(au, i);
}

static bool
has_possible_sizes(const struct audit *au, const struct record_view *r)
{
	if (r->op == RECORD_CREATE)
		return r->key.len <= BUCKET_NAME_MAX && r->value.len == 0;
	return r->key.len <= PAIR_KEY_MAX &&
	    r->value.len <= au->a->value_max_bytes;
}

/* Count the record as live; false if its segment cannot hold so much. */
static bool
count_live(struct audit *au, arena_off off, const struct record_view *r)
{
	uint64_t i = arena_segment_of(au->a, off);

	if (au->whole && (au->live[i] += r->size) > au->a->segment_bytes) {
		audit_wrong(au, "segment %lu: more live bytes than it has",
		    i);
		return false;
	}
	au->report.records++;
	au->report.live_bytes += r->size;
	return true;
}

/* Is the record's key in this chain already? */
static bool
is_seen(struct audit *au, struct audit_walk *w, uint64_t slot,
    const struct record_view *r)
{
	struct record_view other;
	unsigned i;

	for (i = 0; i < w->nseen; i++)
		if (slot_tag(w->seen[i]) == slot_tag(slot) &&
		    record_read(au->a, slot_off(w->seen[i]), &other) &&
		    other.key.len == r->key.len && (r->key.len == 0 ||
		    memcmp(other.key.data, r->key.data, r->key.len) == 0))
			return true;
	if (w->nseen < AUDIT_SEEN)
		w->seen[w->nseen++] = slot;
	return false;
}

/* Will the cleaner come to look for what is told of there? */
static void
check_awaited(struct audit *au, arena_off off, uint64_t expires_ms)
{
	uint64_t i = arena_segment_of(au->a, off);
	uint64_t earliest_ms = word_peek(&au->a->table[i].earliest_ms);

	if (expires_ms != 0 && (earliest_ms == 0 || earliest_ms > expires_ms))
		audit_wrong(au, "segment %lu does not await what expires", i);
}

/* It looks no more for what had expired when it came last. */
static void
check_swept(struct audit *au, arena_off off, uint64_t expires_ms)
{
	uint64_t i = arena_segment_of(au->a, off);
	uint64_t swept_ms = word_peek(&au->a->table[i].swept_ms);

	if ((swept_ms & SEGMENT_SWEEPING) == 0 && expires_ms != 0 &&
	    expires_ms <= swept_ms)
		audit_wrong(au, "segment %lu was swept in vain", i);
}

static void
check_record(struct audit *au, const struct audit_walk *w, uint64_t slot,
    const struct record_view *r)
{
	if (r->op != w->op ||
	    (w->op == RECORD_PUT && r->bucket != w->bucket))
		audit_wrong(au, "entry %#lx leads to a foreign record", slot);
	if ((r->flags & RECORD_AUTO) != 0 && r->op != RECORD_CREATE)
		audit_wrong(au, "entry %#lx leads to unknown flags", slot);
	if (r->op == RECORD_PUT && !w->is_dropped) {
		check_awaited(au, slot_off(slot), r->expires_ms);
		check_swept(au, slot_off(slot), r->expires_ms);
	}
	if (r->lsn > word_peek(&au->sh->lsn))
		audit_wrong(au, "record of the future, lsn %lu", r->lsn);
	if (w->op == RECORD_PUT && r->lsn <= w->created)
		audit_wrong(au, "record older than its bucket, lsn %lu",
		    r->lsn);
	/* One without a name may be in every shard. */
	if (w->op == RECORD_CREATE && r->key.len > 0 &&
	    arena_shard_of(au->a, r->key) != au->shard)
		audit_wrong(au, "bucket %#lx is another shard's", r->bucket);
}

static void
check_entry(struct audit *au, struct audit_walk *w, uint64_t number,
    uint64_t slot, void (*named)(struct audit *, const struct record_view *))
{
	struct record_view r;
	uint64_t hash;

	audit_spend(au, 1);
	if (!read_entry(au, slot_off(slot), &r) ||
	    !has_possible_sizes(au, &r)) {
		audit_wrong(au, "entry %#lx leads to no record", slot);
		return;
	}
	if (!count_live(au, slot_off(slot), &r))
		return;
	audit_spend(au, r.key.len / KEY_BYTES);
	hash = hash_keyed(au->a->hash_seed, r.key.data, r.key.len);
	if (slot_make(hash, slot_off(slot)) != slot ||
	    table_line_number(w->lines, hash) != number)
		audit_wrong(au, "entry %#lx is in the wrong line", slot);
	check_record(au, w, slot, &r);
	if (is_seen(au, w, slot, &r))
		audit_wrong(au, "line %lu has a key twice", number);
	w->entries++;
	w->bytes += (uint64_t)r.key.len + r.value.len;
	w->max_lsn = r.lsn > w->max_lsn ? r.lsn : w->max_lsn;
	if (named != NULL)
		named(au, &r);
}

/* What the entries lead to is far apart in memory: ask for all at once. */
static void
prefetch(const struct audit *au, const struct line *line)
{
	arena_off off;
	unsigned i;

	for (i = 0; i < LINE_SLOTS; i++) {
		off = slot_off(word_peek(&line->slots[i]));
		if (arena_holds(au->a, off, sizeof(struct record)))
			__builtin_prefetch(arena_at(au->a, off));
	}
}

/* One line; returns its last slot if that is a link, else 0. */
static uint64_t
check_line(struct audit *au, struct audit_walk *w, uint64_t number,
    const struct line *line, bool overflows,
    void (*named)(struct audit *, const struct record_view *))
{
	uint64_t slot = 0;
	unsigned i, n;

	audit_spend(au, 1);
	au->report.lines++;
	if ((word_peek(&line->version) & 1) != 0)
		audit_wrong(au, "line %lu is left odd", number);
	prefetch(au, line);
	for (n = 0; n < LINE_SLOTS; n++) {
		slot = word_peek(&line->slots[n]);
		if (slot == 0 || slot_is_link(slot))
			break;
		check_entry(au, w, number, slot, named);
	}
	for (i = n + 1; i < LINE_SLOTS; i++)
		if (word_peek(&line->slots[i]) != 0)
			audit_wrong(au, "line %lu has a hole", number);
	if (overflows && n < 2)
		audit_wrong(au, "line %lu overflows too early", number);
	if (n == LINE_SLOTS || slot == 0)
		return 0;
	if (n != LINE_SLOTS - 1)
		audit_wrong(au, "line %lu links too early", number);
	return slot;
}

void
audit_chain(struct audit *au, struct audit_walk *w, uint64_t number,
    const struct line *line, void (*named)(struct audit *,
    const struct record_view *))
{
	unsigned steps;
	uint64_t link;

	w->nseen = 0;
	for (steps = 0; steps < CHAIN_STEPS_MAX; steps++) {
		link = check_line(au, w, number, line, steps > 0, named);
		if (link == 0 || !audit_use_unit(au, slot_off(link),
		    SLAB_LINE, "overflow line"))
			return;
		line = arena_at(au->a, slot_off(link));
	}
	audit_wrong(au, "line %lu has no end", number);
}

bool
audit_shape(struct audit *au, struct audit_walk *w, const struct table *t)
{
	uint64_t root = word_peek(&t->root);
	unsigned depth = (unsigned)(root & ROOT_DEPTH_MASK);

	w->lines = table_lines(word_peek(&t->shape));
	if (w->lines == 0) {
		if (root != 0)
			audit_wrong(au, "a table without lines has a root");
		return root == 0;
	}
	if (depth > TABLE_DEPTH_MAX || w->lines > table_capacity(depth) ||
	    (depth > 0 && w->lines <= table_capacity(depth - 1))) {
		audit_wrong(au, "a tree of impossible depth %u", depth);
		return false;
	}
	if (w->lines > au->index_bytes / sizeof(struct line)) {
		audit_wrong(au, "a table of impossible size, %lu lines",
		    w->lines);
		return false;
	}
	return true;
}

struct tree {			/* what check_tree() carries down */
	struct audit		*au;
	struct audit_walk	*w;
	void			(*named)(struct audit *,
				    const struct record_view *);
};

/* Depths only fall on the way down, so this goes a few levels deep. */
static void
check_tree(const struct tree *t, arena_off at, unsigned depth, uint64_t first)
{
	bool of_lines = depth == TABLE_LINES_PAGE;
	uint64_t i, n, each, number;
	word *top;

	if (!audit_use_unit(t->au, at, of_lines ? SLAB_PAGE :
	    table_class(depth), "part of an index"))
		return;
	top = arena_at(t->au->a, at);
	if (depth == 0) {
		audit_chain(t->au, t->w, first, (struct line *)top, t->named);
		return;
	}
	n = of_lines ? PAGE_LINES : slab_bytes(table_class(depth)) /
	    sizeof(word);
	each = of_lines ? 1 : table_capacity(depth) / n;
	for (i = 0; i < n && !audit_is_spent(t->au); i++) {
		number = first + i * each;
		if (of_lines && number < t->w->lines)
			audit_chain(t->au, t->w, number,
			    (struct line *)top + i, t->named);
		else if (!of_lines && number < t->w->lines)
			check_tree(t, word_peek(&top[i]),
			    table_child_depth(depth, number), number);
		else if (!of_lines && word_peek(&top[i]) != 0)
			audit_wrong(t->au, "index %#lx names a part too many",
			    at);
	}
}

static void
check_lines(struct audit *au, struct audit_walk *w, const struct table *table,
    void (*named)(struct audit *, const struct record_view *))
{
	const struct tree t = { au, w, named };
	uint64_t root = word_peek(&table->root);

	if (audit_shape(au, w, table) && w->lines > 0)
		check_tree(&t, root & ~ROOT_DEPTH_MASK,
		    (unsigned)(root & ROOT_DEPTH_MASK), 0);
}

static void
check_count(struct audit *au, const struct audit_walk *w,
    const struct table *t)
{
	if (w->entries != word_peek(&t->count))
		audit_wrong(au, "a table counts %lu entries and has %lu",
		    word_peek(&t->count), w->entries);
}

uint64_t
audit_created(const struct audit *au, const struct bucket *b)
{
	struct record_view r;

	return read_entry(au, word_peek(&b->record), &r) &&
	    r.op == RECORD_CREATE && r.bucket == arena_off_of(au->a, b) ?
	    r.lsn : 0;
}

void
audit_sums(struct audit *au, const struct audit_walk *w,
    const struct bucket *b)
{
	uint64_t revision = word_peek(&b->revision);

	check_count(au, w, &b->table);
	/* A bucket's time is not in its record, but that is where it is
	 * looked for. */
	if (audit_created(au, b) != 0)
		check_awaited(au, word_peek(&b->record), word_peek(&b->link));
	if (w->bytes != word_peek(&b->bytes))
		audit_wrong(au, "bucket %#lx counts %lu bytes and has %lu",
		    w->bucket, word_peek(&b->bytes), w->bytes);
	if (revision > word_peek(&au->sh->lsn) || revision < w->max_lsn ||
	    revision < w->created)
		audit_wrong(au, "bucket %#lx has an impossible revision",
		    w->bucket);
}

/* A bucket named by this record, whole. */
static void
check_bucket(struct audit *au, const struct record_view *r)
{
	struct audit_walk w = {
		.op = RECORD_PUT, .bucket = r->bucket, .created = r->lsn
	};
	const struct bucket *b;

	if (!audit_use_unit(au, r->bucket, SLAB_LINE, "bucket"))
		return;
	audit_spend(au, 1);
	b = arena_at(au->a, r->bucket);
	au->report.buckets++;
	if (!audit_is_marked(b))
		audit_wrong(au, "bucket %#lx has no mark", r->bucket);
	if (audit_created(au, b) != r->lsn)
		audit_wrong(au, "bucket %#lx has another's creation",
		    r->bucket);
	check_lines(au, &w, &b->table, NULL);
	audit_sums(au, &w, b);
	au->keys += w.entries;
}

const struct bucket *
audit_dropped(struct audit *au, arena_off off)
{
	const struct bucket *b;

	if (!audit_use_unit(au, off, SLAB_LINE, "dropped bucket"))
		return NULL;
	audit_spend(au, 1);
	b = arena_at(au->a, off);
	au->report.dropped++;
	if (word_peek(&b->mark) != BUCKET_DROPPED)
		audit_wrong(au, "dropped bucket %#lx has no mark", off);
	return b;
}

static void
check_graveyard(struct audit *au)
{
	arena_off off = word_peek(&au->sh->graveyard);
	const struct bucket *b;

	while (off != 0 && !audit_is_spent(au)) {
		struct audit_walk w = {
			.op = RECORD_PUT, .bucket = off, .is_dropped = true
		};

		if ((b = audit_dropped(au, off)) == NULL)
			return;
		w.created = word_peek(&b->record);
		/* Its count is not kept while it is taken apart. */
		check_lines(au, &w, &b->table, NULL);
		off = word_peek(&b->link);
	}
}

void
audit_tables(struct audit *au)
{
	struct audit_walk w = { .op = RECORD_CREATE };

	au->keys = 0;
	check_lines(au, &w, &au->sh->buckets, check_bucket);
	check_count(au, &w, &au->sh->buckets);
	if (au->keys != word_peek(&au->sh->keys))
		audit_wrong(au, "it counts %lu keys and has %lu",
		    word_peek(&au->sh->keys), au->keys);
	check_graveyard(au);
}
