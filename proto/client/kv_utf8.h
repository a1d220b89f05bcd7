#ifndef KVD_CLIENT_KV_UTF8_H
#define KVD_CLIENT_KV_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The length of the UTF-8 character at p, 1 to 4, and the character in
 * *code; 0 if the bytes there are none (len > 0).  Overlong forms,
 * surrogates and what lies beyond U+10FFFF are none.
 */
size_t utf8_char(const uint8_t *p, size_t len, uint32_t *code);

#endif
