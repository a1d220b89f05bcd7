/*
 * The grammar:
 *
 *	lines     = { [ statement ] END }
 *	statement = name "=" value
 *	          | "include" value
 *	          | block "{" lines "}"
 *	          | keyword value
 *
 * with include, macros and blocks at the top only.  A mistake costs its own
 * statement: the rest is read on, so that one run shows them all.  Files are
 * parsed where they are included, each with its own lexer; a file cannot be
 * entered while it is open, which ends loops before the depth does.
 */
#include "server/config_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/config_lex.h"

struct parser {
	struct config_draft	*draft;
	unsigned		 file;		/* a number of its own */
	const char		*name;		/* of the file, in messages */
	const struct parser	*parent;	/* that includes us */
	unsigned		 depth;
	bool			 on_disk;	/* else bytes: no include */
	dev_t			 dev;
	ino_t			 ino;
	struct config_lex	 lex;
	struct config_token	 token;		/* looked at now */
};

static void parse_included(struct parser *, unsigned, const char *);

static bool
given_up(const struct parser *p)
{
	return p->draft->complaints >= CONFIG_COMPLAINTS_MAX;
}

static void
advance(struct parser *p)
{
	if (given_up(p))
		p->token.kind = CONFIG_TOKEN_EOF;
	else
		config_lex_next(&p->lex, &p->token);
}

#define complain(p, line, ...) \
	complain_status(p, line, EX_CONFIG, __VA_ARGS__)

static void complain_status(struct parser *, unsigned, int, const char *, ...)
    __attribute__((format(printf, 4, 5)));

static void
complain_status(struct parser *p, unsigned line, int status,
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

static bool
at_end(const struct parser *p)
{
	return p->token.kind == CONFIG_TOKEN_END ||
	    p->token.kind == CONFIG_TOKEN_CLOSE ||
	    p->token.kind == CONFIG_TOKEN_EOF;
}

/* After a mistake: on to the end of the statement, over a block if any. */
static void
skip_statement(struct parser *p)
{
	unsigned open = 0;

	while (p->token.kind != CONFIG_TOKEN_EOF) {
		if (open == 0 && at_end(p))
			return;
		if (p->token.kind == CONFIG_TOKEN_OPEN)
			open++;
		if (p->token.kind == CONFIG_TOKEN_CLOSE && --open == 0) {
			advance(p);
			return;
		}
		advance(p);
	}
}

/* Complain about the token in hand, which is not what the grammar wants. */
static void
unexpected(struct parser *p, const char *wanted)
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
		complain(p, p->token.line, "%s", p->token.text);
	else if (kind == CONFIG_TOKEN_WORD || kind == CONFIG_TOKEN_STRING)
		complain(p, p->token.line, "expected %s, not \"%.100s\"",
		    wanted, p->token.text);
	else
		complain(p, p->token.line, "expected %s, not %s", wanted,
		    names[kind]);
}

/*
 * A value and the end of its statement.  False, after a complaint, if they
 * are not there.
 */
static bool
take_value(struct parser *p, const char *wanted, char *value)
{
	if (p->token.kind != CONFIG_TOKEN_WORD &&
	    p->token.kind != CONFIG_TOKEN_STRING) {
		unexpected(p, wanted);
		return false;
	}
	memcpy(value, p->token.text, sizeof(p->token.text));
	advance(p);
	if (at_end(p))
		return true;
	unexpected(p, "the end of the line");
	return false;
}

static void
unknown_keyword(struct parser *p, enum config_block block, unsigned line,
    const char *word)
{
	const char *near = config_nearest(block, word);
	enum config_block right = config_block_having(word);

	if (block == CONFIG_TOP && config_block_named(word) != CONFIG_BLOCKS)
		complain(p, line, "\"%s\" is a block; write %s { ... }", word,
		    word);
	else if (right == CONFIG_TOP)
		complain(p, line, "\"%.100s\" does not belong in the %s block",
		    word, config_block_name(block));
	else if (right != CONFIG_BLOCKS)
		complain(p, line, "\"%.100s\" belongs in the %s block", word,
		    config_block_name(right));
	else if (near != NULL)
		complain(p, line, "unknown keyword \"%.100s\"; did you mean "
		    "\"%s\"?", word, near);
	else
		complain(p, line, "unknown keyword \"%.100s\"", word);
}

