/*
 * Changes of a bucket as they happen.
 *
 * Three things can end the wait for the next event, and none may be missed
 * while the others are quiet: the server, a signal, and a reader of our
 * output that has gone.  So signals are read from a descriptor, and all three
 * are waited for at once.
 *
 * With a command, each event runs it once and waits for it, in the order of
 * the events.
 *
 * Where several servers are named, the end of a connection is not the end of
 * the watch: it goes on with the next of them, and says LOST and RESUMED
 * itself, since what happened in between is missed as it is when a link
 * between nodes breaks.  What bounds this is time: servers that take a
 * subscription and drop it at once are tried once each and no more.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_watch.h"

/* Events taken between two looks at the signals. */
#define EVENTS_MAX	256
/* A connection that ends sooner is short-lived. */
#define SHORT_MS	1000

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * Some of the events that are there.  KV_OK: there may be more; KV_TIMEOUT:
 * not now.  Else the watch, or its connection, is over with *exit_status.
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
		*exit_status = watch_take(watch, &event);
		if (*exit_status != 0)
			return KV_STOPPED;
	}
	if (status != KV_OK && status != KV_TIMEOUT)
		*exit_status = session_verdict(watch->kv, status);
	return status;
}

static int
watch_begin(struct watch *watch)
{
	watch->begun_ms = now_ms();
	return session_verdict(watch->kv,
	    kv_subscribe(watch->kv, watch->bucket));
}

/* May the watch go on with another server after this? */
static bool
is_movable(struct watch *watch, enum kv_status status)
{
	size_t servers;

	if (status != KV_CLOSED && status != KV_SYSTEM)
		return false;
	servers = session_servers(watch->session);
	if (now_ms() - watch->begun_ms >= SHORT_MS)
		watch->short_lived = 0;
	return ++watch->short_lived < servers;
}

static int
tell_link(const struct watch *watch, enum kv_op op)
{
	struct kv_event event = { .op = op };

	event.key = kv_str(kv_server(watch->kv));
	return watch_take(watch, &event);
}

/* A signal waits meanwhile, for as long as a connection may take. */
static int
watch_move(struct watch *watch)
{
	int exit_status = tell_link(watch, KV_LOST);

	if (exit_status == 0)
		exit_status = session_verdict(watch->kv,
		    kv_reopen(watch->kv));
	if (exit_status == 0)
		exit_status = watch_begin(watch);
	if (exit_status == 0)
		exit_status = tell_link(watch, KV_RESUMED);
	return exit_status;
}

/* Wait for more; true when somebody wants us to end. */
static bool
is_ended(const struct watch *watch, int ms)
{
	struct pollfd fds[] = {
		{ .fd = kv_fd(watch->kv), .events = POLLIN },
		{ .fd = watch->signal_fd, .events = POLLIN },
		{ .fd = STDOUT_FILENO },	/* POLLERR: reader gone */
	};
	struct signalfd_siginfo info;

	if (poll(fds, 3, ms) == -1)
		return false;
	if (fds[1].revents != 0 &&
	    read(watch->signal_fd, &info, sizeof(info)) > 0)
		return true;
	return (fds[2].revents & (POLLERR | POLLHUP)) != 0;
}

static int
watch_loop(struct watch *watch)
{
	enum kv_status status;
	int exit_status = 0;

	for (;;) {
		status = take_events(watch, &exit_status);
		if (is_movable(watch, status)) {
			exit_status = watch_move(watch);
			status = exit_status == 0 ? KV_OK : KV_STOPPED;
		}
		if (status != KV_OK && status != KV_TIMEOUT)
			return exit_status;
		if (is_ended(watch, status == KV_OK ? 0 : -1))
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
	int exit_status = watch_begin(watch);

	if (exit_status != 0)
		return exit_status;
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

int
run_watch(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct watch watch = { .session = session, .bucket = words[0] };
	int exit_status = EX_USAGE;

	if (n > 1 && (n == 2 || words[1].len != 2 ||
	    memcmp(words[1].data, "--", 2) != 0)) {
		session_complain("watch: a command follows two hyphens "
		    "(usage: watch bucket [-- command ...])");
		return EX_USAGE;
	}
	if (watch_set_command(&watch, words + 2, n > 2 ? n - 2 : 0)) {
		/* Its own, since it brings nothing but events from now on. */
		watch.kv = session_open(session, &exit_status);
		if (watch.kv != NULL)
			exit_status = watch_run(&watch);
		kv_close(watch.kv);
	}
	watch_free_command(&watch);
	return exit_status;
}
