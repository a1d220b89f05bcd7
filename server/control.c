/*
 * kvd -s.  The master is found through its claim on the arena, which is true
 * as long as it lives and not longer; a pid file may lie.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "server/control.h"
#include "server/log.h"
#include "shm/arena.h"

static const struct {
	const char	*verb;
	int		 signal;
	int		 wait_ms;	/* for its end; 0: do not wait */
} verbs[] = {
	{ "reload", SIGHUP, 0 },
	{ "stop", SIGTERM, 20000 },
	{ "quit", SIGQUIT, 60000 },
	{ "reopen", SIGUSR1, 0 },
	{ "upgrade", SIGUSR2, 0 },
};

#define UPGRADE_SEEN_MS	2000	/* for it to be under way */
#define NAP_MS		10

static int
find_master(const char *instance, pid_t *pid)
{
	*pid = arena_holder(instance);
	if (*pid > 0)
		return EX_OK;
	if (*pid == 0) {
		log_err("no instance %s is running", instance);
		return EX_UNAVAILABLE;
	}
	log_err("instance %s: %s", instance, strerror(errno));
	return errno == EACCES ? EX_NOPERM : EX_OSERR;
}

/* The descriptor is taken before the signal, or the pid may be another's. */
static int
signal_and_wait(const char *instance, pid_t pid, int signal, int wait_ms)
{
	struct pollfd end = { .events = POLLIN };
	int status = EX_OK;

	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (end.fd == -1 || kill(pid, signal) == -1) {
		status = errno == EPERM ? EX_NOPERM : EX_OSERR;
		log_err("cannot signal instance %s, pid %d: %s", instance,
		    (int)pid, strerror(errno));
	} else if (wait_ms > 0 && poll(&end, 1, wait_ms) != 1) {
		status = EX_TEMPFAIL;
		log_err("instance %s, pid %d, is still stopping", instance,
		    (int)pid);
	}
	if (end.fd != -1)
		close(end.fd);
	return status;
}

/*
 * Until another process has the claim and the old one has retired.  While it
 * is at it, it shows so, and sees to it that there is an end; if it does not
 * any more and still has the claim, then it failed.
 */
static int
await_successor(const char *instance, pid_t old)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000 };
	pid_t holder = old;
	int ms = 0;

	for (;;) {
		if (arena_is_changing(instance)) {
			ms = UPGRADE_SEEN_MS;
			nanosleep(&nap, NULL);
			continue;
		}
		holder = arena_holder(instance);
		if (holder > 0 && holder != old)
			return EX_OK;
		if (ms >= UPGRADE_SEEN_MS)
			break;
		ms += NAP_MS;
		nanosleep(&nap, NULL);
	}
	if (holder == old)
		log_err("instance %s goes on with the old program, pid %d; "
		    "its log says why", instance, (int)old);
	else
		log_err("instance %s has ended", instance);
	return EX_TEMPFAIL;
}

int
control_signal(const char *instance, const char *verb)
{
	size_t i;
	pid_t pid;
	int status;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i].verb) != 0)
			continue;
		if ((status = find_master(instance, &pid)) != EX_OK)
			return status;
		status = signal_and_wait(instance, pid, verbs[i].signal,
		    verbs[i].wait_ms);
		if (status == EX_OK && verbs[i].signal == SIGUSR2)
			status = await_successor(instance, pid);
		return status;
	}
	log_err("-s %s: not one of reload, stop, quit, reopen and upgrade",
	    verb);
	return EX_USAGE;
}
