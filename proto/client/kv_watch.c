/*
 * Changes of a bucket as they happen.
 *
 * Three things can end the wait for the next event, and none may be missed
 * while the others are quiet: the server, a signal, and a reader of our
 * output that has gone.  So signals are read from a descriptor, and all three
 * are waited for at once.
 *
 * With a command, each event runs it once and waits for it, in the order of
 * the events.  The value is the command's standard input, through a file in
 * memory: it may be larger than an argument can be, and a command that does
 * not read it cannot block us.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/client/kv_command.h"

/* Longer values are given on standard input alone. */
#define ENV_VALUE_MAX	((size_t)64 << 10)
/* Events printed between two looks at the signals. */
#define EVENTS_MAX	256

struct watch {
	const struct session	*session;
	struct kv		*kv;
	struct kv_bytes		 bucket;
	char			**argv;		/* command; NULL: print */
	int			 signal_fd;
	sigset_t		 old_mask;
};

static const char *
op_name(enum kv_op op)
{
	switch (op) {
	case KV_SET:
		return "set";
	case KV_DELETED:
		return "deleted";
	}
	return "unknown";
}

static void
print_event(const struct output *out, const struct kv_event *event)
{
	if (out->json) {
		output_json_begin();
		output_json_string("op", op_name(event->op));
		output_json_bytes("key", &event->key);
		if (event->op == KV_SET)
			output_json_bytes("value", &event->value);
		output_json_end(out);
		return;
	}
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
	set_env("KV_WATCH_KEY", event->key);
	if (event->op == KV_SET)
		set_env("KV_WATCH_VALUE", event->value);
	else
		(void)unsetenv("KV_WATCH_VALUE");
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

static int
take_event(const struct watch *watch, const struct kv_event *event)
{
	if (watch->argv != NULL)
		return run_command(watch, event);
	print_event(&watch->session->out, event);
	return output_flush() ? 0 : EX_IOERR;
}

/*
 * Some of the events that are there.  KV_OK: there may be more; KV_TIMEOUT:
 * not now.  Else the watch is over with *exit_status.
 */
static enum kv_status
take_events(const struct watch *watch, int *exit_status)
{
	int left = watch->argv != NULL ? 1 : EVENTS_MAX;
	struct kv_event event;
	enum kv_status status = KV_OK;

	while (left-- > 0 && status == KV_OK) {
		status = kv_event(watch->kv, &event, 0);
		if (status != KV_OK)
			break;
		*exit_status = take_event(watch, &event);
		if (*exit_status != 0)
			return KV_STOPPED;
	}
	if (status != KV_OK && status != KV_TIMEOUT)
		*exit_status = session_verdict(watch->kv, status);
	return status;
}

static int
watch_loop(struct watch *watch)
{
	struct pollfd fds[] = {
		{ .fd = kv_fd(watch->kv), .events = POLLIN },
		{ .fd = watch->signal_fd, .events = POLLIN },
		{ .fd = STDOUT_FILENO },	/* POLLERR: reader gone */
	};
	struct signalfd_siginfo info;
	enum kv_status status;
	int exit_status = 0;

	for (;;) {
		status = take_events(watch, &exit_status);
		if (status != KV_OK && status != KV_TIMEOUT)
			return exit_status;
		if (poll(fds, 3, status == KV_OK ? 0 : -1) == -1)
			continue;
		if (fds[1].revents != 0 &&
		    read(watch->signal_fd, &info, sizeof(info)) > 0)
			return 0;
		if (fds[2].revents & (POLLERR | POLLHUP))
			return 0;
	}
}

static int
watch_signals(struct watch *watch)
{
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGTERM);
	watch->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch->signal_fd == -1)
		return EX_OSERR;
	(void)sigprocmask(SIG_BLOCK, &mask, &watch->old_mask);
	return 0;
}

static int
watch_run(struct watch *watch)
{
	enum kv_status status = kv_subscribe(watch->kv, watch->bucket);
	int exit_status;

	if (status != KV_OK)
		return session_verdict(watch->kv, status);
	exit_status = watch_signals(watch);
	if (exit_status != 0) {
		session_complain("watch: %s", strerror(errno));
		return exit_status;
	}
	exit_status = watch_loop(watch);
	(void)close(watch->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &watch->old_mask, NULL);
	return exit_status;
}

/* The words after "--" as a vector for exec; false after saying why. */
static bool
watch_command(struct watch *watch, const struct kv_bytes *words, size_t n)
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

int
run_watch(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct watch watch = { .session = session, .bucket = words[0] };
	int exit_status = EX_USAGE;
	size_t i;

	if (n > 1 && (n == 2 || words[1].len != 2 ||
	    memcmp(words[1].data, "--", 2) != 0)) {
		session_complain("watch: a command follows two hyphens "
		    "(usage: watch bucket [-- command ...])");
		return EX_USAGE;
	}
	if (watch_command(&watch, words + 2, n > 2 ? n - 2 : 0)) {
		/* Its own, since it brings nothing but events from now on. */
		watch.kv = session_open(session, &exit_status);
		if (watch.kv != NULL)
			exit_status = watch_run(&watch);
		kv_close(watch.kv);
	}
	for (i = 0; watch.argv != NULL && watch.argv[i] != NULL; i++)
		free(watch.argv[i]);
	free(watch.argv);
	return exit_status;
}
