/*
 * The kv command against a real kvd: what each command and option prints,
 * and how it exits.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/kv_run.h"

TestSuite(kv, .init = kv_begin, .fini = kv_end, .timeout = 120);

/* Commands that are one call. */

Test(kv, the_session_of_the_manual_holds)
{
	assert_says(run("create", "shopping"), "OK\n");
	assert_says(run("put", "shopping", "milk", "1"), "OK\n");
	assert_says(run("get", "shopping", "milk"), "1\n");
	assert_says(run("put", "shopping", "bread", "two loaves"), "OK\n");
	assert_says(run("get", "shopping", "bread"), "two loaves\n");
	assert_says(run("count", "shopping"), "2\n");
	assert_says(run("delete", "shopping", "milk"), "OK\n");
	assert_says(run("delete", "shopping", "milk"), "OK\n");
	assert_says(run("keys", "shopping"), "bread\n");
	assert_says(run("buckets"), "shopping\n");
	assert_says(run("ping"), "PONG\n");
	assert_says(run("drop", "shopping"), "OK\n");
	assert_says(run("buckets"), "");
}

Test(kv, a_missing_key_is_silence_and_exit_1)
{
	quietly(run("-q", "create", "b"));
	assert_fails(run("get", "b", "nothing"), 1, "", "");
	assert_fails(run("-j", "get", "b", "nothing"), 1, "", "");
	assert_fails(run("mget", "b", "nothing"), 1, "\n", "");
}

Test(kv, a_missing_bucket_is_named_with_exit_1)
{
	static const char text[] = "nowhere: no such bucket (create it first)";

	assert_fails(run("get", "nowhere", "k"), 1, "", text);
	assert_fails(run("put", "nowhere", "k", "v"), 1, "", text);
	assert_fails(run("delete", "nowhere", "k"), 1, "", text);
	assert_fails(run("mget", "nowhere", "k"), 1, "", text);
	assert_fails(run("mput", "nowhere", "k", "v"), 1, "", text);
	assert_fails(run("keys", "nowhere"), 1, "", text);
	assert_fails(run("count", "nowhere"), 1, "", text);
	assert_fails(run("drop", "nowhere"), 1, "", text);
	assert_fails(run("dump", "nowhere"), 1, "", text);
	assert_fails(run("watch", "nowhere"), 1, "", text);
	assert_fails(run_with("a 1\n", 4, "load", "nowhere", NULL), 1, "",
	    "nowhere: no such bucket");
}

Test(kv, several_keys_are_set_and_read_at_once)
{
	quietly(run("-q", "create", "b"));
	assert_says(run("mput", "b", "x", "1", "y", "2 2"), "OK\n");
	assert_says(run("mget", "b", "y", "x"), "2 2\n1\n");
	assert_fails(run("mget", "b", "y", "no", "x"), 1, "2 2\n\n1\n", "");
	assert_fails(run("mput", "b", "x", "1", "y"), 64, "",
	    "the last key has no value");
}

Test(kv, put_without_a_value_takes_all_bytes_of_standard_input)
{
	char bytes[256 * 40];
	struct result result;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	quietly(run("-q", "create", "b"));
	quietly(run_with(bytes, sizeof(bytes), "-q", "put", "b", "k", NULL));
	result = run("get", "b", "k");
	cr_assert_eq(result.out_len, sizeof(bytes) + 1);
	cr_assert_eq(memcmp(result.out, bytes, sizeof(bytes)), 0);
	free(result.out);
	quietly(run("-q", "put", "b", "empty"));
	assert_says(run("get", "b", "empty"), "\n");
}

Test(kv, words_that_begin_with_a_hyphen_are_words_behind_the_command)
{
	quietly(run("-q", "create", "b"));
	assert_says(run("put", "b", "-j", "--json"), "OK\n");
	assert_says(run("get", "b", "-j"), "--json\n");
}

Test(kv, commands_are_found_in_any_case)
{
	assert_says(run("CREATE", "b"), "OK\n");
	assert_says(run("Put", "b", "k", "v"), "OK\n");
	assert_says(run("GET", "b", "k"), "v\n");
}

