#ifndef KVD_TESTS_PROC_PIPELINE_H
#define KVD_TESTS_PROC_PIPELINE_H

#include "tests/proc/redis_talk.h"

/*
 * Pipelines of requests of every kind in every order.  A worker takes most of
 * them the short way, unless each is to be timed; the answers must be the
 * same bytes, and so many pipelines are sent twice, once each way.  Returns on
 * success.  The store has bucket b with the key end, for the text protocol.
 */
enum pipeline_kind { PIPELINE_TEXT, PIPELINE_RESP2, PIPELINE_RESP3 };

void pipeline_compare(const struct daemon *, enum pipeline_kind,
    unsigned pipelines);

#endif
