#include "tests/unit/server/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/kvd-unit.XXXXXX";

void
scratch_make(void)
{
	cr_assert_not_null(mkdtemp(folder));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
scratch_remove(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
scratch_path(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

const char *
scratch_file(const char *name, const char *content)
{
	const char *path = scratch_path(name);
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f, "%s", path);
	fputs(content, f);
	cr_assert_eq(fclose(f), 0);
	return path;
}

char *
scratch_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char *bytes = NULL;
	size_t size = 0;

	if (f == NULL)
		return NULL;
	if (getdelim(&bytes, &size, '\0', f) == -1 && bytes != NULL)
		bytes[0] = '\0';
	fclose(f);
	return bytes;
}

/*
 * The exit of a child of a test: stdio is flushed, but the test program's own
 * handlers, the leak checker's among them, are passed over: they cannot work
 * in a fork of a program with threads.
 */
static void
leave(int status, void *arg)
{
	(void)arg;
	fflush(NULL);
	_exit(status);
}

int
scratch_run(void (*function)(void), char *errors, size_t size)
{
	int ends[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	fflush(NULL);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		on_exit(leave, NULL);
		function();
		exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], errors + used, size - 1 - used)) > 0)
		used += (size_t)n;
	errors[used] = '\0';
	close(ends[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
