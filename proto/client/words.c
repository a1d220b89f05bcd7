/*
 * The quoting of the protocol, for programs that keep keys and values in
 * files of lines: what kv dump writes and kv load reads.
 */

#include "proto/client/kv.h"
#include "proto/quote.h"

size_t
kv_quoted_len(struct kv_bytes bytes)
{
	return quote_len(bytes.data, bytes.len);
}

size_t
kv_quote(char *out, struct kv_bytes bytes)
{
	return quote_write((uint8_t *)out, bytes.data, bytes.len);
}

enum kv_status
kv_unquote(char *buf, size_t len, struct kv_bytes *word, size_t *used)
{
	uint8_t *bytes;

	*used = 0;
	if (len == 0 || quote_is_space((uint8_t)*buf))
		return KV_BAD_ARGUMENT;
	if (unquote_word((uint8_t *)buf, len, &bytes, &word->len, used) !=
	    UNQUOTE_OK)
		return KV_BAD_ARGUMENT;
	word->data = bytes;
	return KV_OK;
}
