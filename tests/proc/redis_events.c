/* Channels, and what the store says on them, byte by byte. */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;			/* listens */
static int other;		/* changes what is listened to */

static void
begin(void)
{
	daemon_start(&d);
	fd = redis_open(&d);
	other = redis_open(&d);
}

static void
end(void)
{
	close(fd);
	close(other);
	daemon_stop(&d);
}

TestSuite(redis_events, .init = begin, .fini = end, .timeout = 120);

Test(redis_events, are_counted_by_channels_and_patterns_together)
{
	talk_send(fd, "SUBSCRIBE a b a\r\nPSUBSCRIBE a* b*\r\n");
	redis_is_told(fd, "subscribe", "a", 1);
	redis_is_told(fd, "subscribe", "b", 2);
	redis_is_told(fd, "subscribe", "a", 2);
	redis_is_told(fd, "psubscribe", "a*", 3);
	redis_is_told(fd, "psubscribe", "b*", 4);
	talk_await_subscribers(&d, 1);
	talk_send(fd, "UNSUBSCRIBE b nothing\r\nPUNSUBSCRIBE\r\n"
	    "UNSUBSCRIBE\r\n");
	redis_is_told(fd, "unsubscribe", "b", 3);
	redis_is_told(fd, "unsubscribe", "nothing", 3);
	redis_is_told(fd, "punsubscribe", "a*", 2);
	redis_is_told(fd, "punsubscribe", "b*", 1);
	redis_is_told(fd, "unsubscribe", "a", 0);
	talk_await_subscribers(&d, 0);
	talk(fd, "UNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nGET k\r\n",
	    "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"
	    "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n$-1\r\n");
}

#define ALLOWED	": only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "   \
		"RESET are allowed in this context\r\n"

Test(redis_events, leave_little_else_to_say_in_resp2)
{
	redis_listen_to(fd, "a");
	talk(fd, "GET k\r\nMULTI\r\nHELLO 3\r\nNONSENSE\r\nGET\r\n",
	    "-ERR Can't execute 'get'" ALLOWED
	    "-ERR Can't execute 'multi'" ALLOWED
	    "-ERR Can't execute 'hello'" ALLOWED
	    "-ERR unknown command 'NONSENSE', with args beginning with: \r\n"
	    "-ERR wrong number of arguments for 'get' command\r\n");
	talk(fd, "PING\r\nPING hi\r\nPING a b\r\n",
	    "*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$2\r\nhi\r\n"
	    "-ERR wrong number of arguments for 'ping' command\r\n");
	talk(fd, "SUBSCRIBE\r\nRESET\r\nGET k\r\nPING\r\n",
	    "-ERR wrong number of arguments for 'subscribe' command\r\n"
	    "+RESET\r\n$-1\r\n+PONG\r\n");
	talk_await_subscribers(&d, 0);
	redis_listen_to(fd, "a");
	talk(fd, "QUIT\r\n", "+OK\r\n");
	talk_expect_end(fd);
	talk_await_subscribers(&d, 0);
}

Test(redis_events, are_pushes_in_resp3_between_replies)
{
	redis_use_resp3(fd);
	talk(fd, "SUBSCRIBE __keyspace@0__:k\r\nSET other{k} 1\r\nPING\r\n",
	    ">3\r\n$9\r\nsubscribe\r\n$16\r\n__keyspace@0__:k\r\n:1\r\n"
	    "+OK\r\n+PONG\r\n");
	talk(other, "SET k v\r\n", "+OK\r\n");
	talk_expect(fd, ">3\r\n$7\r\nmessage\r\n$16\r\n__keyspace@0__:k\r\n"
	    "$3\r\nset\r\n");
	talk(fd, "GET k\r\nUNSUBSCRIBE\r\nUNSUBSCRIBE\r\n", "$1\r\nv\r\n"
	    ">3\r\n$11\r\nunsubscribe\r\n$16\r\n__keyspace@0__:k\r\n:0\r\n"
	    ">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n");
}

