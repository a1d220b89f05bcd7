/*
 * Redis's commands about the server, byte by byte.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;
static char text[8192];

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

TestSuite(redis_server, .init = begin, .fini = end, .timeout = 60);

Test(redis_server, tells_the_time)
{
	char line[64];
	time_t now = time(NULL);
	int64_t saved = redis_number(fd, "LASTSAVE");

	cr_assert(saved <= now + 1 && saved > now - 60);
	talk(fd, "TIME\r\n", "*2\r\n$10\r\n");
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert(strtoll(line, NULL, 10) >= now);
	cr_assert(talk_line(fd, line, sizeof(line)) && line[0] == '$');
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert(strtoll(line, NULL, 10) < 1000000);
}

Test(redis_server, has_no_replicas_to_wait_for)
{
	talk(fd, "WAIT 0 0\r\nWAIT 1 1\r\nWAIT x 0\r\nWAIT 0 x\r\n"
	    "WAIT 0 -1\r\nROLE\r\n", ":0\r\n:0\r\n"
	    "-ERR value is not an integer or out of range\r\n"
	    "-ERR timeout is not an integer or out of range\r\n"
	    "-ERR timeout is negative\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
}

Test(redis_server, has_no_functions_and_no_scripts)
{
	talk(fd, "FUNCTION FLUSH\r\nFUNCTION FLUSH ASYNC\r\n"
	    "FUNCTION FLUSH x\r\nFUNCTION LIST\r\n", "+OK\r\n+OK\r\n-ERR "
	    "FUNCTION FLUSH only supports SYNC|ASYNC option\r\n*0\r\n");
	talk(fd, "SCRIPT FLUSH\r\nSCRIPT FLUSH sync\r\nSCRIPT FLUSH x\r\n"
	    "SCRIPT EXISTS a b\r\nMODULE LIST\r\n", "+OK\r\n+OK\r\n-ERR "
	    "SCRIPT FLUSH only support SYNC|ASYNC option\r\n"
	    "*2\r\n:0\r\n:0\r\n*0\r\n");
}

Test(redis_server, has_measured_no_latencies)
{
	talk(fd, "LATENCY LATEST\r\nLATENCY HISTORY x\r\nLATENCY RESET\r\n"
	    "LATENCY RESET x y\r\nLATENCY GRAPH x\r\n"
	    "LATENCY HISTOGRAM\r\nLATENCY HISTOGRAM get set\r\n",
	    "*0\r\n*0\r\n:0\r\n:0\r\n"
	    "-ERR No samples available for event 'x'\r\n*0\r\n*0\r\n");
	talk(fd, "LATENCY HELP\r\n", "*15\r\n+LATENCY <subcommand> ");
	talk_expect(fd, "[<arg> [value] [opt] ...]. Subcommands are:\r\n");
	close(fd);
	fd = redis_open(&d);
	redis_text(fd, "LATENCY DOCTOR", text, sizeof(text));
	cr_assert(strstr(text, "does not measure"));
}

Test(redis_server, debug_sleep_is_no_reason_to_be_killed)
{
	int64_t pid = redis_info(fd, "server", "kvd_worker_pid");

	talk(fd, "DEBUG SLEEP 1.6\r\nDEBUG JMAP\r\nDEBUG x\r\n",
	    "+OK\r\n+OK\r\n-ERR syntax error\r\n");
	cr_assert_eq(redis_info(fd, "server", "kvd_worker_pid"), pid);
}

Test(redis_server, knows_what_a_hash_takes)
{
	int64_t few, many;

	talk(fd, "MEMORY USAGE b\r\nOBJECT ENCODING b\r\nOBJECT FREQ b\r\n"
	    "OBJECT IDLETIME b\r\nOBJECT REFCOUNT b\r\n",
	    "$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n");
	talk(fd, "HSET b k v\r\n", ":1\r\n");
	few = redis_number(fd, "MEMORY USAGE b");
	talk(fd, "HSET b k 0123456789\r\n", ":0\r\n");
	many = redis_number(fd, "MEMORY USAGE b SAMPLES 5");
	cr_assert_eq(many, few + 9);
	talk(fd, "OBJECT ENCODING b\r\nOBJECT IDLETIME b\r\n"
	    "OBJECT REFCOUNT b\r\n", "$9\r\nhashtable\r\n:0\r\n:1\r\n");
	talk(fd, "OBJECT FREQ b\r\n", "-ERR An LFU maxmemory policy is not "
	    "selected, access frequency not tracked. Please note that when "
	    "switching between policies at runtime LRU and LFU data will take "
	    "some time to adjust.\r\n");
	talk(fd, "MEMORY USAGE b SAMPLES\r\nMEMORY USAGE b SAMPLES -1\r\n"
	    "MEMORY USAGE b x 1\r\nOBJECT x b\r\nOBJECT ENCODING\r\n",
	    "-ERR syntax error\r\n-ERR syntax error\r\n-ERR syntax error\r\n"
	    "-ERR unknown subcommand 'x'. Try OBJECT HELP.\r\n-ERR wrong "
	    "number of arguments for 'object|encoding' command\r\n");
}

Test(redis_server, explains_what_has_two_names)
{
	talk(fd, "SLOWLOG HELP\r\n", "*9\r\n+SLOWLOG <subcommand> [<arg> "
	    "[value] [opt] ...]. Subcommands are:\r\n+GET [count]\r\n"
	    "+    The last requests that took long, 10 or so many; -1: "
	    "all.\r\n+LEN\r\n+    How many there are.\r\n"
	    "+RESET\r\n+    Forget them.\r\n+HELP\r\n"
	    "+    This list.\r\n");
}

/* --- INFO --- */

