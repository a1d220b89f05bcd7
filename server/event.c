/*
 * Names of events.  What a record does to a key is seen in the record; which
 * of the commands that do the same it was is not, and is told by the reason.
 */

#include "server/event.h"

#include "shm/txn.h"

static const struct reason {
	const char	*string_set, *string_also, *string_deleted;
	const char	*field_set, *field_also, *field_deleted;
	const char	*created, *touched, *dropped;
} reasons[TXN_REASONS] = {
#define EVENT(reason, ...) [EVENT_##reason] = { __VA_ARGS__ },
#include "server/event.def"
#undef EVENT
};

_Static_assert(EVENT_REASONS <= TXN_REASONS, "a record has room for them");
_Static_assert((unsigned)EVENT_EXPIRED == FEED_EXPIRED, "the one it knows");

struct event_names
event_of_string(const struct feed_event *event)
{
	const struct reason *why = &reasons[event->why % TXN_REASONS];

	switch (event->op) {
	case FEED_SET:
		return (struct event_names){ why->string_set,
		    why->string_also };
	case FEED_DELETED:
		return (struct event_names){ why->string_deleted, NULL };
	case FEED_CREATED:
	case FEED_DROPPED:
	case FEED_TOUCHED:
	case FEED_MESSAGE:
		break;
	}
	return (struct event_names){ NULL, NULL };
}

struct event_names
event_of_hash(const struct feed_event *event)
{
	const struct reason *why = &reasons[event->why % TXN_REASONS];

	switch (event->op) {
	case FEED_SET:
		return (struct event_names){ why->field_set, why->field_also };
	case FEED_DELETED:
		return (struct event_names){ why->field_deleted, NULL };
	case FEED_CREATED:
		return (struct event_names){ why->created, NULL };
	case FEED_DROPPED:
		return (struct event_names){ why->dropped, NULL };
	case FEED_TOUCHED:
		return (struct event_names){ why->touched, NULL };
	case FEED_MESSAGE:
		break;
	}
	return (struct event_names){ NULL, NULL };
}
