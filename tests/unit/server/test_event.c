/*
 * Names of events: what a record says has happened, and why.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "server/event.h"
#include "shm/txn.h"

TestSuite(event);

static void
is(struct event_names names, const char *name, const char *also, unsigned why)
{
	cr_assert_eq(names.name == NULL, name == NULL, "reason %u", why);
	cr_assert_eq(names.also == NULL, also == NULL, "reason %u", why);
	if (name != NULL)
		cr_assert_str_eq(names.name, name);
	if (also != NULL)
		cr_assert_str_eq(names.also, also);
}

Test(event, of_a_string_goes_by_the_command_that_did_it)
{
	static const struct {
		enum event_reason	 why;
		enum feed_op		 op;
		const char		*name, *also;
	} strings[] = {
		{ EVENT_PLAIN, FEED_SET, "set", NULL },
		{ EVENT_PLAIN, FEED_DELETED, "del", NULL },
		{ EVENT_EXPIRED, FEED_DELETED, "expired", NULL },
		{ EVENT_SET_EXPIRE, FEED_SET, "set", "expire" },
		{ EVENT_SET_EXPIRE, FEED_DELETED, "del", NULL },
		{ EVENT_EXPIRE, FEED_SET, "expire", NULL },
		{ EVENT_PERSIST, FEED_SET, "persist", NULL },
		{ EVENT_INCRBY, FEED_SET, "incrby", NULL },
		{ EVENT_APPEND, FEED_SET, "append", NULL },
		{ EVENT_RENAME_FROM, FEED_DELETED, "rename_from", NULL },
		{ EVENT_RENAME_TO, FEED_SET, "rename_to", NULL },
		{ EVENT_COPY_TO, FEED_SET, "copy_to", NULL },
		{ EVENT_UNTOLD, FEED_SET, NULL, NULL },
		{ EVENT_UNTOLD, FEED_DELETED, NULL, NULL },
	};
	struct feed_event event = { .revision = 1 };
	size_t i;

	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		event.op = strings[i].op;
		event.why = strings[i].why;
		is(event_of_string(&event), strings[i].name, strings[i].also,
		    event.why);
	}
}

Test(event, of_a_hash_is_of_its_field_or_of_all_of_it)
{
	static const struct {
		enum event_reason	 why;
		enum feed_op		 op;
		const char		*name, *also;
	} hashes[] = {
		{ EVENT_PLAIN, FEED_CREATED, NULL, NULL },
		{ EVENT_PLAIN, FEED_SET, "hset", NULL },
		{ EVENT_PLAIN, FEED_DELETED, "hdel", NULL },
		{ EVENT_PLAIN, FEED_DROPPED, "del", NULL },
		{ EVENT_EXPIRED, FEED_DELETED, "hexpired", NULL },
		{ EVENT_EXPIRED, FEED_DROPPED, "expired", NULL },
		{ EVENT_SET, FEED_DROPPED, NULL, NULL },
		{ EVENT_SET_EXPIRE, FEED_SET, "hset", "hexpire" },
		{ EVENT_EXPIRE, FEED_SET, "hexpire", NULL },
		{ EVENT_EXPIRE, FEED_TOUCHED, "expire", NULL },
		{ EVENT_PERSIST, FEED_SET, "hpersist", NULL },
		{ EVENT_PERSIST, FEED_TOUCHED, "persist", NULL },
		{ EVENT_INCRBYFLOAT, FEED_SET, "hincrbyfloat", NULL },
		{ EVENT_RENAME_FROM, FEED_DROPPED, "rename_from", NULL },
		{ EVENT_RENAME_TO, FEED_CREATED, "rename_to", NULL },
		{ EVENT_COPY_TO, FEED_CREATED, "copy_to", NULL },
		{ EVENT_UNTOLD, FEED_DROPPED, NULL, NULL },
	};
	struct feed_event event = { .revision = 1 };
	size_t i;

	for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		event.op = hashes[i].op;
		event.why = hashes[i].why;
		is(event_of_hash(&event), hashes[i].name, hashes[i].also,
		    event.why);
	}
}

/* Strings have no fields, live in a bucket of which nobody hears, and what is
 * said on a channel has changed nothing. */
Test(event, that_cannot_be_has_no_name)
{
	static const enum feed_op of_buckets[] = {
		FEED_CREATED, FEED_DROPPED, FEED_TOUCHED, FEED_MESSAGE
	};
	struct feed_event event = { .why = EVENT_EXPIRE };
	size_t i;

	for (i = 0; i < 4; i++) {
		event.op = of_buckets[i];
		is(event_of_string(&event), NULL, NULL, event.why);
	}
	is(event_of_hash(&event), NULL, NULL, event.why);
}

/* As a later program may write it, which has more of them. */
Test(event, for_a_reason_that_is_not_known_has_no_name)
{
	struct feed_event event = { .op = FEED_SET };

	for (event.why = EVENT_REASONS; event.why < TXN_REASONS; event.why++) {
		is(event_of_string(&event), NULL, NULL, event.why);
		is(event_of_hash(&event), NULL, NULL, event.why);
	}
}
