/*
 * A program as people write them with hiredis: a connection, formatted
 * commands, a pipeline, a transaction, subscriptions, and a reconnect.
 */

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static redisContext *redis;

static _Noreturn void
fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static redisReply *
ask(const char *fmt, ...)
{
	redisReply *reply;
	va_list ap;

	va_start(ap, fmt);
	reply = redisvCommand(redis, fmt, ap);
	va_end(ap);
	if (reply == NULL)
		fail(fmt, redis->errstr);
	if (reply->type == REDIS_REPLY_ERROR)
		fail(fmt, reply->str);
	return reply;
}

static void
expect_number(redisReply *reply, long long n)
{
	if (reply->type != REDIS_REPLY_INTEGER || reply->integer != n)
		fail("a number", "another one, or none");
	freeReplyObject(reply);
}

static void
expect_text(redisReply *reply, const char *text)
{
	if (reply->str == NULL || strcmp(reply->str, text) != 0)
		fail(text, reply->str == NULL ? "nothing" : reply->str);
	freeReplyObject(reply);
}

static void
expect_list(redisReply *reply, size_t n, size_t i, const char *text)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != n ||
	    reply->element[i]->str == NULL ||
	    strcmp(reply->element[i]->str, text) != 0)
		fail(text, "not in the list");
	freeReplyObject(reply);
}

static void
say_something_of_all(void)
{
	expect_text(ask("FLUSHALL"), "OK");
	expect_text(ask("PING"), "PONG");
	expect_number(ask("HSET h %s 1 %b 2", "a", "b\0c", (size_t)3), 2);
	expect_text(ask("HGET h %b", "b\0c", (size_t)3), "2");
	expect_list(ask("HMGET h a nosuch"), 2, 0, "1");
	expect_number(ask("HINCRBY h a 41"), 42);
	expect_list(ask("HSCAN h 0"), 2, 0, "0");
	expect_text(ask("SET s %d", 41), "OK");
	expect_number(ask("INCR s"), 42);
	expect_list(ask("MGET s nosuch"), 2, 0, "42");
	expect_number(ask("EXPIRE s 100"), 1);
	expect_text(ask("TYPE h"), "hash");
	expect_number(ask("DEL h s nosuch"), 2);
}

static void
send_a_pipeline(void)
{
	redisReply *reply;
	int i;

	for (i = 0; i < 1000; i++)
		redisAppendCommand(redis, "HSET h f%d %d", i, i);
	for (i = 0; i < 1000; i++) {
		if (redisGetReply(redis, (void **)&reply) != REDIS_OK)
			fail("a pipeline", redis->errstr);
		expect_number(reply, 1);
	}
	expect_number(ask("HLEN h"), 1000);
}

static void
do_two_things_at_once(void)
{
	expect_text(ask("MULTI"), "OK");
	expect_text(ask("SET {t}s %s", "v"), "QUEUED");
	expect_text(ask("GET {t}s"), "QUEUED");
	expect_list(ask("EXEC"), 2, 1, "v");
}

static void
hear(redisContext *listener, const char *kind, const char *last)
{
	redisReply *reply;

	if (redisGetReply(listener, (void **)&reply) != REDIS_OK)
		fail(kind, listener->errstr);
	if (last == NULL)
		expect_list(reply, 3, 0, kind);
	else
		expect_list(reply, strcmp(kind, "pmessage") == 0 ? 4 : 3,
		    reply->elements - 1, last);
}

static void
listen_to_another(int port)
{
	redisContext *listener = redisConnect("127.0.0.1", port);

	if (listener == NULL || listener->err != 0)
		fail("a listener", "no connection");
	redisAppendCommand(listener, "SUBSCRIBE news");
	redisAppendCommand(listener, "PSUBSCRIBE n*");
	hear(listener, "subscribe", NULL);
	hear(listener, "psubscribe", NULL);
	expect_number(ask("PUBLISH news %s", "hello"), 2);
	hear(listener, "message", "hello");
	hear(listener, "pmessage", "hello");
	redisFree(listener);
}

static void
outlive_a_worker(void)
{
	redisReply *reply = ask("INFO server");
	const char *pid = strstr(reply->str, "kvd_worker_pid:");
	int tries;

	if (pid == NULL || kill(atoi(strchr(pid, ':') + 1), SIGKILL) == -1)
		fail("a worker", "not there");
	freeReplyObject(reply);
	while ((reply = redisCommand(redis, "PING")) != NULL)
		freeReplyObject(reply);
	for (tries = 0; redisReconnect(redis) != REDIS_OK; tries++)
		if (tries > 1000)
			fail("a reconnect", redis->errstr);
	expect_number(ask("HLEN h"), 1000);
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 64;
	redis = redisConnect("127.0.0.1", atoi(argv[1]));
	if (redis == NULL || redis->err != 0)
		fail("connect", redis == NULL ? "no memory" : redis->errstr);
	say_something_of_all();
	send_a_pipeline();
	do_two_things_at_once();
	listen_to_another(atoi(argv[1]));
	outlive_a_worker();
	redisFree(redis);
	return 0;
}
