/*
 * HMAC-SHA256 as in RFC 4231, whole and in parts, and comparing MACs.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hmac.h"

#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1

#define AA_20	"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa" \
		"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define AA_131	AA_20 AA_20 AA_20 AA_20 AA_20 AA_20 \
		"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define CD_10	"\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
#define DD_10	"\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"

/* The test cases 1 to 7 of the RFC; of the fifth it shows 16 bytes only. */
static const struct {
	struct slice	 key, data;
	const char	*mac;
	size_t		 mac_len;
} cases[] = {
	{ { BYTES("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
	    "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b") },
	    { BYTES("Hi There") },
	    "\xb0\x34\x4c\x61\xd8\xdb\x38\x53\x5c\xa8\xaf\xce\xaf\x0b\xf1\x2b"
	    "\x88\x1d\xc2\x00\xc9\x83\x3d\xa7\x26\xe9\x37\x6c\x2e\x32\xcf\xf7",
	    32 },
	{ { BYTES("Jefe") }, { BYTES("what do ya want for nothing?") },
	    "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
	    "\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43",
	    32 },
	{ { BYTES(AA_20) }, { BYTES(DD_10 DD_10 DD_10 DD_10 DD_10) },
	    "\x77\x3e\xa9\x1e\x36\x80\x0e\x46\x85\x4d\xb8\xeb\xd0\x91\x81\xa7"
	    "\x29\x59\x09\x8b\x3e\xf8\xc1\x22\xd9\x63\x55\x14\xce\xd5\x65\xfe",
	    32 },
	{ { BYTES("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
	    "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19") },
	    { BYTES(CD_10 CD_10 CD_10 CD_10 CD_10) },
	    "\x82\x55\x8a\x38\x9a\x44\x3c\x0e\xa4\xcc\x81\x98\x99\xf2\x08\x3a"
	    "\x85\xf0\xfa\xa3\xe5\x78\xf8\x07\x7a\x2e\x3f\xf4\x67\x29\x66\x5b",
	    32 },
	{ { BYTES("\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c"
	    "\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c") },
	    { BYTES("Test With Truncation") },
	    "\xa3\xb6\x16\x74\x73\x10\x0e\xe0\x6e\x0c\x79\x6c\x29\x55\x55\x2b",
	    16 },
	{ { BYTES(AA_131) },
	    { BYTES("Test Using Larger Than Block-Size Key - Hash Key First") },
	    "\x60\xe4\x31\x59\x1e\xe0\xb6\x7f\x0d\x8a\x26\xaa\xcb\xf5\xb7\x7f"
	    "\x8e\x0b\xc6\x21\x37\x28\xc5\x14\x05\x46\x04\x0f\x0e\xe3\x7f\x54",
	    32 },
	{ { BYTES(AA_131) },
	    { BYTES("This is a test using a larger than block-size key and a "
	    "larger than block-size data. The key needs to be hashed before "
	    "being used by the HMAC algorithm.") },
	    "\x9b\x09\xff\xa7\x1b\x94\x2f\xcb\x27\x63\x5f\xbc\xd5\xb0\xe9\x44"
	    "\xbf\xdc\x63\x64\x4f\x07\x13\x93\x8a\x7f\x51\x53\x5c\x3a\x35\xe2",
	    32 }
};

#define CASES	(sizeof(cases) / sizeof(cases[0]))

Test(hmac, every_case_of_the_rfc)
{
	uint8_t mac[HMAC_LEN];
	size_t i;

	for (i = 0; i < CASES; i++) {
		hmac_sha256(cases[i].key, &cases[i].data, 1, mac);
		cr_assert_arr_eq(mac, cases[i].mac, cases[i].mac_len,
		    "case %zu", i + 1);
	}
}

Test(hmac, parts_are_taken_as_one_run_wherever_they_end)
{
	uint8_t mac[HMAC_LEN];
	struct slice parts[3];
	size_t i, at;

	for (i = 0; i < CASES; i++)
		for (at = 0; at <= cases[i].data.len; at++) {
			parts[0].data = cases[i].data.data;
			parts[0].len = at;
			parts[1].data = NULL;
			parts[1].len = 0;
			parts[2].data = cases[i].data.data + at;
			parts[2].len = cases[i].data.len - at;
			hmac_sha256(cases[i].key, parts, 3, mac);
			cr_assert_arr_eq(mac, cases[i].mac, cases[i].mac_len,
			    "case %zu cut at %zu", i + 1, at);
		}
}

/* A key of these n bytes over nothing. */
static void
mac_of(const uint8_t *key, size_t n, uint8_t mac[HMAC_LEN])
{
	uint8_t *copy = malloc(n + (n == 0));
	struct slice slice = { copy, n };

	memcpy(copy, key, n);
	hmac_sha256(slice, NULL, 0, mac);
	free(copy);
}

Test(hmac, each_length_of_a_key_up_to_two_blocks_counts)
{
	uint8_t key[129], mac[HMAC_LEN], last[HMAC_LEN] = { 0 };
	size_t n;

	memset(key, 'k', sizeof(key));
	for (n = 0; n <= sizeof(key); n++) {
		mac_of(key, n, mac);
		cr_assert_not(hmac_equal(mac, last), "%zu", n);
		memcpy(last, mac, HMAC_LEN);
	}
}

/* Keys of n times the same byte, over nothing, as others compute them. */
static const struct {
	size_t		 n;
	const char	*mac;
} blocks[] = {
	{ 64,
	    "\x83\x02\x6a\x32\x5a\xae\xe7\x0e\x36\xcf\xe6\x07"
	    "\x53\x6a\xa1\x05\x41\x04\xad\x10\x77\xc3\x61\x34"
	    "\x81\x0d\x4c\xcd\xed\x1c\xcd\x3b" },
	{ 65,
	    "\x41\xf1\xc4\xcc\x31\x07\xcd\x5b\x8d\x92\x46\x0f"
	    "\x61\x03\x29\x02\xbf\xdb\x06\x48\x4e\xef\x17\xe8"
	    "\x61\xb8\x3a\x50\x12\xd3\xb7\xf3" }
};

Test(hmac, a_key_of_one_block_is_taken_as_it_is_and_a_longer_one_is_hashed)
{
	uint8_t key[65], mac[HMAC_LEN];
	size_t i;

	memset(key, 'k', sizeof(key));
	for (i = 0; i < 2; i++) {
		mac_of(key, blocks[i].n, mac);
		cr_assert_arr_eq(mac, blocks[i].mac, HMAC_LEN, "%zu",
		    blocks[i].n);
	}
}

Test(hmac, two_macs_are_equal_if_no_bit_differs)
{
	uint8_t a[HMAC_LEN], b[HMAC_LEN];
	size_t bit;

	memset(a, 0x5a, HMAC_LEN);
	memcpy(b, a, HMAC_LEN);
	cr_assert(hmac_equal(a, b));
	for (bit = 0; bit < 8 * HMAC_LEN; bit++) {
		b[bit / 8] ^= (uint8_t)(1U << bit % 8);
		cr_assert_not(hmac_equal(a, b), "bit %zu", bit);
		cr_assert_not(hmac_equal(b, a), "bit %zu", bit);
		memcpy(b, a, HMAC_LEN);
	}

	/* Differences must not cancel each other out. */
	b[0] ^= 1;
	b[31] ^= 1;
	cr_assert_not(hmac_equal(a, b));
}
