#ifndef KVD_SERVER_AGREED_H
#define KVD_SERVER_AGREED_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"
#include "shm/board.h"

/*
 * What the workers of an instance have agreed on while they run, in memory
 * that the master shares with its children: what was set without a reload.
 * Nothing of it outlives the master, and a reload forgets what was set.
 * Times are of clock_ms().
 *
 * Any process may call any of these at any time.
 */
struct agreed;

/* For the master, before it forks.  NULL with errno. */
struct agreed *agreed_open(void);
void agreed_close(struct agreed *);

/*
 * A setting, by a number of the caller's choosing: the value that it was
 * given, if it was given any.
 */
#define AGREED_SETTINGS	96
void agreed_set(struct agreed *, unsigned setting, uint64_t value);
bool agreed_get(const struct agreed *, unsigned setting, uint64_t *value);
/* The master: all are as the configuration has them again. */
void agreed_forget_settings(struct agreed *);

/* Somebody begins to remove all there is; how often that has been so. */
void agreed_flush(struct agreed *);
uint64_t agreed_flushes(const struct agreed *);

/* Count from 0 again; and what has been counted since. */
void agreed_reset_counters(struct agreed *, const struct arena *);
uint64_t agreed_count(const struct agreed *, const struct arena *,
    enum board_counter);

/*
 * Requests in a second, lately.  Somebody calls the first of these a few
 * times a second.
 */
void agreed_sample(struct agreed *, const struct arena *, uint64_t now_ms);
uint64_t agreed_requests_per_second(const struct agreed *);

#endif
