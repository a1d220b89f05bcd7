#ifndef KVD_TESTS_STORM_WIRE_H
#define KVD_TESTS_STORM_WIRE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A client's connection: requests are gathered and sent together, replies
 * come one by one.  A broken connection is an answer here, not a failure.
 */
#define WIRE_IN		(256 * 1024)
#define WIRE_OUT	(256 * 1024)
#define WIRE_ITEMS	8

struct wire {
	int	fd;			/* -1: none */
	size_t	start, end;		/* in[]: what is not yet used */
	size_t	out_len;
	char	in[WIRE_IN];
	char	out[WIRE_OUT];
};

struct reply {
	bool		ok;		/* the last line is OK */
	const char	*last;		/* line, ended by NUL */
	unsigned	items;
	const char	*item[WIRE_ITEMS];	/* words, ended by NUL */
	size_t		len[WIRE_ITEMS];
};

enum wire_status { WIRE_OK, WIRE_LOST, WIRE_GARBAGE };

/* Connect, as long as that takes, but for *stop; false if it was that. */
bool wire_open(struct wire *, const char *path, const _Atomic bool *stop);
void wire_close(struct wire *);

/* Add to what will be sent. */
void wire_add(struct wire *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Send it; false if the connection is broken. */
bool wire_flush(struct wire *);

/*
 * Read a reply of so many items; its lines are valid until the next call.
 * With WIRE_GARBAGE reply->last shows what came.
 */
enum wire_status wire_reply(struct wire *, unsigned items, struct reply *);

#endif
