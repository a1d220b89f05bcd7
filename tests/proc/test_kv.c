/*
 * The kv command against a real kvd: what it prints, how it exits, and that
 * no byte is lost on the way in and out.
 */

#include <sys/wait.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/talk.h"

#define ARGS_MAX	24
#define PATIENCE_MS	20000

static struct daemon d;
static char kv_name[] = "kv";

static void
begin(void)
{
	char server[32];

	daemon_start(&d);
	snprintf(server, sizeof(server), "127.0.0.1:%u", d.port);
	setenv("KV_SERVER", server, 1);
	setenv("HOME", d.dir, 1);
	unsetenv("XDG_STATE_HOME");
	unsetenv("NO_COLOR");
}

static void
end(void)
{
	daemon_stop(&d);
}

TestSuite(kv, .init = begin, .fini = end, .timeout = 120);

static const char *
kv_bin(void)
{
	const char *path = getenv("KV_BIN");

	cr_assert_not_null(path, "KV_BIN does not name the kv to test");
	return path;
}

/* What one run of kv left behind; out and err end with a NUL. */
struct result {
	int	 status;
	char	*out;
	size_t	 out_len;
	char	 err[2048];
};

static char *
slurp(FILE *f, size_t *len)
{
	long size;
	char *bytes;

	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	bytes = malloc((size_t)size + 1);
	cr_assert_not_null(bytes);
	*len = fread(bytes, 1, (size_t)size, f);
	bytes[*len] = '\0';
	fclose(f);
	return bytes;
}

static int
reap_kv(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    1000 + WTERMSIG(status);
}

static pid_t
spawn_kv(char *const *argv, int in, int out, int err)
{
	pid_t pid = fork();

	cr_assert_neq(pid, -1);
	if (pid != 0)
		return pid;
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execv(kv_bin(), argv);
	_exit(126);
}

static void
collect(char **argv, const char *first, va_list ap)
{
	int n = 0;

	argv[n++] = kv_name;
	argv[n++] = (char *)(uintptr_t)first;
	if (first == NULL)
		return;
	while (n < ARGS_MAX && (argv[n] = va_arg(ap, char *)) != NULL)
		n++;
	cr_assert_lt(n, ARGS_MAX);
}

/* Run kv with the words up to NULL, and these bytes as standard input. */
static struct result
run_with(const void *input, size_t len, const char *first, ...)
{
	FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
	struct result result;
	char *argv[ARGS_MAX], *text;
	size_t err_len;
	va_list ap;

	va_start(ap, first);
	collect(argv, first, ap);
	va_end(ap);
	fwrite(input, 1, len, in);
	fflush(in);
	lseek(fileno(in), 0, SEEK_SET);
	result.status = reap_kv(spawn_kv(argv, fileno(in), fileno(out),
	    fileno(err)));
	fclose(in);
	result.out = slurp(out, &result.out_len);
	text = slurp(err, &err_len);
	snprintf(result.err, sizeof(result.err), "%s", text);
	free(text);
	return result;
}

#define run(...)	run_with("", 0, __VA_ARGS__, NULL)

/* What it prints is exactly this, and nothing on standard error. */
static void
assert_says(struct result result, const char *out)
{
	cr_assert_str_eq(result.err, "");
	cr_assert_str_eq(result.out, out);
	cr_assert_eq(result.status, 0);
	free(result.out);
}

static void
assert_fails(struct result result, int status, const char *out,
    const char *err)
{
	cr_assert_eq(result.status, status, "%d: %s", result.status,
	    result.err);
	cr_assert_str_eq(result.out, out);
	cr_assert_not_null(strstr(result.err, err), "%s", result.err);
	if (*err == '\0')
		cr_assert_str_eq(result.err, "");
	else
		cr_assert_eq(strncmp(result.err, "kv: ", 4), 0);
	free(result.out);
}