Test(kv, info_gives_facts_as_the_server_words_them)
{
	struct result result = run("info", "buckets");

	cr_assert_eq(result.status, 0);
	cr_assert_not_null(strstr(result.out, "value_max:1048576\n"));
	free(result.out);
	result = run("--json", "info", "buckets");
	cr_assert_not_null(strstr(result.out,
	    "{\"name\":\"value_max\",\"value\":\"1048576\"}\n"));
	free(result.out);
	assert_fails(run("info", "weather"), 2, "", "no such section");
}

/* Options. */

Test(kv, json_is_an_object_a_line)
{
	assert_says(run("-j", "create", "b"), "{\"ok\":true}\n");
	quietly(run("-q", "mput", "b", "k", "\xc3\xbc \"q\" \\ \t\n", "raw",
	    "\xff\x01"));
	assert_says(run("--json", "get", "b", "k"),
	    "{\"key\":\"k\","
	    "\"value\":\"\xc3\xbc \\\"q\\\" \\\\ \\u0009\\n\"}\n");
	assert_says(run("-j", "get", "b", "raw"),
	    "{\"key\":\"raw\",\"value\":{\"b64\":\"/wE=\"}}\n");
	assert_fails(run("-j", "mget", "b", "raw", "no"), 1,
	    "{\"key\":\"raw\",\"value\":{\"b64\":\"/wE=\"}}\n"
	    "{\"key\":\"no\",\"value\":null}\n", "");
	assert_says(run("-j", "count", "b"),
	    "{\"bucket\":\"b\",\"count\":2}\n");
	assert_says(run("-j", "buckets"), "{\"bucket\":\"b\"}\n");
	assert_says(run("-j", "ping"), "{\"ok\":true}\n");
	quietly(run("-q", "delete", "b", "k"));
	assert_says(run("-j", "keys", "b"), "{\"key\":\"raw\"}\n");
	assert_says(run("-j", "dump", "b"),
	    "{\"key\":\"raw\",\"value\":{\"b64\":\"/wE=\"}}\n");
}

/* One, two and three bytes in the last group; none at all is UTF-8. */
Test(kv, base64_pads_what_is_left)
{
	quietly(run("-q", "create", "b"));
	quietly(run("-q", "mput", "b", "1", "\xff", "2", "\xff\xfe", "3",
	    "\xff\xfe\xfd", "overlong", "\xc0\x80", "surrogate",
	    "\xed\xa0\x80"));
	assert_says(run("-j", "mget", "b", "1", "2", "3", "overlong",
	    "surrogate"),
	    "{\"key\":\"1\",\"value\":{\"b64\":\"/w==\"}}\n"
	    "{\"key\":\"2\",\"value\":{\"b64\":\"//4=\"}}\n"
	    "{\"key\":\"3\",\"value\":{\"b64\":\"//79\"}}\n"
	    "{\"key\":\"overlong\",\"value\":{\"b64\":\"wIA=\"}}\n"
	    "{\"key\":\"surrogate\",\"value\":{\"b64\":\"7aCA\"}}\n");
}

Test(kv, null_ends_records_with_a_nul)
{
	struct result result;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "put", "b", "two\nlines", "v"));
	result = run("-0", "keys", "b");
	cr_assert_eq(result.out_len, 10);
	cr_assert_eq(memcmp(result.out, "two\nlines\0", 10), 0);
	free(result.out);
	result = run("--null", "get", "b", "two\nlines");
	cr_assert_eq(result.out_len, 2);
	cr_assert_eq(memcmp(result.out, "v\0", 2), 0);
	free(result.out);
}

Test(kv, quiet_says_nothing_of_what_went_well)
{
	quietly(run("-q", "create", "b"));
	quietly(run("--quiet", "put", "b", "k", "v"));
	quietly(run("-q", "ping"));
	assert_says(run("-q", "get", "b", "k"), "v\n");
}

