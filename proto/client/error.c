/*
 * Why there is no handle.  The message is copied, for that of the handle goes
 * away with it.
 */

#include <stdio.h>

#include "proto/client/error.h"

void
error_set(struct kv_error *error, enum kv_status status, const char *message)
{
	if (error == NULL)
		return;
	error->status = status;
	(void)snprintf(error->message, sizeof(error->message), "%s", message);
}
