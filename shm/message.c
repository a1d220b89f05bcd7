/*
 * Messages on channels.
 *
 * The log of a shard is the feed of its events: it has their order, its
 * readers are woken, and one who is too slow is told.  All that is what a
 * message needs as well, so a message is a record that no index leads to, dead
 * from the moment at which the head has passed it.
 *
 * A watcher sets its bit before it opens its feed.  So whoever listens by now
 * is seen, and where nobody does there is nothing to be written.
 */

#include "shm/message.h"

#include "shm/feed.h"
#include "shm/log.h"
#include "shm/pair.h"
#include "shm/publish.h"
#include "shm/room.h"

static enum shm_status
say_locked(struct held *h, void *arg)
{
	struct record_view r = *(const struct record_view *)arg;
	enum shm_status status;
	arena_off off;

	if ((status = log_room(h, r.size, SEGMENT_FOR_PUT)) != SHM_OK)
		return status;
	off = log_write(h, &r);
	publish_message(h, off, &r);
	return SHM_OK;
}

enum shm_status
message_say(struct arena *a, struct bytes channel, struct bytes text)
{
	struct record_view r = {
		.op = RECORD_MESSAGE, .key = channel, .value = text,
		.size = record_size(channel.len, text.len, false)
	};
	uint32_t shard = arena_shard_of(a, channel);
	struct feed_watchers watchers;

	if (channel.len > PAIR_KEY_MAX)
		return SHM_KEY_SIZE;
	if (text.len > a->value_max_bytes || r.size > a->segment_bytes)
		return SHM_VALUE_SIZE;
	if (!feed_watchers(a, shard, &watchers))
		return SHM_OK;
	return room_run(a, shard, say_locked, &r);
}
