/* kv watch: changes as they happen, commands run for them, and its ends. */

#include <sys/wait.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/watcher.h"

TestSuite(kv_watch, .init = kv_begin, .fini = kv_end, .timeout = 120);

/* Start kv watch, and return when the server has the subscription. */
static struct watcher
watch(const char *first, ...)
{
	struct watcher watcher;
	uint64_t before;
	int fd = talk_open(&kv_daemon);
	va_list words;

	talk(fd, "COUNT b\r\n", "0\r\nOK\r\n");
	before = talk_info(fd, "clients", "subscribers");
	va_start(words, first);
	watcher = watcher_start(first, words);
	va_end(words);
	while (talk_info(fd, "clients", "subscribers") == before)
		cr_assert_eq(waitpid(watcher.pid, NULL, WNOHANG), 0);
	close(fd);
	return watcher;
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
		watcher_says(&watcher, "milk SET TO 2\n");
		quietly(run("-q", "delete", "b", "milk"));
		watcher_says(&watcher, "milk DELETED\n");
		kill(watcher.pid, signals[i]);
		watcher_ends(&watcher, 0);
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
	watcher_says(&watcher, "{\"op\":\"set\",\"key\":\"k\","
	    "\"value\":{\"b64\":\"/w==\"}}\n");
	quietly(run("-q", "delete", "b", "k"));
	watcher_says(&watcher, "{\"op\":\"deleted\",\"key\":\"k\"}\n");
	kill(watcher.pid, SIGTERM);
	watcher_ends(&watcher, 0);
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
	watcher_says(&watcher, "b set k two words 9\n");
	/* A NUL cannot be in the environment; the input has it. */
	quietly(run_with("a\0b", 3, "-q", "put", "b", "k", NULL));
	watcher_says(&watcher, "b set k none 3\n");
	/* Nor can what is longer than its share. */
	memset(large, 'x', sizeof(large));
	quietly(run_with(large, sizeof(large), "-q", "put", "b", "k", NULL));
	watcher_says(&watcher, "b set k none 65537\n");
	quietly(run("-q", "delete", "b", "k"));
	watcher_says(&watcher, "b deleted k none 0\n");
	kill(watcher.pid, SIGTERM);
	watcher_ends(&watcher, 0);
}

Test(kv_watch, watch_ends_when_its_command_cannot_be_run)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("watch", "b", "--", "/nonexistent/command", NULL);
	quietly(run("-q", "put", "b", "k", "v"));
	watcher_says(&watcher, "kv: /nonexistent/command: "
	    "No such file or directory (is it installed?)\n");
	watcher_ends(&watcher, 69);
}

Test(kv_watch, watch_ends_with_its_bucket)
{
	struct watcher watcher;

	quietly(run("-q", "create", "b"));
	watcher = watch("watch", "b", NULL);
	quietly(run("-q", "drop", "b"));
	watcher_says(&watcher, "kv: b: no such bucket (create it first)\n");
	watcher_ends(&watcher, 1);
}
