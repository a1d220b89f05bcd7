/*
 * Changes of the store as messages: on which channels, of which names, and
 * how buckets are known by their names.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/keyspace.h"
#include "shm/bucket.h"
#include "tests/unit/server/listening.h"

static struct client all, one;

static void
begin(void)
{
	listening_begin();
	client_begin(&all, REQUEST_RESP2);
	client_begin(&one, REQUEST_RESP2);
}

static void
end(void)
{
	client_end(&all);
	client_end(&one);
	listening_end();
}

TestSuite(keyspace, .init = begin, .fini = end, .timeout = 60);

/* --- scopes --- */

Test(keyspace, knows_by_its_name_of_what_a_channel_tells)
{
	static const struct {
		const char		*name;
		enum keyspace_scope	 scope;
		const char		*subject;
	} channels[] = {
		{ "__keyspace@0__:milk", KEYSPACE_ONE, "milk" },
		{ "__keyspace@0__:", KEYSPACE_ONE, "" },
		{ "__keyspace@0__:__kvd__:x", KEYSPACE_ONE, "__kvd__:x" },
		{ "__subkeyspace@0__:milk", KEYSPACE_ONE, "milk" },
		{ "__kvd__:milk*", KEYSPACE_ONE, "milk*" },
		{ "__keyevent@0__:set", KEYSPACE_ALL, NULL },
		{ "__keyevent@0__:", KEYSPACE_ALL, NULL },
		{ "__keyspace@1__:milk", KEYSPACE_NONE, NULL },
		{ "__keyspace@0__", KEYSPACE_NONE, NULL },
		{ "__keyevent@0__", KEYSPACE_NONE, NULL },
		{ "news", KEYSPACE_NONE, NULL },
		{ "*", KEYSPACE_NONE, NULL },
		{ "", KEYSPACE_NONE, NULL },
	};
	struct slice subject;
	size_t i;

	for (i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
		cr_assert_eq(keyspace_scope(CHANNEL_NAME,
		    slice_of(channels[i].name), &subject), channels[i].scope,
		    "%s", channels[i].name);
		if (channels[i].subject == NULL)
			continue;
		cr_assert_eq(subject.len, strlen(channels[i].subject));
		cr_assert_eq(memcmp(subject.data, channels[i].subject,
		    subject.len), 0, "%s", channels[i].name);
	}
}

Test(keyspace, knows_whether_a_pattern_may_match_one_that_tells)
{
	static const char *const may[] = {
		"*", "?", "[_]*", "\\__kvd__:x", "__*", "__key*",
		"__keyspace@0__:milk", "__keyspace@0__:m*",
		"__keyevent@0__:", "__keyevent@?__:set", "__kvd__:*",
		"__subkeyspace@0__:[ab]"
	};
	static const char *const may_not[] = {
		"", "news.*", "_", "__kvd_", "__keyspace@1__:*", "__kvd:*",
		"x*", "__keyspace@0__"
	};
	struct slice subject;
	size_t i;

	for (i = 0; i < sizeof(may) / sizeof(may[0]); i++)
		cr_assert_eq(keyspace_scope(CHANNEL_PATTERN, slice_of(may[i]),
		    &subject), KEYSPACE_ALL, "%s", may[i]);
	for (i = 0; i < sizeof(may_not) / sizeof(may_not[0]); i++)
		cr_assert_eq(keyspace_scope(CHANNEL_PATTERN,
		    slice_of(may_not[i]), &subject), KEYSPACE_NONE, "%s",
		    may_not[i]);
}

/* --- messages --- */

static void
hear_all(void)
{
	client_listen(&all, CHANNEL_PATTERN, "*");
}

static void
is_told(const char *channel, const char *message)
{
	client_hears(&all, "*", channel, message);
}

