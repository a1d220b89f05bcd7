#include "tests/proc/watcher.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

struct watcher
watcher_start(const char *first, va_list words)
{
	struct watcher watcher;
	char *argv[ARGS_MAX];
	int ends[2];

	collect(argv, first, words);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	watcher.pid = spawn_kv(argv, STDIN_FILENO, ends[1], ends[1]);
	close(ends[1]);
	watcher.out = fdopen(ends[0], "r");
	return watcher;
}

void
watcher_says(struct watcher *watcher, const char *line)
{
	char got[256];

	cr_assert_not_null(fgets(got, sizeof(got), watcher->out), "no %s",
	    line);
	cr_assert_str_eq(got, line);
}

void
watcher_ends(struct watcher *watcher, int status)
{
	cr_assert_eq(reap_kv(watcher->pid), status);
	cr_assert_eq(fgetc(watcher->out), EOF);
	fclose(watcher->out);
}
