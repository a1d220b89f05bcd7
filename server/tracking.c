/*
 * What clients have read and keep.
 *
 * The invariant: whoever may keep something that is not true any more is told
 * so, later than it was given it.  A reading is remembered before the client
 * is answered, and before anything is read, in this order: the feed of the
 * shard is open, its last revision is noted, the name is put into the table,
 * and only then is the store asked.  So a change is either no later than that
 * revision, and what is read has it, or its record comes by in the feed and
 * finds the name here.  Of a change in between both is true: the client is
 * told once too often.
 *
 * Records tell a bucket by a number, which may change between the look for it
 * and the reading of older records.  But who creates a bucket or drops it
 * writes a record with its name, and that finds the name as well.
 *
 * What surprises: a reading is told at most once, for who is told forgets what
 * it had; to hear of the next change it must read again.
 */

#include "server/tracking.h"

#include <stdlib.h>
#include <string.h>

#include "server/agreed.h"
#include "server/channel.h"
#include "server/tracking_state.h"
#include "shm/board.h"
#include "shm/bucket.h"
#include "shm/hash.h"

uint64_t
tracking_hash(const struct tracking *t, struct slice name)
{
	return hash_keyed(t->seed, name.data, name.len);
}

static struct trackeds *
chain_of_name(const struct tracking *t, struct slice name)
{
	return &t->names[tracking_hash(t, name) % TRACKING_HASH];
}