static void
parse_macro(struct parser *p, unsigned line, const char *name)
{
	char value[CONFIG_VALUE_MAX + 1];

	if (!take_value(p, "a value for the macro", value)) {
		skip_statement(p);
		return;
	}
	if (!config_macro_is_name(name, strlen(name)))
		complain(p, line, "\"%.100s\" is not a macro name; write "
		    "letters, digits and _", name);
	else if (!config_macro_define(&p->draft->macros, name, value, false))
		complain_status(p, line, EX_OSERR, "out of memory");
}

static void
parse_include(struct parser *p, unsigned line)
{
	char path[CONFIG_VALUE_MAX + 1];

	if (!take_value(p, "the name of a file", path))
		skip_statement(p);
	else if (!p->on_disk)
		complain(p, line, "include is not possible here");
	else
		parse_included(p, line, path);
}

static void
parse_option(struct parser *p, enum config_block block, unsigned line,
    const char *keyword)
{
	char value[CONFIG_VALUE_MAX + 1], why[CONFIG_WHY_MAX];
	enum config_option option = config_option_named(block, keyword);

	if (option == CONFIG_OPTIONS) {
		unknown_keyword(p, block, line, keyword);
		skip_statement(p);
	} else if (!take_value(p, "a value", value)) {
		skip_statement(p);
	} else if (!config_draft_set(p->draft, option, CONFIG_FROM_FILE,
	    (struct config_place){ p->file, line }, value, why)) {
		complain(p, line, "%s: %s", keyword, why);
	}
}

static void parse_lines(struct parser *, enum config_block, unsigned);

static void
parse_block(struct parser *p, enum config_block outer, unsigned line,
    const char *word)
{
	enum config_block block = config_block_named(word);

	if (block == CONFIG_BLOCKS && config_block_having(word) == outer) {
		complain(p, line, "\"%s\" is a setting, not a block; write "
		    "%s value", word, word);
		skip_statement(p);
	} else if (block == CONFIG_BLOCKS || outer != CONFIG_TOP) {
		unknown_keyword(p, outer, line, word);
		skip_statement(p);
	} else {
		advance(p);
		parse_lines(p, block, line);
	}
}

static void
parse_statement(struct parser *p, enum config_block block)
{
	char word[CONFIG_VALUE_MAX + 1];
	unsigned line = p->token.line;

	if (p->token.kind != CONFIG_TOKEN_WORD || p->token.expanded) {
		unexpected(p, "a keyword");
		skip_statement(p);
		return;
	}
	memcpy(word, p->token.text, sizeof(word));
	advance(p);
	if (p->token.kind == CONFIG_TOKEN_OPEN) {
		parse_block(p, block, line, word);
	} else if (block == CONFIG_TOP &&
	    p->token.kind == CONFIG_TOKEN_EQUALS) {
		advance(p);
		parse_macro(p, line, word);
	} else if (block == CONFIG_TOP && strcmp(word, "include") == 0) {
		parse_include(p, line);
	} else {
		parse_option(p, block, line, word);
	}
}

/*
 * Statements up to the end of the block, whose brace is taken, or of the
 * file.  opened is the line of the block.
 */
static void
parse_lines(struct parser *p, enum config_block block, unsigned opened)
{
	for (;;) {
		switch (p->token.kind) {
		case CONFIG_TOKEN_END:
			advance(p);
			break;
		case CONFIG_TOKEN_EOF:
			if (block != CONFIG_TOP)
				complain(p, opened, "block %s is not closed",
				    config_block_name(block));
			return;
		case CONFIG_TOKEN_CLOSE:
			if (block == CONFIG_TOP)
				complain(p, p->token.line, "} without a {");
			advance(p);
			if (block != CONFIG_TOP)
				return;
			break;
		case CONFIG_TOKEN_WORD:
		case CONFIG_TOKEN_STRING:
		case CONFIG_TOKEN_OPEN:
		case CONFIG_TOKEN_EQUALS:
		case CONFIG_TOKEN_BAD:
			parse_statement(p, block);
			break;
		}
	}
}

