#ifndef KVD_SERVER_EVENT_H
#define KVD_SERVER_EVENT_H

#include "shm/feed.h"

/*
 * Why the store is changed, as commands say with txn_because() and records
 * carry it; and the names that Redis has for what comes of it.
 */
enum event_reason {
#define EVENT(reason, ...) EVENT_##reason,
#include "server/event.def"
#undef EVENT
	EVENT_REASONS
};

/*
 * What happened to a string, to a field, or to a hash as a whole: up to two
 * names in static storage, NULL is none.  A field of many to which the same
 * happened counts for itself.
 */
struct event_names {
	const char	*name;
	const char	*also;
};

struct event_names event_of_string(const struct feed_event *);
struct event_names event_of_hash(const struct feed_event *);

#endif
