/*
 * kv and more than one server: which of them it talks to when one is gone,
 * and what it makes of answers about nodes.
 */

#include <sys/wait.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/watcher.h"

static struct daemon second;
static char first_name[32], second_name[32], both[80];

/* Two servers that know nothing of each other; KV_SERVER has both. */
static void
begin(void)
{
	kv_begin();
	daemon_start(&second);
	snprintf(first_name, sizeof(first_name), "127.0.0.1:%u",
	    kv_daemon.port);
	snprintf(second_name, sizeof(second_name), "127.0.0.1:%u",
	    second.port);
	snprintf(both, sizeof(both), "%s,%s", first_name, second_name);
	setenv("KV_SERVER", both, 1);
}

static void
stop(struct daemon *d)
{
	daemon_kill(d, SIGTERM);
	cr_assert_eq(daemon_wait(d), 0);
}

static void
end(void)
{
	if (kv_daemon.pid > 0)
		stop(&kv_daemon);
	if (second.pid > 0)
		stop(&second);
	daemon_remove(&second);
	daemon_remove(&kv_daemon);
}

TestSuite(kv_servers, .init = begin, .fini = end, .timeout = 120);

Test(kv_servers, the_first_that_answers_is_asked)
{
	quietly(run("-q", "-s", first_name, "create", "one"));
	quietly(run("-q", "-s", second_name, "create", "two"));
	assert_says(run("buckets"), "one\n");
	stop(&kv_daemon);
	assert_says(run("buckets"), "two\n");
	assert_says(run("-s", both, "buckets"), "two\n");
}

Test(kv_servers, all_that_were_tried_are_named)
{
	char list[64];

	stop(&kv_daemon);
	snprintf(list, sizeof(list), "/nonexistent/sock,%s", first_name);
	assert_fails(run("-s", list, "ping"), 69, "",
	    "/nonexistent/sock: No such file or directory; 127.0.0.1:");
	assert_fails(run("-s", list, "ping"), 69, "",
	    ": Connection refused (is kvd running on any of them?)\n");
}

Test(kv_servers, a_list_with_a_gap_or_a_space_is_exit_64)
{
	assert_fails(run("-s", "a,,b", "ping"), 64, "",
	    "server 2 of the list: the name is empty");
	assert_fails(run("-s", "a, b", "ping"), 64, "",
	    "server 2 of the list: there is a space");
	setenv("KV_SERVER", "a,", 1);
	assert_fails(run("ping"), 64, "",
	    "server 2 of the list: the name is empty");
}

static void
say(int in, const char *line, int out, const char *expected)
{
	char buf[64] = "";

	cr_assert_eq(write(in, line, strlen(line)), (ssize_t)strlen(line));
	cr_assert_eq(read(out, buf, sizeof(buf) - 1),
	    (ssize_t)strlen(expected));
	cr_assert_str_eq(buf, expected);
}

Test(kv_servers, the_prompt_goes_on_with_the_next_when_one_is_gone)
{
	char kv[] = "kv", *argv[] = { kv, NULL };
	int in[2], out[2];
	pid_t pid;

	quietly(run("-q", "-s", first_name, "create", "one"));
	quietly(run("-q", "-s", second_name, "create", "two"));
	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	pid = spawn_kv(argv, in[0], out[1], STDERR_FILENO);
	close(in[0]);
	close(out[1]);
	say(in[1], "buckets\n", out[0], "one\n");
	stop(&kv_daemon);
	say(in[1], "buckets\n", out[0], "two\n");
	close(in[1]);
	cr_assert_eq(reap_kv(pid), 0);
	close(out[0]);
}

static struct watcher
watch(const char *first, ...)
{
	struct watcher watcher;
	va_list words;

	va_start(words, first);
	watcher = watcher_start(first, words);
	va_end(words);
	return watcher;
}