static void
parse(struct parser *p, const char *bytes, size_t len)
{
	p->file = ++p->draft->files;
	config_lex_init(&p->lex, bytes, len, &p->draft->macros);
	advance(p);
	parse_lines(p, CONFIG_TOP, 0);
}

/*
 * The whole of a file, for the caller to free, or NULL with errno.  By read
 * to the end, not by its size: it may be a pipe.
 */
static char *
read_all(int fd, size_t *len)
{
	char *bytes = malloc(CONFIG_FILE_MAX + 1);
	ssize_t n = 1;

	*len = 0;
	while (bytes != NULL && n > 0 && *len <= CONFIG_FILE_MAX) {
		n = read(fd, bytes + *len, CONFIG_FILE_MAX + 1 - *len);
		if (n == -1 && errno == EINTR)
			n = 1;
		else if (n > 0)
			*len += (size_t)n;
	}
	if (bytes != NULL && n == 0)
		return bytes;
	if (n > 0)
		errno = EFBIG;
	free(bytes);
	return NULL;
}

/* Is the file open on fd one of those that we are being read from? */
static bool
is_open_already(struct parser *p, int fd)
{
	const struct parser *outer;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return false;
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	for (outer = p->parent; outer != NULL; outer = outer->parent)
		if (outer->dev == p->dev && outer->ino == p->ino)
			return true;
	return false;
}

/* Read p->name and parse it.  Returns why not, or NULL. */
static const char *
parse_named(struct parser *p)
{
	char *bytes;
	size_t len;
	int fd, saved;

	fd = open(p->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return strerror(errno);
	if (is_open_already(p, fd)) {
		close(fd);
		return "it includes itself";
	}
	bytes = read_all(fd, &len);
	saved = errno;
	close(fd);
	if (bytes == NULL)
		return strerror(saved);
	parse(p, bytes, len);
	free(bytes);
	return NULL;
}

/* A relative name is meant from the folder of the file that has it. */
static bool
resolve(const struct parser *p, const char *name, char *path, size_t size)
{
	char folder[PATH_MAX];
	int n;

	strlcpy(folder, p->name, sizeof(folder));
	if (*name == '/')
		n = snprintf(path, size, "%s", name);
	else
		n = snprintf(path, size, "%s/%s", dirname(folder), name);
	return n >= 0 && (size_t)n < size;
}

static void
parse_included(struct parser *p, unsigned line, const char *name)
{
	struct parser inner = { .draft = p->draft, .parent = p,
	    .depth = p->depth + 1, .on_disk = true };
	char path[PATH_MAX];
	const char *reason;

	inner.name = path;
	if (inner.depth > CONFIG_DEPTH_MAX)
		complain(p, line, "include \"%.200s\": more than %d files deep",
		    name, CONFIG_DEPTH_MAX);
	else if (!resolve(p, name, path, sizeof(path)))
		complain(p, line, "include \"%.200s\": path too long", name);
	else if ((reason = parse_named(&inner)) != NULL)
		complain_status(p, line, EX_NOINPUT, "include \"%.200s\": %s",
		    name, reason);
}

void
config_parse_file(struct config_draft *draft, const char *path, bool required)
{
	struct parser p = { .draft = draft, .name = path, .on_disk = true };
	const char *reason;

	if (!required && access(path, F_OK) == -1 && errno == ENOENT)
		return;
	if ((reason = parse_named(&p)) != NULL)
		config_draft_complain(draft, EX_NOINPUT, "%s: %s", path,
		    reason);
}

void
config_parse_bytes(struct config_draft *draft, const char *name,
    const char *bytes, size_t len)
{
	struct parser p = { .draft = draft, .name = name };

	parse(&p, bytes, len);
}
