/*
 * The pid file.  What says that a daemon runs is the lock, not the file: it
 * dies with its holder, so a number left by a crash deceives nobody.  The
 * lock belongs to the open file, which children inherit; they close theirs
 * at once, or the file would seem taken for as long as one of them lives.
 */
#include "server/pidfile.h"

#include <errno.h>
#include <libutil.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/log.h"

static struct pidfh *handle;

/* A predecessor's, which libbsd's handle cannot be made of. */
static struct {
	int	 fd;
	char	*path;
} inherited = { .fd = -1 };

void
pidfile_take(const char *path)
{
	pid_t holder = -1;

	if (path == NULL)
		return;
	handle = pidfile_open(path, 0644, &holder);
	if (handle == NULL && errno == EEXIST && holder > 0)
		fatal(EX_TEMPFAIL, "already running with pid %d, says %s",
		    (int)holder, path);
	if (handle == NULL && errno == EEXIST)
		fatal(EX_TEMPFAIL, "already running, says %s", path);
	if (handle == NULL)
		fatal(EX_CANTCREAT, "cannot make the pid file %s: %s", path,
		    strerror(errno));
	/* Whoever may ask for the status may read it, whatever our umask. */
	if (fchmod(pidfile_fileno(handle), 0644) == -1 ||
	    pidfile_write(handle) == -1)
		fatal(EX_CANTCREAT, "cannot write the pid file %s: %s", path,
		    strerror(errno));
}

void
pidfile_forget(void)
{
	if (handle != NULL)
		pidfile_close(handle);
	handle = NULL;
	if (inherited.fd != -1)
		close(inherited.fd);
	inherited.fd = -1;
	free(inherited.path);
	inherited.path = NULL;
}

/* Without the right to remove it, the file stays: unlocked, thus harmless. */
void
pidfile_drop(void)
{
	if (handle != NULL)
		pidfile_remove(handle);
	handle = NULL;
	if (inherited.fd != -1 && inherited.path != NULL)
		(void)unlink(inherited.path);
	pidfile_forget();
}

int
pidfile_fd(void)
{
	return handle != NULL ? pidfile_fileno(handle) : inherited.fd;
}

void
pidfile_inherit(int fd, const char *path)
{
	inherited.fd = fd;
	inherited.path = path == NULL ? NULL : strdup(path);
}

void
pidfile_rewrite(void)
{
	int len, fd = pidfile_fd();
	char line[32];

	if (fd == -1)
		return;
	len = snprintf(line, sizeof(line), "%d", (int)getpid());
	if (ftruncate(fd, 0) == -1 ||
	    pwrite(fd, line, (size_t)len, 0) != len)
		log_warn("cannot write the pid file: %s", strerror(errno));
}
