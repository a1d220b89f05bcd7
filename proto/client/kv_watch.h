#ifndef KVD_CLIENT_KV_WATCH_H
#define KVD_CLIENT_KV_WATCH_H

#include <signal.h>

#include "proto/client/kv_session.h"

/* A watch, and what is done with each event of it. */
struct watch {
	const struct session	*session;
	struct kv		*kv;
	struct kv_bytes		 bucket;
	char			**argv;		/* command; NULL: print */
	int			 signal_fd;
	sigset_t		 old_mask;
	int64_t			 begun_ms;	/* of this connection */
	size_t			 short_lived;	/* connections in a row */
};

/*
 * The words of the command, if any, as a vector for exec; false after saying
 * why.  To be freed either way.
 */
bool watch_set_command(struct watch *, const struct kv_bytes *words,
    size_t n);
void watch_free_command(struct watch *);

/* Print the event, or run the command for it.  0, or an exit status. */
int watch_take(const struct watch *, const struct kv_event *);

#endif
