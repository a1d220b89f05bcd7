/*
 * Records in and out of the log.  A reader without a lock may look at memory
 * that has become something else, so nothing here trusts a length.
 */

#include "shm/record.h"

#include <string.h>

bool
record_read(const struct arena *a, arena_off off, struct record_view *r)
{
	const uint8_t *p;
	struct record head;
	size_t extra;

	if (off % 8 != 0 || !arena_holds(a, off, sizeof(head)))
		return false;
	p = arena_at(a, off);
	memcpy(&head, p, sizeof(head));
	r->lsn = head.lsn;
	r->bucket = (head.meta >> RECORD_BUCKET_SHIFT) * sizeof(struct line);
	r->flags = (unsigned)(head.meta >> RECORD_FLAGS_SHIFT & 0xff);
	r->op = (enum record_op)(head.meta & 0xff);
	extra = (r->flags & RECORD_EXPIRES) != 0 ? 8 : 0;
	r->size = record_size(head.key_len, head.value_len, extra != 0);
	if (!arena_holds(a, off, r->size))
		return false;
	r->expires_ms = 0;
	r->is_hashed = false;
	p += sizeof(head);
	if (extra != 0)
		memcpy(&r->expires_ms, p, 8);
	r->key = (struct bytes){ p + extra, head.key_len };
	r->value = (struct bytes){ p + extra + head.key_len, head.value_len };
	return true;
}

void
record_write(struct arena *a, arena_off off, const struct record_view *r)
{
	uint8_t *p = arena_at(a, off);
	struct record head = {
		.lsn = r->lsn,
		.meta = r->bucket / sizeof(struct line) << RECORD_BUCKET_SHIFT |
		    (uint64_t)r->flags << RECORD_FLAGS_SHIFT |
		    (uint64_t)r->op,
		.key_len = (uint32_t)r->key.len,
		.value_len = (uint32_t)r->value.len
	};

	memcpy(p, &head, sizeof(head));
	p += sizeof(head);
	if ((r->flags & RECORD_EXPIRES) != 0) {
		memcpy(p, &r->expires_ms, 8);
		p += 8;
	}
	if (r->key.len > 0)
		memcpy(p, r->key.data, r->key.len);
	if (r->value.len > 0)
		memcpy(p + r->key.len, r->value.data, r->value.len);
}