Test(keyspace, tells_of_a_string_by_name_and_by_event)
{
	hear_all();
	(void)set_string("s", "two words", EVENT_SET_EXPIRE);
	(void)set_string("s", NULL, EVENT_EXPIRED);
	listening_read();
	is_told("__keyspace@0__:s", "set");
	is_told("__keyevent@0__:set", "s");
	is_told("__keyspace@0__:s", "expire");
	is_told("__keyevent@0__:expire", "s");
	is_told("__kvd__:s", "2 set 9:two words");
	is_told("__keyspace@0__:s", "expired");
	is_told("__keyevent@0__:expired", "s");
	is_told("__kvd__:s", "3 delete");
	client_hears_no_more(&all);
}

Test(keyspace, tells_of_a_hash_by_its_fields_too)
{
	hear_all();
	(void)set_field("h", "milk", "1", EVENT_PLAIN);
	(void)set_field("h", "milk", NULL, EVENT_PLAIN);
	listening_read();
	is_told("__kvd__:h", "1 create");
	is_told("__keyspace@0__:h", "hset");
	is_told("__keyevent@0__:hset", "h");
	is_told("__subkeyspace@0__:h", "hset|4:milk");
	is_told("__kvd__:h", "2 set 4:milk 1:1");
	is_told("__keyspace@0__:h", "hdel");
	is_told("__keyevent@0__:hdel", "h");
	is_told("__subkeyspace@0__:h", "hdel|4:milk");
	is_told("__kvd__:h", "3 delete 4:milk");
	is_told("__keyspace@0__:h", "del");
	is_told("__keyevent@0__:del", "h");
	is_told("__kvd__:h", "4 drop");
	client_hears_no_more(&all);
}

static enum shm_status
set_two_fields(struct txn *t, void *arg)
{
	const struct bytes *name = arg;
	struct pair pair = { .key = bytes_of("a"), .value = bytes_of("1") };

	cr_assert_eq(txn_create(t, *name, true), SHM_OK);
	cr_assert_eq(txn_put(t, *name, &pair), SHM_OK);
	pair.key = bytes_of("b");
	return txn_put(t, *name, &pair);
}

static enum shm_status
let_expire(struct txn *t, void *arg)
{
	txn_because(t, EVENT_EXPIRE);
	return txn_expire(t, *(struct bytes *)arg, UINT64_C(1) << 42);
}

static enum shm_status
let_stay(struct txn *t, void *arg)
{
	txn_because(t, EVENT_PERSIST);
	return txn_expire(t, *(struct bytes *)arg, 0);
}

Test(keyspace, tells_of_several_fields_once_but_where_they_are_named)
{
	struct bytes name = bytes_of("h");

	hear_all();
	(void)change(shard_of("h"), set_two_fields, &name);
	listening_read();
	is_told("__kvd__:h", "1 create");
	is_told("__keyspace@0__:h", "hset");
	is_told("__keyevent@0__:hset", "h");
	is_told("__subkeyspace@0__:h", "hset|1:a");
	is_told("__kvd__:h", "2 set 1:a 1:1");
	is_told("__subkeyspace@0__:h", "hset|1:b");
	is_told("__kvd__:h", "3 set 1:b 1:1");
	client_hears_no_more(&all);
}

Test(keyspace, tells_when_a_hash_expires_and_when_it_does_not_any_more)
{
	struct bytes name = bytes_of("h");

	(void)set_field("h", "a", "1", EVENT_PLAIN);
	hear_all();
	(void)change(shard_of("h"), let_expire, &name);
	(void)change(shard_of("h"), let_stay, &name);
	listening_read();
	is_told("__keyspace@0__:h", "expire");
	is_told("__keyevent@0__:expire", "h");
	is_told("__kvd__:h", "3 expire");
	is_told("__keyspace@0__:h", "persist");
	is_told("__keyevent@0__:persist", "h");
	is_told("__kvd__:h", "4 persist");
	client_hears_no_more(&all);
}

/* Our own channel tells all there is. */
Test(keyspace, does_not_call_by_name_what_has_none)
{
	hear_all();
	(void)set_string("s", "v", EVENT_UNTOLD);
	listening_read();
	is_told("__kvd__:s", "2 set 1:v");
	client_hears_no_more(&all);
}

