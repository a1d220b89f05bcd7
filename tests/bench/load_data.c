/*
 * Values are windows into one text of letters.  Where a window begins depends
 * on the key, so another key's value is not taken for this one's, and no
 * value has to be made when it is asked for: the generator must not be what
 * limits a server that needs 100 ns for a request.
 */

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load_data.h"

#define WINDOWS	65536U

void
load_values_open(struct load_values *v, size_t least, size_t most)
{
	size_t i, len = WINDOWS + most;

	if ((v->text = malloc(len)) == NULL)
		err(1, NULL);
	for (i = 0; i < len; i++)
		v->text[i] = (char)('a' + bench_pick(i, 26));
	v->least = least;
	v->most = most;
}

void
load_values_close(struct load_values *v)
{
	free(v->text);
}

const char *
load_value(const struct load_values *v, uint64_t key, size_t *len)
{
	uint64_t x = bench_pick(key, UINT64_MAX);

	*len = v->least + (x >> 16) % (v->most - v->least + 1);
	return v->text + x % WINDOWS;
}

void
load_key(char out[KEY_BYTES], const char *prefix, uint64_t key)
{
	size_t i;

	memcpy(out, prefix, 4);
	for (i = KEY_BYTES; i > 4; key >>= 4)
		out[--i] = "0123456789abcdef"[key & 15];
}

char *
load_buffer_room(struct load_buffer *b, size_t n)
{
	size_t cap = b->cap == 0 ? 4096 : b->cap;

	if (b->at > 0 && b->cap - b->len < n) {
		memmove(b->data, b->data + b->at, b->len - b->at);
		b->len -= b->at;
		b->at = 0;
	}
	while (cap - b->len < n)
		cap *= 2;
	if (cap != b->cap && (b->data = realloc(b->data, cap)) == NULL)
		err(1, NULL);
	b->cap = cap;
	return b->data + b->len;
}

void
load_buffer_add(struct load_buffer *b, const void *data, size_t n)
{
	memcpy(load_buffer_room(b, n), data, n);
	b->len += n;
}
