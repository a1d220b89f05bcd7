/*
 * KEYS, BUCKETS and MGET, whose replies may be larger than memory.
 *
 * Each is a function that writes a piece and remembers its place; the
 * connection calls it while less than its high-water mark waits to be sent,
 * and looks away while the client is slow.  Nothing is held meanwhile, no
 * lock and no snapshot, so a client that never reads costs its buffer only.
 *
 * A stream reads the words of its request to the end.  Their bytes stay in
 * the connection's input, where nothing moves while a stream runs; the array
 * that points to them belongs to the worker, and is copied by stream_keep()
 * in the rare case that a stream outlives its connection's turn.
 *
 * The bucket may be dropped half way.  Then the list ends with an error: it
 * is not the whole truth, and OK would say that it is.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "server/stream.h"

void
stream_begin(struct stream *stream, const struct request *req,
    bool (*next)(struct stream *, struct store *, struct outbuf *))
{
	memset(stream, 0, sizeof(*stream));
	stream->next = next;
	stream->argv = req->argv;
	stream->argc = req->argc;
}

static bool
end_with_error(const struct stream *stream, struct outbuf *out,
    enum shm_status status)
{
	if (status != SHM_NO_BUCKET)
		reply_error(out, "%s", shm_strstatus(status));
	else if (stream->begun)
		reply_error(out, "bucket was dropped");
	else
		reply_not_found(out);
	return false;
}

static void
write_names(struct store *store, struct outbuf *out)
{
	struct slice name;

	while (store_next_name(store, &name))
		reply_item(out, name);
}

static bool
next_keys(struct stream *stream, struct store *store, struct outbuf *out)
{
	enum shm_status status;

	status = store_scan_keys(store, stream->argv[1], &stream->scan);
	if (status != SHM_OK)
		return end_with_error(stream, out, status);
	stream->begun = true;
	write_names(store, out);
	if (stream->scan.done)
		reply_end(out);
	return !stream->scan.done;
}

static bool
next_buckets(struct stream *stream, struct store *store, struct outbuf *out)
{
	enum shm_status status;

	status = store_scan_buckets(store, stream->shard, &stream->scan, 0);
	if (status != SHM_OK)
		return end_with_error(stream, out, status);
	write_names(store, out);
	if (!stream->scan.done)
		return true;
	memset(&stream->scan, 0, sizeof(stream->scan));
	if (++stream->shard < arena_shards(store->arena))
		return true;
	reply_end(out);
	return false;
}

static bool
next_mget(struct stream *stream, struct store *store, struct outbuf *out)
{
	enum shm_status status;
	struct slice value;

	status = store_get(store, stream->argv[1], stream->argv[stream->index],
	    &value);
	if (status == SHM_OK)
		reply_item(out, value);
	else if (status == SHM_NO_KEY)
		reply_no_item(out);
	else
		return end_with_error(stream, out, status);
	stream->begun = true;
	if (++stream->index < stream->argc)
		return true;
	reply_end(out);
	return false;
}

void
stream_keys(struct stream *stream, const struct request *req)
{
	stream_begin(stream, req, next_keys);
}

void
stream_buckets(struct stream *stream, const struct request *req)
{
	stream_begin(stream, req, next_buckets);
}

void
stream_mget(struct stream *stream, const struct request *req)
{
	stream_begin(stream, req, next_mget);
	stream->index = 2;
}

bool
stream_set_place(struct stream *stream, uint64_t place)
{
	if (place == 0)
		return true;
	stream->begun = true;
	if (stream->next != next_mget) {
		stream->scan.cursor = place;
		return true;
	}
	if (place < 2 || place >= stream->argc)
		return false;
	stream->index = place;
	return true;
}

uint64_t
stream_place(const struct stream *stream)
{
	return stream->next == next_mget ? stream->index :
	    stream->scan.cursor;
}

int
stream_keep(struct stream *stream)
{
	if (stream->kept != NULL)
		return 0;
	stream->kept = calloc(stream->argc, sizeof(*stream->kept));
	if (stream->kept == NULL)
		return -1;
	memcpy(stream->kept, stream->argv,
	    stream->argc * sizeof(*stream->kept));
	stream->argv = stream->kept;
	return 0;
}

void
stream_end(struct stream *stream)
{
	if (stream->audited != NULL)
		store_audit_end(stream->audited);
	if (stream->release != NULL)
		stream->release(stream->own);
	free(stream->kept);
	memset(stream, 0, sizeof(*stream));
}