Test(redis_server, info_has_the_sections_of_redis)
{
	static const char *const sections[] = {
		"Server", "Clients", "Memory", "Persistence", "Stats",
		"Replication", "CPU", "Modules", "Errorstats", "Cluster",
		"Keyspace"
	};
	const char *at = text;
	char head[32];
	size_t i;

	talk(fd, "HSET b k v\r\nMSET s 1 t 2\r\n", ":1\r\n+OK\r\n");
	redis_text(fd, "INFO", text, sizeof(text));
	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		snprintf(head, sizeof(head), "# %s\r\n", sections[i]);
		at = strstr(at, head);
		cr_assert_not_null(at, "%s", sections[i]);
	}
	cr_assert(strstr(text, "\r\nredis_version:7.0.15\r\n"));
	cr_assert(strstr(text, "\r\nkvd_version:"));
	cr_assert(strstr(text, "\r\nloading:0\r\n"));
	cr_assert(strstr(text, "\r\ndb0:keys=3,"));
}

Test(redis_server, info_has_what_is_asked_for_alone)
{
	talk(fd, "INFO nonsense\r\n", "$0\r\n\r\n");
	talk(fd, "INFO cluster KEYSPACE\r\n", "$44\r\n# Cluster\r\n"
	    "cluster_enabled:0\r\n\r\n# Keyspace\r\n\r\n");
	redis_text(fd, "INFO everything", text, sizeof(text));
	cr_assert(strstr(text, "# Server\r\n") && strstr(text, "# CPU\r\n"));
}

Test(redis_server, info_is_for_people_in_resp3)
{
	char line[64];

	talk_send(fd, "HELLO 3\r\n");
	do
		cr_assert(talk_line(fd, line, sizeof(line)));
	while (strcmp(line, "*0") != 0);
	talk(fd, "INFO cluster\r\n", "=34\r\ntxt:# Cluster\r\n"
	    "cluster_enabled:0\r\n\r\n");
}

Test(redis_server, info_counts_what_happens)
{
	int64_t requests, errors;

	cr_assert_eq(redis_info(fd, "clients", "connected_clients"), 1);
	cr_assert_eq(redis_info(fd, "memory", "maxmemory"), 64 << 20);
	cr_assert_gt(redis_info(fd, "memory", "used_memory_rss"), 0);
	cr_assert_eq(redis_info(fd, "server", "process_id"), d.pid);
	cr_assert_eq(redis_info(fd, "server", "tcp_port"), d.port);
	requests = redis_info(fd, "stats", "total_commands_processed");
	errors = redis_info(fd, "stats", "total_error_replies");
	talk(fd, "nonsense\r\n", "-ERR unknown command 'nonsense', with args "
	    "beginning with: \r\n");
	while (redis_info(fd, "stats", "total_commands_processed") <=
	    requests + 2)
		;
	while (redis_info(fd, "stats", "total_error_replies") != errors + 1)
		;
	while (redis_info(fd, "stats", "instantaneous_ops_per_sec") == 0)
		;
}
