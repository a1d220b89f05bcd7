/*
 * The grammar:
 *
 *	lines     = { [ statement ] END }
 *	statement = name "=" value
 *	          | "include" value
 *	          | block "{" lines "}"
 *	          | keyword value
 *
 * with include, macros, blocks and what is said of nodes, which has a file of
 * its own, at the top only.  A mistake costs its own
 * statement: the rest is read on, so that one run shows them all.  Files are
 * parsed where they are included, each with its own lexer; a file cannot be
 * entered while it is open, which ends loops before the depth does.
 */
#include "server/config_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/config_parse_state.h"

static void parse_included(struct config_parser *, unsigned, const char *);

static void
unknown_keyword(struct config_parser *p, enum config_block block, unsigned line,
    const char *word)
{
	const char *near = config_nearest(block, word);
	enum config_block right = config_block_having(word);

	if (block == CONFIG_TOP && config_block_named(word) != CONFIG_BLOCKS)
		config_parse_bad(p, line, "\"%s\" is a block; write %s { ... }",
		    word, word);
	else if (right == CONFIG_TOP)
		config_parse_bad(p, line,
		    "\"%.100s\" does not belong in the %s block", word,
		    config_block_name(block));
	else if (right != CONFIG_BLOCKS)
		config_parse_bad(p, line, "\"%.100s\" belongs in the %s block",
		    word, config_block_name(right));
	else if (near != NULL)
		config_parse_bad(p, line,
		    "unknown keyword \"%.100s\"; did you mean "
		    "\"%s\"?",
		    word, near);
	else
		config_parse_bad(p, line, "unknown keyword \"%.100s\"", word);
}

static void
parse_macro(struct config_parser *p, unsigned line, const char *name)
{
	char value[CONFIG_VALUE_MAX + 1];

	if (!config_parse_value(p, "a value for the macro", value)) {
		config_parse_skip(p);
		return;
	}
	if (!config_macro_is_name(name, strlen(name)))
		config_parse_bad(p, line,
		    "\"%.100s\" is not a macro name; write "
		    "letters, digits and _",
		    name);
	else if (!config_macro_define(&p->draft->macros, name, value, false))
		config_parse_complain(p, EX_OSERR, line, "out of memory");
}

static void
parse_include(struct config_parser *p, unsigned line)
{
	char path[CONFIG_VALUE_MAX + 1];

	if (!config_parse_value(p, "the name of a file", path))
		config_parse_skip(p);
	else if (!p->on_disk)
		config_parse_bad(p, line, "include is not possible here");
	else
		parse_included(p, line, path);
}

/* Whoever reads the file could join the nodes, or be a client. */
static bool
may_hold_secret(struct config_parser *p, enum config_option option,
    unsigned line)
{
	if (config_rows[option].type != CONFIG_IS_SECRET || !p->on_disk ||
	    (p->mode & (S_IROTH | S_IWOTH)) == 0)
		return true;
	config_parse_bad(p, line, "%s: others can read this file; chmod o-rw "
	    "it, or name a file with %s-file", config_option_name(option),
	    config_option_name(option));
	return false;
}

static void
parse_option(struct config_parser *p, enum config_block block, unsigned line,
    const char *keyword)
{
	char value[CONFIG_VALUE_MAX + 1], why[CONFIG_WHY_MAX];
	enum config_option option = config_option_named(block, keyword);

	if (option == CONFIG_OPTIONS) {
		unknown_keyword(p, block, line, keyword);
		config_parse_skip(p);
	} else if (!config_parse_value(p, "a value", value)) {
		config_parse_skip(p);
	} else if (may_hold_secret(p, option, line) &&
	    !config_draft_set(p->draft, option, CONFIG_FROM_FILE,
	    (struct config_place){ p->file, line }, value, why)) {
		config_parse_bad(p, line, "%s: %s", keyword, why);
	}
}

static void parse_lines(struct config_parser *, enum config_block, unsigned);