static void
quietly(struct result result)
{
	assert_says(result, "");
}

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

	snprintf(server, sizeof(server), "127.0.0.1:%u", d.port);
	setenv("KV_SERVER", "127.0.0.1:1", 1);
	assert_says(run("-s", server, "ping"), "PONG\n");
	assert_says(run("--server", server, "ping"), "PONG\n");
	snprintf(server, sizeof(server), "--server=:%u", d.port);
	assert_says(run(server, "ping"), "PONG\n");
	assert_fails(run("ping"), 69, "", "127.0.0.1:1: Connection refused");
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
		"info", "help", "completion"
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
	char help[] = "help", *argv[] = { kv_name, help, NULL };
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

/* Load and dump. */

static void
assert_same_dump(const char *a, const char *b)
{
	struct result first = run("dump", a), second = run("dump", b);

	cr_assert_eq(first.status, 0);
	cr_assert_gt(first.out_len, 0);
	/* The order of the keys is that of their hashes, in both. */
	cr_assert_eq(first.out_len, second.out_len);
	free(first.out);
	free(second.out);
}

/* 256 keys of one byte, each with a value of its own byte and others. */
Test(kv, dump_and_load_round_trip_every_byte)
{
	char key[2] = "", value[8];
	struct result dump, get;
	int byte;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "create", "copy"));
	for (byte = 1; byte < 256; byte++) {
		key[0] = (char)byte;
		snprintf(value, sizeof(value), "<%c>\n", byte);
		quietly(run("-q", "put", "b", key, value));
	}
	quietly(run_with("\0\0a\n", 4, "-q", "put", "b", "nul", NULL));
	quietly(run("-q", "mput", "b", "", "empty key", "empty value", "",
	    "OK", "OK", "\"OK\"", "\"OK\""));
	assert_says(run("count", "b"), "260\n");
	dump = run("dump", "b");
	cr_assert_eq(dump.status, 0);
	quietly(run_with(dump.out, dump.out_len, "load", "copy", NULL));
	assert_says(run("count", "copy"), "260\n");
	free(dump.out);
	assert_same_dump("b", "copy");
	for (byte = 1; byte < 256; byte++) {
		key[0] = (char)byte;
		get = run("get", "copy", key);
		snprintf(value, sizeof(value), "<%c>\n\n", byte);
		cr_assert_str_eq(get.out, value, "byte %d", byte);
		free(get.out);
	}
	get = run("get", "copy", "nul");
	cr_assert_eq(get.out_len, 5);
	cr_assert_eq(memcmp(get.out, "\0\0a\n\n", 5), 0);
	free(get.out);
	assert_says(run("get", "copy", ""), "empty key\n");
	assert_says(run("get", "copy", "empty value"), "\n");
	assert_says(run("get", "copy", "OK"), "OK\n");
	assert_says(run("get", "copy", "\"OK\""), "\"OK\"\n");
}

Test(kv, dump_and_load_with_nul_as_the_end)
{
	struct result dump;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "create", "copy"));
	quietly(run("-q", "mput", "b", "a", "1", "b", "x\ny"));
	dump = run("-0", "dump", "b");
	cr_assert_null(memchr(dump.out, '\n', dump.out_len));
	quietly(run_with(dump.out, dump.out_len, "-0", "load", "copy", NULL));
	free(dump.out);
	assert_says(run("get", "copy", "b"), "x\ny\n");
	assert_says(run("count", "copy"), "2\n");
}

Test(kv, load_takes_lines_as_people_write_them)
{
	static const char lines[] =
	    "milk 1\n"
	    "bread two loaves\n"
	    "\n"
	    "  tea\t \tgreen  and black \r\n"
	    "say hello \"world\"\n"
	    "\"two words\" \"a\\tb\"  \n"
	    "empty \"\"\n"
	    "last line";

	quietly(run("-q", "create", "b"));
	quietly(run_with(lines, strlen(lines), "load", "b", NULL));
	assert_says(run("count", "b"), "7\n");
	assert_says(run("mget", "b", "milk", "bread", "tea", "say",
	    "two words", "empty", "last"),
	    "1\ntwo loaves\ngreen  and black \nhello \"world\"\na\tb\n\n"
	    "line\n");
}