Test(redis_events, of_a_name_tell_what_happened_to_it)
{
	redis_listen_to(fd, "__keyspace@0__:k");
	talk(other, "SET k v\r\nSET kk v\r\nAPPEND k w\r\nDEL k\r\n"
	    "HSET k a 1\r\nEXPIRE k 100\r\nPERSIST k\r\nHDEL k a\r\n",
	    "+OK\r\n+OK\r\n:2\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n");
	redis_hears(fd, "__keyspace@0__:k", "set");
	redis_hears(fd, "__keyspace@0__:k", "append");
	redis_hears(fd, "__keyspace@0__:k", "del");
	redis_hears(fd, "__keyspace@0__:k", "hset");
	redis_hears(fd, "__keyspace@0__:k", "expire");
	redis_hears(fd, "__keyspace@0__:k", "persist");
	redis_hears(fd, "__keyspace@0__:k", "hdel");
	redis_hears(fd, "__keyspace@0__:k", "del");
	talk_expect_silence(fd);
}

Test(redis_events, of_a_kind_tell_what_it_happened_to)
{
	char name[16], request[64];
	int i;

	redis_listen_to(fd, "__keyevent@0__:hset");
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		snprintf(request, sizeof(request), "HSET %s a 1\r\n", name);
		talk(other, request, ":1\r\n");
		redis_hears(fd, "__keyevent@0__:hset", name);
	}
	talk(other, "SET k v\r\nHDEL h1 a\r\n", "+OK\r\n:1\r\n");
	talk_expect_silence(fd);
}

Test(redis_events, tell_which_field_it_was)
{
	redis_listen_to(fd, "__subkeyspace@0__:h");
	talk(other, "HSET h milk 1 eggs 2\r\nHDEL h milk\r\nDEL h\r\n",
	    ":2\r\n:1\r\n:1\r\n");
	redis_hears(fd, "__subkeyspace@0__:h", "hset|4:milk");
	redis_hears(fd, "__subkeyspace@0__:h", "hset|4:eggs");
	redis_hears(fd, "__subkeyspace@0__:h", "hdel|4:milk");
	talk_expect_silence(fd);
}

/* Those that Redis 7.0 does not have. */
Test(redis_events, of_fields_and_their_times_are_named_by_the_command)
{
	redis_listen_to(fd, "__subkeyspace@0__:h");
	talk(other, "HSET h a 1 b 2\r\nHEXPIRE h 100 FIELDS 2 a b\r\n"
	    "HPERSIST h FIELDS 1 a\r\nHINCRBY h a 1\r\n"
	    "HINCRBYFLOAT h a 1\r\nHSETEX h EX 100 FIELDS 1 a 1\r\n",
	    ":2\r\n*2\r\n:1\r\n:1\r\n*1\r\n:1\r\n:2\r\n$1\r\n3\r\n:1\r\n");
	redis_hears(fd, "__subkeyspace@0__:h", "hset|1:a");
	redis_hears(fd, "__subkeyspace@0__:h", "hset|1:b");
	redis_hears(fd, "__subkeyspace@0__:h", "hexpire|1:a");
	redis_hears(fd, "__subkeyspace@0__:h", "hexpire|1:b");
	redis_hears(fd, "__subkeyspace@0__:h", "hpersist|1:a");
	redis_hears(fd, "__subkeyspace@0__:h", "hincrby|1:a");
	redis_hears(fd, "__subkeyspace@0__:h", "hincrbyfloat|1:a");
	redis_hears(fd, "__subkeyspace@0__:h", "hset|1:a");
	redis_hears(fd, "__subkeyspace@0__:h", "hexpire|1:a");
	talk(other, "HEXPIRE h 0 FIELDS 1 a\r\nHGETDEL h FIELDS 1 b\r\n",
	    "*1\r\n:2\r\n*1\r\n$1\r\n2\r\n");
	redis_hears(fd, "__subkeyspace@0__:h", "hdel|1:a");
	redis_hears(fd, "__subkeyspace@0__:h", "hdel|1:b");
	talk_expect_silence(fd);
}

