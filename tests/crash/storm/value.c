/*
 * Values that prove themselves: "writer.seq.key.", then letters from a
 * generator seeded with the three.  Most have some hundred bytes, few some
 * thousand, so that overwriting makes records smaller and larger.  All are
 * plain words, for the protocol must not have to quote them.
 */

#include "tests/crash/storm/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX	96

uint64_t
value_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t
seed_of(const char *head)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *head != '\0'; head++)
		h = (h ^ (uint8_t)*head) * UINT64_C(0x100000001b3);
	return h | 1;
}

size_t
value_make(char *text, const char *key, unsigned writer, uint64_t seq)
{
	uint64_t state, bits;
	size_t n, len, i;

	n = (size_t)snprintf(text, HEAD_MAX, "%x.%jx.%s.", writer,
	    (uintmax_t)seq, key);
	state = seed_of(text);
	bits = value_random(&state);
	len = n + (bits >> 32) % (bits % 64 == 0 ? 3500 : 400);
	for (i = n; i < len; i++, bits >>= 4) {
		if ((i - n) % 16 == 0)
			bits = value_random(&state);
		text[i] = (char)('a' + (bits & 15));
	}
	text[len] = '\0';
	return len;
}

bool
value_check(const char *text, size_t len, const char *key, unsigned *writer,
    uint64_t *seq)
{
	char want[VALUE_MAX], *end;

	*writer = (unsigned)strtoul(text, &end, 16);
	if (*end != '.')
		return false;
	*seq = strtoull(end + 1, &end, 16);
	return *end == '.' && value_make(want, key, *writer, *seq) == len &&
	    memcmp(text, want, len) == 0;
}