Test(kv, the_server_is_named_by_the_option_or_the_environment)
{
	char server[32];

	snprintf(server, sizeof(server), "127.0.0.1:%u", kv_daemon.port);
	setenv("KV_SERVER", "127.0.0.1:1", 1);
	assert_says(run("-s", server, "ping"), "PONG\n");
	assert_says(run("--server", server, "ping"), "PONG\n");
	snprintf(server, sizeof(server), "--server=:%u", kv_daemon.port);
	assert_says(run(server, "ping"), "PONG\n");
	assert_fails(run("ping"), 69, "", "127.0.0.1:1: Connection refused");
}

Test(kv, memory_on_this_machine_is_read_without_a_server)
{
	const char *name = kv_daemon.name;
	char server[32];

	snprintf(server, sizeof(server), "127.0.0.1:%u", kv_daemon.port);
	quietly(run("-q", "create", "b"));
	quietly(run("-q", "mput", "b", "k", "v", "l", "w"));
	setenv("KV_SERVER", "127.0.0.1:1", 1);
	assert_says(run("-L", name, "get", "b", "k"), "v\n");
	assert_says(run("--local", name, "-j", "get", "b", "k"),
	    "{\"key\":\"k\",\"value\":\"v\"}\n");
	assert_says(run("-L", name, "mget", "b", "l", "k"), "w\nv\n");
	assert_says(run("-L", name, "count", "b"), "2\n");
	assert_says(run("-L", name, "buckets"), "b\n");
	quietly(run("-q", "-s", server, "delete", "b", "l"));
	assert_says(run("-L", name, "keys", "b"), "k\n");
	assert_fails(run("-L", name, "get", "b", "none"), 1, "", "");
	assert_fails(run("-L", name, "get", "none", "k"), 1, "",
	    "kv: no such bucket (create it first)");
	assert_fails(run("-L", name, "put", "b", "k", "v"), 64, "",
	    "put: not without a server (leave out --local)");
	assert_fails(run("-L", name, "watch", "b"), 64, "",
	    "watch: not without a server");
	assert_fails(run("-L", "nobody.here", "get", "b", "k"), 69, "",
	    "/dev/shm/kvd.nobody.here: not there (is kvd running");
	assert_fails(run("-L", "a/b", "get", "b", "k"), 64, "",
	    "not the name of an instance");
}

Test(kv, wrong_usage_is_exit_64_with_the_right_one)
{
	struct result result = run("-x");

	cr_assert_eq(result.status, 64);
	cr_assert_not_null(strstr(result.err, "usage: kv [-qj0]"));
	free(result.out);
	assert_fails(run("frobnicate"), 64, "",
	    "frobnicate: no such command (kv help lists them)");
	assert_fails(run("get", "b"), 64, "", "(usage: get bucket key)");
	assert_fails(run("get", "b", "k", "v"), 64, "", "usage: get");
	assert_fails(run("buckets", "b"), 64, "", "usage: buckets)");
	assert_fails(run("watch", "b", "true"), 64, "", "two hyphens");
	assert_fails(run("watch", "b", "--"), 64, "", "two hyphens");
	assert_fails(run("help", "frobnicate"), 64, "", "no such command");
	assert_fails(run("completion", "csh"), 64, "", "there is one for");
	assert_fails(run("-s", "a:b:c", "ping"), 64, "", "[address]:port");
}

Test(kv, help_needs_no_server_and_names_every_command)
{
	static const char *const names[] = {
		"create", "put", "get", "delete", "mget", "mput", "keys",
		"buckets", "count", "drop", "watch", "load", "dump", "ping",
		"info", "tree", "nodes", "where", "audit", "help", "completion"
	};
	struct result result;
	size_t i;
	char text[32];

	setenv("KV_SERVER", "127.0.0.1:1", 1);
	result = run("help");
	cr_assert_eq(result.status, 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "  %s ", names[i]);
		cr_assert_not_null(strstr(result.out, text), "%s", names[i]);
	}
	free(result.out);
	result = run("--help");
	cr_assert_not_null(strstr(result.out, "-s, --server server"));
	free(result.out);
	assert_says(run("-j", "help", "ping"), "{\"command\":\"ping\","
	    "\"args\":\"\",\"help\":"
	    "\"ask whether the server answers\"}\n");
	result = run("--version");
	cr_assert_eq(strncmp(result.out, "kv ", 3), 0);
	free(result.out);
}

