/*
 * The same is done at kvd and at Redis, and the same is told of it, in the
 * same order.
 *
 * After each request a fence is set at both: when that is told, so is all
 * before it.  Names have the same tag, so that one shard has them all.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/talk.h"
#include "tests/redis/rival.h"

#define NEWS	2048
#define FENCE	"fence{1}"

struct side {
	int	speaker, listener;
	char	news[NEWS];	/* since the last fence, a line each */
};

static struct daemon kvd;
static struct rival redis;
static struct side sides[2];	/* Redis, kvd */

static void
skip_reply(int fd)
{
	char line[NEWS];

	cr_assert(talk_line(fd, line, sizeof(line)));
}

/* "*3 $10 psubscribe $12 .. :1", on six lines. */
static void
listen_to_all(struct side *s)
{
	int i;

	talk_send(s->listener, "PSUBSCRIBE __key*@0__:*\r\n");
	for (i = 0; i < 6; i++)
		skip_reply(s->listener);
}

static void
begin(void)
{
	if (!rival_exists())
		cr_skip_test("no redis-server");
	daemon_start(&kvd);
	rival_start(&redis, kvd.dir);
	sides[0].speaker = talk_open_path(redis.path);
	sides[0].listener = talk_open_path(redis.path);
	sides[1].speaker = talk_open(&kvd);
	sides[1].listener = talk_open(&kvd);
	talk(sides[1].speaker, "*1\r\n$4\r\nPING\r\n", "+PONG\r\n");
	talk(sides[1].listener, "*1\r\n$4\r\nPING\r\n", "+PONG\r\n");
	talk(sides[0].speaker, "CONFIG SET notify-keyspace-events KEA\r\n",
	    "+OK\r\n");
	listen_to_all(&sides[0]);
	listen_to_all(&sides[1]);
}

static void
end(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(sides[i].speaker);
		close(sides[i].listener);
	}
	rival_stop(&redis);
	daemon_stop(&kvd);
}

TestSuite(events, .init = begin, .fini = end, .timeout = 120);

/* A bulk, whose length is on a line before it. */
static void
read_bulk(int fd, char *text, size_t size)
{
	skip_reply(fd);
	cr_assert(talk_line(fd, text, size));
}

/* The next message: false if it tells of this last one. */
static bool
read_news(struct side *s, const char *last)
{
	char channel[256], message[256], line[600];

	skip_reply(s->listener);
	read_bulk(s->listener, channel, sizeof(channel));
	read_bulk(s->listener, channel, sizeof(channel));
	read_bulk(s->listener, channel, sizeof(channel));
	read_bulk(s->listener, message, sizeof(message));
	snprintf(line, sizeof(line), "%s %s\n", channel, message);
	if (strstr(line, FENCE) == NULL)
		strlcat(s->news, line, sizeof(s->news));
	return strcmp(line, last) != 0;
}

static void
hear_up_to(struct side *s, const char *last)
{
	while (read_news(s, last))
		;
}

static void
hear_all(struct side *s)
{
	s->news[0] = '\0';
	talk(s->speaker, "SET " FENCE " 1\r\n", "+OK\r\n");
	hear_up_to(s, "__keyevent@0__:set " FENCE "\n");
}

static void
say(struct side *s, const char *request)
{
	talk_send(s->speaker, request);
	talk_send(s->speaker, "\r\n");
}

/* Said to both, which answer with so many lines and tell the same. */
static void
say_to_both(const char *request, int lines)
{
	int i, n;

	for (i = 0; i < 2; i++) {
		say(&sides[i], request);
		for (n = 0; n < lines; n++)
			skip_reply(sides[i].speaker);
		hear_all(&sides[i]);
	}
	cr_assert_str_eq(sides[1].news, sides[0].news, "after %s", request);
}

static void
say_each(int lines, const char *const *requests)
{
	for (; *requests != NULL; requests++)
		say_to_both(*requests, lines);
}

/* Those that answer with a number, a word, or an error; or a string. */
#define SAY_EACH(...) say_each(1, (const char *const[]){ __VA_ARGS__, NULL })
#define ASK_EACH(...) say_each(2, (const char *const[]){ __VA_ARGS__, NULL })

