#include <criterion/criterion.h>

#include <string.h>

#include "shm/hash.h"

Test(hash, crc16_agrees_with_the_published_check_value)
{
	cr_assert_eq(hash_crc16("123456789", 9), 0x31c3);
	cr_assert_eq(hash_crc16("", 0), 0);
}

/* The definition, bit by bit. */
static unsigned
divide(const uint8_t *p, size_t len)
{
	unsigned crc = 0;
	int bit;

	for (; len > 0; len--) {
		crc ^= (unsigned)*p++ << 8;
		for (bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc & 0x8000 ? 0x11021 : 0);
	}
	return crc;
}

Test(hash, crc16_is_the_remainder_of_a_division_for_every_byte)
{
	uint8_t bytes[2];
	unsigned i;

	for (i = 0; i < 65536; i++) {
		bytes[0] = (uint8_t)(i >> 8);
		bytes[1] = (uint8_t)i;
		cr_assert_eq(hash_crc16(bytes, 2), divide(bytes, 2), "%04x",
		    i);
	}
}

Test(hash, crc16_is_the_remainder_of_a_division_for_every_length)
{
	uint8_t bytes[64];
	size_t len;
	unsigned i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	for (len = 0; len <= sizeof(bytes); len++)
		cr_assert_eq(hash_crc16(bytes, len), divide(bytes, len),
		    "%zu", len);
}

Test(hash, slot_agrees_with_redis_cluster)
{
	cr_assert_eq(hash_slot("foo", 3), 12182);
	cr_assert_eq(hash_slot("somekey", 7), 11058);
}

Test(hash, slot_comes_from_what_stands_in_braces)
{
	cr_assert_eq(hash_slot("{user1}.following", 17),
	    hash_slot("user1", 5));
	cr_assert_eq(hash_slot("foo{}{bar}", 10),
	    hash_crc16("foo{}{bar}", 10) % HASH_SLOTS);
	cr_assert_eq(hash_slot("foo{{bar}}zap", 13), hash_slot("{bar", 4));
	cr_assert_eq(hash_slot("foo{bar", 7),
	    hash_crc16("foo{bar", 7) % HASH_SLOTS);
	cr_assert_eq(hash_slot("{", 1), hash_crc16("{", 1) % HASH_SLOTS);
}

/* The published outputs for the bytes 00, 01, .. under the key 00 .. 0f. */
Test(hash, keyed_hash_agrees_with_siphash_1_3)
{
	static const struct {
		size_t		len;
		uint64_t	hash;
	} vectors[] = {
		{ 0, 0xabac0158050fc4dc }, { 1, 0xc9f49bf37d57ca93 },
		{ 0, 0xabac0158050fc4dc }, { 1, 0xc9f49bf37d57ca93 },
		{ 2, 0x82cb9b024dc7d44d }, { 3, 0x8bf80ab8e7ddf7fb },
		{ 4, 0xcf75576088d38328 }, { 5, 0xdef9d52f49533b67 },
		{ 6, 0xc50d2b50c59f22a7 }, { 7, 0xd3927d989bb11140 },
		{ 8, 0x369095118d299a8e }, { 9, 0x25a48eb36c063de4 },
		{ 10, 0x79de85ee92ff097f }, { 11, 0x70c118c1f94dc352 },
		{ 12, 0x78a384b157b4d9a2 }, { 13, 0x306f760c1229ffa7 },
		{ 14, 0x605aa111c0f95d34 }, { 15, 0xd320d86d2a519956 },
		{ 16, 0xcc4fdd1a7d908b66 }, { 63, 0x9d199062b7bbb3a8 }
	};
	uint8_t data[64];
	uint64_t seed[2];
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	memcpy(seed, data, sizeof(seed));
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		cr_assert_eq(hash_keyed(seed, data, vectors[i].len),
		    vectors[i].hash, "length %zu", vectors[i].len);
}

Test(hash, keyed_hash_depends_on_every_byte_and_on_the_seed)
{
	const uint64_t seed[2] = { 1, 2 }, other[2] = { 1, 3 };
	uint8_t data[64] = { 0 };
	uint64_t plain;
	size_t i;

	plain = hash_keyed(seed, data, sizeof(data));
	cr_assert_neq(plain, hash_keyed(other, data, sizeof(data)));
	for (i = 0; i < sizeof(data); i++) {
		data[i] ^= 1;
		cr_assert_neq(plain, hash_keyed(seed, data, sizeof(data)));
		cr_assert_neq(plain, hash_keyed(seed, data, i));
		data[i] ^= 1;
	}
}

Test(hash, keyed_hash_spreads_its_low_and_high_bits)
{
	const uint64_t seed[2] = { 3, 4 };
	unsigned low[256] = { 0 }, high[256] = { 0 }, i;
	uint64_t h;

	for (i = 0; i < 256 * 1000; i++) {
		h = hash_keyed(seed, &i, sizeof(i));
		low[h & 255]++;
		high[h >> 56]++;
	}
	for (i = 0; i < 256; i++) {
		cr_assert(low[i] > 800 && low[i] < 1200);
		cr_assert(high[i] > 800 && high[i] < 1200);
	}
}

Test(hash, reverse_is_its_own_inverse)
{
	cr_assert_eq(hash_reverse(1), UINT64_C(1) << 63);
	cr_assert_eq(hash_reverse(hash_reverse(0x123456789abcdef)),
	    0x123456789abcdef);
}