static void
await_subscriber(const struct daemon *d)
{
	int fd = talk_open(d);

	talk(fd, "CREATE other\r\n", "OK\r\n");
	while (talk_info(fd, "clients", "subscribers") == 0)
		;
	close(fd);
}

/* Its next line is this word and the rest. */
static void
assert_line(struct watcher *watcher, const char *word, const char *rest)
{
	char line[256];

	snprintf(line, sizeof(line), "%s%s\n", word, rest);
	watcher_says(watcher, line);
}

Test(kv_servers, a_watch_goes_on_with_the_next_and_tells_of_the_gap)
{
	struct watcher watcher;
	char message[160];

	quietly(run("-q", "-s", first_name, "create", "b"));
	quietly(run("-q", "-s", second_name, "create", "b"));
	watcher = watch("watch", "b", NULL);
	await_subscriber(&kv_daemon);
	quietly(run("-q", "-s", first_name, "put", "b", "milk", "1"));
	assert_line(&watcher, "milk SET TO ", "1");
	stop(&kv_daemon);
	snprintf(message, sizeof(message), "kv: %s: the server closed the "
	    "connection (connect again; its log says why)", first_name);
	assert_line(&watcher, message, "");
	assert_line(&watcher, "LOST ", first_name);
	assert_line(&watcher, "RESUMED ", second_name);
	await_subscriber(&second);
	quietly(run("-q", "-s", second_name, "put", "b", "milk", "2"));
	assert_line(&watcher, "milk SET TO ", "2");
	kill(watcher.pid, SIGTERM);
	watcher_ends(&watcher, 0);
}

Test(kv_servers, a_watch_ends_when_no_server_is_left)
{
	const char *only = answer_once("");
	struct watcher watcher;
	char list[64], rest[160];

	snprintf(list, sizeof(list), "/nonexistent/sock,%s", only);
	watcher = watch("-j", "-s", list, "watch", "b", NULL);
	snprintf(rest, sizeof(rest), "%s: the server closed the connection "
	    "(connect again; its log says why)", only);
	assert_line(&watcher, "kv: ", rest);
	snprintf(rest, sizeof(rest), "\"node\":\"%s\"}", only);
	assert_line(&watcher, "{\"op\":\"lost\",", rest);
	snprintf(rest, sizeof(rest), "/nonexistent/sock: No such file or "
	    "directory; %s: Connection refused (is kvd running on any of "
	    "them?)", only);
	assert_line(&watcher, "kv: ", rest);
	watcher_ends(&watcher, 69);
}

/* Each takes the subscription and hangs up: it is not asked for ever. */
Test(kv_servers, a_watch_tries_servers_that_hang_up_once_each)
{
	const char *a = answer_once(""), *b = answer_once("");
	struct watcher watcher;
	char list[64], rest[160];

	snprintf(list, sizeof(list), "%s,%s", a, b);
	watcher = watch("-s", list, "watch", "b", NULL);
	snprintf(rest, sizeof(rest), "%s: the server closed the connection "
	    "(connect again; its log says why)", a);
	assert_line(&watcher, "kv: ", rest);
	assert_line(&watcher, "LOST ", a);
	assert_line(&watcher, "RESUMED ", b);
	snprintf(rest, sizeof(rest), "%s: the server closed the connection "
	    "(connect again; its log says why)", b);
	assert_line(&watcher, "kv: ", rest);
	watcher_ends(&watcher, 2);
}

/* Its first connection lasted no time, its second one long enough. */
Test(kv_servers, a_watch_that_has_lasted_counts_anew)
{
	struct watcher watcher;
	char list[64], rest[160];

	quietly(run("-q", "-s", second_name, "create", "b"));
	snprintf(list, sizeof(list), "%s,%s", answer_once(""), second_name);
	watcher = watch("-s", list, "watch", "b", NULL);
	await_subscriber(&second);
	/* Longer than a connection that counts as short-lived. */
	usleep(1100 * 1000);
	stop(&second);
	cr_assert_not_null(fgets(rest, sizeof(rest), watcher.out));
	cr_assert_not_null(fgets(rest, sizeof(rest), watcher.out));
	assert_line(&watcher, "RESUMED ", second_name);
	snprintf(rest, sizeof(rest), "%s: the server closed the connection "
	    "(connect again; its log says why)", second_name);
	assert_line(&watcher, "kv: ", rest);
	assert_line(&watcher, "LOST ", second_name);
	kill(watcher.pid, SIGKILL);
	(void)reap_kv(watcher.pid);
	fclose(watcher.out);
}

