/*
 * From records to messages.
 *
 * Nobody but the index knows the name of a bucket.  So when the first client
 * listens to a shard, all names of its buckets are read, after the feed was
 * opened, and from then on the feed itself tells which come and go.  A number
 * is used again when its bucket is gone: a name counts from the revision on at
 * which the bucket was made.
 */

#include "server/keyspace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/event.h"
#include "server/shard_names.h"
#include "shm/bucket.h"
#include "shm/scan.h"

#define SCAN_BYTES	((size_t)64 * 1024)

#define KEYSPACE	"__keyspace@0__:"
#define KEYEVENT	"__keyevent@0__:"
#define SUBKEYSPACE	"__subkeyspace@0__:"
#define OURS		"__kvd__:"

struct keyspace {
	struct arena		*arena;
	struct channels		*channels;
	struct shard_names	*names;		/* by shard; "" has strings */
	struct outbuf		 channel;	/* what is said where */
	struct outbuf		 message;
};

/* --- scopes --- */

static bool
begins(struct slice name, const char *prefix)
{
	return name.len >= strlen(prefix) &&
	    memcmp(name.data, prefix, strlen(prefix)) == 0;
}

/* As far as neither has ended, and no wildcard has come. */
static bool
may_begin(struct slice pattern, const char *prefix)
{
	size_t i;

	for (i = 0; i < pattern.len && prefix[i] != '\0'; i++) {
		if (strchr("*?[\\", pattern.data[i]) != NULL)
			return true;
		if (pattern.data[i] != (uint8_t)prefix[i])
			return false;
	}
	return prefix[i] == '\0';
}

enum keyspace_scope
keyspace_scope(enum channel_kind kind, struct slice name,
    struct slice *subject)
{
	static const char *const of_names[] = { KEYSPACE, SUBKEYSPACE, OURS };
	size_t i, len;

	if (kind == CHANNEL_NAME && begins(name, KEYEVENT))
		return KEYSPACE_ALL;
	if (kind == CHANNEL_PATTERN && may_begin(name, KEYEVENT))
		return KEYSPACE_ALL;
	for (i = 0; i < 3; i++) {
		len = strlen(of_names[i]);
		if (kind == CHANNEL_PATTERN && may_begin(name, of_names[i]))
			return KEYSPACE_ALL;
		if (kind == CHANNEL_PATTERN || !begins(name, of_names[i]))
			continue;
		*subject = (struct slice){ name.data + len, name.len - len };
		return KEYSPACE_ONE;
	}
	return KEYSPACE_NONE;
}

/* --- names --- */

static bool
learn_one(struct keyspace *k, uint32_t shard, struct bytes name)
{
	struct bucket_stat stat;

	return bucket_look(k->arena, shard, name, &stat) != SHM_OK ||
	    shard_names_note(&k->names[shard], stat.id, stat.created, name);
}

static bool
learn_batch(struct keyspace *k, uint32_t shard, struct scan_batch *batch)
{
	struct bytes name;
	size_t pos = 0;

	while (scan_next_name(batch, &pos, &name))
		if (!learn_one(k, shard, name))
			return false;
	return true;
}

/* A shard that is damaged has no events either. */
bool
keyspace_learn(struct keyspace *k, uint32_t shard)
{
	struct scan_batch batch = {
		.buf = malloc(SCAN_BYTES), .cap = SCAN_BYTES
	};
	bool known = batch.buf != NULL &&
	    learn_one(k, shard, (struct bytes){ NULL, 0 });
	struct scan scan = { .cursor = 0 };
	enum shm_status status;

	while (known && !scan.done) {
		status = scan_buckets(k->arena, shard, &scan, &batch);
		if (status == SHM_OK)
			known = learn_batch(k, shard, &batch);
		else if (status == SHM_NO_ROOM)
			known = scan_enlarge(&batch);
		else
			break;
	}
	free(batch.buf);
	return known;
}

void
keyspace_unlearn(struct keyspace *k, uint32_t shard)
{
	shard_names_forget_all(&k->names[shard]);
}

/* --- messages --- */

struct news {
	uint32_t		 shard;
	const struct feed_event	*event;
	struct slice		 name;
	struct event_names	 what;		/* as Redis calls it */
	const char		*op;		/* as we do */
	bool			 has_field;
};

static struct slice
slice_of(struct bytes b)
{
	return (struct slice){ b.data, b.len };
}

static struct slice
word(const char *text)
{
	return (struct slice){ (const uint8_t *)text, strlen(text) };
}

static void
put(struct outbuf *out, struct slice s)
{
	outbuf_append(out, s.data, s.len);
}

/* What waits in a buffer, which is empty then. */
static struct slice
take(struct outbuf *out)
{
	struct slice s = { out->data, outbuf_len(out) };

	if (s.len > 0)
		s.data += out->head;
	outbuf_truncate(out, 0);
	return s;
}