Test(redis_events, of_several_fields_tell_once_of_the_name)
{
	redis_listen_to(fd, "__keyspace@0__:h");
	talk(other, "HSET h a 1 b 2 c 3\r\nHEXPIRE h 100 FIELDS 2 a b\r\n"
	    "HDEL h a b c\r\n",
	    ":3\r\n*2\r\n:1\r\n:1\r\n:3\r\n");
	redis_hears(fd, "__keyspace@0__:h", "hset");
	redis_hears(fd, "__keyspace@0__:h", "hexpire");
	redis_hears(fd, "__keyspace@0__:h", "hdel");
	redis_hears(fd, "__keyspace@0__:h", "del");
	talk_expect_silence(fd);
}

/* The new one has to be there before the old one can go. */
Test(redis_events, of_a_hash_with_another_name_begin_with_that)
{
	talk_send(fd, "PSUBSCRIBE __keyevent@0__:*\r\n");
	redis_is_told(fd, "psubscribe", "__keyevent@0__:*", 1);
	talk(other, "HSET h{1} a 1 b 2\r\nRENAME h{1} i{1}\r\n",
	    ":2\r\n+OK\r\n");
	redis_hears_of(fd, "__keyevent@0__:*", "__keyevent@0__:hset", "h{1}");
	redis_hears_of(fd, "__keyevent@0__:*", "__keyevent@0__:rename_to",
	    "i{1}");
	redis_hears_of(fd, "__keyevent@0__:*", "__keyevent@0__:rename_from",
	    "h{1}");
	talk_expect_silence(fd);
}

Test(redis_events, of_our_own_have_revision_key_and_value)
{
	talk_send(fd, "PSUBSCRIBE __kvd__:*{1}\r\n");
	redis_is_told(fd, "psubscribe", "__kvd__:*{1}", 1);
	talk_once(&d, "CREATE h{1}\r\nPUT h{1} milk 1\r\nDELETE h{1} milk\r\n"
	    "DROP h{1}\r\n", "OK\r\nOK\r\nOK\r\nOK\r\n");
	talk(other, "SET s{1} \"two words\"\r\nDEL s{1}\r\nSET s 1\r\n",
	    "+OK\r\n:1\r\n+OK\r\n");
	redis_hears_of(fd, "__kvd__:*{1}", "__kvd__:h{1}", "1 create");
	redis_hears_of(fd, "__kvd__:*{1}", "__kvd__:h{1}", "2 set 4:milk 1:1");
	redis_hears_of(fd, "__kvd__:*{1}", "__kvd__:h{1}", "3 delete 4:milk");
	redis_hears_of(fd, "__kvd__:*{1}", "__kvd__:h{1}", "4 drop");
	redis_hears_of(fd, "__kvd__:*{1}", "__kvd__:s{1}", "6 set 9:two words");
	redis_hears_of(fd, "__kvd__:*{1}", "__kvd__:s{1}", "7 delete");
	talk_expect_silence(fd);
}

Test(redis_events, go_to_the_channel_and_to_each_pattern_that_matches)
{
	redis_listen_to(fd, "__keyspace@0__:k");
	talk_send(fd, "PSUBSCRIBE * __key*:k news.*\r\n");
	redis_is_told(fd, "psubscribe", "*", 2);
	redis_is_told(fd, "psubscribe", "__key*:k", 3);
	redis_is_told(fd, "psubscribe", "news.*", 4);
	talk(other, "SET k v\r\n", "+OK\r\n");
	redis_hears(fd, "__keyspace@0__:k", "set");
	redis_hears_of(fd, "*", "__keyspace@0__:k", "set");
	redis_hears_of(fd, "__key*:k", "__keyspace@0__:k", "set");
	redis_hears_of(fd, "*", "__keyevent@0__:set", "k");
	redis_hears_of(fd, "*", "__kvd__:k", "2 set 1:v");
	talk_expect_silence(fd);
}

