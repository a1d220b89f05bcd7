/*
 * What a watch does with an event: a line of it, a JSON object, or a run of
 * the command.
 *
 * The value is the command's standard input, through a file in memory: it may
 * be larger than an argument can be, and a command that does not read it
 * cannot block us.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/client/kv_watch.h"

/* Longer values are given on standard input alone. */
#define ENV_VALUE_MAX	((size_t)64 << 10)

static const char *
op_name(enum kv_op op)
{
	switch (op) {
	case KV_SET:
		return "set";
	case KV_DELETED:
		return "deleted";
	case KV_LOST:
		return "lost";
	case KV_RESUMED:
		return "resumed";
	}
	return "unknown";
}

static bool
is_of_link(const struct kv_event *event)
{
	return event->op == KV_LOST || event->op == KV_RESUMED;
}

static void
print_json(const struct output *out, const struct kv_event *event)
{
	output_json_begin();
	output_json_string("op", op_name(event->op));
	output_json_bytes(is_of_link(event) ? "node" : "key", &event->key);
	if (event->op == KV_SET)
		output_json_bytes("value", &event->value);
	output_json_end(out);
}

static void
print_change(const struct output *out, const struct kv_event *event)
{
	output_bytes(out, event->key, COLOUR_NAME);
	(void)putchar(' ');
	if (event->op == KV_SET) {
		output_word(out, "SET TO", COLOUR_SET);
		(void)putchar(' ');
		output_bytes(out, event->value, COLOUR_NONE);
	} else {
		output_word(out, "DELETED", COLOUR_DELETED);
	}
	output_end(out);
}

static void
print_link(const struct output *out, const struct kv_event *event)
{
	if (event->op == KV_LOST)
		output_word(out, "LOST", COLOUR_DELETED);
	else
		output_word(out, "RESUMED", COLOUR_SET);
	(void)putchar(' ');
	output_bytes(out, event->key, COLOUR_NAME);
	output_end(out);
}

static void
print_event(const struct output *out, const struct kv_event *event)
{
	if (out->json)
		print_json(out, event);
	else if (is_of_link(event))
		print_link(out, event);
	else
		print_change(out, event);
}

/* A copy with a NUL behind it; NULL if there is one inside, or no memory. */
static char *
c_string(struct kv_bytes bytes)
{
	if (bytes.len > 0 && memchr(bytes.data, '\0', bytes.len) != NULL)
		return NULL;
	return strndup(bytes.len > 0 ? bytes.data : "", bytes.len);
}

static void
set_env(const char *name, struct kv_bytes bytes)
{
	char *text = bytes.len <= ENV_VALUE_MAX ? c_string(bytes) : NULL;

	if (text == NULL)
		(void)unsetenv(name);
	else
		(void)setenv(name, text, 1);
	free(text);
}

/* The value as a file to read from; -1 on failure. */
static int
value_file(struct kv_bytes value)
{
	int fd = memfd_create("value", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n;

	if (fd == -1)
		return -1;
	while (done < value.len) {
		n = write(fd, (const char *)value.data + done,
		    value.len - done);
		if (n == -1 && errno != EINTR) {
			(void)close(fd);
			return -1;
		}
		if (n > 0)
			done += (size_t)n;
	}
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static _Noreturn void
become_command(const struct watch *watch, const struct kv_event *event,
    int fd)
{
	set_env("KV_WATCH_BUCKET", watch->bucket);
	set_env("KV_WATCH_OP", kv_str(op_name(event->op)));
	(void)unsetenv("KV_WATCH_KEY");
	(void)unsetenv("KV_WATCH_VALUE");
	(void)unsetenv("KV_WATCH_NODE");
	set_env(is_of_link(event) ? "KV_WATCH_NODE" : "KV_WATCH_KEY",
	    event->key);
	if (event->op == KV_SET)
		set_env("KV_WATCH_VALUE", event->value);
	(void)sigprocmask(SIG_SETMASK, &watch->old_mask, NULL);
	(void)dup2(fd, STDIN_FILENO);
	(void)execvp(watch->argv[0], watch->argv);
	session_complain("%s: %s (is it installed?)", watch->argv[0],
	    strerror(errno));
	_exit(127);
}

static int
run_command(const struct watch *watch, const struct kv_event *event)
{
	int fd = value_file(event->value), status = 0;
	pid_t pid;

	if (fd == -1 || (pid = fork()) == -1) {
		session_complain("%s: %s", watch->argv[0], strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return EX_OSERR;
	}
	if (pid == 0)
		become_command(watch, event, fd);
	(void)close(fd);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	/* It cannot be run: it would not be the next time, either. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return EX_UNAVAILABLE;
	return 0;
}

int
watch_take(const struct watch *watch, const struct kv_event *event)
{
	if (watch->argv != NULL)
		return run_command(watch, event);
	print_event(&watch->session->out, event);
	return output_flush() ? 0 : EX_IOERR;
}

bool
watch_set_command(struct watch *watch, const struct kv_bytes *words, size_t n)
{
	size_t i;

	if (n == 0)
		return true;
	watch->argv = calloc(n + 1, sizeof(*watch->argv));
	for (i = 0; watch->argv != NULL && i < n; i++) {
		watch->argv[i] = c_string(words[i]);
		if (watch->argv[i] == NULL)
			break;
	}
	if (watch->argv != NULL && i == n)
		return true;
	session_complain("watch: the command holds a NUL or is too large");
	return false;
}

void
watch_free_command(struct watch *watch)
{
	size_t i;

	for (i = 0; watch->argv != NULL && watch->argv[i] != NULL; i++)
		free(watch->argv[i]);
	free(watch->argv);
	watch->argv = NULL;
}
