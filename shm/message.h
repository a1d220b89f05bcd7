#ifndef KVD_SHM_MESSAGE_H
#define KVD_SHM_MESSAGE_H

#include <stdint.h>

#include "shm/arena.h"
#include "shm/status.h"

/*
 * Messages: what is said on a channel, to whoever follows the feed of the
 * shard of its name (see feed.h).  They are in the log and nowhere else.
 */

/*
 * Say a message.  SHM_OK, also if nobody watches the shard: then nothing is
 * written.  SHM_KEY_SIZE or SHM_VALUE_SIZE: the channel's name, or the
 * message, is longer than a key, or a value with that key, may be.  SHM_FULL,
 * SHM_DAMAGED.
 * Both are copied.  Complete when it returns; a process that is killed in
 * between has said it or not.
 */
enum shm_status message_say(struct arena *, struct bytes channel,
    struct bytes text);

#endif
