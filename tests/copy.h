#ifndef KVD_TESTS_COPY_H
#define KVD_TESTS_COPY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * The bytes in memory of their own, to be freed, that ends where they end: who
 * looks behind them is found by the address sanitizer.
 */
static inline uint8_t *
copy_of(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len + (len == 0));

	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

#endif
