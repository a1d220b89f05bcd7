#ifndef KVD_SERVER_REDIS_MULTI_H
#define KVD_SERVER_REDIS_MULTI_H

#include <stdbool.h>
#include <stdint.h>

#include "server/command.h"
#include "server/session.h"

/*
 * MULTI and what belongs to it: a session's queue of commands, and the names
 * that it watches.  NULL stands for a session that has neither.
 */
struct multi;

void multi_free(struct multi *);

/* Between MULTI and EXEC? */
bool multi_is_open(const struct session *);

/* Queue the request, which is sound; true, and that is answered, if it is one
 * that waits for EXEC. */
bool multi_take(struct call *);

/* What came instead of a sound request is answered; so EXEC will fail. */
void multi_spoil(struct call *, size_t mark);

/* Not any more: RESET. */
void multi_forget(struct session *);

/*
 * The fingerprint of a request, by that of its words: it is the queue that
 * may crash us, and not the word EXEC.
 */
uint64_t multi_fingerprint(const struct session *, uint64_t words);

#endif
