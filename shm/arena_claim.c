/*
 * Who may change an arena: record locks on bytes of the object, which need
 * not be there.
 *
 *	claim	the master's; a record lock belongs to a process, so a fork
 *		does not hand it on, and no death leaves it behind
 *	hold	the family's; it belongs to the open file, which children and
 *		programs that are started in place of this one share
 *	change	the master's, while it hands on the claim
 */

#include "shm/arena_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "shm/handle.h"

enum { CLAIM_BYTE, HOLD_BYTE, CHANGE_BYTE };

static struct flock
lock_of(off_t byte, short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = byte,
		.l_len = 1
	};
}

static int
set_lock(int fd, off_t byte, short type)
{
	struct flock lock = lock_of(byte, type);

	return fcntl(fd, F_SETLK, &lock);
}

/* Which other process has it: 0 none, -1 errno. */
static pid_t
holder_of(int fd, off_t byte)
{
	struct flock lock = lock_of(byte, F_WRLCK);

	if (fcntl(fd, F_GETLK, &lock) == -1)
		return -1;
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

int
arena_claim_object(int fd)
{
	return set_lock(fd, CLAIM_BYTE, F_WRLCK);
}

pid_t
arena_claim(struct arena *a)
{
	if (arena_claim_object(a->fd) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return -1;
	return holder_of(a->fd, CLAIM_BYTE);
}

void
arena_unclaim(struct arena *a)
{
	(void)set_lock(a->fd, CLAIM_BYTE, F_UNLCK);
}

void
arena_show_change(struct arena *a, bool changing)
{
	(void)set_lock(a->fd, CHANGE_BYTE, changing ? F_WRLCK : F_UNLCK);
}

bool
arena_hold(struct arena *a)
{
	struct flock lock = lock_of(HOLD_BYTE, F_WRLCK);

	return fcntl(a->fd, F_OFD_SETLK, &lock) == 0;
}

static pid_t
holder_by_name(const char *name, off_t byte)
{
	pid_t pid;
	int fd;

	if ((fd = arena_open_object(name, O_RDWR)) == -1)
		return errno == ENOENT ? 0 : -1;
	pid = holder_of(fd, byte);
	close(fd);
	return pid;
}

/*
 * While the claim is handed on nobody has it, but somebody is at it.  Seen in
 * this order, a claim that has come to the other side meanwhile is not missed.
 */
pid_t
arena_holder(const char *name)
{
	static const off_t order[] = { CLAIM_BYTE, CHANGE_BYTE, CLAIM_BYTE };
	pid_t pid = 0;
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]) && pid == 0; i++)
		pid = holder_by_name(name, order[i]);
	return pid;
}

/* The kernel names no owner of a lock that belongs to an open file. */
bool
arena_is_held(const char *name)
{
	return holder_by_name(name, HOLD_BYTE) != 0;
}

bool
arena_is_served(const struct arena *a)
{
	return holder_of(a->fd, HOLD_BYTE) != 0;
}

bool
arena_is_changing(const char *name)
{
	return holder_by_name(name, CHANGE_BYTE) > 0;
}
