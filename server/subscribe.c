/*
 * Subscriptions: the feed of each shard that somebody here is interested in
 * is read once, whatever the number of subscribers, and handed round.
 *
 * Being woken is only a hint.  What matters is the position in the feed, so
 * a wake-up that got lost with a killed writer costs the time until the next
 * look and never an event.  For the same reason watching begins before the
 * feed is opened: an event in between wakes us once too often, the other
 * order would let it pass unseen.
 *
 * The reading position of a shard is shared and may lag behind the moment
 * when another subscriber joins; that one remembers the revision it came at
 * and is spared what is older.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "server/subscribe.h"

#define HASH_SIZE	1024		/* a power of two */
#define READ_BYTES	((size_t)256 * 1024)	/* of events, per reading */
#define READ_EVENTS	4096

struct watch {			/* of one shard */
	struct feed	feed;
	uint64_t	subscribers;	/* 0: not watched */
};

struct subscriptions {
	struct arena		*arena;
	unsigned		 watcher;
	uint64_t		 count;
	uint32_t		 shards;
	uint32_t		 turn;		/* shard to read first */
	struct watch		*watches;	/* one per shard */
	struct subscriber	*hash[HASH_SIZE];
	struct subscriber	*touched;
	void			(*hear)(void *, uint32_t,
				    const struct feed_event *);
	void			*arg;
	uint8_t			*buf;		/* key and value of an event */
	size_t			 buf_cap;
};

struct subscriptions *
subscribe_open(struct arena *arena, unsigned watcher)
{
	struct subscriptions *subs = calloc(1, sizeof(*subs));

	if (subs == NULL)
		return NULL;
	subs->arena = arena;
	subs->watcher = watcher;
	subs->shards = arena_shards(arena);
	subs->watches = calloc(subs->shards, sizeof(*subs->watches));
	subs->buf_cap = arena_value_max(arena) + PAIR_KEY_MAX;
	subs->buf = malloc(subs->buf_cap);
	if (subs->watches == NULL || subs->buf == NULL) {
		subscribe_close(subs);
		return NULL;
	}
	feed_unwatch_all(arena, watcher);
	return subs;
}

void
subscribe_close(struct subscriptions *subs)
{
	if (subs == NULL)
		return;
	feed_unwatch_all(subs->arena, subs->watcher);
	free(subs->watches);
	free(subs->buf);
	free(subs);
}