struct trackeds *
tracking_chain_of_id(const struct tracking *t, uint64_t id)
{
	return &t->ids[(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
	    TRACKING_HASH];
}

struct tracked *
tracking_find(const struct tracking *t, struct slice name)
{
	struct tracked *k;

	if (t->names == NULL)
		return NULL;
	TAILQ_FOREACH(k, chain_of_name(t, name), same_name)
		if (k->len == name.len && (name.len == 0 ||
		    memcmp(k->name, name.data, name.len) == 0))
			break;
	return k;
}

/* --- shards --- */

static uint64_t
id_of(const struct tracking *t, uint32_t shard, struct bytes name)
{
	struct bucket_stat stat;

	if (bucket_look(t->peers.arena, shard, name, &stat) != SHM_OK)
		return 0;
	return stat.id;
}

static void
use_shard(struct tracking *t, uint32_t shard)
{
	if (t->used[shard]++ > 0)
		return;
	subscribe_join(t->peers.subs, shard);
	t->strings[shard] = id_of(t, shard, (struct bytes){ NULL, 0 });
}

static void
leave_shard(struct tracking *t, uint32_t shard)
{
	if (--t->used[shard] > 0)
		return;
	tracking_forget_own(t, shard);
	subscribe_leave(t->peers.subs, shard);
}

/* --- names --- */

static struct trackeds *
new_chains(void)
{
	struct trackeds *chains = calloc(TRACKING_HASH, sizeof(*chains));
	size_t i;

	for (i = 0; chains != NULL && i < TRACKING_HASH; i++)
		TAILQ_INIT(&chains[i]);
	return chains;
}

static bool
has_chains(struct tracking *t)
{
	if (t->names == NULL)
		t->names = new_chains();
	if (t->ids == NULL)
		t->ids = new_chains();
	return t->names != NULL && t->ids != NULL;
}

static void
forget_id(struct tracking *t, struct tracked *k)
{
	if (k->id != 0)
		TAILQ_REMOVE(tracking_chain_of_id(t, k->id), k, same_id);
	k->id = 0;
}

static void
note_id(struct tracking *t, struct tracked *k)
{
	forget_id(t, k);
	if (k->len > 0)
		k->id = id_of(t, k->shard,
		    (struct bytes){ k->name, k->len });
	if (k->id != 0)
		TAILQ_INSERT_TAIL(tracking_chain_of_id(t, k->id), k, same_id);
}

static void
drop_name(struct tracking *t, struct tracked *k)
{
	forget_id(t, k);
	TAILQ_REMOVE(chain_of_name(t, (struct slice){ k->name, k->len }), k,
	    same_name);
	TAILQ_REMOVE(&t->age, k, age);
	leave_shard(t, k->shard);
	free(k);
}

void
tracking_drop_reading(struct tracking *t, struct reading *r)
{
	struct tracked *k = r->tracked;

	TAILQ_REMOVE(&k->readings, r, of_name);
	TAILQ_REMOVE(&r->tracker->readings, r, of_tracker);
	t->items--;
	free(r);
	if (TAILQ_EMPTY(&k->readings))
		drop_name(t, k);
}

void
tracking_drop_readings(struct tracker *tracker)
{
	struct reading *r, *next;

	for (r = TAILQ_FIRST(&tracker->readings); r != NULL; r = next) {
		next = TAILQ_NEXT(r, of_tracker);
		tracking_drop_reading(tracker->tracking, r);
	}
}

static struct tracked *
add_name(struct tracking *t, struct slice name)
{
	struct tracked *k = calloc(1, sizeof(*k) + name.len);

	if (k == NULL)
		return NULL;
	TAILQ_INIT(&k->readings);
	k->shard = arena_shard_of(t->peers.arena,
	    (struct bytes){ name.data, name.len });
	k->len = name.len;
	if (name.len > 0)
		memcpy(k->name, name.data, name.len);
	TAILQ_INSERT_TAIL(chain_of_name(t, name), k, same_name);
	TAILQ_INSERT_TAIL(&t->age, k, age);
	use_shard(t, k->shard);
	return k;
}

/* --- readings --- */

static struct reading *
find_reading(const struct tracked *k, const struct tracker *tracker)
{
	struct reading *r;

	TAILQ_FOREACH(r, &k->readings, of_name)
		if (r->tracker == tracker)
			break;
	return r;
}

/* The bucket is looked for last, see above. */
static void
add_reading(struct tracking *t, struct tracked *k, struct tracker *tracker,
    struct reading *r)
{
	struct feed now;

	feed_open(t->peers.arena, k->shard, &now);
	r->since = now.lsn;
	r->tracked = k;
	r->tracker = tracker;
	TAILQ_INSERT_TAIL(&k->readings, r, of_name);
	TAILQ_INSERT_TAIL(&tracker->readings, r, of_tracker);
	t->items++;
	note_id(t, k);
}

static bool
remember(struct tracker *tracker, struct slice name)
{
	struct tracking *t = tracker->tracking;
	struct tracked *k = tracking_find(t, name);
	struct reading *r;

	if (k != NULL && find_reading(k, tracker) != NULL)
		return true;
	if ((r = malloc(sizeof(*r))) == NULL)
		return false;
	if (k == NULL && (k = add_name(t, name)) == NULL) {
		free(r);
		return false;
	}
	add_reading(t, k, tracker, r);
	return true;
}

bool
tracking_wants(const struct session *s)
{
	const struct tracker *tracker = s->tracker;

	if (tracker == NULL || tracker->mode.bcast)
		return false;
	return tracker->excepted == (tracker->mode.choice == TRACKING_OPTIN);
}

/*
 * What there is no memory for is told as changed at once, and so is what was
 * read the longest ago when there is too much.
 */
void
tracking_read(struct session *s, struct slice name)
{
	struct tracking *t = s->tracker->tracking;

	if (!remember(s->tracker, name))
		tracking_write(s->tracker, &name);
	while (t->items > t->peers.config->tracked_max)
		tracking_invalidate(t, TAILQ_FIRST(&t->age));
}

/* --- prefixes --- */

static int
compare(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n == 0 ? 0 : memcmp(a.data, b.data, n);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool
tracking_add_prefix(struct session *s, struct slice text)
{
	struct tracker *tracker = s->tracker;
	struct prefix *p = calloc(1, sizeof(*p)), *at;
	uint8_t *copy = malloc(text.len + 1);

	if (p == NULL || copy == NULL) {
		free(p);
		free(copy);
		return false;
	}
	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	p->text = (struct slice){ copy, text.len };
	TAILQ_FOREACH(at, &tracker->prefixes, next)
		if (compare(at->text, text) > 0)
			break;
	if (at != NULL)
		TAILQ_INSERT_BEFORE(at, p, next);
	else
		TAILQ_INSERT_TAIL(&tracker->prefixes, p, next);
	return true;
}

static void
forget_prefixes(struct tracker *tracker)
{
	struct prefix *p;

	while ((p = TAILQ_FIRST(&tracker->prefixes)) != NULL) {
		TAILQ_REMOVE(&tracker->prefixes, p, next);
		free((void *)(uintptr_t)p->text.data);
		free(p);
	}
}

const struct slice *
tracking_prefix(const struct session *s, size_t i)
{
	const struct prefix *p = NULL;

	if (s->tracker != NULL)
		p = TAILQ_FIRST(&s->tracker->prefixes);
	while (p != NULL && i-- > 0)
		p = TAILQ_NEXT(p, next);
	return p == NULL ? NULL : &p->text;
}

/* --- sessions --- */

static void
redirect(struct tracker *tracker, struct session *other)
{
	if (tracker->other != NULL)
		tracker->other->followed--;
	tracker->other = other;
	tracker->redirect = other == NULL ? 0 : other->id;
	if (other != NULL)
		other->followed++;
}

static struct tracker *
new_tracker(struct session *s, const struct tracking_mode *mode)
{
	struct tracking *t = s->sessions->tracking;
	struct tracker *tracker = calloc(1, sizeof(*tracker));

	if (tracker == NULL || !has_chains(t)) {
		free(tracker);
		return NULL;
	}
	if (mode->bcast)
		tracker->since = channels_follow(t->peers.channels);
	if (mode->bcast && tracker->since == NULL) {
		free(tracker);
		return NULL;
	}
	tracker->tracking = t;
	tracker->session = s;
	TAILQ_INIT(&tracker->readings);
	TAILQ_INIT(&tracker->prefixes);
	TAILQ_INSERT_TAIL(&t->trackers, tracker, all);
	tracker->flushes = agreed_flushes(t->peers.agreed);
	t->broadcasts += mode->bcast;
	board_add(t->peers.arena, t->peers.slot, BOARD_TRACKING, 1);
	return s->tracker = tracker;
}

bool
tracking_begin(struct session *s, const struct tracking_mode *mode,
    struct session *other)
{
	if (s->tracker == NULL && new_tracker(s, mode) == NULL)
		return false;
	s->tracker->mode = *mode;
	redirect(s->tracker, other);
	return true;
}

static void
forget_own_of(struct tracking *t, const struct session *s)
{
	size_t i, n = 0;

	for (i = 0; i < t->n_own; i++)
		if (t->own[i].session != s)
			t->own[n++] = t->own[i];
	t->n_own = n;
}

void
tracking_end(struct session *s)
{
	struct tracker *tracker = s->tracker;
	struct tracking *t;

	if (tracker == NULL)
		return;
	t = tracker->tracking;
	tracking_drop_readings(tracker);
	forget_prefixes(tracker);
	forget_own_of(t, s);
	redirect(tracker, NULL);
	if (tracker->since != NULL)
		channels_unfollow(t->peers.channels, tracker->since);
	t->broadcasts -= tracker->mode.bcast;
	board_sub(t->peers.arena, t->peers.slot, BOARD_TRACKING, 1);
	TAILQ_REMOVE(&t->trackers, tracker, all);
	free(tracker);
	s->tracker = NULL;
}

void
tracking_forget(struct session *s)
{
	struct tracker *tracker;
	struct changed *c;

	if (s->sessions == NULL)
		return;
	tracking_end(s);
	TAILQ_FOREACH(c, &s->sessions->tracking->changed, next)
		if (c->author == s)
			c->author = NULL;
	if (s->followed == 0)
		return;
	TAILQ_FOREACH(tracker, &s->sessions->tracking->trackers, all)
		if (tracker->other == s)
			tracker->other = NULL;
	s->followed = 0;
}

const struct tracking_mode *
tracking_mode(const struct session *s)
{
	return s->tracker == NULL ? NULL : &s->tracker->mode;
}

uint64_t
tracking_redirect(const struct session *s, bool *lost)
{
	*lost = s->tracker != NULL && s->tracker->redirect != 0 &&
	    s->tracker->other == NULL;
	return s->tracker == NULL ? 0 : s->tracker->redirect;
}

void
tracking_except(struct session *s, bool excepted)
{
	s->tracker->excepted = excepted;
}

bool
tracking_is_excepted(const struct session *s)
{
	return s->tracker != NULL && s->tracker->excepted;
}

/* --- all of them --- */

struct tracking *
tracking_open(const struct tracking_peers *peers)
{
	struct tracking *t = calloc(1, sizeof(*t));
	size_t i;

	if (t == NULL)
		return NULL;
	t->peers = *peers;
	t->flushes = agreed_flushes(peers->agreed);
	arc4random_buf(t->seed, sizeof(t->seed));
	TAILQ_INIT(&t->trackers);
	TAILQ_INIT(&t->age);
	TAILQ_INIT(&t->changed);
	for (i = 0; i < CHANGED_HASH; i++)
		TAILQ_INIT(&t->changed_by_hash[i]);
	t->used = calloc(arena_shards(peers->arena), sizeof(*t->used));
	t->strings = calloc(arena_shards(peers->arena), sizeof(*t->strings));
	if (t->used != NULL && t->strings != NULL)
		return t;
	tracking_close(t);
	return NULL;
}

void
tracking_close(struct tracking *t)
{
	if (t == NULL)
		return;
	tracking_forget_changed(t);
	free(t->own);
	free(t->names);
	free(t->ids);
	free(t->used);
	free(t->strings);
	free(t);
}
