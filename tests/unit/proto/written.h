#ifndef KVD_TESTS_UNIT_PROTO_WRITTEN_H
#define KVD_TESTS_UNIT_PROTO_WRITTEN_H

#include "proto/outbuf.h"

/* What a test has written: a buffer for it, made and freed with the test. */
extern struct outbuf out;

void written_begin(void);
void written_end(void);

/* Since the last time it is exactly these bytes, or this literal. */
void written_is(const char *bytes, size_t len);
#define expect(text)	written_is(text, sizeof(text) - 1)

#endif
