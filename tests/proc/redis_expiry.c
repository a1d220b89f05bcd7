/* What has expired goes by itself, and that is told. */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;			/* changes things */

static void
begin(void)
{
	daemon_start(&d);
	fd = redis_open(&d);
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(redis_expiry, .init = begin, .fini = end, .timeout = 120);

/* Ask until the answer is this line; nothing else is asked meanwhile. */
static void
await_answer(const char *request, const char *answer)
{
	char line[256];

	do {
		talk_send(fd, request);
		talk_send(fd, "\r\n");
		cr_assert(talk_line(fd, line, sizeof(line)));
	} while (strcmp(line, answer) != 0);
}

/* A figure of INFO. */
static uint64_t
figure(const char *name)
{
	char line[256];
	uint64_t value = UINT64_MAX;
	size_t len = strlen(name);

	talk_send(fd, "INFO stats\r\n");
	while (talk_line(fd, line, sizeof(line)) &&
	    strncmp(line, "kvd_repairs:", 12) != 0)
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			value = strtoull(line + len + 1, NULL, 10);
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_str_eq(line, "");
	cr_assert_neq(value, UINT64_MAX);
	return value;
}

Test(redis_expiry, of_fields_strings_and_hashes_is_nobodys_work)
{
	talk(fd, "SET s 1 PX 100\r\nHSET h a 1 b 2\r\n"
	    "HPEXPIRE h 100 FIELDS 1 a\r\nHSET g a 1\r\nPEXPIRE g 100\r\n"
	    "HSET f a 1 b 2\r\nHPEXPIRE f 100 FIELDS 2 a b\r\nDBSIZE\r\n",
	    "+OK\r\n:2\r\n*1\r\n:1\r\n:1\r\n:1\r\n:2\r\n*2\r\n:1\r\n:1\r\n"
	    ":4\r\n");
	await_answer("DBSIZE", ":1");
	await_answer("HLEN h", ":1");
	talk(fd, "EXISTS f\r\nTYPE f\r\nOBJECT ENCODING s\r\nTTL s\r\nTTL g\r\n"
	    "HGETALL h\r\n",
	    ":0\r\n+none\r\n$-1\r\n:-2\r\n:-2\r\n"
	    "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
	while (figure("expired_keys") != 2 || figure("expired_subkeys") != 3)
		;
	talk(fd, "INFO keyspace\r\n",
	    "$44\r\n# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n\r\n");
}

Test(redis_expiry, in_the_past_is_a_deletion)
{
	int listener = redis_open(&d);

	talk(listener, "SUBSCRIBE __keyspace@0__:h\r\n", "*3\r\n$9\r\nsubscribe"
	    "\r\n$16\r\n__keyspace@0__:h\r\n:1\r\n");
	talk(fd, "HSET h a 1\r\nPEXPIREAT h 1\r\nEXISTS h\r\n",
	    ":1\r\n:1\r\n:0\r\n");
	talk_expect(listener, "*3\r\n$7\r\nmessage\r\n$16\r\n__keyspace@0__:h"
	    "\r\n$4\r\nhset\r\n*3\r\n$7\r\nmessage\r\n$16\r\n__keyspace@0__:h"
	    "\r\n$3\r\ndel\r\n");
	talk_expect_silence(listener);
	close(listener);
}

/* All that is told of one field, and of the hash that goes with it. */
Test(redis_expiry, of_the_last_field_is_told_on_every_channel)
{
	static const char *const channels[][2] = {
		{ "__keyspace@0__:h", "hexpired" },
		{ "__keyevent@0__:hexpired", "h" },
		{ "__subkeyspace@0__:h", "hexpired|4:milk" },
		{ "__keyspace@0__:h", "del" }, { "__keyevent@0__:del", "h" }
	};
	int listener = redis_open(&d);
	char text[256];
	size_t i;

	talk(fd, "HSET h milk 1\r\n", ":1\r\n");
	talk_send(listener, "PSUBSCRIBE __*@0__:*\r\n");
	talk_expect(listener, "*3\r\n$10\r\npsubscribe\r\n$9\r\n__*@0__:*\r\n"
	    ":1\r\n");
	talk(fd, "HPEXPIRE h 50 FIELDS 1 milk\r\n", "*1\r\n:1\r\n");
	talk_expect(listener, "*4\r\n$8\r\npmessage\r\n$9\r\n__*@0__:*\r\n"
	    "$16\r\n__keyspace@0__:h\r\n$7\r\nhexpire\r\n"
	    "*4\r\n$8\r\npmessage\r\n$9\r\n__*@0__:*\r\n"
	    "$22\r\n__keyevent@0__:hexpire\r\n$1\r\nh\r\n"
	    "*4\r\n$8\r\npmessage\r\n$9\r\n__*@0__:*\r\n"
	    "$19\r\n__subkeyspace@0__:h\r\n$14\r\nhexpire|4:milk\r\n");
	for (i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
		snprintf(text, sizeof(text), "*4\r\n$8\r\npmessage\r\n$9\r\n"
		    "__*@0__:*\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n",
		    strlen(channels[i][0]), channels[i][0],
		    strlen(channels[i][1]), channels[i][1]);
		talk_expect(listener, text);
	}
	talk_expect_silence(listener);
	close(listener);
}

/* In the text protocol it is a deletion like any other. */
Test(redis_expiry, is_told_to_subscribers_of_buckets)
{
	int listener = talk_open(&d);

	talk_once(&d, "CREATE shopping\r\nPUT shopping milk 1\r\n",
	    "OK\r\nOK\r\n");
	talk_send(listener, "SUBSCRIBE shopping\r\n");
	talk_await_subscribers(&d, 1);
	talk(fd, "HPEXPIRE shopping 50 FIELDS 1 milk\r\n", "*1\r\n:1\r\n");
	talk_expect(listener, "milk SET TO 1\r\nmilk DELETED\r\n");
	talk(fd, "EXISTS shopping\r\nPEXPIRE shopping 50\r\n", ":1\r\n:1\r\n");
	talk_expect(listener, "NOT FOUND\r\n");
	close(listener);
}

/* Who comes first is told of it, be it before the cleaner does. */
Test(redis_expiry, is_told_before_what_replaces_it)
{
	int listener = redis_open(&d);

	talk(listener, "SUBSCRIBE __keyspace@0__:k\r\n", "*3\r\n$9\r\nsubscribe"
	    "\r\n$16\r\n__keyspace@0__:k\r\n:1\r\n");
	talk(fd, "SET k 1 PX 1\r\n", "+OK\r\n");
	await_answer("TTL k", ":-2");
	talk(fd, "INCR k\r\n", ":1\r\n");
#define K	"*3\r\n$7\r\nmessage\r\n$16\r\n__keyspace@0__:k\r\n"
	talk_expect(listener, K "$3\r\nset\r\n" K "$6\r\nexpire\r\n"
	    K "$7\r\nexpired\r\n" K "$6\r\nincrby\r\n");
	talk_expect_silence(listener);
	close(listener);
}

#define VALUE	20000

static void
start_small(void)
{
	daemon_prepare(&d, "memory 64M\nworkers 2\n");
	daemon_launch(&d, NULL);
	fd = redis_open(&d);
}

/* Returns true if the field was taken. */
static bool
set_field(const char *name, unsigned i)
{
	static char request[VALUE + 64];
	char line[128];

	snprintf(request, sizeof(request), "HSET %s f%u %0*d\r\n", name, i,
	    VALUE, 1);
	talk_send(fd, request);
	cr_assert(talk_line(fd, line, sizeof(line)));
	return strcmp(line, ":1") == 0;
}

/* Nothing is dead in it that would draw the cleaner. */
Test(redis_expiry, makes_room_in_a_full_store, .init = start_small)
{
	unsigned n = 0, i;

	while (set_field("h", n))
		n++;
	cr_assert_gt(n, 1000);
	talk(fd, "PEXPIRE h 1\r\n", ":1\r\n");
	while (!set_field("g", 0))
		;
	for (i = 1; i < n * 9 / 10; i++)
		cr_assert(set_field("g", i), "%u of %u", i, n);
}
