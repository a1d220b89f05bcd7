/*
 * AUDIT: are the promises of the shared memory kept, now, while it serves?
 *
 * The audit goes in pieces of a few milliseconds, each under one lock, and no
 * lock is held in between.  A piece is all that its connection does in a turn,
 * so what the worker's other clients, and its heart, wait for is a piece and
 * not an audit.  It writes nothing before the last: half an audit says that
 * something is wrong, but never that all is well.
 *
 * A worker runs one at a time.  Two would take twice the memory and twice the
 * time, and find the same.
 */

#include <stdio.h>

#include "proto/reply.h"
#include "server/stream.h"

#define COUNTS	(offsetof(struct audit_report, first_error) / sizeof(uint64_t))

struct count {
	const char	*name;
	uint64_t	 n;
};

static void
write_report(const struct audit_report *r, struct outbuf *out)
{
	const struct count counts[] = {
		{ "shards", r->shards },
		{ "shards_whole", r->shards_whole },
		{ "shards_sliced", r->shards_sliced },
		{ "shards_lost", r->shards_lost },
		{ "shards_repaired", r->shards_repaired },
		{ "segments", r->segments },
		{ "segments_free", r->segments_free },
		{ "segments_raw", r->segments_raw },
		{ "buckets", r->buckets },
		{ "dropped", r->dropped },
		{ "lines", r->lines },
		{ "records", r->records },
		{ "log_records", r->log_records },
		{ "live_bytes", r->live_bytes },
		{ "dead_bytes", r->dead_bytes },
		{ "errors", r->errors },
	};
	char line[sizeof(r->first_error) + 32];
	size_t i;

	_Static_assert(sizeof(counts) / sizeof(counts[0]) == COUNTS,
	    "a count of the report is not told");
	for (i = 0; i < COUNTS; i++) {
		snprintf(line, sizeof(line), "%s:%ju", counts[i].name,
		    (uintmax_t)counts[i].n);
		reply_text(out, line);
	}
	if (r->errors > 0) {
		snprintf(line, sizeof(line), "first_error:%s", r->first_error);
		reply_text(out, line);
	}
}

static bool
next_audit(struct stream *stream, struct store *store, struct outbuf *out)
{
	const struct audit_report *report;

	(void)stream;
	if (store_audit_step(store, &report))
		return true;
	write_report(report, out);
	reply_end(out);
	return false;
}

const char *
stream_audit(struct stream *stream, const struct request *req,
    struct store *store)
{
	if (store->audit != NULL)
		return "another audit is running";
	if (!store_audit_begin(store))
		return shm_strstatus(SHM_FULL);
	stream_begin(stream, req, next_audit);
	stream->slow = true;
	stream->audited = store;
	return NULL;
}
