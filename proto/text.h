#ifndef KVD_PROTO_TEXT_H
#define KVD_PROTO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

/*
 * The text protocol, server side: bytes in, OK / MORE / BAD out.  The parser
 * is pure and resumable: it remembers only how far it has looked for the end
 * of the line, so a line may arrive in any number of pieces.
 */
struct text_parser {
	size_t	scanned;	/* bytes of the current line seen so far */
};

enum text_status {
	TEXT_OK,	/* *req is a request of *used bytes */
	TEXT_EMPTY,	/* a blank line of *used bytes: ignore it */
	TEXT_MORE,	/* no full line yet; *used is 0 */
	TEXT_BAD,	/* the line is malformed, see *error; *used bytes */
	TEXT_TOO_LONG	/* this line cannot end within line_max bytes; *used
			 * is 0 and there is no way to go on */
};

struct text_error {
	const char	*reason;	/* "unbalanced quote", "bad escape", ..
					 * static storage */
	size_t		 position;	/* in the line, counted from 1 */
};

void text_parser_init(struct text_parser *);

/*
 * Parse one line at the start of buf, of which len bytes are there.  After
 * TEXT_MORE call again with the same line at the start of buf (it may have
 * moved) and more bytes; after any answer with *used > 0 with what follows
 * the line.  Quoted words are unescaped in place, which is why buf is not
 * const; the slices in *req point into it.
 * line_max counts the line end too: a line of exactly line_max bytes is
 * legal, and TEXT_TOO_LONG comes as soon as line_max bytes hold no line end,
 * so a buffer of line_max bytes is enough.
 * *req is meaningful after TEXT_OK only, *error after TEXT_BAD only.
 */
enum text_status text_parse(struct text_parser *, uint8_t *buf, size_t len,
    size_t line_max, struct request *req, struct text_error *error,
    size_t *used);

/*
 * Take a line that is there as a whole and has no quoted word, of at most
 * argv_max words and at least one.  Returns its bytes, for which argv and *argc
 * are filled in, or 0 for any other.  Pure: unlike text_parse() it changes
 * nothing, so the line may be parsed again.
 */
size_t text_quick(const uint8_t *buf, size_t len, struct slice *argv,
    size_t argv_max, size_t *argc);

#endif