Test(kv, a_line_that_cannot_be_read_is_named_and_those_before_it_loaded)
{
	static const char *const bad[] = {
		"a 1\n\nb\nc 3\n", "a 1\n\n\"b 2\nc 3\n",
		"a 1\n\nb \"2\" 3\nc 3\n", "a 1\n\nb \"\\q\"\nc 3\n",
		"a 1\n\nb \nc 3\n"
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		quietly(run("-q", "create", "b"));
		assert_fails(run_with(bad[i], strlen(bad[i]), "load", "b",
		    NULL), 65, "", "line 3: ");
		assert_says(run("keys", "b"), "a\n");
		quietly(run("-q", "drop", "b"));
	}
}

Test(kv, a_line_that_is_refused_is_named_with_the_limit)
{
	size_t len = 140000;
	char *lines = malloc(len + 16);

	cr_assert_not_null(lines);
	memset(lines, 'k', len + 16);
	memcpy(lines, "a 1\n", 4);
	memcpy(lines + len, " 2\n", 4);
	quietly(run("-q", "create", "b"));
	assert_fails(run_with(lines, len + 3, "load", "b", NULL), 2, "",
	    "line 2: ");
	assert_fails(run_with(lines, len + 3, "load", "b", NULL), 2, "",
	    "key is longer than 131072 bytes (keys loaded: 1)");
	assert_says(run("keys", "b"), "a\n");
	free(lines);
}

Test(kv, many_keys_are_loaded_counted_and_dumped)
{
	enum { KEYS = 50000 };
	char *lines = malloc(KEYS * 32);
	struct result dump;
	size_t len = 0, found = 0;
	char *line;
	int i;

	cr_assert_not_null(lines);
	for (i = 1; i <= KEYS; i++)
		len += (size_t)sprintf(lines + len, "k%d %d\n", i, i);
	quietly(run("-q", "create", "b"));
	quietly(run_with(lines, len, "load", "b", NULL));
	assert_says(run("count", "b"), "50000\n");
	assert_says(run("get", "b", "k12345"), "12345\n");
	dump = run("dump", "b");
	cr_assert_eq(dump.status, 0);
	cr_assert_eq(dump.out_len, len);
	line = strtok(dump.out, "\n");
	for (; line != NULL; line = strtok(NULL, "\n"))
		found += *line == 'k' &&
		    atoi(line + 1) == atoi(strchr(line, ' ') + 1);
	cr_assert_eq(found, KEYS);
	free(dump.out);
	free(lines);
}

/* A value of 1 MiB of bytes that are all escaped is 4 MiB of a line. */
Test(kv, the_largest_value_passes_in_its_longest_form)
{
	size_t len = 1 << 20;
	char *value = malloc(len);
	struct result dump, get;

	cr_assert_not_null(value);
	memset(value, 1, len);
	quietly(run("-q", "create", "b"));
	quietly(run("-q", "create", "copy"));
	quietly(run_with(value, len, "-q", "put", "b", "big", NULL));
	dump = run("dump", "b");
	cr_assert_eq(dump.out_len, 4 * len + 7);
	quietly(run_with(dump.out, dump.out_len, "load", "copy", NULL));
	get = run("get", "copy", "big");
	cr_assert_eq(get.out_len, len + 1);
	cr_assert_eq(memcmp(get.out, value, len), 0);
	free(get.out);
	free(dump.out);
	free(value);
}

