/*
 * The arena at start.  What is there and sound is adopted with all its data,
 * whoever died and however.  What no kvd of this version and boot can read
 * any more is replaced, and the log says why; what may be somebody else's, or
 * is damaged, is refused with the reason and the remedy, and never touched:
 * discarding that takes somebody who says so, with -C.
 *
 * The claim comes before any change, and in the process that will be the
 * master: it is a record lock, which a fork does not hand on.
 */

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "server/instance.h"
#include "server/log.h"
#include "server/privileges.h"
#include "server/process.h"
#include "shm/board.h"

static _Noreturn void
refuse_second(const struct config *config, pid_t holder)
{
	fatal(EX_TEMPFAIL, "instance %s is already running with pid %d; "
	    "stop it or choose another name with -N", config->name,
	    (int)holder);
}

static int
status_of(enum arena_error error)
{
	switch (error) {
	case ARENA_ERRNO:
		return errno == EACCES || errno == EPERM ? EX_NOPERM :
		    EX_OSERR;
	case ARENA_OTHER_USER:
		return EX_NOPERM;
	case ARENA_NO_SPACE:
	case ARENA_NO_ROBUST:
		return EX_OSERR;
	case ARENA_TOO_SMALL:
	case ARENA_BAD_PARAMS:
	case ARENA_UNFINISHED:
	case ARENA_NOT_AN_ARENA:
	case ARENA_OTHER_LAYOUT:
	case ARENA_OTHER_BOOT:
	case ARENA_OTHER_PIDNS:
		return EX_CONFIG;
	case ARENA_OK:
	case ARENA_EXISTS:
	case ARENA_MISSING:
		break;
	}
	return EX_SOFTWARE;
}

static const char *
remedy_of(enum arena_error error)
{
	switch (error) {
	case ARENA_OTHER_USER:
		return "; choose another name with -N, or let its owner "
		    "remove it";
	case ARENA_NO_SPACE:
		return "; lower the memory with -m, or enlarge /dev/shm";
	case ARENA_TOO_SMALL:
		return "; raise the memory with -m";
	case ARENA_BAD_PARAMS:
		return "; see memory, shards and value in kvd.conf(5)";
	case ARENA_NOT_AN_ARENA:
	case ARENA_OTHER_PIDNS:
		return "; start with -C to discard it with its data";
	case ARENA_OTHER_LAYOUT:
	case ARENA_OTHER_BOOT:
	case ARENA_UNFINISHED:
	case ARENA_ERRNO:
	case ARENA_NO_ROBUST:
	case ARENA_OK:
	case ARENA_EXISTS:
	case ARENA_MISSING:
		break;
	}
	return "";
}

static _Noreturn void
refuse(const struct config *config, const char *what, enum arena_error error)
{
	fatal(status_of(error), "cannot %s the shared memory /dev/shm/kvd.%s: "
	    "%s%s", what, config->name,
	    error == ARENA_ERRNO ? strerror(errno) : arena_strerror(error),
	    remedy_of(error));
}

static void
claim(const struct config *config, struct arena *arena)
{
	pid_t holder = arena_claim(arena);

	if (holder > 0)
		refuse_second(config, holder);
	if (holder == -1)
		refuse(config, "claim", ARENA_ERRNO);
}

/* Who may read it besides us, whatever was so before. */
static void
admit(const struct config *config, struct arena *arena)
{
	gid_t group = 0;

	if (config->readers != NULL)
		group = privileges_group(config->readers);
	if (arena_admit(arena, config->readers != NULL ? &group : NULL) == 0)
		return;
	fatal(EX_NOPERM, "cannot let group %s read the shared memory "
	    "/dev/shm/kvd.%s: %s; make who runs kvd a member of it, see "
	    "readers in kvd.conf(5)", config->readers != NULL ?
	    config->readers : "none", config->name, strerror(errno));
}

static void
kill_orphans(const struct arena *arena)
{
	struct board_row row;
	unsigned i;

	for (i = 0; i < BOARD_SLOTS; i++)
		if (board_read(arena, i, &row) && row.pid > 0)
			process_end_orphan(row.pid, row.heartbeat_ms);
}