static struct subscriber **
bucket_chain(struct subscriptions *subs, uint64_t bucket_id)
{
	return &subs->hash[(bucket_id * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
	    HASH_SIZE];
}

static void
insert(struct subscriptions *subs, struct subscriber *sub)
{
	struct subscriber **chain = bucket_chain(subs, sub->bucket_id);

	sub->next = *chain;
	sub->link = chain;
	if (sub->next != NULL)
		sub->next->link = &sub->next;
	*chain = sub;
}

static void
join_shard(struct subscriptions *subs, uint32_t shard)
{
	struct watch *watch = &subs->watches[shard];

	if (watch->subscribers++ > 0)
		return;
	feed_watch(subs->arena, shard, subs->watcher);
	feed_open(subs->arena, shard, &watch->feed);
}

static void
leave_shard(struct subscriptions *subs, uint32_t shard)
{
	if (--subs->watches[shard].subscribers == 0)
		feed_unwatch(subs->arena, shard, subs->watcher);
}

void
subscribe_listen(struct subscriptions *subs, void (*hear)(void *, uint32_t,
    const struct feed_event *), void *arg)
{
	subs->hear = hear;
	subs->arg = arg;
}

void
subscribe_join(struct subscriptions *subs, uint32_t shard)
{
	join_shard(subs, shard);
	subs->count++;
}

void
subscribe_leave(struct subscriptions *subs, uint32_t shard)
{
	leave_shard(subs, shard);
	subs->count--;
}

enum shm_status
subscribe_add(struct subscriptions *subs, struct subscriber *sub,
    struct store *store, struct slice bucket, struct outbuf *out)
{
	struct bytes name = { .data = bucket.data, .len = bucket.len };
	uint32_t shard = arena_shard_of(subs->arena, name);
	struct bucket_stat stat;
	enum shm_status status;
	struct feed now;

	join_shard(subs, shard);
	feed_open(subs->arena, shard, &now);
	/* Asked after the position is fixed: a drop in between is seen. */
	if ((status = store_stat(store, bucket, &stat)) != SHM_OK) {
		leave_shard(subs, shard);
		return status;
	}
	memset(sub, 0, sizeof(*sub));
	sub->state = SUBSCRIBER_ON;
	sub->out = out;
	sub->bucket_id = stat.id;
	sub->shard = shard;
	/* The id may have been that of a bucket dropped since `now'. */
	sub->from_revision = stat.created > now.lsn ? stat.created : now.lsn;
	insert(subs, sub);
	subs->count++;
	return SHM_OK;
}

static void
forget_touched(struct subscriptions *subs, struct subscriber *sub)
{
	struct subscriber **link = &subs->touched;

	if (!sub->touched)
		return;
	while (*link != sub)
		link = &(*link)->next_touched;
	*link = sub->next_touched;
	sub->touched = false;
}

void
subscribe_remove(struct subscriptions *subs, struct subscriber *sub)
{
	if (sub->state == SUBSCRIBER_OFF)
		return;
	forget_touched(subs, sub);
	*sub->link = sub->next;
	if (sub->next != NULL)
		sub->next->link = sub->link;
	leave_shard(subs, sub->shard);
	subs->count--;
	sub->state = SUBSCRIBER_OFF;
}

static void
touch(struct subscriptions *subs, struct subscriber *sub)
{
	if (sub->touched)
		return;
	sub->touched = true;
	sub->next_touched = subs->touched;
	subs->touched = sub;
}

struct subscriber *
subscribe_next_touched(struct subscriptions *subs)
{
	struct subscriber *sub = subs->touched;

	if (sub == NULL)
		return NULL;
	subs->touched = sub->next_touched;
	sub->touched = false;
	return sub;
}

static void
write_event(struct subscriber *sub, const struct feed_event *event)
{
	struct slice key = { event->key.data, event->key.len };
	struct slice value = { event->value.data, event->value.len };

	switch (event->op) {
	case FEED_SET:
		reply_event_set(sub->out, key, value);
		break;
	case FEED_DELETED:
		reply_event_deleted(sub->out, key);
		break;
	case FEED_DROPPED:
		reply_not_found(sub->out);
		sub->state = SUBSCRIBER_DROPPED;
		break;
	case FEED_CREATED:
	case FEED_TOUCHED:
	case FEED_MESSAGE:
		break;
	}
}

static void
hand_round(struct subscriptions *subs, const struct feed_event *event,
    uint64_t *events)
{
	struct subscriber *sub = *bucket_chain(subs, event->bucket_id);

	for (; sub != NULL; sub = sub->next) {
		if (sub->bucket_id != event->bucket_id ||
		    sub->state != SUBSCRIBER_ON ||
		    event->revision < sub->from_revision)
			continue;
		write_event(sub, event);
		touch(subs, sub);
		++*events;
	}
}

/* The cleaner overtook us: nobody can tell what these have missed. */
static void
lose_shard(struct subscriptions *subs, uint32_t shard)
{
	struct subscriber *sub;
	size_t i;

	for (i = 0; i < HASH_SIZE; i++)
		for (sub = subs->hash[i]; sub != NULL; sub = sub->next)
			if (sub->shard == shard &&
			    sub->state == SUBSCRIBER_ON) {
				sub->state = SUBSCRIBER_LOST;
				touch(subs, sub);
			}
	if (subs->hear != NULL)
		subs->hear(subs->arg, shard, NULL);
	feed_open(subs->arena, shard, &subs->watches[shard].feed);
}

struct reading {		/* what one reading may still do */
	size_t		bytes;
	unsigned	events;
};

/* Returns true if the shard has more. */
static bool
read_shard(struct subscriptions *subs, uint32_t shard,
    struct reading *left, uint64_t *events)
{
	struct feed *feed = &subs->watches[shard].feed;
	struct feed_event event;
	size_t size, needed;

	while (left->bytes > 0 && left->events > 0) {
		switch (feed_next(subs->arena, feed, subs->buf,
		    subs->buf_cap, &event, &needed)) {
		case FEED_NONE:
			return false;
		case FEED_NO_ROOM:	/* longer than any pair: not sane */
		case FEED_LOST:
			lose_shard(subs, shard);
			return false;
		case FEED_OK:
			break;
		}
		hand_round(subs, &event, events);
		if (subs->hear != NULL)
			subs->hear(subs->arg, shard, &event);
		size = event.key.len + event.value.len;
		left->bytes -= size < left->bytes ? size : left->bytes;
		left->events--;
	}
	return true;
}

bool
subscribe_read(struct subscriptions *subs, uint64_t *events)
{
	struct reading left = { READ_BYTES, READ_EVENTS };
	uint32_t i, shard;

	if (subs->count == 0)
		return false;
	for (i = 0; i < subs->shards; i++) {
		shard = (subs->turn + i) % subs->shards;
		if (subs->watches[shard].subscribers == 0)
			continue;
		if (read_shard(subs, shard, &left, events)) {
			subs->turn = shard + 1;
			return true;
		}
	}
	return false;
}
