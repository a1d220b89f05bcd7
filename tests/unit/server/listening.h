#ifndef KVD_TESTS_UNIT_SERVER_LISTENING_H
#define KVD_TESTS_UNIT_SERVER_LISTENING_H

#include "server/agreed.h"
#include "server/channel.h"
#include "server/event.h"
#include "server/session.h"
#include "server/tracking.h"
#include "shm/txn.h"

/*
 * What the clients of one worker listen to and keep, without its loop: an
 * arena whose feeds are read when the test says so, and clients that are
 * sessions alone.
 */
struct listening {
	struct arena		*arena;		/* of LISTENING_SHARDS */
	struct txn		*txn;
	struct subscriptions	*subs;
	struct agreed		*agreed;
	struct config		 config;
	struct sessions		 sessions;	/* with all that they need */
};

#define LISTENING_SHARDS	4U

extern struct listening l;

/* For .init and .fini. */
void listening_begin(void);
void listening_end(void);

/* Read the feeds to their end, and let be told what has come of it. */
void listening_read(void);

/* How many clients listen, or track, as the board has it. */
uint64_t listening_count(enum board_counter);
/* In how many shards anybody would be woken. */
unsigned listening_watched(void);

struct client {
	struct session	 session;
	struct inbuf	 in;
	struct outbuf	 out;		/* replies; channels write there */
};

void client_begin(struct client *, enum request_protocol);
void client_end(struct client *);
/* It listens to that, or the test fails. */
void client_listen(struct client *, enum channel_kind, const char *name);

/*
 * The next of what was written to it is this message on a channel, by way of
 * a pattern or NULL; and there is no more.
 */
void client_hears(struct client *, const char *pattern, const char *channel,
    const char *message);
void client_hears_no_more(const struct client *);
/* What waits to be sent between two replies is exactly this, and taken. */
void client_has_news(struct client *, const char *text);

struct slice slice_of(const char *);
struct bytes bytes_of(const char *);
uint32_t shard_of(const char *name);

/*
 * Change the store, for a reason of event.def, and what revisions it was: a
 * string, or a field of a hash, which comes and goes with its fields.  NULL as
 * a value removes it.
 */
struct txn_revisions set_string(const char *name, const char *value,
    enum event_reason);
struct txn_revisions set_field(const char *name, const char *field,
    const char *value, enum event_reason);
/* As a transaction of that shard says. */
struct txn_revisions change(uint32_t shard, enum shm_status (*op)(struct txn *,
    void *), void *arg);
/* Somebody says something; who listens there must be there. */
void say(const char *channel, const char *text);

#endif
