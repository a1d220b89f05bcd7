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

/* Will EXEC change anything? */
bool multi_changes(const struct multi *);

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
uint64_t multi_fingerprint(const struct multi *, uint64_t words);

/* --- when its keys are another node's --- */

/*
 * How another node is asked: command_kind(), but HERE for what is queued, and
 * EXEC for one that will execute.
 */
enum command_kind multi_kind(const struct session *, const struct request *);

/*
 * Who has all keys, the watched names included; this node if there are none,
 * or nobody has them all, which is for EXEC to say.
 */
uint32_t multi_owner(const struct command_env *, const struct multi *,
    uint32_t *shard);

/*
 * EXEC becomes what the owner is asked, whose bytes are kept in the buffer;
 * false if memory ran out.
 */
bool multi_compose(const struct multi *, struct request *, struct outbuf *);

/*
 * The answer to that, or to WATCH, is copied; the request is then executed
 * here, and uses it.  False if memory ran out.
 */
bool multi_set_answer(struct session *, struct slice payload);

/*
 * --- when another node asks ---
 *
 * Is the request that of an EXEC?  Then read it: NULL if it makes no sense, or
 * without memory.  The caller frees it.
 */
bool multi_is_asked(const struct request *);
struct multi *multi_read(const struct command_env *, const struct request *);
/* By our table all of it is ours, but not by the one that is in force. */
bool multi_is_fenced(const struct command_env *, const struct multi *);
/* Execute it, answer in so many bytes; for multi_set_answer() unless the call
 * has failed. */
void multi_execute(struct call *, struct multi *, size_t room);

#endif
