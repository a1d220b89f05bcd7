#ifndef KVD_SERVER_CONFIG_LEX_H
#define KVD_SERVER_CONFIG_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "server/config_macro.h"
#include "server/config_value.h"

/* The bytes of a configuration as a sequence of tokens. */

enum config_token_kind {
	CONFIG_TOKEN_WORD,	/* bare, macros in it expanded */
	CONFIG_TOKEN_STRING,	/* between double quotes */
	CONFIG_TOKEN_OPEN,	/* { */
	CONFIG_TOKEN_CLOSE,	/* } */
	CONFIG_TOKEN_EQUALS,	/* = */
	CONFIG_TOKEN_END,	/* of a line, or ; */
	CONFIG_TOKEN_EOF,
	CONFIG_TOKEN_BAD	/* text says why */
};

struct config_token {
	enum config_token_kind	 kind;
	unsigned		 line;		/* where it begins, from 1 */
	bool			 expanded;	/* a macro had a part in it */
	char			 text[CONFIG_VALUE_MAX + 1];
};

struct config_lex {
	const char			*pos, *end;
	unsigned			 line;
	const struct config_macros	*macros;
};

/* The bytes and the macros stay the caller's and must outlive the lexer. */
void config_lex_init(struct config_lex *, const char *bytes, size_t len,
    const struct config_macros *);

/*
 * The next token.  After BAD the lexer stands behind the offending bytes and
 * may be asked on; EOF repeats itself.  Never fails for want of memory.
 */
void config_lex_next(struct config_lex *, struct config_token *);

/* True if the text, written bare, is read as one word of the same bytes. */
bool config_lex_is_word(const char *text);

/* The text as it must be written to be read as one value of these bytes. */
void config_lex_print(const char *text, FILE *);

#endif
