/*
 * A file for people, of which a program changes some words: what it does not
 * have to change stays as it is, to the byte.  So the text is not printed anew
 * but cut open where a value stands.
 *
 * An include may say the same setting, a macro may be its value; nothing here
 * knows.  Instead the new file is read as the next start will read it, before
 * it takes the place of the old one.
 */
#include "server/config_rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/config_lex.h"
#include "server/config_parse.h"
#include "server/config_value.h"

/* --- where a value stands --- */

struct spot {			/* bytes first to last are replaced */
	const char	*first, *last;
	const char	*block;	/* behind the { of the option's, or NULL */
};

struct walk {
	struct config_lex	 lex;
	struct config_token	 token;
	enum config_block	 block;	/* CONFIG_BLOCKS: one of others */
	unsigned		 depth;
};

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* A word at the beginning of a statement; true if it is the option's. */
static bool
is_option(struct walk *w, enum config_option option, struct spot *spot)
{
	const struct config_row *row = &config_rows[option];
	bool named = w->block == row->block &&
	    strcmp(w->token.text, row->keyword) == 0;
	enum config_block block = config_block_named(w->token.text);

	spot->first = skip_blanks(w->lex.pos);
	config_lex_next(&w->lex, &w->token);
	spot->last = w->lex.pos;
	if (w->token.kind != CONFIG_TOKEN_OPEN)
		return named;
	if (w->depth++ == 0)
		w->block = block;
	if (w->block == row->block)
		spot->block = w->lex.pos;
	return false;
}

static void
pass(struct walk *w)
{
	if (w->token.kind == CONFIG_TOKEN_OPEN && w->depth++ == 0)
		w->block = CONFIG_BLOCKS;
	else if (w->token.kind == CONFIG_TOKEN_CLOSE && w->depth > 0 &&
	    --w->depth == 0)
		w->block = CONFIG_TOP;
}

static bool
is_start(enum config_token_kind before)
{
	return before == CONFIG_TOKEN_END || before == CONFIG_TOKEN_OPEN ||
	    before == CONFIG_TOKEN_CLOSE;
}

static bool
find(const char *text, enum config_option option, struct spot *spot)
{
	struct config_macros none = SLIST_HEAD_INITIALIZER(none);
	enum config_token_kind before = CONFIG_TOKEN_END;
	struct walk w = { .block = CONFIG_TOP };

	spot->block = NULL;
	config_lex_init(&w.lex, text, strlen(text), &none);
	for (;;) {
		config_lex_next(&w.lex, &w.token);
		if (w.token.kind == CONFIG_TOKEN_EOF)
			return false;
		if (w.token.kind == CONFIG_TOKEN_WORD && is_start(before)) {
			if (is_option(&w, option, spot))
				return true;
		} else {
			pass(&w);
		}
		before = w.token.kind;
	}
}

static char *
new_block(const char *text, enum config_option option, const char *value)
{
	const struct config_row *row = &config_rows[option];
	size_t len = strlen(text);
	char *all;

	if (asprintf(&all, "%s%s%s {\n\t%s %s\n}\n", text,
	    len > 0 && text[len - 1] != '\n' ? "\n" : "",
	    config_block_name(row->block), row->keyword, value) == -1)
		return NULL;
	return all;
}

char *
config_rewrite_text(const char *text, enum config_option option,
    const char *value)
{
	const char *keyword = config_rows[option].keyword;
	struct spot spot;
	char *all = NULL;
	int n;

	if (find(text, option, &spot))
		n = asprintf(&all, "%.*s%s%s", (int)(spot.first - text), text,
		    value, spot.last);
	else if (spot.block == NULL)
		return new_block(text, option, value);
	else
		n = asprintf(&all, "%.*s\n\t%s %s%s%s",
		    (int)(spot.block - text), text, keyword, value,
		    *skip_blanks(spot.block) == '\n' ? "" : "\n\t",
		    spot.block);
	return n == -1 ? NULL : all;
}

/* --- files --- */

struct rewrite {
	const struct config_args	*args;
	const struct config		*config;
	char				*path;	/* without links */
	char				 next[PATH_MAX + 32];
	char				*text;
	struct stat			 st;
	char				*why;
};

