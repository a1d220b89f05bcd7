/*
 * CONFIG of Redis: what is set, and what cannot be.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define FAILED(name)	"-ERR CONFIG SET failed (possibly related to argument "\
    "'" name "') - "

static struct daemon d;
static int fd;

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

TestSuite(redis_config, .init = begin, .fini = end, .timeout = 60);

Test(redis_config, tells_what_tools_ask_for)
{
	talk(fd, "CONFIG GET save\r\nCONFIG GET APPENDONLY\r\n"
	    "CONFIG GET nosuch\r\n", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n"
	    "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n*0\r\n");
	talk(fd, "CONFIG GET maxmemory databases hash-max-l*es\r\n", "*6\r\n"
	    "$9\r\nmaxmemory\r\n$8\r\n67108864\r\n$9\r\ndatabases\r\n"
	    "$1\r\n1\r\n$25\r\nhash-max-listpack-entries\r\n$3\r\n512\r\n");
}

Test(redis_config, tells_of_the_settings_of_kvd_but_the_secret)
{
	talk(fd, "CONFIG GET limits.idle log.level workers cookie\r\n",
	    "*6\r\n$7\r\nworkers\r\n$1\r\n2\r\n$9\r\nlog.level\r\n"
	    "$4\r\ninfo\r\n$11\r\nlimits.idle\r\n$3\r\n10m\r\n");
}

Test(redis_config, says_nothing_of_the_secret_to_who_guesses_it)
{
	talk(fd, "CONFIG SET cookie guess\r\n", "-ERR Unknown option or number "
	    "of arguments for CONFIG SET - 'cookie'\r\n");
}

Test(redis_config, keeps_what_means_nothing_to_it)
{
	talk(fd, "CONFIG SET hash-max-listpack-entries 5 "
	    "notify-keyspace-events KEA\r\n", "+OK\r\n");
	talk(fd, "CONFIG GET hash-max-listpack-entries\r\n",
	    "*2\r\n$25\r\nhash-max-listpack-entries\r\n$1\r\n5\r\n");
	talk(fd, "CONFIG GET notify-keyspace-events\r\n",
	    "*2\r\n$22\r\nnotify-keyspace-events\r\n$3\r\nAEK\r\n");
}

Test(redis_config, takes_as_it_is_what_cannot_be_otherwise)
{
	talk(fd, "CONFIG SET save \"\" appendonly no maxmemory 67108864 "
	    "workers 2\r\n", "+OK\r\n");
	talk(fd, "CONFIG SET appendonly yes\r\nCONFIG SET save \"60 1\"\r\n"
	    "CONFIG SET workers 3\r\n",
	    FAILED("appendonly") "can't set immutable config\r\n"
	    FAILED("save") "can't set immutable config\r\n"
	    FAILED("workers") "can't set immutable config, see "
	    "kvd.conf(5)\r\n");
}

Test(redis_config, sets_all_or_nothing)
{
	talk(fd, "CONFIG SET hz 7 limits.idle never\r\n", FAILED("limits.idle")
	    "\"never\" is not a time; write a number with ms, s, m or h\r\n");
	talk(fd, "CONFIG SET hz 7 nosuch 1\r\n", "-ERR Unknown option or "
	    "number of arguments for CONFIG SET - 'nosuch'\r\n");
	talk(fd, "CONFIG SET hz 7 timeout x\r\nCONFIG SET hz 7 hz 8\r\n"
	    "CONFIG SET hz x\r\nCONFIG SET hz\r\n",
	    FAILED("timeout") "argument couldn't be parsed into an integer\r\n"
	    FAILED("hz") "duplicate parameter\r\n"
	    FAILED("hz") "argument couldn't be parsed into an integer\r\n"
	    "-ERR wrong number of arguments for 'config|set' command\r\n");
	talk(fd, "CONFIG SET hz 7 notify-keyspace-events q\r\n",
	    FAILED("notify-keyspace-events") "Invalid event class character. "
	    "Use 'Ag$lshzxeKEtmdn'.\r\n");
	talk(fd, "CONFIG GET hz\r\n", "*2\r\n$2\r\nhz\r\n$2\r\n10\r\n");
}

Test(redis_config, sets_a_live_setting_in_all_workers)
{
	int idle[2], i;

	idle[0] = talk_open_worker(&d, 0);
	idle[1] = talk_open_worker(&d, 1);
	talk(fd, "CONFIG SET limits.idle 300ms\r\nCONFIG GET limits.idle\r\n"
	    "CONFIG GET timeout\r\n", "+OK\r\n"
	    "*2\r\n$11\r\nlimits.idle\r\n$5\r\n300ms\r\n"
	    "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");
	for (i = 0; i < 2; i++) {
		talk_expect_end(idle[i]);
		close(idle[i]);
	}
}

Test(redis_config, knows_settings_of_kvd_by_the_names_of_redis)
{
	talk(fd, "CONFIG SET timeout 120 maxclients 77\r\n"
	    "CONFIG GET limits.idle limits.clients\r\n", "+OK\r\n"
	    "*4\r\n$14\r\nlimits.clients\r\n$2\r\n77\r\n"
	    "$11\r\nlimits.idle\r\n$2\r\n2m\r\n");
}

Test(redis_config, forgets_what_was_set_with_a_reload)
{
	int after;

	talk(fd, "CONFIG SET limits.idle 5m hz 7\r\n", "+OK\r\n");
	daemon_configure(&d, "memory 64M\nworkers 2\nlimits { clients 99 }\n");
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "configuration reloaded", 1);
	after = redis_open(&d);
	talk(after, "CONFIG GET limits.idle hz\r\n", "*4\r\n"
	    "$11\r\nlimits.idle\r\n$3\r\n10m\r\n$2\r\nhz\r\n$2\r\n10\r\n");
	close(after);
}

Test(redis_config, counts_from_zero_again)
{
	int64_t requests;

	while ((requests = redis_info(fd, "stats",
	    "total_commands_processed")) < 20)
		;
	talk(fd, "CONFIG RESETSTAT\r\n", "+OK\r\n");
	cr_assert_lt(redis_info(fd, "stats", "total_commands_processed"),
	    requests);
	talk(fd, "CONFIG RESETSTAT x\r\n", "-ERR wrong "
	    "number of arguments for 'config|resetstat' command\r\n");
}