Test(redis_events, begin_with_the_subscription)
{
	int first = fd;

	talk(other, "HSET h a 1\r\n", ":1\r\n");
	redis_listen_to(fd, "__keyspace@0__:h");
	talk(other, "HSET h b 1\r\n", ":1\r\n");
	/* Another one, and whether the first has been told yet or not. */
	fd = redis_open(&d);
	talk_send(fd, "PSUBSCRIBE __keyspace*\r\n");
	redis_is_told(fd, "psubscribe", "__keyspace*", 1);
	talk(other, "HSET h c 1\r\n", ":1\r\n");
	redis_hears_of(fd, "__keyspace*", "__keyspace@0__:h", "hset");
	talk_expect_silence(fd);
	close(fd);
	fd = first;
	redis_hears(fd, "__keyspace@0__:h", "hset");
	redis_hears(fd, "__keyspace@0__:h", "hset");
	talk_expect_silence(fd);
}

/* Numbers of buckets are used again. */
Test(redis_events, are_not_mixed_up_when_names_come_and_go)
{
	char request[128];
	int i;

	redis_listen_to(fd, "__keyspace@0__:a{1}");
	for (i = 0; i < 100; i++) {
		snprintf(request, sizeof(request), "HSET a{1} f %d\r\n"
		    "DEL a{1}\r\nHSET b{1} f 1 g 2\r\nDEL b{1}\r\n", i);
		talk(other, request, ":1\r\n:1\r\n:2\r\n:1\r\n");
		redis_hears(fd, "__keyspace@0__:a{1}", "hset");
		redis_hears(fd, "__keyspace@0__:a{1}", "del");
	}
	talk_expect_silence(fd);
}

Test(redis_events, of_a_transaction_come_when_it_is_executed)
{
	redis_listen_to(fd, "__keyspace@0__:h");
	talk(other, "MULTI\r\nHSET h a 1\r\nHDEL h a\r\nSET h 1\r\n",
	    "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
	talk_expect_silence(fd);
	talk(other, "EXEC\r\n", "*3\r\n:1\r\n:1\r\n+OK\r\n");
	redis_hears(fd, "__keyspace@0__:h", "hset");
	redis_hears(fd, "__keyspace@0__:h", "hdel");
	redis_hears(fd, "__keyspace@0__:h", "del");
	redis_hears(fd, "__keyspace@0__:h", "set");
}

Test(redis_events, may_be_asked_for_in_a_transaction)
{
	talk(fd, "MULTI\r\nSUBSCRIBE __keyspace@0__:k\r\nSET k v\r\nEXEC\r\n",
	    "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*3\r\n$9\r\nsubscribe\r\n"
	    "$16\r\n__keyspace@0__:k\r\n:1\r\n+OK\r\n");
	redis_hears(fd, "__keyspace@0__:k", "set");
}

#define LISTENERS	40

/* Whichever workers have them. */
Test(redis_events, reach_all_who_listen)
{
	int listeners[LISTENERS], i;

	for (i = 0; i < LISTENERS; i++) {
		fd = listeners[i] = redis_open(&d);
		redis_listen_to(fd, "__keyspace@0__:k");
	}
	talk_await_subscribers(&d, LISTENERS);
	talk(other, "SET k v\r\n", "+OK\r\n");
	for (i = 0; i < LISTENERS; i++) {
		fd = listeners[i];
		redis_hears(fd, "__keyspace@0__:k", "set");
		close(fd);
	}
	talk_await_subscribers(&d, 0);
	fd = redis_open(&d);
}

Test(redis_events, are_refused_to_a_pattern_that_is_too_long)
{
	char *request = malloc(6000);

	snprintf(request, 6000, "PSUBSCRIBE %05000d\r\n", 1);
	talk(fd, request, "-ERR no memory, or a pattern that is too long\r\n");
	talk(fd, "GET k\r\n", "$-1\r\n");
	talk_await_subscribers(&d, 0);
	free(request);
}
