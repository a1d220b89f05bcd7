/*
 * Another configuration, after HUP or with another program.  It is taken
 * whole or not at all: if anything in it is wrong, or the children that are
 * started with it do not come to serve, the old one stays.
 *
 * Sockets, shared memory and pid file are as they were opened.  What a
 * configuration says of them is put back to what they are, or refused, in a
 * reload and in an upgrade alike; so the new program is told by the old one,
 * in the language of kvd.conf(5), which both can be expected to know.
 */

#include <sys/mman.h>

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/config_cookie.h"
#include "server/config_value.h"
#include "server/log.h"
#include "server/reload.h"
#include "server/route.h"

static void
to_log(void *arg, const char *message)
{
	(void)arg;
	log_warn("configuration: %s", message);
}

/*
 * The listening sockets stay as they are, but this one's address is in the
 * table that all nodes have: so it cannot be put back to what it was.
 */
static bool
keeps_peer(const struct config *next, const struct config *running)
{
	const struct config_listen *now = config_own_peer(running);
	const struct config_listen *then = config_own_peer(next);
	char why[CONFIG_WHY_MAX];

	if (now == NULL && then == NULL)
		return true;
	if (now != NULL && then != NULL && strcmp(now->host, then->host) == 0 &&
	    strcmp(now->port, then->port) == 0)
		return true;
	snprintf(why, sizeof(why), "node %.100s: its address for peers cannot "
	    "change while kvd runs, from %s to %s; restart to change it",
	    running->name, now == NULL ? "none, for it is alone," : now->text,
	    then == NULL ? "none, for it would be alone" : then->text);
	to_log(NULL, why);
	return false;
}

/* The name that stays may be none of the new nodes, the shards too few. */
static bool
has_route(const struct config *next, uint32_t shards)
{
	struct route route;
	char why[CONFIG_WHY_MAX];

	if (route_build(&route, next, shards, why))
		return true;
	to_log(NULL, why);
	return false;
}

bool
reload_read(const struct config_args *args, const struct config *running,
    uint32_t shards, struct config *next)
{
	const struct config_report report = { .line = to_log };

	if (config_load(next, args, &report) != 0)
		return false;
	if (config_keep_fixed(next, running, &report) != -1 &&
	    keeps_peer(next, running) &&
	    config_cookie_load(next, &report) == 0 &&
	    config_password_load(next, &report) == 0 &&
	    has_route(next, shards))
		return true;
	config_free(next);
	return false;
}

int
reload_hand_on(const struct config *running)
{
	int fd = memfd_create("kvd.conf", MFD_CLOEXEC), copy = -1;
	FILE *to = NULL;

	if (fd == -1 || (copy = dup(fd)) == -1 ||
	    (to = fdopen(copy, "w")) == NULL)
		goto fail;
	config_print(running, to);
	copy = -1;
	if (fclose(to) == 0)
		return fd;
fail:
	if (copy != -1)
		close(copy);
	if (fd != -1)
		close(fd);
	return -1;
}

void
reload_inherit(struct config *config, int fd)
{
	const struct config_report report = { .line = to_log };
	struct config_args args = { .file_required = true };
	struct config running;

	snprintf(args.file, sizeof(args.file), "/proc/self/fd/%d", fd);
	if (config_load(&running, &args, &report) != 0 ||
	    config_keep_fixed(config, &running, &report) == -1 ||
	    !keeps_peer(config, &running))
		fatal(EX_CONFIG, "cannot go on with the configuration of the "
		    "old program; restart instead of upgrading");
	config_free(&running);
	close(fd);
}