static bool
await_hold(struct arena *arena)
{
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	int i;

	for (i = 0; i < PROCESS_ORPHANS_MS; i++) {
		if (arena_hold(arena))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/*
 * Children of a master that died end by themselves after the request in hand,
 * unless one was stopped; what they write to their slots of the board must
 * not be mistaken for their successors'.
 */
static void
outlive_orphans(const struct config *config, struct arena *arena)
{
	if (await_hold(arena))
		return;
	kill_orphans(arena);
	if (!await_hold(arena))
		fatal(EX_TEMPFAIL, "processes of an earlier master still use "
		    "instance %s; end them, or choose another name with -N",
		    config->name);
}

/* Whose the arena is to be: we may still be root. */
static uid_t
owner(const struct config *config)
{
	const struct passwd *pw = NULL;

	if (config->user != NULL && geteuid() == 0)
		pw = getpwnam(config->user);
	return pw != NULL ? pw->pw_uid : geteuid();
}

/*
 * Orphans also listen, where we are about to.  What cannot be adopted is
 * somebody's who has no orphans of ours, or is refused later.
 */
void
instance_require_free(const struct config *config)
{
	pid_t holder = arena_holder(config->name);
	struct arena *arena;

	if (holder > 0)
		refuse_second(config, holder);
	if (!arena_is_held(config->name) ||
	    arena_attach(&arena, config->name, owner(config)) != ARENA_OK)
		return;
	claim(config, arena);
	outlive_orphans(config, arena);
	arena_close(arena);
}

static struct arena *
create(const struct config *config)
{
	const struct arena_params params = {
		.name = config->name,
		.memory_bytes = config->memory_bytes,
		.value_max_bytes = config->value_max_bytes,
		.shards = (uint32_t)config->shards,
	};
	struct arena *arena;
	enum arena_error error;

	if ((error = arena_create(&arena, &params)) != ARENA_OK)
		refuse(config, "make", error);
	claim(config, arena);
	outlive_orphans(config, arena);
	admit(config, arena);
	log_info("made shared memory %s of %ju bytes", arena_uuid(arena),
	    (uintmax_t)arena_memory_bytes(arena));
	return arena;
}

/* The size is fixed for the life of the data, whatever is asked for now. */
static void
warn_of_difference(const struct config *config, const struct arena *arena)
{
	if (config->memory_bytes != arena_memory_bytes(arena))
		log_warn("the shared memory has %ju bytes as when it was made, "
		    "not the %ju configured; start with -C to make it anew "
		    "and empty", (uintmax_t)arena_memory_bytes(arena),
		    (uintmax_t)config->memory_bytes);
	if (config->value_max_bytes != 0 &&
	    config->value_max_bytes != arena_value_max(arena))
		log_warn("values have at most %ju bytes as when the shared "
		    "memory was made, not the %ju configured",
		    (uintmax_t)arena_value_max(arena),
		    (uintmax_t)config->value_max_bytes);
	if (config->shards != 0 && config->shards != arena_shards(arena))
		log_warn("there are %u shards as when the shared memory was "
		    "made, not the %ju configured", arena_shards(arena),
		    (uintmax_t)config->shards);
}

static void
discard(const struct config *config, const char *why)
{
	instance_require_free(config);
	if (arena_retire(config->name) == 0)
		log_warn("discarded the shared memory /dev/shm/kvd.%s: %s",
		    config->name, why);
	else if (errno != ENOENT)
		refuse(config, "discard", ARENA_ERRNO);
}

struct arena *
instance_inherit(const struct config *config, int fd)
{
	struct arena *arena;
	enum arena_error error;

	error = arena_attach_fd(&arena, config->name, fd, geteuid());
	if (error != ARENA_OK)
		refuse(config, "go on with", error);
	if (!arena_hold(arena))
		fatal(EX_SOFTWARE, "instance %s belongs to other processes",
		    config->name);
	admit(config, arena);
	return arena;
}

void
instance_claim_next(const struct config *config, struct arena *arena)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int i;

	for (i = 0; i < 100 && arena_claim(arena) != 0; i++)
		nanosleep(&pause, NULL);
	claim(config, arena);
}

/*
 * What holds no data that anybody could still use, and belongs to nobody: it
 * is not worth a refusal.
 */
static bool
is_worthless(enum arena_error error)
{
	return error == ARENA_UNFINISHED || error == ARENA_OTHER_LAYOUT ||
	    error == ARENA_OTHER_BOOT;
}

struct arena *
instance_open(const struct config *config, bool cold)
{
	struct arena *arena;
	enum arena_error error;

	if (cold)
		discard(config, "as asked for");
	error = arena_attach(&arena, config->name, geteuid());
	if (error == ARENA_UNFINISHED) {
		/* Its maker may have been at it for a moment only. */
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
		error = arena_attach(&arena, config->name, geteuid());
	}
	if (is_worthless(error)) {
		discard(config, arena_strerror(error));
		error = ARENA_MISSING;
	}
	if (error == ARENA_MISSING)
		return create(config);
	if (error != ARENA_OK)
		refuse(config, "adopt", error);
	claim(config, arena);
	outlive_orphans(config, arena);
	admit(config, arena);
	log_info("adopted shared memory %s with its data", arena_uuid(arena));
	warn_of_difference(config, arena);
	return arena;
}
