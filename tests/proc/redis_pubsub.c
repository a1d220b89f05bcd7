/* What clients say to each other on channels, byte by byte. */

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;			/* listens */
static int other;		/* speaks, to another worker */

static void
begin(void)
{
	daemon_start(&d);
	fd = redis_open_worker(&d, 0);
	other = redis_open_worker(&d, 1);
}

static void
end(void)
{
	close(fd);
	close(other);
	daemon_stop(&d);
}

TestSuite(redis_pubsub, .init = begin, .fini = end, .timeout = 120);

/* It is heard by so many. */
static void
is_said(int speaker, const char *line, int64_t by)
{
	cr_assert_eq(redis_number(speaker, line), by, "%s", line);
}

/* Nothing has come that is not told yet: what is asked now comes first. */
static void
hears_no_more(int listener)
{
	talk(listener, "PING\r\n", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
	talk_expect_silence(listener);
}

Test(redis_pubsub, reaches_who_listens_to_the_channel_and_nobody_else)
{
	int third = redis_open(&d);

	redis_listen_to(fd, "news");
	redis_listen_to(third, "new");
	is_said(other, "PUBLISH news hello", 1);
	is_said(other, "PUBLISH other hello", 0);
	is_said(other, "PUBLISH news \"\"", 1);
	is_said(other, "PUBLISH News hello", 0);
	redis_hears(fd, "news", "hello");
	redis_hears(fd, "news", "");
	hears_no_more(fd);
	hears_no_more(third);
	talk(fd, "UNSUBSCRIBE news\r\n",
	    "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n");
	is_said(other, "PUBLISH news hello", 0);
	talk_expect_silence(fd);
	close(third);
}

Test(redis_pubsub, reaches_patterns_and_counts_each_of_them)
{
	redis_listen_by(fd, "psubscribe", "n?ws.*", 1);
	redis_listen_by(fd, "psubscribe", "*", 2);
	redis_listen_by(fd, "subscribe", "news.it", 3);
	is_said(other, "PUBLISH news.it 1", 3);
	redis_hears(fd, "news.it", "1");
	redis_hears_of(fd, "n?ws.*", "news.it", "1");
	redis_hears_of(fd, "*", "news.it", "1");
	is_said(other, "PUBLISH news 2", 1);
	redis_hears_of(fd, "*", "news", "2");
	hears_no_more(fd);
}

Test(redis_pubsub, is_a_push_in_resp3_and_any_bytes)
{
	redis_use_resp3(fd);
	talk(fd, "SUBSCRIBE \"a\\r\\n\" \"\"\r\n",
	    ">3\r\n$9\r\nsubscribe\r\n$3\r\na\r\n\r\n:1\r\n"
	    ">3\r\n$9\r\nsubscribe\r\n$0\r\n\r\n:2\r\n");
	is_said(other, "PUBLISH \"\" \"\\xff\\r\\n\"", 1);
	talk_expect(fd, ">3\r\n$7\r\nmessage\r\n$0\r\n\r\n$3\r\n\xff\r\n"
	    "\r\n");
	is_said(other, "PUBLISH \"a\\r\\n\" \"\"", 1);
	talk_expect(fd, ">3\r\n$7\r\nmessage\r\n$3\r\na\r\n\r\n$0\r\n"
	    "\r\n");
	talk(fd, "PSUBSCRIBE x*\r\nGET k\r\n",
	    ">3\r\n$10\r\npsubscribe\r\n$2\r\nx*\r\n:3\r\n_\r\n");
	is_said(other, "PUBLISH xy z", 1);
	talk_expect(fd, ">4\r\n$8\r\npmessage\r\n$2\r\nx*\r\n$2\r\nxy\r\n"
	    "$1\r\nz\r\n");
}

/* Who listens in RESP3 may speak, too, and hears itself. */
Test(redis_pubsub, reaches_who_says_it)
{
	redis_use_resp3(fd);
	talk(fd, "SUBSCRIBE news\r\n",
	    ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
	talk(fd, "PUBLISH news hello\r\n", ":1\r\n"
	    ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
}

Test(redis_pubsub, is_not_allowed_while_listening_in_resp2)
{
	redis_listen_to(fd, "news");
	redis_ask(fd, "PUBLISH news hello", "-ERR Can't execute 'publish': "
	    "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
	    "allowed in this context");
	hears_no_more(fd);
}

Test(redis_pubsub, is_no_command_of_the_text_protocol)
{
	talk_once(&d, "PUBLISH news hello\r\n", "UNKNOWN COMMAND\r\n");
	redis_ask(other, "PUBLISH news", "-ERR wrong number of arguments for "
	    "'publish' command");
}

#define MANY	2000

/* However many speak: on a channel all hear the same, in the same order. */
Test(redis_pubsub, keeps_the_order_of_a_channel)
{
	int third = redis_open(&d), speakers[2] = {
		redis_open(&d), redis_open_worker(&d, 0)
	};
	char line[64], heard[64];
	int i, k;

	redis_listen_to(fd, "news");
	redis_listen_to(third, "news");
	for (i = 0; i < MANY; i++) {
		snprintf(line, sizeof(line), "PUBLISH news %04d\r\n", i);
		talk_send(speakers[i % 2], line);
	}
	for (i = 0; i < MANY; i++) {
		talk_expect(fd, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\n");
		talk_expect(third,
		    "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\n");
		cr_assert(talk_line(fd, heard, sizeof(heard)));
		cr_assert(talk_line(third, line, sizeof(line)));
		cr_assert_str_eq(heard, line);
	}
	for (i = 0; i < 2; i++)
		for (k = 0; k < MANY / 2; k++)
			talk_expect(speakers[i], ":2\r\n");
	hears_no_more(fd);
	hears_no_more(third);
	close(third);
	close(speakers[0]);
	close(speakers[1]);
}

/* Who listens to events of a name hears what is said in its name, too. */
Test(redis_pubsub, can_be_said_where_events_are)
{
	redis_listen_to(fd, "__keyspace@0__:k");
	is_said(other, "PUBLISH __keyspace@0__:k said", 1);
	redis_hears(fd, "__keyspace@0__:k", "said");
	redis_ask(other, "SET k v", "+OK");
	redis_hears(fd, "__keyspace@0__:k", "set");
	hears_no_more(fd);
}

/* Those of a bucket are about that bucket alone. */
Test(redis_pubsub, is_nothing_to_subscribers_of_a_bucket)
{
	int text = talk_open(&d);

	talk_once(&d, "CREATE news\r\n", "OK\r\n");
	talk_send(text, "SUBSCRIBE news\r\n");
	talk_await_subscribers(&d, 1);
	is_said(other, "PUBLISH news hello", 0);
	redis_ask(other, "HSET news a 1", ":1");
	talk_expect(text, "a SET TO 1\r\n");
	talk_expect_silence(text);
	close(text);
}

/* --- what is too much --- */

/* PUBLISH with a channel and a message of so many bytes. */
static void
publish_long(int speaker, size_t channel, size_t message)
{
	size_t size = channel > message ? channel : message;
	char *bytes = malloc(size + 1), head[64];

	memset(bytes, 'x', size);
	snprintf(head, sizeof(head), "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n",
	    channel);
	talk_send(speaker, head);
	talk_send_bytes(speaker, bytes, channel);
	snprintf(head, sizeof(head), "\r\n$%zu\r\n", message);
	talk_send(speaker, head);
	talk_send_bytes(speaker, bytes, message);
	talk_send(speaker, "\r\n");
	free(bytes);
}

TestSuite(redis_pubsub_of_one, .fini = end, .timeout = 120);

static void
begin_with(const char *conf)
{
	daemon_prepare(&d, conf);
	daemon_launch(&d, NULL);
	fd = redis_open(&d);
	other = redis_open(&d);
}

Test(redis_pubsub_of_one, is_refused_if_the_name_is_too_long)
{
	begin_with("memory 64M\nworkers 1\n");
	publish_long(other, 128 * 1024, 1024 * 1024);
	talk_expect(other, ":0\r\n");
	publish_long(other, 128 * 1024 + 1, 1);
	talk_expect(other, "-ERR name of the channel is too long\r\n");
	talk(other, "PING\r\n", "+PONG\r\n");
}

/* Each fits in a small segment, but not both. */
Test(redis_pubsub_of_one, is_refused_if_it_is_too_long_with_its_channel)
{
	begin_with("memory 3M\nworkers 1\n");
	publish_long(other, 90000, 1);
	talk_expect(other, ":0\r\n");
	publish_long(other, 1, 90000);
	talk_expect(other, ":0\r\n");
	publish_long(other, 90000, 90000);
	talk_expect(other, "-ERR message is too long\r\n");
	talk(other, "PING\r\n", "+PONG\r\n");
}

/* SET k0 and so on, until that is refused; returns how many there are. */
static int
fill(void)
{
	static const char full[] = "-OOM command not allowed when used "
	    "memory > 'maxmemory'.";
	char *value = malloc(10000), line[80];
	int i;

	memset(value, 'x', 10000);
	for (i = 0;; i++) {
		snprintf(line, sizeof(line), "*3\r\n$3\r\nSET\r\n$8\r\n"
		    "{k}%05d\r\n$10000\r\n", i);
		talk_send(other, line);
		talk_send_bytes(other, value, 10000);
		talk_send(other, "\r\n");
		cr_assert(talk_line(other, line, sizeof(line)));
		if (strcmp(line, full) == 0)
			break;
		cr_assert_str_eq(line, "+OK");
	}
	free(value);
	return i;
}

Test(redis_pubsub_of_one, is_refused_while_the_memory_is_full)
{
	char line[64];
	int i, n;

	begin_with("memory 8M\nworkers 1\n");
	redis_listen_to(fd, "xxxx");
	n = fill();
	publish_long(other, 4, 10000);
	talk_expect(other, "-OOM command not allowed when used memory > "
	    "'maxmemory'.\r\n");
	talk(other, "MULTI\r\nEXISTS {k}00000\r\n",
	    "+OK\r\n+QUEUED\r\n");
	publish_long(other, 4, 10000);
	talk(other, "\r\nSTRLEN {k}00000\r\nEXEC\r\n",
	    "+QUEUED\r\n+QUEUED\r\n*3\r\n:1\r\n-OOM command not allowed "
	    "when used memory > 'maxmemory'.\r\n:10000\r\n");
	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "DEL {k}%05d", i);
		redis_ask(other, line, ":1");
	}
	is_said(other, "PUBLISH xxxx again", 1);
	redis_hears(fd, "xxxx", "again");
	hears_no_more(fd);
}

/* Others hear all of it; it is told why in the log. */
Test(redis_pubsub_of_one, is_lost_by_who_does_not_read_it)
{
	int slow, size = 4096, i;

	begin_with("memory 64M\nworkers 1\nlimits { output 1M }\n");
	slow = redis_open(&d);
	setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	redis_listen_to(slow, "xxxx");
	redis_listen_to(fd, "xxxx");
	for (i = 0; i < 200; i++) {
		char head[64];
		size_t n;

		publish_long(other, 4, 100000);
		cr_assert(talk_line(other, head, sizeof(head)));
		n = strlen("*3\r\n$7\r\nmessage\r\n$4\r\nxxxx\r\n$100000\r\n") +
		    100000 + 2;
		while (n > 0) {
			char some[65536];
			ssize_t got = recv(fd, some, n < sizeof(some) ? n :
			    sizeof(some), 0);

			cr_assert_gt(got, 0);
			n -= (size_t)got;
		}
	}
	daemon_await_log(&d, "too slow for the events", 1);
	talk_await_subscribers(&d, 1);
	hears_no_more(fd);
	close(slow);
}

/* --- in a transaction --- */

Test(redis_pubsub_of_one, of_a_transaction_is_said_when_it_is_executed)
{
	begin_with("memory 64M\nworkers 1\n");
	redis_listen_to(fd, "news");
	talk(other, "MULTI\r\nPUBLISH news 1\r\nSET k v\r\nPUBLISH none 2\r\n"
	    "PUBLISH news 3\r\nGET k\r\n", "+OK\r\n+QUEUED\r\n+QUEUED\r\n"
	    "+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
	hears_no_more(fd);
	redis_ask(other, "EXEC", "*5\r\n:1\r\n+OK\r\n:0\r\n:1\r\n$1\r\nv");
	redis_hears(fd, "news", "1");
	redis_hears(fd, "news", "3");
	talk(other, "MULTI\r\nPUBLISH news 4\r\nEXEC\r\n",
	    "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n");
	redis_hears(fd, "news", "4");
	hears_no_more(fd);
}

Test(redis_pubsub, of_a_transaction_that_fails_is_not_said)
{
	int third = redis_open(&d);

	redis_listen_to(fd, "news");
	talk(other, "MULTI\r\nPUBLISH news 1\r\nDISCARD\r\n"
	    "MULTI\r\nPUBLISH news 2\r\nNONSENSE\r\nEXEC\r\n"
	    "WATCH k\r\nMULTI\r\nPUBLISH news 3\r\n",
	    "+OK\r\n+QUEUED\r\n+OK\r\n+OK\r\n+QUEUED\r\n"
	    "-ERR unknown command 'NONSENSE', with args beginning with: \r\n"
	    "-EXECABORT Transaction discarded because of previous errors.\r\n"
	    "+OK\r\n+OK\r\n+QUEUED\r\n");
	redis_ask(third, "SET k v", "+OK");
	redis_ask(other, "EXEC", "*-1");
	hears_no_more(fd);
	close(third);
}

/* --- death --- */

Test(redis_pubsub, goes_on_when_a_worker_is_killed)
{
	int kept = redis_open_worker(&d, 1), text = talk_open_worker(&d, 0);
	pid_t pid = (pid_t)talk_info(text, "server", "worker_pid");

	redis_listen_to(fd, "news");
	redis_listen_to(kept, "news");
	is_said(other, "PUBLISH news 1", 2);
	redis_hears(fd, "news", "1");
	redis_hears(kept, "news", "1");
	cr_assert_eq(kill(pid, SIGKILL), 0);
	talk_expect_end(fd);
	talk_await_subscribers(&d, 1);
	is_said(other, "PUBLISH news 2", 1);
	redis_hears(kept, "news", "2");
	close(fd);
	fd = redis_open(&d);
	redis_listen_to(fd, "news");
	is_said(other, "PUBLISH news 3", 2);
	redis_hears(fd, "news", "3");
	redis_hears(kept, "news", "3");
	hears_no_more(kept);
	close(kept);
	close(text);
}
