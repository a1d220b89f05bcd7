#ifndef KVD_PROTO_RESP_H
#define KVD_PROTO_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

/*
 * The protocol of Redis, server side: bytes in, OK / MORE / BAD out, in the
 * manner of text.h.  A request is
 *
 *	*2\r\n $4\r\nECHO\r\n $5\r\nhello\r\n	words of any bytes, or
 *	ECHO hello\r\n				a line, see resp_inline.h
 *
 * The parser is pure and resumable: it may be given a request in any number
 * of pieces, and what comes out does not depend on them.  It looks at no byte
 * of a word, and at no other byte twice, but for the headers of words that
 * were there before the last piece came.
 */
struct resp_parser {
	size_t	at;		/* up to here the request is understood */
	size_t	scanned;	/* and up to here it holds no line end */
	size_t	words;		/* that are there */
	size_t	expected;	/* 0: their number has not been read */
	size_t	awaited;	/* bytes of the next word and of its line end;
				 * 0: its length has not been read */
};

/* What a request may be. */
struct resp_limits {
	size_t	request_max;	/* bytes in all: so large is the buffer */
	size_t	word_max;	/* bytes of a word, unless it is in a line */
	bool	is_trusted;	/* has said who it is, or need not: may send
				 * more than RESP_STRANGER_.. */
};

#define RESP_LINE_MAX		65536	/* bytes, without the end */
#define RESP_WORDS_MAX		(1024 * 1024)
#define RESP_STRANGER_WORDS	10
#define RESP_STRANGER_WORD	16384

enum resp_status {
	RESP_OK,	/* *req is a request of *used bytes */
	RESP_EMPTY,	/* *used bytes that ask for nothing: ignore them */
	RESP_MORE,	/* no full request yet; *used is 0 */
	RESP_BAD	/* see *error; *used is 0, and there is no way to go
			 * on: the parser is not to be called again */
};

/* To be answered as an error with the code ERR, before closing. */
struct resp_error {
	char	reason[64];	/* "Protocol error: invalid bulk length", .. */
};

void resp_parser_init(struct resp_parser *);

/*
 * Parse one request at the start of buf, of which len bytes are there.  After
 * RESP_MORE call again with the same request at the start of buf (it may have
 * moved), more bytes and the same sizes in the limits; after any answer with
 * *used > 0 with what follows it.  Words of a line are unescaped in place,
 * which is why buf is not const; the slices in *req point into it.
 * *req is meaningful after RESP_OK only, *error after RESP_BAD only.
 */
enum resp_status resp_parse(struct resp_parser *, uint8_t *buf, size_t len,
    const struct resp_limits *, struct request *req,
    struct resp_error *error, size_t *used);

#endif
