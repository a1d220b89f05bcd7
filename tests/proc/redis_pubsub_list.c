/*
 * PUBSUB: each worker tells what the clients of all of them listen to.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;			/* asks, worker 0 */
static int near;		/* listens, worker 0 */
static int far;			/* listens, worker 1 */

static void
begin(void)
{
	daemon_start(&d);
	fd = redis_open_worker(&d, 0);
	near = redis_open_worker(&d, 0);
	far = redis_open_worker(&d, 1);
}

static void
end(void)
{
	close(fd);
	close(near);
	close(far);
	daemon_remove(&d);
}

TestSuite(redis_pubsub_list, .init = begin, .fini = end, .timeout = 120);

/* SUBSCRIBE and its like, and as many answers as names. */
static void
say(int to, const char *request, int answers)
{
	char line[128];
	int i;

	talk_send(to, request);
	for (i = 0; i < answers; i++)
		do
			cr_assert(talk_line(to, line, sizeof(line)));
		while (line[0] != ':');
}

Test(redis_pubsub_list, is_about_nothing_at_first)
{
	talk(fd, "PUBSUB CHANNELS\r\nPUBSUB NUMPAT\r\nPUBSUB NUMSUB\r\n"
	    "PUBSUB NUMSUB a\r\n", "*0\r\n:0\r\n*0\r\n"
	    "*2\r\n$1\r\na\r\n:0\r\n");
	talk(fd, "PUBSUB SHARDCHANNELS\r\nPUBSUB SHARDNUMSUB a\r\n"
	    "PUBSUB SHARDCHANNELS x*\r\nPUBSUB SHARDNUMSUB\r\n",
	    "*0\r\n*2\r\n$1\r\na\r\n:0\r\n*0\r\n*0\r\n");
}

Test(redis_pubsub_list, is_about_all_workers_clients)
{
	say(near, "SUBSCRIBE both near\r\n", 2);
	say(far, "SUBSCRIBE both far\r\nPSUBSCRIBE b*\r\n", 3);
	say(near, "PSUBSCRIBE b* n*\r\n", 2);
	talk(fd, "PUBSUB CHANNELS f*\r\nPUBSUB NUMPAT\r\n"
	    "PUBSUB NUMSUB both near far b* none\r\n",
	    "*1\r\n$3\r\nfar\r\n:2\r\n*10\r\n$4\r\nboth\r\n:2\r\n"
	    "$4\r\nnear\r\n:1\r\n$3\r\nfar\r\n:1\r\n$2\r\nb*\r\n:0\r\n"
	    "$4\r\nnone\r\n:0\r\n");
	talk(fd, "PUBSUB CHANNELS\r\n",
	    "*3\r\n$4\r\nboth\r\n$4\r\nnear\r\n$3\r\nfar\r\n");
	cr_assert_eq(redis_info(fd, "stats", "pubsub_channels"), 3);
	cr_assert_eq(redis_info(fd, "stats", "pubsub_patterns"), 2);
	say(far, "UNSUBSCRIBE both\r\nPUNSUBSCRIBE\r\n", 2);
	talk(fd, "PUBSUB NUMSUB both\r\nPUBSUB NUMPAT\r\n",
	    "*2\r\n$4\r\nboth\r\n:1\r\n:2\r\n");
}

Test(redis_pubsub_list, forgets_who_has_gone)
{
	int64_t pid = redis_info(far, "server", "kvd_worker_pid");

	say(near, "SUBSCRIBE near\r\n", 1);
	say(far, "SUBSCRIBE far\r\n", 1);
	cr_assert_eq(kill((pid_t)pid, SIGKILL), 0);
	while (redis_info(fd, "stats", "pubsub_channels") != 1)
		;
	talk(fd, "PUBSUB NUMSUB near far\r\n",
	    "*4\r\n$4\r\nnear\r\n:1\r\n$3\r\nfar\r\n:0\r\n");
	close(near);
	while (redis_info(fd, "stats", "pubsub_channels") != 0)
		;
	talk(fd, "PUBSUB CHANNELS\r\n", "*0\r\n");
	near = talk_open(&d);
}

Test(redis_pubsub_list, that_is_malformed_is_refused_as_redis_does)
{
	talk(fd, "PUBSUB\r\nPUBSUB x\r\nPUBSUB NUMPAT x\r\n"
	    "PUBSUB Channels a b\r\nPUBSUB SHARDCHANNELS a b\r\n",
	    "-ERR wrong number of arguments for 'pubsub' command\r\n"
	    "-ERR unknown subcommand 'x'. Try PUBSUB HELP.\r\n"
	    "-ERR wrong number of arguments for 'pubsub|numpat' command\r\n"
	    "-ERR unknown subcommand or wrong number of arguments for "
	    "'Channels'. Try PUBSUB HELP.\r\n"
	    "-ERR unknown subcommand or wrong number of arguments for "
	    "'SHARDCHANNELS'. Try PUBSUB HELP.\r\n");
	talk(fd, "PUBSUB HELP\r\n", "*13\r\n+PUBSUB <subcommand> ");
}

/* What is longer than a pattern may be is a bulk here: a line is shorter. */
Test(redis_pubsub_list, takes_patterns_up_to_a_length)
{
	char *pattern = calloc(1, 8192);

	cr_assert_not_null(pattern);
	memset(pattern, 'x', 5000);
	talk_send(fd, "*3\r\n$6\r\nPUBSUB\r\n$8\r\nCHANNELS\r\n$5000\r\n");
	talk_send(fd, pattern);
	talk(fd, "\r\n", "-ERR no memory, or a pattern that is too long\r\n");
	free(pattern);
}
