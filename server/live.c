/*
 * Live settings.  All are numbers, so they are agreed on as one word each.
 */

#include "server/live.h"

#include <stddef.h>
#include <stdint.h>

static const enum config_option live[] = {
	CONFIG_LIMITS_clients, CONFIG_LIMITS_idle, CONFIG_LIMITS_send,
	CONFIG_LIMITS_output, CONFIG_LIMITS_tracked
};

#define LIVE	(sizeof(live) / sizeof(live[0]))

bool
live_is(enum config_option option)
{
	size_t i;

	for (i = 0; i < LIVE; i++)
		if (live[i] == option)
			return true;
	return false;
}

void
live_apply(struct config *config, const struct agreed *agreed)
{
	uint64_t *field;
	size_t i;

	for (i = 0; i < LIVE; i++) {
		field = (void *)((char *)config + config_rows[live[i]].offset);
		agreed_get(agreed, live[i], field);
	}
}
