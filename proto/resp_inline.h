#ifndef KVD_PROTO_RESP_INLINE_H
#define KVD_PROTO_RESP_INLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

/*
 * A line of words as people type it to Redis.  Words are split at white
 * space.  From the first quote in it a word goes on to the matching one,
 * which must end it: a"b c" is one word, "a"b is none.  In double quotes
 * \n \r \t \a \b and \xHH are understood, and a backslash takes any other
 * byte for itself; in single quotes \' alone.  Outside of quotes a backslash
 * is a backslash.
 *
 * This is not the quoting of the text protocol (quote.h), which knows no
 * single quotes and reads less of what nobody means.
 *
 * Words are unescaped in place, and the slices in *req point into the line,
 * of which len bytes are there, its end not among them.  A line of white
 * space alone is a request of no words.  False if a quote is not closed, or
 * not followed by white space or the end; then the line's bytes are not to be
 * used.
 */
bool resp_inline_split(uint8_t *line, size_t len, struct request *req);

#endif
