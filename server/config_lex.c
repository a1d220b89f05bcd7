/*
 * Tokens of the configuration.
 *
 *	word	bytes but white space, control bytes and  { } ; # " = \
 *		$name in it is replaced, and the value is not looked at again:
 *		a macro can never smuggle in a brace or a second word
 *	string	"..." on one line, with \" and \\ ; $ means itself
 *	# ...	a comment, to the end of the line
 *	\	at the end of a line joins it with the next
 *
 * A token has a bounded length and lives in the caller's struct, so hostile
 * bytes cost nothing.  A NUL or another control byte is an error rather than
 * an end: a file that was cut or mixed up is noticed.
 */
#include "server/config_lex.h"

#include <stdio.h>
#include <string.h>

void
config_lex_init(struct config_lex *lex, const char *bytes, size_t len,
    const struct config_macros *macros)
{
	lex->pos = bytes;
	lex->end = bytes + len;
	lex->line = 1;
	lex->macros = macros;
}

static bool
is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool
is_word_byte(char c)
{
	return !is_control(c) && c != '\0' && strchr(" {};#\"=\\", c) == NULL;
}

bool
config_lex_is_word(const char *text)
{
	const char *p;

	for (p = text; *p != '\0'; p++)
		if (!is_word_byte(*p) || *p == '$')
			return false;
	return p > text;
}

void
config_lex_print(const char *text, FILE *to)
{
	if (config_lex_is_word(text)) {
		fputs(text, to);
		return;
	}
	fputc('"', to);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

static void
bad(struct config_token *token, const char *why)
{
	token->kind = CONFIG_TOKEN_BAD;
	strlcpy(token->text, why, sizeof(token->text));
}

/* Is there a backslash whose line ends right behind it? */
static size_t
joined_line(const struct config_lex *lex)
{
	size_t left = (size_t)(lex->end - lex->pos);

	if (left >= 2 && lex->pos[0] == '\\' && lex->pos[1] == '\n')
		return 2;
	if (left >= 3 && memcmp(lex->pos, "\\\r\n", 3) == 0)
		return 3;
	return 0;
}

static void
skip_space(struct config_lex *lex)
{
	size_t joined;

	while (lex->pos < lex->end) {
		if (*lex->pos == ' ' || *lex->pos == '\t' ||
		    *lex->pos == '\r') {
			lex->pos++;
		} else if (*lex->pos == '#') {
			while (lex->pos < lex->end && *lex->pos != '\n')
				lex->pos++;
		} else if ((joined = joined_line(lex)) > 0) {
			lex->pos += joined;
			lex->line++;
		} else {
			return;
		}
	}
}

static bool
append(struct config_token *token, size_t *used, const char *bytes, size_t len)
{
	if (len > CONFIG_VALUE_MAX - *used)
		return false;
	memcpy(token->text + *used, bytes, len);
	*used += len;
	token->text[*used] = '\0';
	return true;
}

/* $name: append its value.  False, with the token BAD, if there is none. */
static bool
expand(struct config_lex *lex, struct config_token *token, size_t *used)
{
	const char *name = ++lex->pos, *value;
	size_t len = 0;

	while (lex->pos < lex->end && config_macro_is_name(name, len + 1)) {
		lex->pos++;
		len++;
	}
	if (len == 0) {
		bad(token, "no macro name behind $; a literal $ needs "
		    "a \"string\"");
		return false;
	}
	value = config_macro_value(lex->macros, name, len);
	if (value == NULL) {
		token->kind = CONFIG_TOKEN_BAD;
		snprintf(token->text, sizeof(token->text),
		    "macro \"%.*s\" is not defined", len > 100 ? 100 : (int)len,
		    name);
		return false;
	}
	token->expanded = true;
	if (append(token, used, value, strlen(value)))
		return true;
	bad(token, "word too long");
	return false;
}

static void
lex_word(struct config_lex *lex, struct config_token *token)
{
	size_t used = 0;

	token->kind = CONFIG_TOKEN_WORD;
	while (lex->pos < lex->end && is_word_byte(*lex->pos)) {
		if (*lex->pos == '$') {
			if (!expand(lex, token, &used))
				return;
		} else if (!append(token, &used, lex->pos++, 1)) {
			bad(token, "word too long");
			return;
		}
	}
}

/* Behind the opening quote.  The end of the line is left to be seen. */
static void
lex_string(struct config_lex *lex, struct config_token *token)
{
	size_t used = 0;

	token->kind = CONFIG_TOKEN_STRING;
	while (lex->pos < lex->end && *lex->pos != '\n') {
		if (*lex->pos == '"') {
			lex->pos++;
			return;
		}
		if (is_control(*lex->pos) && *lex->pos != '\t') {
			lex->pos++;
			bad(token, "control byte in a string");
			return;
		}
		if (*lex->pos == '\\' && (++lex->pos == lex->end ||
		    (*lex->pos != '"' && *lex->pos != '\\'))) {
			bad(token, "unknown escape in a string; write \\\" "
			    "or \\\\");
			return;
		}
		if (!append(token, &used, lex->pos++, 1)) {
			bad(token, "string too long");
			return;
		}
	}
	bad(token, "string is not closed on its line");
}

static void
lex_bad_byte(struct config_token *token, char c)
{
	token->kind = CONFIG_TOKEN_BAD;
	if (c == '\\')
		bad(token, "a backslash stands at the end of a line or in "
		    "a \"string\"");
	else
		snprintf(token->text, sizeof(token->text),
		    "control byte \\x%02x", (unsigned char)c);
}

void
config_lex_next(struct config_lex *lex, struct config_token *token)
{
	skip_space(lex);
	token->line = lex->line;
	token->expanded = false;
	token->text[0] = '\0';
	if (lex->pos == lex->end) {
		token->kind = CONFIG_TOKEN_EOF;
		return;
	}
	if (is_word_byte(*lex->pos)) {
		lex_word(lex, token);
		return;
	}
	switch (*lex->pos++) {
	case '\n':
		lex->line++;
		/* FALLTHROUGH */
	case ';':
		token->kind = CONFIG_TOKEN_END;
		return;
	case '{':
		token->kind = CONFIG_TOKEN_OPEN;
		return;
	case '}':
		token->kind = CONFIG_TOKEN_CLOSE;
		return;
	case '=':
		token->kind = CONFIG_TOKEN_EQUALS;
		return;
	case '"':
		lex_string(lex, token);
		return;
	default:
		lex_bad_byte(token, lex->pos[-1]);
		return;
	}
}
