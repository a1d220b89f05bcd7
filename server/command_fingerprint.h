#ifndef KVD_SERVER_COMMAND_FINGERPRINT_H
#define KVD_SERVER_COMMAND_FINGERPRINT_H

#include "proto/little.h"
#include "proto/request.h"

/*
 * What a request is known by on the board, and in the list of poison: a number
 * that is the same for the same request (verb, bucket and key), and most likely
 * another for another one.  It is made word by word, of the first
 * FINGERPRINT_WORDS: the verb, and two more (bucket and key, or for SET name
 * and value).  So where many in a row begin with the same words those are done
 * with.  Pure, and the same in every process.
 */
#define FINGERPRINT_WORDS	3	/* verb and all */

static inline uint64_t
fingerprint_stir(uint64_t hash, uint64_t x)
{
	hash = (hash ^ x) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/*
 * Of the beginning of a word: a key may be long, and this is per request.
 * Hence eight bytes at a time, too, and the length, which tells where one word
 * ends and the next begins, together with the first of them.
 */
static inline uint64_t
fingerprint_mix(uint64_t hash, struct slice word, uint64_t mask)
{
	size_t len = word.len < 64 ? word.len : 64;
	const uint8_t *p = word.data, *end = p + len;

	hash += word.len;
	if (len < 8)
		return fingerprint_stir(hash, little_get_few(p, len) & mask);
	for (; end - p > 8; p += 8)
		hash = fingerprint_stir(hash, little_get_few(p, 8) & mask);
	return fingerprint_stir(hash, little_get_few(end - 8, 8) & mask);
}

/* The verb, however it is written: without the bit of a small letter. */
static inline uint64_t
fingerprint_begin(struct slice verb)
{
	return fingerprint_mix(UINT64_C(0xcbf29ce484222325), verb,
	    UINT64_C(0xdfdfdfdfdfdfdfdf));
}

/* One word more. */
static inline uint64_t
fingerprint_add(uint64_t hash, struct slice word)
{
	return fingerprint_mix(hash, word, ~UINT64_C(0));
}

/* Never 0. */
static inline uint64_t
fingerprint_end(uint64_t hash)
{
	return hash | 1;
}

#endif
