#ifndef KVD_SERVER_SESSION_H
#define KVD_SERVER_SESSION_H

#include <stdint.h>

#include "proto/request.h"

/*
 * What a connection that speaks the protocol of Redis has agreed with us, and
 * commands may look at and change.
 */
struct session {
	enum request_protocol	 protocol;	/* REQUEST_RESP2 or _RESP3 */
	uint64_t		 id;		/* of the connection, from 1 */
};

#endif
