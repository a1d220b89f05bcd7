/*
 * What no shard's lock protects: the states of the segments, how far the
 * arena is backed with memory, and what the arena says of itself.
 *
 * Others go on meanwhile.  A segment is backed only after all before it, and
 * the end of what is backed is raised before its state says so; so the table
 * is read backwards, and that end last: what is then found too early is no
 * matter of timing.
 */

#include <string.h>

#include "shm/audit_parts.h"
#include "shm/superblock.h"
#include "shm/word.h"

static void
check_state(struct audit *au, uint64_t i, uint64_t state)
{
	switch (segment_kind(state)) {
	case SEGMENT_RAW:
		au->report.segments_raw++;
		if (state != 0)
			audit_wrong(au, "segment %lu is raw and was used", i);
		return;
	case SEGMENT_FREE:
		au->report.segments_free++;
		break;
	case SEGMENT_TAKEN:
	case SEGMENT_RELEASED:
	case SEGMENT_HOT:
	case SEGMENT_COLD:
	case SEGMENT_LINES:
	case SEGMENT_INDEX:
		break;
	case SEGMENT_KINDS:
		audit_wrong(au, "segment %lu has an impossible state", i);
		return;
	}
	if (segment_kind(state) > SEGMENT_KINDS)
		audit_wrong(au, "segment %lu has an impossible state", i);
	if (segment_owner(state) >= au->a->shards_count)
		audit_wrong(au, "segment %lu is of shard %u, which is not "
		    "there", i, segment_owner(state));
}

/* Returns how many segments from the first on are not raw. */
static uint64_t
check_states(struct audit *au)
{
	uint64_t i, state, end = 0;

	for (i = au->a->segments; i-- > 0;) {
		state = word_load(&au->a->table[i].state);
		check_state(au, i, state);
		if (segment_kind(state) != SEGMENT_RAW)
			end = end > 0 ? end : i + 1;
		else if (end > 0)
			audit_wrong(au, "segment %lu is raw and later ones "
			    "are not", i);
	}
	return end;
}

static void
check_backing(struct audit *au, uint64_t segments)
{
	const struct arena *a = au->a;
	arena_off end = word_load(&a->pool->backed_end);

	if (segments > 0 && end < arena_segment_base(a, segments))
		audit_wrong(au, "segments in use are not backed");
	if (end != 0 && (end < a->segments_off ||
	    end > arena_segment_base(a, a->segments) ||
	    (end - a->segments_off) % a->segment_bytes != 0))
		audit_wrong(au, "backed up to an impossible place, %#lx",
		    end);
	if (word_load(&a->pool->backing) > a->segments_end)
		audit_wrong(au, "backing what is not there");
}

/* Hints, but nobody may write just anything there. */
static void
check_cleaning(struct audit *au)
{
	const struct cleaning *c = au->a->cleaning;

	if (word_peek(&c->victim) > au->a->segments)
		audit_wrong(au, "cleaning segment %lu, which is not there",
		    word_peek(&c->victim) - 1);
	if (word_peek(&c->offset) > au->a->segment_bytes)
		audit_wrong(au, "cleaning behind the end of a segment");
}

static void
check_superblock(struct audit *au)
{
	const struct arena *a = au->a;
	struct superblock sb;

	memcpy(&sb, a->base, sizeof(sb));
	if (superblock_check(&sb, a->size_bytes) != ARENA_OK ||
	    sb.segment_bytes != a->segment_bytes ||
	    sb.shards != a->shards_count ||
	    sb.value_max_bytes != a->value_max_bytes ||
	    memcmp(sb.hash_seed, a->hash_seed, sizeof(sb.hash_seed)) != 0)
		audit_wrong(au, "the superblock has changed");
}

void
audit_pool(struct audit *au)
{
	check_backing(au, check_states(au));
	check_cleaning(au);
	check_superblock(au);
}