Test(kv, a_dump_leaves_out_what_vanishes_meanwhile)
{
	enum { KEYS = 20000 };
	struct result dump;
	char line[64];
	int fd = talk_open(&d), i;
	size_t n = 0;
	char *at;
	pid_t pid;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	for (i = 0; i < KEYS; i++) {
		snprintf(line, sizeof(line), "PUT b k%d v%d\r\n", i, i);
		talk(fd, line, "OK\r\n");
	}
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < KEYS; i += 2) {
			snprintf(line, sizeof(line), "DELETE b k%d\r\n", i);
			talk(fd, line, "OK\r\n");
		}
		_exit(0);
	}
	dump = run("dump", "b");
	cr_assert_eq(dump.status, 0, "%s", dump.err);
	cr_assert_eq(reap_kv(pid), 0);
	/* Each odd key is there, and whatever is there has its value. */
	for (at = strtok(dump.out, "\n"); at != NULL;
	    at = strtok(NULL, "\n")) {
		i = atoi(at + 1);
		snprintf(line, sizeof(line), "k%d v%d", i, i);
		cr_assert_str_eq(at, line);
		n += i % 2 == 1;
	}
	cr_assert_geq(n, KEYS / 2);
	free(dump.out);
	close(fd);
}

/* Watch. */

struct watcher {
	pid_t	 pid;
	FILE	*out;
};

/* Start kv watch, and return when the server has the subscription. */
static struct watcher
watch(const char *first, ...)
{
	struct watcher watcher;
	char *argv[ARGS_MAX];
	uint64_t before;
	int fd = talk_open(&d), ends[2];
	va_list ap;

	va_start(ap, first);
	collect(argv, first, ap);
	va_end(ap);
	talk(fd, "COUNT b\r\n", "0\r\nOK\r\n");
	before = talk_info(fd, "clients", "subscribers");
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	watcher.pid = spawn_kv(argv, STDIN_FILENO, ends[1], ends[1]);
	close(ends[1]);
	watcher.out = fdopen(ends[0], "r");
	while (talk_info(fd, "clients", "subscribers") == before)
		cr_assert_eq(waitpid(watcher.pid, NULL, WNOHANG), 0);
	close(fd);
	return watcher;
}

static void
assert_line(struct watcher *watcher, const char *expected)
{
	char line[256];

	cr_assert_not_null(fgets(line, sizeof(line), watcher->out));
	cr_assert_str_eq(line, expected);
}

static void
assert_ends(struct watcher *watcher, int status)
{
	cr_assert_eq(reap_kv(watcher->pid), status);
	cr_assert_eq(fgetc(watcher->out), EOF);
	fclose(watcher->out);
}

Test(kv, watch_prints_each_change_at_once_and_ends_quietly_when_told)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct watcher watcher;
	size_t i;

	quietly(run("-q", "create", "b"));
	for (i = 0; i < 2; i++) {
		watcher = watch("watch", "b", NULL);
		quietly(run("-q", "put", "b", "milk", "2"));
		assert_line(&watcher, "milk SET TO 2\n");
		quietly(run("-q", "delete", "b", "milk"));
		assert_line(&watcher, "milk DELETED\n");
		kill(watcher.pid, signals[i]);
		assert_ends(&watcher, 0);
	}
}

Test(kv, watch_ends_when_nobody_reads_any_more)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("watch", "b", NULL);
	fclose(watcher.out);
	cr_assert_eq(reap_kv(watcher.pid), 0);
}

Test(kv, watch_tells_json_too)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("-j", "watch", "b", NULL);
	quietly(run("-q", "put", "b", "k", "\xff"));
	assert_line(&watcher, "{\"op\":\"set\",\"key\":\"k\","
	    "\"value\":{\"b64\":\"/w==\"}}\n");
	quietly(run("-q", "delete", "b", "k"));
	assert_line(&watcher, "{\"op\":\"deleted\",\"key\":\"k\"}\n");
	kill(watcher.pid, SIGTERM);
	assert_ends(&watcher, 0);
}

Test(kv, watch_runs_a_command_for_each_change_in_their_order)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("watch", "b", "--", "sh", "-c",
	    "echo \"$KV_WATCH_BUCKET $KV_WATCH_OP $KV_WATCH_KEY "
	    "${KV_WATCH_VALUE-none} $(wc -c | tr -d ' ')\"", NULL);
	quietly(run("-q", "put", "b", "k", "two words"));
	assert_line(&watcher, "b set k two words 9\n");
	/* A NUL cannot be in the environment; the input has it. */
	quietly(run_with("a\0b", 3, "-q", "put", "b", "k", NULL));
	assert_line(&watcher, "b set k none 3\n");
	quietly(run("-q", "delete", "b", "k"));
	assert_line(&watcher, "b deleted k none 0\n");
	kill(watcher.pid, SIGTERM);
	assert_ends(&watcher, 0);
}