static void
parse_block(struct config_parser *p, enum config_block outer, unsigned line,
    const char *word)
{
	enum config_block block = config_block_named(word);

	if (block == CONFIG_BLOCKS && config_block_having(word) == outer) {
		config_parse_bad(p, line,
		    "\"%s\" is a setting, not a block; write "
		    "%s value",
		    word, word);
		config_parse_skip(p);
	} else if (block == CONFIG_BLOCKS || outer != CONFIG_TOP) {
		unknown_keyword(p, outer, line, word);
		config_parse_skip(p);
	} else {
		config_parse_advance(p);
		parse_lines(p, block, line);
	}
}

static void
parse_statement(struct config_parser *p, enum config_block block)
{
	char word[CONFIG_VALUE_MAX + 1];
	unsigned line = p->token.line;

	if (p->token.kind != CONFIG_TOKEN_WORD || p->token.expanded) {
		config_parse_unexpected(p, "a keyword");
		config_parse_skip(p);
		return;
	}
	memcpy(word, p->token.text, sizeof(word));
	config_parse_advance(p);
	if (block == CONFIG_TOP && p->token.kind == CONFIG_TOKEN_EQUALS) {
		config_parse_advance(p);
		parse_macro(p, line, word);
	} else if (block == CONFIG_TOP && config_parse_nodes(p, word, line)) {
		return;
	} else if (p->token.kind == CONFIG_TOKEN_OPEN) {
		parse_block(p, block, line, word);
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
parse_lines(struct config_parser *p, enum config_block block, unsigned opened)
{
	for (;;) {
		switch (p->token.kind) {
		case CONFIG_TOKEN_END:
			config_parse_advance(p);
			break;
		case CONFIG_TOKEN_EOF:
			if (block != CONFIG_TOP)
				config_parse_bad(p, opened,
				    "block %s is not closed",
				    config_block_name(block));
			return;
		case CONFIG_TOKEN_CLOSE:
			if (block == CONFIG_TOP)
				config_parse_bad(p, p->token.line,
				    "} without a {");
			config_parse_advance(p);
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
parse(struct config_parser *p, const char *bytes, size_t len)
{
	p->file = config_draft_enter_file(p->draft, p->name);
	config_lex_init(&p->lex, bytes, len, &p->draft->macros);
	config_parse_advance(p);
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
is_open_already(struct config_parser *p, int fd)
{
	const struct config_parser *outer;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return false;
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	p->mode = st.st_mode;
	for (outer = p->parent; outer != NULL; outer = outer->parent)
		if (outer->dev == p->dev && outer->ino == p->ino)
			return true;
	return false;
}

/* Read p->name and parse it.  Returns why not, or NULL. */
static const char *
parse_named(struct config_parser *p)
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
resolve(const struct config_parser *p, const char *name, char *path,
    size_t size)
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
parse_included(struct config_parser *p, unsigned line, const char *name)
{
	struct config_parser inner = { .draft = p->draft, .parent = p,
	    .depth = p->depth + 1, .on_disk = true };
	char path[PATH_MAX];
	const char *reason;

	inner.name = path;
	if (inner.depth > CONFIG_DEPTH_MAX)
		config_parse_bad(p, line,
		    "include \"%.200s\": more than %d files deep", name,
		    CONFIG_DEPTH_MAX);
	else if (!resolve(p, name, path, sizeof(path)))
		config_parse_bad(p, line, "include \"%.200s\": path too long",
		    name);
	else if ((reason = parse_named(&inner)) != NULL)
		config_parse_complain(p, EX_NOINPUT, line,
		    "include \"%.200s\": %s", name, reason);
}

void
config_parse_file(struct config_draft *draft, const char *path, bool required)
{
	struct config_parser p = { .draft = draft,
		.name = path,
		.on_disk = true };
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
	struct config_parser p = { .draft = draft, .name = name };

	parse(&p, bytes, len);
}
