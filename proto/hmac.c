/*
 * HMAC over the SHA-256 of libmd.
 *
 *	HMAC(K, text) = H(K ^ opad, H(K ^ ipad, text))
 *
 * K is the key, filled up with zeros to a block of the hash; one that is
 * longer than a block is hashed first.
 */

#include <sha2.h>
#include <string.h>

#include "proto/hmac.h"

#define BLOCK	SHA256_BLOCK_LENGTH

_Static_assert(HMAC_LEN == SHA256_DIGEST_LENGTH, "the hash makes the MAC");

static void
add(SHA2_CTX *hash, struct slice bytes)
{
	if (bytes.len > 0)
		SHA256Update(hash, bytes.data, bytes.len);
}

static void
make_block(uint8_t block[BLOCK], struct slice key)
{
	SHA2_CTX hash;

	memset(block, 0, BLOCK);
	if (key.len > BLOCK) {
		SHA256Init(&hash);
		add(&hash, key);
		SHA256Final(block, &hash);
		explicit_bzero(&hash, sizeof(hash));
	} else if (key.len > 0) {
		memcpy(block, key.data, key.len);
	}
}

/* Begin a hash with the block, each byte of it combined with pad. */
static void
begin(SHA2_CTX *hash, const uint8_t block[BLOCK], uint8_t pad)
{
	uint8_t padded[BLOCK];
	size_t i;

	for (i = 0; i < BLOCK; i++)
		padded[i] = block[i] ^ pad;
	SHA256Init(hash);
	SHA256Update(hash, padded, BLOCK);
	explicit_bzero(padded, sizeof(padded));
}

void
hmac_sha256(struct slice key, const struct slice *parts, size_t n,
    uint8_t mac[HMAC_LEN])
{
	uint8_t block[BLOCK];
	SHA2_CTX hash;
	size_t i;

	make_block(block, key);
	begin(&hash, block, 0x36);
	for (i = 0; i < n; i++)
		add(&hash, parts[i]);
	SHA256Final(mac, &hash);

	begin(&hash, block, 0x5c);
	SHA256Update(&hash, mac, HMAC_LEN);
	SHA256Final(mac, &hash);
	explicit_bzero(block, sizeof(block));
	explicit_bzero(&hash, sizeof(hash));
}

bool
hmac_equal(const uint8_t a[HMAC_LEN], const uint8_t b[HMAC_LEN])
{
	uint8_t difference = 0;
	size_t i;

	for (i = 0; i < HMAC_LEN; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}