Test(kv, watch_ends_when_its_command_cannot_be_run)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("watch", "b", "--", "/nonexistent/command", NULL);
	quietly(run("-q", "put", "b", "k", "v"));
	assert_line(&watcher, "kv: /nonexistent/command: "
	    "No such file or directory (is it installed?)\n");
	assert_ends(&watcher, 69);
}

Test(kv, watch_ends_with_its_bucket)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("watch", "b", NULL);
	quietly(run("-q", "drop", "b"));
	assert_line(&watcher, "kv: b: no such bucket (create it first)\n");
	assert_ends(&watcher, 1);
}

/* The prompt. */

Test(kv, commands_may_come_from_a_pipe)
{
	static const char script[] =
	    "create b\n"
	    "\n"
	    "PUT b \"two words\" \"a\\nb\"\n"
	    "get b \"two words\"\n"
	    "quit\n"
	    "drop b\n";
	static const char bad[] =
	    "put b k\n"
	    "load b\n"
	    "get b \"k\n"
	    "get b none\n";
	struct result result;

	assert_says(run_with(script, strlen(script), "-s",
	    getenv("KV_SERVER"), NULL), "OK\nOK\na\nb\n");
	result = run_with(bad, strlen(bad), "-q", NULL);
	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.out, "");
	cr_assert_not_null(strstr(result.err, "kv: put: wrong number of"));
	cr_assert_not_null(strstr(result.err, "kv: load: wrong number of"));
	cr_assert_not_null(strstr(result.err,
	    "kv: malformed quotes at column 7"));
	free(result.out);
}

/* Kill both workers; return when they and their connections are gone. */
static void
kill_workers(void)
{
	unsigned worker;
	uint64_t pid;
	int fd;

	for (worker = 0; worker < 2; worker++) {
		fd = talk_open_worker(&d, worker);
		pid = talk_info(fd, "server", "worker_pid");
		cr_assert_eq(kill((pid_t)pid, SIGKILL), 0);
		/* The master has reaped it: nothing of it is left. */
		while (kill((pid_t)pid, 0) == 0)
			;
		close(fd);
	}
}

Test(kv, the_prompt_connects_anew_when_the_server_has_hung_up)
{
	char *argv[] = { kv_name, NULL };
	char buf[64] = "";
	int in[2], out[2];
	pid_t pid;

	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	pid = spawn_kv(argv, in[0], out[1], STDERR_FILENO);
	close(in[0]);
	close(out[1]);
	cr_assert_eq(write(in[1], "ping\n", 5), 5);
	cr_assert_eq(read(out[0], buf, sizeof(buf)), 5);
	cr_assert_str_eq(buf, "PONG\n");
	/* A worker that is killed closes its connections, ours or not. */
	kill_workers();
	cr_assert_eq(write(in[1], "ping\n", 5), 5);
	cr_assert_eq(read(out[0], buf, sizeof(buf)), 5);
	cr_assert_str_eq(buf, "PONG\n");
	close(in[1]);
	cr_assert_eq(reap_kv(pid), 0);
	close(out[0]);
}

/* A terminal with kv in it. */
struct terminal {
	pid_t	pid;
	int	fd;
	char	seen[16384];	/* all that was shown so far */
	size_t	len;
	size_t	at;		/* looked at up to here */
};

static void
terminal_start(struct terminal *terminal, const char *program, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	memset(terminal, 0, sizeof(*terminal));
	terminal->pid = forkpty(&terminal->fd, NULL, NULL, &size);
	cr_assert_neq(terminal->pid, -1);
	if (terminal->pid == 0) {
		setenv("TERM", "xterm", 1);
		execv(program, argv);
		_exit(126);
	}
}

