/*
 * HUP.  The master reads the file first; only if all of it is good does it
 * tell the children, who read the same file with the same flags.  They run
 * on with their connections: what may change while running (limits and the
 * log) are values looked at when needed, so nobody has to be replaced.
 */

#include <string.h>

#include "server/log.h"
#include "server/reload.h"

static void
to_log(void *arg, const char *message)
{
	(void)arg;
	log_warn("reload: %s", message);
}

static void
to_nobody(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static bool
read_config(const struct config_args *args, const struct config *running,
    const struct config_report *report, struct config *next)
{
	if (config_load(next, args, report) != 0)
		return false;
	if (config_keep_fixed(next, running, report) != -1)
		return true;
	config_free(next);
	return false;
}

bool
reload_read(const struct config_args *args, const struct config *running,
    struct config *next)
{
	const struct config_report report = { .line = to_log };

	return read_config(args, running, &report, next);
}

void
reload_child(const struct inherit *in, struct config *own,
    const struct config **current)
{
	const struct config_report report = { .line = to_nobody };
	struct config next;

	if (!read_config(in->args, *current, &report, &next)) {
		log_warn("reload: the configuration changed once more and is "
		    "bad now, keeping the old one");
		return;
	}
	config_free(own);
	*own = next;
	*current = own;
	log_open(own, in->to_stderr, in->verbose);
}
