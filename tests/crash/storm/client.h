#ifndef KVD_TESTS_STORM_CLIENT_H
#define KVD_TESTS_STORM_CLIENT_H

#include "tests/crash/storm/storm.h"

/*
 * Start the client of this number as a process; its place in the storm says
 * what it does and will say how it fared.  Returns its pid, or -1.
 */
pid_t client_start(struct storm *, unsigned number);

/*
 * Read everything that this client has ever written, when nobody writes any
 * more, over a connection of our own.  Returns false and client->failure if
 * something is not as the ledger says.
 */
bool client_verify(struct storm *, unsigned number);

#endif
