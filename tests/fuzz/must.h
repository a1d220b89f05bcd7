#ifndef KVD_FUZZ_MUST_H
#define KVD_FUZZ_MUST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's name for what is called with each input; it has no header. */
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Else the input is a crash, like any other. */
#define must(holds) \
	((holds) ? (void)0 : must_fail(__FILE__, __LINE__, #holds))

static inline void
must_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

#endif