static void
say(struct keyspace *k, const struct news *news, const char *prefix,
    struct slice rest, struct slice message)
{
	put(&k->channel, word(prefix));
	put(&k->channel, rest);
	if (!k->channel.failed)
		channels_tell(k->channels, news->shard,
		    news->event->revision, take(&k->channel), message);
	else
		outbuf_free(&k->channel);
}

static void
put_counted(struct outbuf *out, const char *before, struct slice s)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%zu:", before, s.len);
	put(out, word(text));
	put(out, s);
}

static void
say_field(struct keyspace *k, const struct news *news, const char *what)
{
	put(&k->message, word(what));
	put_counted(&k->message, "|", slice_of(news->event->key));
	if (!k->message.failed)
		say(k, news, SUBKEYSPACE, news->name, take(&k->message));
	else
		outbuf_free(&k->message);
}

static void
say_ours(struct keyspace *k, const struct news *news)
{
	char text[48];

	snprintf(text, sizeof(text), "%ju %s",
	    (uintmax_t)news->event->revision, news->op);
	put(&k->message, word(text));
	if (news->has_field)
		put_counted(&k->message, " ", slice_of(news->event->key));
	if (news->event->op == FEED_SET)
		put_counted(&k->message, " ", slice_of(news->event->value));
	if (!k->message.failed)
		say(k, news, OURS, news->name, take(&k->message));
	else
		outbuf_free(&k->message);
}

/* Of several fields the name is told once. */
static void
say_one(struct keyspace *k, const struct news *news, const char *what)
{
	if (what == NULL)
		return;
	if (!news->event->is_more) {
		say(k, news, KEYSPACE, news->name, word(what));
		say(k, news, KEYEVENT, word(what), news->name);
	}
	if (news->has_field)
		say_field(k, news, what);
}

static void
say_all(struct keyspace *k, const struct news *news)
{
	channels_changed(k->channels, news->shard, news->event->revision,
	    news->name);
	say_one(k, news, news->what.name);
	say_one(k, news, news->what.also);
	say_ours(k, news);
}

/* --- events --- */

/* Of a string: its name is the key in the bucket that they are in. */
static void
tell_of_string(struct keyspace *k, struct news *news)
{
	const struct feed_event *event = news->event;

	news->name = slice_of(event->key);
	news->what = event_of_string(event);
	switch (event->op) {
	case FEED_SET:
		news->op = "set";
		break;
	case FEED_DELETED:
		news->op = "delete";
		break;
	case FEED_CREATED:
	case FEED_DROPPED:
	case FEED_TOUCHED:
	case FEED_MESSAGE:
		return;
	}
	say_all(k, news);
}

static void
tell_of_bucket(struct keyspace *k, struct news *news)
{
	news->what = event_of_hash(news->event);
	switch (news->event->op) {
	case FEED_SET:
		news->op = "set";
		news->has_field = true;
		break;
	case FEED_DELETED:
		news->op = "delete";
		news->has_field = true;
		break;
	case FEED_CREATED:
		news->op = "create";
		break;
	case FEED_DROPPED:
		news->op = "drop";
		break;
	case FEED_TOUCHED:
		news->op = news->event->expires ? "expire" : "persist";
		break;
	case FEED_MESSAGE:
		return;
	}
	say_all(k, news);
}

/* Without memory for a name there is nobody to tell of it. */
void
keyspace_event(struct keyspace *k, uint32_t shard,
    const struct feed_event *event)
{
	struct news news = { .shard = shard, .event = event };
	struct shard_names *names = &k->names[shard];
	const struct shard_name *n;

	if (event->op == FEED_CREATED)
		(void)shard_names_note(names, event->bucket_id,
		    event->revision, event->key);
	n = shard_names_find(names, event->bucket_id);
	if (n == NULL || event->revision < n->created)
		return;
	news.name = (struct slice){ n->bytes, n->len };
	if (n->len == 0)
		tell_of_string(k, &news);
	else
		tell_of_bucket(k, &news);
	if (event->op == FEED_DROPPED)
		shard_names_forget(names, event->bucket_id);
}

/* --- begin and end --- */

struct keyspace *
keyspace_open(struct arena *arena, struct channels *channels)
{
	struct keyspace *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->arena = arena;
	k->channels = channels;
	k->names = calloc(arena_shards(arena), sizeof(*k->names));
	if (k->names != NULL)
		return k;
	free(k);
	return NULL;
}

void
keyspace_close(struct keyspace *k)
{
	uint32_t i;

	if (k == NULL)
		return;
	for (i = 0; i < arena_shards(k->arena); i++)
		keyspace_unlearn(k, i);
	free(k->names);
	outbuf_free(&k->channel);
	outbuf_free(&k->message);
	free(k);
}