static bool
fail(struct rewrite *r, const char *what)
{
	snprintf(r->why, CONFIG_WHY_MAX, "%.100s: %s (kvd writes it as the "
	    "user that it has become, who needs the right to do so there)",
	    what, strerror(errno));
	return false;
}

static bool
read_text(struct rewrite *r)
{
	FILE *file = fopen(r->path, "re");
	size_t n;

	if (file == NULL)
		return fail(r, r->path);
	if ((r->text = calloc(1, CONFIG_FILE_MAX + 1)) == NULL ||
	    fstat(fileno(file), &r->st) == -1) {
		fclose(file);
		return fail(r, r->path);
	}
	n = fread(r->text, 1, CONFIG_FILE_MAX, file);
	fclose(file);
	if (n == strlen(r->text))
		return true;
	errno = EINVAL;
	return fail(r, r->path);
}

static bool
change_text(struct rewrite *r, enum config_option option)
{
	char value[CONFIG_VALUE_MAX + 1], *text;

	config_value_text(r->config, option, 0, value);
	if ((text = config_rewrite_text(r->text, option, value)) == NULL)
		return fail(r, r->path);
	free(r->text);
	r->text = text;
	return true;
}

/* As the old one is, to whoever can read it, from its first byte on. */
static bool
write_next(struct rewrite *r)
{
	size_t len = strlen(r->text);
	int fd;
	bool well;

	snprintf(r->next, sizeof(r->next), "%s.%d", r->path, (int)getpid());
	fd = open(r->next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd == -1) {
		fail(r, r->next);
		*r->next = '\0';
		return false;
	}
	well = fchown(fd, r->st.st_uid, r->st.st_gid) == 0 &&
	    fchmod(fd, r->st.st_mode & 07777) == 0 &&
	    write(fd, r->text, len) == (ssize_t)len && fsync(fd) == 0;
	if (!well)
		fail(r, r->next);
	close(fd);
	return well;
}

static void
take_line(void *arg, const char *line)
{
	struct rewrite *r = arg;

	if (*r->why == '\0')
		snprintf(r->why, CONFIG_WHY_MAX, "it could not be read then: "
		    "%.180s", line);
}

/* Says it the same to who starts from it? */
static bool
is_readable(struct rewrite *r, const enum config_option *options, size_t n)
{
	const struct config_report report = { .line = take_line, .arg = r };
	struct config_args args = *r->args;
	struct config config;
	size_t i;

	*r->why = '\0';
	strlcpy(args.file, r->next, sizeof(args.file));
	if (config_load(&config, &args, &report) != 0)
		return false;
	for (i = 0; i < n && *r->why == '\0'; i++)
		if (!config_value_same(&config, r->config, options[i]))
			snprintf(r->why, CONFIG_WHY_MAX, "%s comes from "
			    "elsewhere; change it there",
			    config_option_name(options[i]));
	config_free(&config);
	return *r->why == '\0';
}

static bool
replace(struct rewrite *r)
{
	char *copy, *dir;
	int fd;

	if (rename(r->next, r->path) == -1)
		return fail(r, r->path);
	*r->next = '\0';
	/* Should this be lost, the old file is there again, and whole. */
	if ((copy = strdup(r->path)) == NULL)
		return true;
	dir = dirname(copy);
	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) != -1) {
		(void)fsync(fd);
		close(fd);
	}
	free(copy);
	return true;
}

enum config_rewritten
config_rewrite(const struct config_args *args, const struct config *config,
    const enum config_option *options, size_t n, char *why)
{
	struct rewrite r = { .args = args, .config = config, .why = why };
	bool well;
	size_t i;

	*why = '\0';
	if ((r.path = realpath(args->file, NULL)) == NULL) {
		if (errno == ENOENT)
			return CONFIG_NO_FILE;
		fail(&r, args->file);
		return CONFIG_NOT_REWRITTEN;
	}
	well = read_text(&r);
	for (i = 0; i < n && well; i++)
		well = change_text(&r, options[i]);
	well = well && write_next(&r) && is_readable(&r, options, n) &&
	    replace(&r);
	if (*r.next != '\0')
		unlink(r.next);
	free(r.path);
	free(r.text);
	return well ? CONFIG_REWRITTEN : CONFIG_NOT_REWRITTEN;
}
