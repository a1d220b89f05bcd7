#ifndef KVD_SHM_LOG_H
#define KVD_SHM_LOG_H

#include "shm/record.h"
#include "shm/segment.h"

/*
 * The log of a shard has two heads.  What clients write goes to the hot one,
 * in the order of lsn; what the cleaner moves goes to the cold one, which
 * readers of the log never see.
 */

/*
 * See to it that size bytes can be written at the hot head in one piece, by
 * sealing its segment and opening another if need be (intents of their own).
 * At the level of a DELETE, size is that of a tombstone.
 */
enum shm_status log_room(struct held *, uint64_t size, enum segment_level);

/* Bytes that a PUT finds at the hot head without that. */
uint64_t log_left(struct held *);

/* The same for the cold head. */
enum shm_status log_cold_room(struct held *, uint64_t size);

/*
 * Write a record at the hot head and set its lsn; returns its offset.  It is
 * not in the log before log_advance() is committed.
 */
arena_off log_write(struct held *, struct record_view *);

/* Into the intent: the record of that size and lsn at the hot head counts. */
void log_advance(struct held *, const struct record_view *);

/* Into the intent: so many bytes of the log at off are dead. */
void log_kill(struct held *, arena_off, uint64_t size);

/*
 * Into the intent: what the record at off tells of expires at that time (0:
 * it does not), so its segment is to be swept then.  Who sweeps it now may
 * have passed the record if it is an old one.
 */
void log_await(struct held *, arena_off, uint64_t expires_ms, bool is_old);

/*
 * Close the heads if everything in them is dead, so that a shard without
 * buckets holds no segment (intents of their own); the hot one may be kept
 * for those who follow it.  Returns segments freed.
 */
unsigned log_close_dead_heads(struct held *, bool keep_hot);

/* Give a segment of the log back, all of which is dead (own intent). */
void log_free_segment(struct held *, uint64_t segment);

#endif