static void
terminal_open(struct terminal *terminal, const char *word, ...)
{
	char *argv[ARGS_MAX];
	va_list ap;

	va_start(ap, word);
	collect(argv, word, ap);
	va_end(ap);
	terminal_start(terminal, kv_bin(), argv);
}

/* A line for the shell, in which kv is "$KV_BIN". */
static void
terminal_shell(struct terminal *terminal, char *line)
{
	char sh[] = "sh", c[] = "-c", *argv[] = { sh, c, line, NULL };

	terminal_start(terminal, "/bin/sh", argv);
}

/* Wait until it shows this text, after what was looked at before. */
static void
terminal_expect(struct terminal *terminal, const char *text)
{
	struct pollfd pfd = { .fd = terminal->fd, .events = POLLIN };
	size_t room;
	ssize_t n;
	char *hit;

	for (;;) {
		hit = strstr(terminal->seen + terminal->at, text);
		if (hit != NULL)
			break;
		room = sizeof(terminal->seen) - 1 - terminal->len;
		cr_assert_gt(room, 0);
		cr_assert_eq(poll(&pfd, 1, PATIENCE_MS), 1,
		    "never showed \"%s\" but: %s", text,
		    terminal->seen + terminal->at);
		n = read(terminal->fd, terminal->seen + terminal->len, room);
		cr_assert_gt(n, 0, "ended without \"%s\" but: %s", text,
		    terminal->seen + terminal->at);
		terminal->len += (size_t)n;
		terminal->seen[terminal->len] = '\0';
	}
	terminal->at = (size_t)(hit - terminal->seen) + strlen(text);
}

static void
terminal_type(const struct terminal *terminal, const char *keys)
{
	cr_assert_eq(write(terminal->fd, keys, strlen(keys)),
	    (ssize_t)strlen(keys));
}

static int
terminal_close(struct terminal *terminal)
{
	char buf[256];
	int status;

	while (read(terminal->fd, buf, sizeof(buf)) > 0)
		;
	status = reap_kv(terminal->pid);
	close(terminal->fd);
	return status;
}

Test(kv, the_prompt_runs_commands_and_remembers_them)
{
	struct terminal terminal;
	char path[128], *history;
	size_t len;
	FILE *f;

	terminal_open(&terminal, NULL);
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "create shopping\r");
	terminal_expect(&terminal, "OK\r\n");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "put shopping bread \"two loaves\"\r");
	terminal_expect(&terminal, "OK\r\n");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "garbage\003");
	terminal_expect(&terminal, "^C");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "get shopping bread\r");
	terminal_expect(&terminal, "two loaves\r\n");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "\004");
	cr_assert_eq(terminal_close(&terminal), 0);
	snprintf(path, sizeof(path), "%s/.local/state/kv/history", d.dir);
	f = fopen(path, "r");
	cr_assert_not_null(f, "no %s", path);
	history = slurp(f, &len);
	cr_assert_not_null(strstr(history, "create\\040shopping"));
	cr_assert_null(strstr(history, "garbage"));
	free(history);
}

Test(kv, the_prompt_completes_commands_and_buckets)
{
	struct terminal terminal;

	quietly(run("-q", "create", "shopping"));
	quietly(run("-q", "create", "shipping"));
	quietly(run("-q", "put", "shopping", "milk", "42"));
	terminal_open(&terminal, NULL);
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "ge\tsh\t");
	terminal_expect(&terminal, "shipping");
	terminal_type(&terminal, "o\tmilk\r");
	terminal_expect(&terminal, "42\r\n");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "c\t");
	terminal_expect(&terminal, "completion");
	terminal_type(&terminal, "\003");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "exit\r");
	cr_assert_eq(terminal_close(&terminal), 0);
}

Test(kv, an_interrupt_ends_a_watch_and_not_the_prompt)
{
	struct terminal terminal;
	int fd;

	quietly(run("-q", "create", "b"));
	fd = talk_open(&d);
	terminal_open(&terminal, NULL);
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "watch b\r");
	while (talk_info(fd, "clients", "subscribers") == 0)
		;
	close(fd);
	quietly(run("-q", "put", "b", "k", "v"));
	terminal_expect(&terminal, "SET TO");
	terminal_type(&terminal, "\003");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "get b k\r");
	terminal_expect(&terminal, "v\r\n");
	terminal_type(&terminal, "quit\r");
	cr_assert_eq(terminal_close(&terminal), 0);
}

