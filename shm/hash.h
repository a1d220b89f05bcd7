#ifndef KVD_SHM_HASH_H
#define KVD_SHM_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-1-3 of a run of bytes under a 128-bit seed (Aumasson, Bernstein:
 * "SipHash: a fast short-input PRF", 2012; the variant with one compression
 * and three finalisation rounds).  Without the seed nobody can choose keys
 * that collide.  Pure.
 */
uint64_t hash_keyed(const uint64_t seed[2], const void *, size_t len);

/*
 * CRC-16/XMODEM: polynomial 0x1021, initial value 0, as Redis Cluster uses
 * for its slots.  Pure.
 */
uint16_t hash_crc16(const void *, size_t len);

/*
 * The slot, 0 .. 16383, of a bucket's name: the CRC of the name, or of what
 * stands between its first '{' and the next '}' if that is not empty.
 */
#define HASH_SLOTS	16384
uint32_t hash_slot(const void *name, size_t len);

/* The bits of a number in reverse order. */
uint64_t hash_reverse(uint64_t);

#endif
