#ifndef KVD_CLIENT_KV_OUTPUT_H
#define KVD_CLIENT_KV_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/client/kv.h"

/*
 * What kv prints on standard output: for people when it is a terminal, bare
 * bytes for programs when it is not, or JSON, one object a line.
 */
struct output {
	bool	terminal;
	bool	colour;
	bool	json;
	bool	quiet;
	char	end;		/* of a record: '\n' or NUL */
};

enum colour {
	COLOUR_NONE,
	COLOUR_NAME,		/* keys, buckets, commands */
	COLOUR_SET,
	COLOUR_DELETED,
	COLOUR_FAINT
};

/* Look at standard output and at NO_COLOR and TERM; the rest is left 0. */
void output_init(struct output *);

/* "OK", or {"ok":true}, unless quiet. */
void output_ok(const struct output *);

/*
 * The bytes as they are; on a terminal as one line that it cannot mistake
 * for commands, and in colour.
 */
void output_bytes(const struct output *, struct kv_bytes, enum colour);
/* The same, but lines of text stay lines of text. */
void output_text(const struct output *, struct kv_bytes, enum colour);
/* The same for a fixed word. */
void output_word(const struct output *, const char *, enum colour);
/* Blanks behind bytes that output_bytes() wrote, up to a column. */
void output_pad(const struct output *, struct kv_bytes, size_t column);
/* The columns that output_bytes() takes for them on a terminal. */
size_t output_width(struct kv_bytes);
void output_end(const struct output *);

/*
 * Copy what a server says, as much as fits, to a string: it is shown to a
 * terminal, never obeyed by it, so other bytes than printable ones become '?'.
 */
void output_tame(char *to, size_t size, struct kv_bytes);

/*
 * One JSON object: the fields between begin and end.  Strings are UTF-8;
 * bytes that are not become {"b64":"..."}.  A value of NULL is null.
 */
void output_json_begin(void);
void output_json_bytes(const char *name, const struct kv_bytes *);
void output_json_string(const char *name, const char *);
void output_json_number(const char *name, uint64_t);
void output_json_end(const struct output *);

/*
 * See that all is written.  False if it is not, e.g. because the disk is
 * full; said once.
 */
bool output_flush(void);

#endif
