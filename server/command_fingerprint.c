/* What a request is known by on the board, and in the list of poison. */

#include "proto/little.h"
#include "server/command.h"

static uint64_t
stir(uint64_t hash, uint64_t x)
{
	hash = (hash ^ x) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/*
 * Of the beginning: a key may be long, and this is per request.  Hence eight
 * bytes at a time, too, and the length, which tells where one word ends and
 * the next begins, together with the first of them.
 */
static inline uint64_t
hash_word(uint64_t hash, struct slice word)
{
	size_t len = word.len < 64 ? word.len : 64;
	const uint8_t *p = word.data, *end = p + len;

	hash += word.len;
	if (len < 8)
		return stir(hash, little_get_few(p, len));
	for (; end - p > 8; p += 8)
		hash = stir(hash, little_get_few(p, 8));
	return stir(hash, little_get_few(end - 8, 8));
}

uint64_t
command_fingerprint_of(const struct slice *argv, size_t argc)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < argc && i < 3; i++)
		hash = hash_word(hash, argv[i]);
	return hash | 1;
}

uint64_t
command_fingerprint(const struct request *req)
{
	return command_fingerprint_of(req->argv, req->argc);
}