/* The name is in one shard, and its channel in another. */
Test(keyspace, tells_of_one_name_who_listens_to_that_alone)
{
	client_listen(&one, CHANNEL_NAME, "__keyspace@0__:h");
	client_listen(&all, CHANNEL_NAME, "__keyevent@0__:set");
	(void)set_field("h", "a", "1", EVENT_PLAIN);
	(void)set_field("i", "a", "1", EVENT_PLAIN);
	(void)set_string("s", "1", EVENT_PLAIN);
	(void)set_string("t", "1", EVENT_PLAIN);
	listening_read();
	client_hears(&one, NULL, "__keyspace@0__:h", "hset");
	client_hears_no_more(&one);
	client_hears(&all, NULL, "__keyevent@0__:set", "s");
	client_hears(&all, NULL, "__keyevent@0__:set", "t");
	client_hears_no_more(&all);
}

/* --- names of buckets --- */

#define MANY	300
#define LONG	900	/* bytes of a name: not all fit in one look */

static void
name_of(unsigned i, char name[LONG + 1])
{
	memset(name, 'x', LONG);
	name[snprintf(name, 16, "%u", i)] = '.';
	name[LONG] = '\0';
}

Test(keyspace, knows_buckets_that_were_there_before_anybody_listened)
{
	static char name[LONG + 1], channel[LONG + 32];
	unsigned i;

	for (i = 0; i < MANY; i++) {
		name_of(i, name);
		(void)set_field(name, "a", "1", EVENT_PLAIN);
	}
	client_listen(&one, CHANNEL_NAME, "__keyevent@0__:hdel");
	for (i = 0; i < MANY; i += 37) {
		name_of(i, name);
		snprintf(channel, sizeof(channel), "__keyspace@0__:%s", name);
		client_listen(&all, CHANNEL_NAME, channel);
		(void)set_field(name, "b", "1", EVENT_INCRBY);
		(void)set_field(name, "b", NULL, EVENT_PLAIN);
		listening_read();
		client_hears(&one, NULL, "__keyevent@0__:hdel", name);
		client_hears(&all, NULL, channel, "hincrby");
		client_hears(&all, NULL, channel, "hdel");
	}
	client_hears_no_more(&one);
	client_hears_no_more(&all);
}

/* What is not listened to may have gone, and its number be another's. */
Test(keyspace, learns_names_anew_when_somebody_listens_again)
{
	struct bucket_stat before, after;

	(void)set_field("h", "a", "1", EVENT_PLAIN);
	cr_assert_eq(bucket_stat(l.arena, bytes_of("h"), &before), SHM_OK);
	client_listen(&one, CHANNEL_NAME, "__keyevent@0__:hset");
	channels_forget(&one.session);
	(void)set_field("h", "a", NULL, EVENT_PLAIN);
	(void)set_field("{h}2", "a", "1", EVENT_PLAIN);
	cr_assert_eq(bucket_stat(l.arena, bytes_of("{h}2"), &after), SHM_OK);
	client_listen(&one, CHANNEL_NAME, "__keyevent@0__:hset");
	(void)set_field("{h}2", "b", "1", EVENT_PLAIN);
	(void)set_field("h", "b", "1", EVENT_PLAIN);
	listening_read();
	client_hears(&one, NULL, "__keyevent@0__:hset", "{h}2");
	client_hears(&one, NULL, "__keyevent@0__:hset", "h");
	client_hears_no_more(&one);
}

/* Records of what was there before are still to come. */
Test(keyspace, tells_nobody_of_a_bucket_by_the_name_of_a_later_one)
{
	client_listen(&all, CHANNEL_NAME, "news");
	(void)set_field("h", "a", "1", EVENT_PLAIN);
	(void)set_field("h", "a", NULL, EVENT_PLAIN);
	(void)set_field("h", "b", "1", EVENT_PLAIN);
	client_listen(&one, CHANNEL_NAME, "__keyspace@0__:h");
	(void)set_field("h", "c", "1", EVENT_INCRBY);
	listening_read();
	client_hears(&one, NULL, "__keyspace@0__:h", "hincrby");
	client_hears_no_more(&one);
}