Test(kv, a_terminal_gets_a_table_in_colour)
{
	struct terminal terminal;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "mput", "b", "k", "1", "longer", "2"));
	terminal_open(&terminal, "mget", "b", "k", "longer", "no", NULL);
	terminal_expect(&terminal, "\033[1mk\033[0m       1\r\n");
	terminal_expect(&terminal, "\033[1mlonger\033[0m  2\r\n");
	terminal_expect(&terminal, "\033[2m(none)\033[0m\r\n");
	cr_assert_eq(terminal_close(&terminal), 1);
	setenv("NO_COLOR", "1", 1);
	terminal_open(&terminal, "mget", "b", "k", "longer", NULL);
	terminal_expect(&terminal, "k       1\r\nlonger  2\r\n");
	cr_assert_eq(terminal_close(&terminal), 0);
	cr_assert_null(strchr(terminal.seen, '\033'));
}

Test(kv, a_terminal_gets_facts_in_two_columns)
{
	struct terminal terminal;

	terminal_open(&terminal, "info", "buckets", NULL);
	terminal_expect(&terminal,
	    "\033[1mvalue_max\033[0m           1048576\r\n");
	cr_assert_eq(terminal_close(&terminal), 0);
	terminal_open(&terminal, "help", "ping", NULL);
	terminal_expect(&terminal, "\033[1mping\033[0m");
	cr_assert_eq(terminal_close(&terminal), 0);
}

Test(kv, a_terminal_is_never_sent_what_it_would_obey)
{
	struct terminal terminal;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "put", "b", "\033[2J", "\xff\033]0;x\a\t\xc2\x9b\n"));
	setenv("NO_COLOR", "1", 1);
	terminal_open(&terminal, "keys", "b", NULL);
	terminal_expect(&terminal, "\"\\x1b[2J\"\r\n");
	cr_assert_eq(terminal_close(&terminal), 0);
	terminal_open(&terminal, "get", "b", "\033[2J", NULL);
	terminal_expect(&terminal,
	    "\"\\xff\\x1b]0;x\\a\\t\\xc2\\x9b\\n\"\r\n");
	cr_assert_eq(terminal_close(&terminal), 0);
	cr_assert_null(strchr(terminal.seen, '\033'));
}

Test(kv, progress_is_shown_on_a_terminal_and_nowhere_else)
{
	struct terminal terminal;

	quietly(run("-q", "create", "b"));
	terminal_open(&terminal, "load", "b", NULL);
	terminal_type(&terminal, "a 1\rb 2\r\004");
	terminal_expect(&terminal, "2 keys loaded in ");
	cr_assert_eq(terminal_close(&terminal), 0);
	assert_says(run("count", "b"), "2\n");
}

Test(kv, progress_tells_the_time_left_where_the_end_is_known)
{
	char load[] = "seq -f 'k%.0f v' 2000 >\"$HOME/lines\"; "
	    "exec \"$KV_BIN\" load b <\"$HOME/lines\"";
	char dump[] = "exec \"$KV_BIN\" dump b >\"$HOME/dump\"";
	struct terminal terminal;

	quietly(run("-q", "create", "b"));
	terminal_shell(&terminal, load);
	terminal_expect(&terminal, "keys, ");
	terminal_expect(&terminal, "%, ");
	terminal_expect(&terminal, " left");
	terminal_expect(&terminal, "2000 keys loaded in ");
	cr_assert_eq(terminal_close(&terminal), 0);
	terminal_shell(&terminal, dump);
	terminal_expect(&terminal, "keys, ");
	terminal_expect(&terminal, " left");
	terminal_expect(&terminal, "2000 keys dumped in ");
	cr_assert_eq(terminal_close(&terminal), 0);
}