/* What a server says of nodes. */

#define LINK_LINES							      \
	"k SET TO v\r\nLOST bar\r\nLOST DELETED\r\nRESUMED bar\r\nNOT FOUND\r\n"

Test(kv_servers, a_watch_prints_a_link_that_breaks_and_is_mended)
{
	assert_fails(run("-s", answer_once(LINK_LINES), "watch", "b"), 1,
	    "k SET TO v\nLOST bar\nLOST DELETED\nRESUMED bar\n",
	    "b: no such bucket");
	assert_fails(run("-j", "-s", answer_once(LINK_LINES), "watch", "b"),
	    1, "{\"op\":\"set\",\"key\":\"k\",\"value\":\"v\"}\n"
	    "{\"op\":\"lost\",\"node\":\"bar\"}\n"
	    "{\"op\":\"deleted\",\"key\":\"LOST\"}\n"
	    "{\"op\":\"resumed\",\"node\":\"bar\"}\n", "b: no such bucket");
}

Test(kv_servers, a_command_of_a_watch_finds_the_node_in_its_environment)
{
	setenv("KV_WATCH_NODE", "stale", 1);
	setenv("KV_WATCH_KEY", "stale", 1);
	assert_fails(run("-s", answer_once(LINK_LINES), "watch", "b", "--",
	    "sh", "-c", "echo $KV_WATCH_OP ${KV_WATCH_KEY-none} "
	    "${KV_WATCH_VALUE-none} ${KV_WATCH_NODE-none}"), 1,
	    "set k v none\nlost none none bar\ndeleted LOST none none\n"
	    "resumed none none bar\n", "b: no such bucket");
}

static struct result
run_against(const char *reply, const char *command, const char *word)
{
	return run("-s", answer_once(reply), command, "b", word);
}

Test(kv_servers, the_classes_of_failures_have_exit_statuses_of_their_own)
{
	assert_fails(run_against("ERROR unavailable: bar: no link\r\n", "get",
	    "k"), 75, "", ": bar: no link (not executed: try again)\n");
	assert_fails(run_against("ERROR unknown: bar: the link broke\r\n",
	    "delete", "k"), 3, "", ": bar: the link broke (executed or not: "
	    "look before you try again)\n");
	assert_fails(run_against("k\r\nERROR partial: bar: no link\r\n",
	    "keys", NULL), 4, "k\n",
	    ": bar: no link (the list is not complete)\n");
	assert_fails(run_against("ERROR unavailable: bar: no link\r\n",
	    "watch", NULL), 75, "", ": bar: no link (not executed: try");
	assert_fails(run_against("ERROR out of memory\r\n", "delete", "k"), 2,
	    "", ": out of memory\n");
	assert_fails(run_against("", "delete", "k"), 2, "",
	    ": the server closed the connection");
}

static struct result
load_against(const char *reply)
{
	return run_with("a 1\nb 2\n", 8, "-s", answer_once(reply), "load",
	    "b", NULL);
}

Test(kv_servers, a_load_says_whether_its_lines_may_have_been_loaded)
{
	assert_fails(load_against("ERROR unavailable: bar: no link\r\n"), 75,
	    "", "lines 1 to 2, none of them loaded: ");
	assert_fails(load_against("ERROR unknown: bar: the link broke\r\n"),
	    3, "", "lines 1 to 2, all or none of them loaded: ");
	assert_fails(load_against(""), 2, "",
	    ": the server closed the connection");
}
