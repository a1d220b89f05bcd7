#ifndef KVD_SERVER_CONFIG_PARSE_STATE_H
#define KVD_SERVER_CONFIG_PARSE_STATE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sysexits.h>

#include "server/config_draft.h"
#include "server/config_lex.h"

/*
 * A file being parsed; between the files of the grammar, config_parse*.c.
 * Each function that answers false has complained; the caller skips.
 */
struct config_parser {
	struct config_draft	*draft;
	unsigned		 file;		/* a number of its own */
	const char		*name;		/* of the file, in messages */
	const struct config_parser *parent;	/* that includes us */
	unsigned		 depth;
	bool			 on_disk;	/* else bytes: no include */
	dev_t			 dev;
	ino_t			 ino;
	mode_t			 mode;
	struct config_lex	 lex;
	struct config_token	 token;		/* looked at now */
};

/* The next token; the end of the file once there are too many complaints. */
void config_parse_advance(struct config_parser *);

/* Does a statement end here? */
bool config_parse_at_end(const struct config_parser *);

/* After a mistake: on to the end of the statement, over a block if any. */
void config_parse_skip(struct config_parser *);

/* "file:line: ..." */
void config_parse_complain(struct config_parser *, int status, unsigned line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
#define config_parse_bad(p, line, ...) \
	config_parse_complain(p, EX_CONFIG, line, __VA_ARGS__)

/* Complain about the token in hand, which is not what the grammar wants. */
void config_parse_unexpected(struct config_parser *, const char *wanted);

/* A word or a string, into value of CONFIG_VALUE_MAX + 1 bytes. */
bool config_parse_word(struct config_parser *, const char *wanted,
    char *value);

/* The same, and the end of the statement. */
bool config_parse_value(struct config_parser *, const char *wanted,
    char *value);

/*
 * The statements about nodes (config_parse_nodes.c), behind their keyword.
 * False, with nothing read, if it is none of them.
 */
bool config_parse_nodes(struct config_parser *, const char *keyword,
    unsigned line);

#endif
