#ifndef KVD_TESTS_BENCH_LOAD_REPLY_H
#define KVD_TESTS_BENCH_LOAD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Replies, taken apart: bytes in, one reply out, in the syntax of each
 * protocol.  Whether it is the right one is not decided here, so a wrong one
 * can be counted and what follows it is still understood.
 */
enum load_syntax {
	SYNTAX_TEXT,
	SYNTAX_RESP,
	SYNTAX_MEMCACHED,
	SYNTAX_FLOOR		/* FLOOR_REPLY bytes, whatever they are */
};

enum load_kind {
	REPLY_WORD,		/* done: OK, STORED, PONG */
	REPLY_NUMBER,
	REPLY_VALUE,
	REPLY_MISSING,		/* no such key */
	REPLY_ERROR
};

struct load_reply {
	enum load_kind	 kind;
	const char	*data;		/* the word, value or message */
	size_t		 len;
	uint64_t	 number;
};

enum load_parse {
	PARSE_OK,
	PARSE_MORE,		/* not all of it is here yet */
	PARSE_BAD		/* no reply: all that follows is lost, too */
};

/*
 * Take the first reply from len bytes of data, of which it stays a part.
 * reads: it answers a request for a value, which in text cannot be seen from
 * the reply.  *used, with PARSE_OK, is where the next one begins.
 */
enum load_parse load_reply_parse(enum load_syntax, bool reads,
    const char *data, size_t len, size_t *used, struct load_reply *);

#endif
