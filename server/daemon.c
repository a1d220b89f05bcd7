/*
 * Becoming a daemon.
 *
 *	shell -- waits for --> starter -- waits for --> middle -- waits for -->
 *	    daemon, which writes a byte to the middle when it is ready
 *
 * The middle leads the new session and is gone when the daemon serves, so
 * the daemon leads none and can never get a terminal by opening one.  Being
 * the parent, it learns how a daemon that failed has ended, and the starter
 * hands that status to the shell.  Messages need no relay: until it is ready
 * the daemon has the standard error it was started with.
 *
 * The byte travels through a socket rather than a pipe, for send(2) can be
 * told not to raise SIGPIPE when the middle has been killed meanwhile.
 */
#include "server/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/log.h"

static int ready_fd = -1;	/* our end towards the middle */

void
daemon_keep_stdio(void)
{
	int fd;

	do {
		fd = open(_PATH_DEVNULL, O_RDWR);
	} while (fd != -1 && fd <= STDERR_FILENO);
	if (fd != -1)
		close(fd);
}

static pid_t
fork_or_die(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == -1)
		fatal(EX_OSERR, "cannot fork: %s", strerror(errno));
	return pid;
}

/* How the child ended, as an exit status of our own. */
static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return EX_OSERR;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_err("killed by signal %d (%s) before it served", WTERMSIG(status),
	    strsignal(WTERMSIG(status)));
	return EX_SOFTWARE;
}

/* In the middle: until the daemon is ready, or has ended. */
static _Noreturn void
await_daemon(int fd, pid_t daemon)
{
	ssize_t n;
	char byte;

	do {
		n = recv(fd, &byte, 1, 0);
	} while (n == -1 && errno == EINTR);
	if (n == 1)
		_exit(EX_OK);
	n = wait_for(daemon);
	_exit(n == EX_OK ? EX_SOFTWARE : (int)n);
}

/* Any other could not be unmounted while we live. */
void
daemon_leave_folder(void)
{
	if (chdir("/") == -1)
		fatal(EX_OSERR, "cannot enter /: %s", strerror(errno));
}

void
daemon_detach(void)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		fatal(EX_OSERR, "cannot make a socket pair: %s",
		    strerror(errno));
	if ((pid = fork_or_die()) > 0) {
		close(ends[0]);
		close(ends[1]);
		_exit(wait_for(pid));
	}
	if (setsid() == -1)
		fatal(EX_OSERR, "cannot begin a session: %s", strerror(errno));
	if ((pid = fork_or_die()) > 0) {
		close(ends[1]);
		await_daemon(ends[0], pid);
	}
	close(ends[0]);
	ready_fd = ends[1];
	umask(027);
	daemon_leave_folder();
}

static void
give_up_terminal(void)
{
	int null = open(_PATH_DEVNULL, O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 || dup2(null, STDERR_FILENO) == -1)
		fatal(EX_OSERR, "cannot give up the terminal: %s: %s",
		    _PATH_DEVNULL, strerror(errno));
	close(null);
}

void
daemon_silence(void)
{
	give_up_terminal();
	log_detach();
}

void
daemon_ready(void)
{
	if (ready_fd == -1)
		return;
	daemon_silence();
	send(ready_fd, "", 1, MSG_NOSIGNAL);
	close(ready_fd);
	ready_fd = -1;
}
