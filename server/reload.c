/*
 * HUP.  A configuration is taken whole or not at all: if anything in it is
 * wrong, or the children that are started with it do not come to serve, the
 * old one stays.
 */

#include "server/log.h"
#include "server/reload.h"

static void
to_log(void *arg, const char *message)
{
	(void)arg;
	log_warn("reload: %s", message);
}

bool
reload_read(const struct config_args *args, const struct config *running,
    struct config *next)
{
	const struct config_report report = { .line = to_log };

	if (config_load(next, args, &report) != 0)
		return false;
	if (config_keep_fixed(next, running, &report) != -1)
		return true;
	config_free(next);
	return false;
}