Test(kv, a_full_output_is_an_error)
{
	char kv[] = "kv", help[] = "help", *argv[] = { kv, help, NULL };
	int full = open("/dev/full", O_RDWR), null = open("/dev/null", O_RDWR);

	cr_assert_eq(reap_kv(spawn_kv(argv, null, full, null)), 74);
	close(full);
	close(null);
}

/* The shell's completion. */

static void
assert_completes(const char *line, const char *expected)
{
	static const char script[] =
	    "kv() { \"$KV_BIN\" \"$@\"; }; export -f kv\n"
	    "eval \"$(kv completion bash)\"\n"
	    "timeout() { shift; \"$@\"; }\n"
	    "COMP_LINE=$1 COMP_POINT=${#1}; _kv; echo \"${COMPREPLY[*]}\"\n";
	char out[1024] = "";
	int ends[2];
	ssize_t n;
	size_t len = 0;
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execlp("bash", "bash", "-c", script, "bash", line, NULL);
		_exit(126);
	}
	close(ends[1]);
	while ((n = read(ends[0], out + len, sizeof(out) - 1 - len)) > 0)
		len += (size_t)n;
	close(ends[0]);
	cr_assert_eq(reap_kv(pid), 0);
	cr_assert_str_eq(out, expected, "%s", line);
}

Test(kv, the_shell_completes_commands_options_and_buckets)
{
	quietly(run("-q", "create", "shopping"));
	quietly(run("-q", "create", "shop:two"));
	quietly(run("-q", "create", "$(date)"));
	assert_completes("kv mg", "mget\n");
	assert_completes("kv --s", "--server\n");
	assert_completes("kv help cou", "count\n");
	assert_completes("kv -q get shopp", "shopping\n");
	assert_completes("kv get shop:t", "two\n");
	assert_completes("kv get $", "\\$\\(date\\)\n");
	assert_completes("kv -s 127.0.0.1:4040 du", "dump\n");
	assert_completes("kv completion ", "bash\n");
	assert_completes("kv buckets sho", "\n");
}

/* The supervision tree. */

Test(kv, nodes_and_where_tell_of_the_one_that_there_is)
{
	char expected[256];
	struct result result;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "mput", "b", "k", "v", "l", "w"));
	result = run("nodes");
	cr_assert_eq(result.status, 0, "%s", result.err);
	snprintf(expected, sizeof(expected), "\n%s  127.0.0.1:",
	    kv_daemon.name);
	cr_assert_not_null(strstr(result.out, expected), "%s", result.out);
	cr_assert_not_null(strstr(result.out,
	    "        1          2       0 "), "%s", result.out);
	free(result.out);
	result = run("where", "nowhere");
	cr_assert_eq(result.status, 0, "%s", result.err);
	cr_assert_not_null(strstr(result.out, "  the only node\n"));
	free(result.out);
}

/* Run kv tree until it says this; with -j if json. */
static void
await_tree(bool json, const char *text)
{
	struct result result;
	bool found;

	do {
		result = json ? run("-j", "tree") : run("tree");
		found = strstr(result.out, text) != NULL;
		free(result.out);
		usleep(5000);
	} while (!found);
}

Test(kv, tree_shows_every_process_and_how_the_one_before_ended)
{
	struct result result = run("tree");
	char *line;
	pid_t pid;

	cr_assert_eq(result.status, 0);
	cr_assert_not_null(strstr(result.out, "\nmaster "));
	cr_assert_not_null(strstr(result.out, "\n`- cleaner "));
	cr_assert_not_null(line = strstr(result.out, "\n|- worker 0 "));
	cr_assert_eq(sscanf(line, "\n|- worker 0 %d serving ", &pid), 1);
	free(result.out);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	await_tree(false, "signal 9, Killed, ");
	await_tree(false, "s ago");
	await_tree(true, ",\"last_age\":");
	await_tree(true, ",\"last\":\"signal 9, Killed\"}");
	await_tree(true, "{\"role\":\"worker\",\"instance\":0,\"pid\":");
}
