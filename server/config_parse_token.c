/*
 * What the grammar is read with: the token in hand, complaints about it with
 * their file and line, and the way on after a mistake.
 */
#include "server/config_parse_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "server/config_parse.h"

static bool
given_up(const struct config_parser *p)
{
	return p->draft->complaints >= CONFIG_COMPLAINTS_MAX;
}

void
config_parse_advance(struct config_parser *p)
{
	if (given_up(p))
		p->token.kind = CONFIG_TOKEN_EOF;
	else
		config_lex_next(&p->lex, &p->token);
}

void
config_parse_complain(struct config_parser *p, int status, unsigned line,
    const char *fmt, ...)
{
	char what[CONFIG_VALUE_MAX];
	va_list ap;

	if (given_up(p))
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	config_draft_complain(p->draft, status, "%s:%u: %s", p->name, line,
	    what);
	if (given_up(p))
		config_draft_complain(p->draft, status,
		    "%s: too many errors, the rest was not read", p->name);
}

bool
config_parse_at_end(const struct config_parser *p)
{
	return p->token.kind == CONFIG_TOKEN_END ||
	    p->token.kind == CONFIG_TOKEN_CLOSE ||
	    p->token.kind == CONFIG_TOKEN_EOF;
}

void
config_parse_skip(struct config_parser *p)
{
	unsigned open = 0;

	while (p->token.kind != CONFIG_TOKEN_EOF) {
		if (open == 0 && config_parse_at_end(p))
			return;
		if (p->token.kind == CONFIG_TOKEN_OPEN)
			open++;
		if (p->token.kind == CONFIG_TOKEN_CLOSE && --open == 0) {
			config_parse_advance(p);
			return;
		}
		config_parse_advance(p);
	}
}

void
config_parse_unexpected(struct config_parser *p, const char *wanted)
{
	static const char *const names[] = {
		[CONFIG_TOKEN_WORD] = "a word", [CONFIG_TOKEN_STRING] =
		    "a string", [CONFIG_TOKEN_OPEN] = "{",
		[CONFIG_TOKEN_CLOSE] = "}", [CONFIG_TOKEN_EQUALS] = "=",
		[CONFIG_TOKEN_END] = "the end of the line",
		[CONFIG_TOKEN_EOF] = "the end of the file"
	};
	enum config_token_kind kind = p->token.kind;

	if (kind == CONFIG_TOKEN_BAD)
		config_parse_bad(p, p->token.line, "%s", p->token.text);
	else if (kind == CONFIG_TOKEN_WORD || kind == CONFIG_TOKEN_STRING)
		config_parse_bad(p, p->token.line, "expected %s, not "
		    "\"%.100s\"", wanted, p->token.text);
	else
		config_parse_bad(p, p->token.line, "expected %s, not %s",
		    wanted, names[kind]);
}

bool
config_parse_word(struct config_parser *p, const char *wanted, char *value)
{
	if (p->token.kind != CONFIG_TOKEN_WORD &&
	    p->token.kind != CONFIG_TOKEN_STRING) {
		config_parse_unexpected(p, wanted);
		return false;
	}
	memcpy(value, p->token.text, sizeof(p->token.text));
	config_parse_advance(p);
	return true;
}

bool
config_parse_value(struct config_parser *p, const char *wanted, char *value)
{
	if (!config_parse_word(p, wanted, value))
		return false;
	if (config_parse_at_end(p))
		return true;
	config_parse_unexpected(p, "the end of the line");
	return false;
}
