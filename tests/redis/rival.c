/*
 * redis-server as Debian has it, with nothing that it would write to disk.
 *
 * The package of that name starts a service, which no test wants; but
 * redis-check-rdb of redis-tools is the same program, and goes by its name.
 */

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/redis/rival.h"

bool
rival_exists(void)
{
	if (system("command -v redis-check-rdb >/dev/null") == 0)
		return true;
	fputs("skipped: redis-server (of redis-tools) is not installed\n",
	    stderr);
	return false;
}

static _Noreturn void
become_rival(const struct rival *r, const char *dir)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execlp("redis-check-rdb", "redis-server", "--port", "0", "--unixsocket",
	    r->path, "--dir", dir, "--save", "", "--appendonly", "no",
	    "--databases", "1", "--slowlog-log-slower-than", "-1",
	    "--daemonize", "no", (char *)NULL);
	_exit(127);
}

static bool
answers(const struct rival *r)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status;

	strlcpy(sun.sun_path, r->path, sizeof(sun.sun_path));
	status = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	close(fd);
	return status == 0;
}

void
rival_start(struct rival *r, const char *dir)
{
	int tries;

	snprintf(r->path, sizeof(r->path), "%s/redis", dir);
	r->pid = fork();
	cr_assert_neq(r->pid, -1);
	if (r->pid == 0)
		become_rival(r, dir);
	for (tries = 0; !answers(r); tries++) {
		cr_assert_lt(tries, 10000, "redis-server does not start");
		usleep(2000);
	}
}

void
rival_stop(struct rival *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
}
