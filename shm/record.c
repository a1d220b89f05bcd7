/*
 * Records in and out of the log.  A reader without a lock may look at memory
 * that has become something else, so nothing here trusts a length.
 */

#include "shm/record.h"

#include <string.h>

#include "shm/short.h"

/*
 * Both lengths, and where they end; false if they cannot be, or are written in
 * a form that nobody writes.
 */
static bool
read_lengths(const uint8_t *p, const struct record *head, uint64_t room,
    struct record_lengths *len, uint64_t *end)
{
	*end = sizeof(*head);
	len->key = (uint32_t)(head->lsn & RECORD_LONG);
	len->value = (uint32_t)(head->meta >> RECORD_VALUE_SHIFT &
	    RECORD_LONG);
	if (len->key != RECORD_LONG)
		return len->value != RECORD_LONG;
	*end += sizeof(*len);
	if (len->value != 0 || *end > room)
		return false;
	memcpy(len, p + sizeof(*head), sizeof(*len));
	return record_is_long(len->key, len->value);
}

bool
record_open_any(const uint8_t *p, const struct record *head, uint64_t room,
    struct record_view *r)
{
	struct record_lengths len;
	size_t extra;
	uint64_t end;

	if (!read_lengths(p, head, room, &len, &end))
		return false;
	record_open_head(head, r);
	extra = (r->flags & RECORD_EXPIRES) != 0 ? 8 : 0;
	r->size = (end + extra + len.key + len.value + 7) & ~UINT64_C(7);
	if (r->size > room)
		return false;
	r->expires_ms = 0;
	p += end;
	if (extra != 0)
		memcpy(&r->expires_ms, p, 8);
	r->key = (struct bytes){ p + extra, len.key };
	r->value = (struct bytes){ p + extra + len.key, len.value };
	return true;
}

bool
record_read(const struct arena *a, arena_off off, struct record_view *r)
{
	uint64_t room = record_room(a, off);
	struct record head;

	if (room == 0)
		return false;
	head = record_head(arena_at(a, off));
	return record_open(arena_at(a, off), &head, room, r);
}

static uint8_t *
write_head(uint8_t *p, const struct record_view *r)
{
	bool is_long = record_is_long(r->key.len, r->value.len);
	struct record head = {
		.lsn = r->lsn << RECORD_LSN_SHIFT |
		    (is_long ? RECORD_LONG : r->key.len),
		.meta = r->bucket / sizeof(struct line) <<
		    RECORD_BUCKET_SHIFT |
		    (is_long ? 0 : r->value.len) << RECORD_VALUE_SHIFT |
		    (uint64_t)r->flags << RECORD_FLAGS_SHIFT |
		    (uint64_t)r->op
	};
	struct record_lengths len = {
		(uint32_t)r->key.len, (uint32_t)r->value.len
	};

	memcpy(p, &head, sizeof(head));
	p += sizeof(head);
	if (!is_long)
		return p;
	memcpy(p, &len, sizeof(len));
	return p + sizeof(len);
}

void
record_write(struct arena *a, arena_off off, const struct record_view *r)
{
	uint8_t *p = write_head(arena_at(a, off), r);

	if ((r->flags & RECORD_EXPIRES) != 0) {
		memcpy(p, &r->expires_ms, 8);
		p += 8;
	}
	short_copy(p, r->key.data, r->key.len);
	short_copy(p + r->key.len, r->value.data, r->value.len);
}
