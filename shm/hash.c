/*
 * Where a name lives.  Two hashes for two purposes: a keyed one for the
 * indexes, whose lines an attacker must not be able to fill at will, and the
 * public CRC16 for slots, which clients compute for themselves.
 */

#include "shm/hash.h"

#include <endian.h>
#include <string.h>

#include "shm/short.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

/*
 * The last len % 8 bytes of len, from p on, of which the first is the lowest;
 * without a step for each: what is there already is loaded once more.
 */
static inline uint64_t
tail(const uint8_t *p, size_t len)
{
	unsigned rest = (unsigned)len % 8;

	if (rest == 0)
		return 0;
	if (len >= 8)
		return short_load(p + rest - 8) >> (64 - 8 * rest);
	if (rest >= 4)
		return short_load_half(p) |
		    (uint64_t)short_load_half(p + rest - 4) << (8 * rest - 32);
	return p[0] | (uint64_t)p[rest / 2] << (8 * (rest / 2)) |
	    (uint64_t)p[rest - 1] << (8 * (rest - 1));
}

uint64_t
hash_keyed(const uint64_t seed[2], const void *data, size_t len)
{
	struct sip s = {
		seed[0] ^ UINT64_C(0x736f6d6570736575),
		seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261),
		seed[1] ^ UINT64_C(0x7465646279746573)
	};
	const uint8_t *p = data;
	size_t words;

	for (words = len / 8; words > 0; words--, p += 8)
		sip_word(&s, short_load(p));
	sip_word(&s, (uint64_t)len << 56 | tail(p, len));
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/*
 * The checksum is linear: that of four bytes is the sum of what each does where
 * it stands, and what a byte does that of its bits.  So there is a table for
 * each of four places, 2 KiB in all, and no step for each byte.  A bit is a
 * power of x, from x^16 on, in terms of the sixteen that are kept.
 */
#define TIMES_X(p)							\
	(((unsigned)(p) << 1 ^ ((p) >> 15) * 0x1021U) & 0xffff)

enum {
	X16 = TIMES_X(0x8000U), X17 = TIMES_X(X16),
	X18 = TIMES_X(X17), X19 = TIMES_X(X18),
	X20 = TIMES_X(X19), X21 = TIMES_X(X20),
	X22 = TIMES_X(X21), X23 = TIMES_X(X22),
	X24 = TIMES_X(X23), X25 = TIMES_X(X24),
	X26 = TIMES_X(X25), X27 = TIMES_X(X26),
	X28 = TIMES_X(X27), X29 = TIMES_X(X28),
	X30 = TIMES_X(X29), X31 = TIMES_X(X30),
	X32 = TIMES_X(X31), X33 = TIMES_X(X32),
	X34 = TIMES_X(X33), X35 = TIMES_X(X34),
	X36 = TIMES_X(X35), X37 = TIMES_X(X36),
	X38 = TIMES_X(X37), X39 = TIMES_X(X38),
	X40 = TIMES_X(X39), X41 = TIMES_X(X40),
	X42 = TIMES_X(X41), X43 = TIMES_X(X42),
	X44 = TIMES_X(X43), X45 = TIMES_X(X44),
	X46 = TIMES_X(X45), X47 = TIMES_X(X46)
};

#define BIT(b, i, power) ((unsigned)(power) * (((b) >> (i)) % 2))
#define LOW(b, p, q, r, s)						\
	(BIT(b, 0, p) ^ BIT(b, 1, q) ^ BIT(b, 2, r) ^ BIT(b, 3, s))
#define SUM(b, p, q, r, s, t, u, v, w)					\
	(uint16_t)(LOW(b, p, q, r, s) ^ LOW((b) >> 4, t, u, v, w))
#define SUMS_4(b, ...)	SUM(b, __VA_ARGS__), SUM((b) + 1, __VA_ARGS__),	\
			SUM((b) + 2, __VA_ARGS__), SUM((b) + 3, __VA_ARGS__)
#define SUMS_16(b, ...)	SUMS_4(b, __VA_ARGS__),				\
			SUMS_4((b) + 4, __VA_ARGS__),			\
			SUMS_4((b) + 8, __VA_ARGS__),			\
			SUMS_4((b) + 12, __VA_ARGS__)
#define SUMS_64(b, ...)	SUMS_16(b, __VA_ARGS__),			\
			SUMS_16((b) + 16, __VA_ARGS__),			\
			SUMS_16((b) + 32, __VA_ARGS__),			\
			SUMS_16((b) + 48, __VA_ARGS__)
#define SUMS(...)	SUMS_64(0U, __VA_ARGS__), SUMS_64(64U, __VA_ARGS__), \
			SUMS_64(128U, __VA_ARGS__), SUMS_64(192U, __VA_ARGS__)

static const uint16_t sums[4][256] = {	/* of the last byte, that before ... */
	{ SUMS(X16, X17, X18, X19, X20, X21, X22, X23) },
	{ SUMS(X24, X25, X26, X27, X28, X29, X30, X31) },
	{ SUMS(X32, X33, X34, X35, X36, X37, X38, X39) },
	{ SUMS(X40, X41, X42, X43, X44, X45, X46, X47) }
};

static inline uint32_t
crc_of_four(uint32_t bytes)
{
	return (uint32_t)(sums[3][bytes >> 24] ^ sums[2][bytes >> 16 & 0xff] ^
	    sums[1][bytes >> 8 & 0xff] ^ sums[0][bytes & 0xff]);
}

/* What is no four goes first, for there zeros before it change nothing. */
uint16_t
hash_crc16(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t crc = 0;
	size_t i;

	for (i = len % 4; i > 0; i--)
		crc = crc << 8 | *p++;
	if (crc != 0)
		crc = crc_of_four(crc);
	for (i = len / 4; i > 0; i--, p += 4)
		crc = crc_of_four(be32toh(short_load_half(p)) ^ crc << 16);
	return (uint16_t)crc;
}

uint32_t
hash_slot(const void *name, size_t len)
{
	const uint8_t *open, *close;

	open = len > 0 ? memchr(name, '{', len) : NULL;
	if (open != NULL) {
		size_t rest = len - (size_t)(open + 1 - (const uint8_t *)name);

		close = memchr(open + 1, '}', rest);
		if (close != NULL && close > open + 1)
			return hash_crc16(open + 1,
			    (size_t)(close - open - 1)) % HASH_SLOTS;
	}
	return hash_crc16(name, len) % HASH_SLOTS;
}

uint64_t
hash_reverse(uint64_t x)
{
	const uint64_t m1 = UINT64_C(0x5555555555555555);
	const uint64_t m2 = UINT64_C(0x3333333333333333);
	const uint64_t m4 = UINT64_C(0x0f0f0f0f0f0f0f0f);

	x = (x >> 1 & m1) | (x & m1) << 1;
	x = (x >> 2 & m2) | (x & m2) << 2;
	x = (x >> 4 & m4) | (x & m4) << 4;
	return __builtin_bswap64(x);
}
