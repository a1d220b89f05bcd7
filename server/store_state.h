#ifndef KVD_SERVER_STORE_STATE_H
#define KVD_SERVER_STORE_STATE_H

#include "server/store.h"

/* What the files store*.c share, and nobody else sees. */

static inline struct bytes
bytes_of(struct slice slice)
{
	return (struct bytes){ .data = slice.data, .len = slice.len };
}

struct edit {			/* what is to become of a bucket */
	struct bytes		 bucket;
	const struct pair	*pairs;
	size_t			 n;
	struct bytes		 key;
};

/*
 * store_view.c: steps of the draft that is being written, of which arg is a
 * struct edit; and what is read in it.
 */
enum shm_status store_view_drop(struct txn *view, void *arg);
enum shm_status store_view_put(struct txn *view, void *arg);
enum shm_status store_view_delete(struct txn *view, void *arg);
enum shm_status store_view_read(struct store *, struct bytes bucket,
    struct bytes key, struct slice *value);
enum shm_status store_view_stat(struct store *, struct bytes bucket,
    struct bucket_stat *);

#endif
