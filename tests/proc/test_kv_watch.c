/* kv watch: changes as they happen, commands run for them, and its ends. */

#include <sys/wait.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/kv_run.h"

TestSuite(kv_watch, .init = kv_begin, .fini = kv_end, .timeout = 120);

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
	int fd = talk_open(&kv_daemon), ends[2];
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

Test(kv_watch, watch_prints_each_change_at_once_and_ends_quietly_when_told)
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

Test(kv_watch, watch_ends_when_nobody_reads_any_more)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("watch", "b", NULL);
	fclose(watcher.out);
	cr_assert_eq(reap_kv(watcher.pid), 0);
}

Test(kv_watch, watch_tells_json_too)
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

Test(kv_watch, watch_runs_a_command_for_each_change_in_their_order)
{
	static char large[64 * 1024 + 1];
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
	/* Nor can what is longer than its share. */
	memset(large, 'x', sizeof(large));
	quietly(run_with(large, sizeof(large), "-q", "put", "b", "k", NULL));
	assert_line(&watcher, "b set k none 65537\n");
	quietly(run("-q", "delete", "b", "k"));
	assert_line(&watcher, "b deleted k none 0\n");
	kill(watcher.pid, SIGTERM);
	assert_ends(&watcher, 0);
}

Test(kv_watch, watch_ends_when_its_command_cannot_be_run)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("watch", "b", "--", "/nonexistent/command", NULL);
	quietly(run("-q", "put", "b", "k", "v"));
	assert_line(&watcher, "kv: /nonexistent/command: "
	    "No such file or directory (is it installed?)\n");
	assert_ends(&watcher, 69);
}

Test(kv_watch, watch_ends_with_its_bucket)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("watch", "b", NULL);
	quietly(run("-q", "drop", "b"));
	assert_line(&watcher, "kv: b: no such bucket (create it first)\n");
	assert_ends(&watcher, 1);
}
