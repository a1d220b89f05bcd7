#ifndef KVD_TESTS_STORM_REQUEST_H
#define KVD_TESTS_STORM_REQUEST_H

#include "tests/crash/storm/storm.h"
#include "tests/crash/storm/wire.h"

/*
 * The requests of a client: how they are written, what the ledger says of
 * their replies, and what a broken connection leaves of them.
 */
enum request_kind {
	REQUEST_PUT, REQUEST_DELETE, REQUEST_GET,
	REQUEST_MPUT, REQUEST_MGET,
	REQUEST_SHARED_PUT, REQUEST_SHARED_GET,
	REQUEST_SHARED_LAST,	/* all writers have ended */
	REQUEST_CREATE, REQUEST_VISIT_PUT, REQUEST_VISIT_GET,
	REQUEST_VISIT_COUNT, REQUEST_DROP, REQUEST_VISIT_GONE,
	REQUEST_VISIT_LOOK, REQUEST_VISIT_CLEAR	/* after a loss */
};

#define VISIT_PUTS	4

struct request {
	enum request_kind kind;
	unsigned	  index;	/* of the key or group */
	uint64_t	  seq;		/* of the change */
};

/* "MPUT", ...: static storage. */
const char *request_name(enum request_kind);

/*
 * Add the request to what will be sent, and to the ledger as in flight; one
 * that would not fit the ledger becomes a GET of the same key.
 */
void request_send(struct client *, struct wire *, struct request *);

/* Items before the last line of its reply. */
unsigned request_items(const struct request *);

/*
 * The reply has come: returns true if it can be, and it is in the ledger.
 * Else the client has failed and says why.
 */
bool request_settle(struct storm *, struct client *, const struct request *,
    const struct reply *);

/* The connection broke before the reply. */
void request_lost(struct client *, const struct request *);

/* The request that reads what this one may have changed. */
struct request request_check_of(const struct request *);
/* Has it changed something of which we do not know? */
bool request_is_in_doubt(struct client *, const struct request *);

/* Note why the client has failed, unless it has already; returns false. */
bool client_fail(struct client *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