Test(events, of_strings_are_those_of_redis)
{
	SAY_EACH("SET a{1} 1", "SET a{1} 2 EX 100", "SET a{1} 3 KEEPTTL",
	    "SETNX a{1} 1", "SETNX b{1} 1", "SETEX a{1} 100 1",
	    "PSETEX a{1} 100000 1", "MSET a{1} 1 b{1} 2", "APPEND a{1} 2",
	    "MSETNX a{1} 1 c{1} 2", "MSETNX c{1} 1 d{1} 2", "APPEND e{1} 2",
	    "APPEND a{1} \"\"", "SETRANGE a{1} 1 5", "SETRANGE f{1} 1 \"\"",
	    "INCR a{1}", "DECR a{1}", "INCRBY a{1} 5", "DECRBY a{1} 2",
	    "INCR g{1}", "SET a{1} word", "INCR a{1}");
	ASK_EACH("INCRBYFLOAT b{1} 0.5", "INCRBYFLOAT h{1} 1",
	    "GETSET b{1} 1", "GETEX b{1} EX 100", "GETEX b{1} PERSIST",
	    "GETEX b{1} PERSIST", "GETEX b{1}", "GETDEL b{1}", "SET c{1} 5 GET",
	    "GETEX c{1} PXAT 1");
	SAY_EACH("GETDEL b{1}", "DEL a{1} b{1} c{1}", "UNLINK d{1}",
	    "DEL d{1}");
}

Test(events, of_hashes_are_those_of_redis)
{
	SAY_EACH("HSET h{1} a 1", "HSET h{1} a 1 b 2 c 3", "HMSET h{1} a 1 b 2",
	    "HSETNX h{1} a 1", "HSETNX h{1} d 1", "HINCRBY h{1} a 5",
	    "HINCRBY h{1} new 5", "HDEL h{1} a missing b", "HDEL h{1} missing",
	    "HDEL missing{1} a", "HDEL h{1} c d new", "HSET h{1} a 1 b 2");
	ASK_EACH("HINCRBYFLOAT h{1} a 0.5");
	SAY_EACH("SET h{1} 1", "HSET h{1} a 1", "DEL h{1}", "HSET h{1} a 1",
	    "MSET h{1} 1 i{1} 1", "DEL h{1} i{1}");
}

Test(events, of_times_are_those_of_redis)
{
	SAY_EACH("SET a{1} 1", "HSET h{1} a 1", "EXPIRE a{1} 100",
	    "EXPIRE h{1} 100", "PEXPIRE a{1} 100000 GT", "PERSIST a{1}",
	    "PERSIST h{1}", "PERSIST h{1}", "EXPIREAT a{1} 99999999999",
	    "PEXPIREAT h{1} 9999999999999", "EXPIRE missing{1} 100",
	    "EXPIRE a{1} -1", "EXPIRE h{1} 0", "SET a{1} 1",
	    "PEXPIREAT a{1} 1");
}

/* Only that a hash comes before the old name of it goes. */
Test(events, of_names_are_those_of_redis)
{
	SAY_EACH("SET a{1} 1", "RENAME a{1} b{1}", "RENAMENX b{1} c{1}",
	    "SET a{1} 1", "RENAMENX a{1} c{1}", "RENAME a{1} c{1}",
	    "COPY c{1} d{1}", "COPY c{1} d{1}", "COPY c{1} d{1} REPLACE",
	    "HSET h{1} a 1 b 2", "COPY h{1} i{1}", "EXPIRE h{1} 100",
	    "COPY h{1} i{1} REPLACE", "COPY c{1} i{1} REPLACE",
	    "COPY h{1} c{1} REPLACE", "RENAME missing{1} a{1}",
	    "RENAME d{1} c{1}", "COPY missing{1} a{1}");
}

/* A command of several fields tells once, two of the same tell twice. */
Test(events, of_transactions_are_those_of_redis)
{
	static const char transaction[] = "MULTI\r\nHSET h{1} a 1 b 2\r\n"
	    "HSET h{1} c 3\r\nHDEL h{1} a b\r\nINCR n{1}\r\nDEL h{1}\r\n"
	    "SET h{1} 1 EX 100\r\nEXEC";

	say_to_both(transaction, 1 + 6 + 1 + 6);
}

/* As soon as that is seen; kvd need not be asked for it, nor need Redis. */
Test(events, of_what_expires_are_those_of_redis)
{
	int i;

	for (i = 0; i < 2; i++) {
		sides[i].news[0] = '\0';
		talk(sides[i].speaker, "SET a{1} 1 PX 30\r\n", "+OK\r\n");
		hear_up_to(&sides[i], "__keyevent@0__:expired a{1}\n");
		talk(sides[i].speaker, "HSET h{1} f 1\r\nPEXPIRE h{1} 30\r\n",
		    ":1\r\n:1\r\n");
		hear_up_to(&sides[i], "__keyevent@0__:expired h{1}\n");
	}
	cr_assert_str_eq(sides[1].news, sides[0].news);
}

/* What there was is not told one by one. */
Test(events, of_all_that_goes_at_once_are_those_of_redis)
{
	SAY_EACH("MSET a{1} 1 b{1} 2", "HSET h{1} a 1", "FLUSHALL",
	    "HSET h{1} a 1", "FLUSHDB");
}
