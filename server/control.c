/*
 * kvd -s.  The master is found through its claim on the arena, which is true
 * as long as it lives and not longer; a pid file may lie.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/control.h"
#include "server/log.h"
#include "shm/arena.h"

static const struct {
	const char	*verb;
	int		 signal;
	int		 wait_ms;	/* longer than the master allows its
					 * children; 0: do not wait */
} verbs[] = {
	{ "reload", SIGHUP, 0 },
	{ "stop", SIGTERM, 20000 },
	{ "quit", SIGQUIT, 60000 },
	{ "reopen", SIGUSR1, 0 },
};

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
		return signal_and_wait(instance, pid, verbs[i].signal,
		    verbs[i].wait_ms);
	}
	log_err("-s %s: not one of reload, stop, quit and reopen", verb);
	return EX_USAGE;
}
