#ifndef KVD_SHM_BATCH_H
#define KVD_SHM_BATCH_H

#include "shm/lock.h"
#include "shm/record.h"

/*
 * Several changes that happen together.  Their records are written beyond the
 * hot head; one intent then says where they end (batch_end) and makes the
 * shard's version odd, which holds off its readers.  From then on the batch
 * has happened: each record is published by an intent of its own that also
 * moves the head past it, so that the repair knows where to go on.
 */

/*
 * Write and commit n records for a held shard.  Room in the log for all of
 * them in one piece, and in the index, must have been reserved; whatever they
 * remove is there, and a bucket that they create was prepared.  The views'
 * lsn are filled in.  If the change breaks, those after the record that it
 * came to are lost.
 */
void batch_run(struct held *, struct record_view *, size_t n);

/* For the repair: publish what is left of a batch.  False if it is torn. */
bool batch_finish(struct held *);

#endif
