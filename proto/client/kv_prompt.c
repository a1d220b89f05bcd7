/*
 * The prompt: the same commands, typed.
 *
 * A line is split into words as the protocol does it, so what telnet takes is
 * taken here as well.  The connection outlives the commands; when the server
 * has closed it, because it was idle or started anew, the next command makes
 * another one.
 */

#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_complete.h"
#include "proto/client/kv_prompt.h"

#define WORDS_MAX	1024
#define HISTORY_LINES	1000

struct prompt {
	struct session	*session;
	EditLine	*edit;
	History		*history;
	char		*file;		/* of the history; NULL: none */
	int		 exit_status;	/* of the last command */
};

/*
 * Split in place; each word gets a NUL behind it.  The number of words, or
 * -1 after saying what is wrong.
 */
static int
split_line(char *line, size_t len, struct kv_bytes *words)
{
	size_t at = 0, used;
	char *word_end;
	int n = 0;

	for (;;) {
		at += strspn(line + at, " \t\r\n\v\f");
		if (at >= len)
			return n;
		if (n == WORDS_MAX) {
			session_complain("more than %d words", WORDS_MAX);
			return -1;
		}
		if (kv_unquote(line + at, len - at, &words[n], &used) !=
		    KV_OK) {
			session_complain("malformed quotes at column %zu",
			    at + used + 1);
			return -1;
		}
		at += used;
		word_end = (char *)(uintptr_t)words[n].data + words[n].len;
		if (at < len)
			line[at++] = '\0';
		*word_end = '\0';
		n++;
	}
}

static bool
is_word(struct kv_bytes word, const char *text)
{
	return word.len == strlen(text) &&
	    strncasecmp(word.data, text, word.len) == 0;
}

/* False when the line asks to end. */
static bool
run_line(struct session *session, const char *typed, size_t len,
    int *exit_status)
{
	struct kv_bytes words[WORDS_MAX];
	char *line = strndup(typed, len);
	bool more = true;
	int n;

	if (line == NULL) {
		session_complain("out of memory");
		*exit_status = EX_OSERR;
		return false;
	}
	n = split_line(line, strlen(line), words);
	if (n < 0)
		*exit_status = EX_USAGE;
	else if (n == 1 && (is_word(words[0], "quit") ||
	    is_word(words[0], "exit")))
		more = false;
	else if (n > 0)
		*exit_status = command_run(session, words, (size_t)n);
	free(line);
	return output_flush() && more;
}

/* Lines that come from a file or a pipe. */
static int
run_script(struct session *session)
{
	int exit_status = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0)
		if (!run_line(session, line, (size_t)n, &exit_status))
			break;
	free(line);
	return exit_status;
}

/* Make the folders of a path, as mkdir -p does. */
static void
make_folders(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
}

static char *
history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int n;

	if (state != NULL && *state == '/')
		n = asprintf(&path, "%s/kv/history", state);
	else if (home != NULL && *home == '/')
		n = asprintf(&path, "%s/.local/state/kv/history", home);
	else
		return NULL;
	if (n == -1)
		return NULL;
	make_folders(path);
	return path;
}

static char *
prompt_text(EditLine *edit)
{
	static char text[] = "kv> ";

	(void)edit;
	return text;
}

static void
list_names(const struct complete *complete)
{
	size_t i;

	(void)putchar('\n');
	for (i = 0; i < complete->n; i++)
		(void)printf("%s%s", complete->names[i],
		    i % 6 == 5 || i + 1 == complete->n ? "\n" : "  ");
	(void)fflush(stdout);
}

static unsigned char
on_tab(EditLine *edit, wint_t key)
{
	const LineInfo *info = el_line(edit);
	struct complete complete;
	unsigned char action = CC_ERROR;
	struct prompt *prompt;
	char *more;

	(void)key;
	if (el_get(edit, EL_CLIENTDATA, &prompt) != 0)
		return CC_ERROR;
	complete_line(prompt->session, info->buffer,
	    (size_t)(info->cursor - info->buffer), &complete);
	if (complete.n > 1 && complete.common == complete.typed) {
		list_names(&complete);
		action = CC_REDISPLAY;
	} else if (complete.n > 0 && asprintf(&more, "%.*s%s",
	    (int)(complete.common - complete.typed),
	    complete.names[0] + complete.typed,
	    complete.n == 1 ? " " : "") != -1) {
		(void)el_insertstr(edit, more);
		free(more);
		action = CC_REFRESH;
	}
	complete_free(&complete);
	return action;
}

/* Typing ^C gives the line up, as shells do. */
static unsigned char
on_interrupt(EditLine *edit, wint_t key)
{
	const LineInfo *info = el_line(edit);

	(void)key;
	(void)fputs("^C\n", stdout);
	(void)el_cursor(edit, (int)(info->lastchar - info->cursor));
	el_deletestr(edit, (int)(info->lastchar - info->buffer));
	return CC_REDISPLAY;
}

static bool
prompt_open(struct prompt *prompt)
{
	HistEvent event;

	prompt->edit = el_init("kv", stdin, stdout, stderr);
	prompt->history = history_init();
	if (prompt->edit == NULL || prompt->history == NULL)
		return false;
	(void)history(prompt->history, &event, H_SETSIZE, HISTORY_LINES);
	(void)history(prompt->history, &event, H_SETUNIQUE, 1);
	prompt->file = history_path();
	if (prompt->file != NULL)
		(void)history(prompt->history, &event, H_LOAD, prompt->file);
	(void)el_set(prompt->edit, EL_CLIENTDATA, prompt);
	(void)el_set(prompt->edit, EL_PROMPT, prompt_text);
	(void)el_set(prompt->edit, EL_EDITOR, "emacs");
	(void)el_set(prompt->edit, EL_HIST, history, prompt->history);
	/* Of the narrow names el_set() would leak its copies. */
	(void)el_wset(prompt->edit, EL_ADDFN, L"kv-complete", L"complete",
	    on_tab);
	(void)el_wset(prompt->edit, EL_ADDFN, L"kv-interrupt", L"give up",
	    on_interrupt);
	(void)el_set(prompt->edit, EL_BIND, "^I", "kv-complete", NULL);
	/* While a line is edited ^C is a key; while a command runs it is the
	 * usual signal. */
	(void)el_set(prompt->edit, EL_SETTY, "-d", "-isig", NULL);
	(void)el_set(prompt->edit, EL_BIND, "^C", "kv-interrupt", NULL);
	(void)el_source(prompt->edit, NULL);
	return true;
}

static void
prompt_close(struct prompt *prompt)
{
	HistEvent event;
	mode_t mask;

	if (prompt->history != NULL && prompt->file != NULL) {
		mask = umask(077);
		(void)history(prompt->history, &event, H_SAVE, prompt->file);
		(void)umask(mask);
	}
	if (prompt->history != NULL)
		history_end(prompt->history);
	if (prompt->edit != NULL)
		el_end(prompt->edit);
	free(prompt->file);
}

/*
 * el_gets() prints the prompt before it takes the terminal over; who typed
 * ^C in between would kill us.  So the terminal is taken over first.
 */
static const char *
read_typed(struct prompt *prompt, int *n)
{
	const char *line;

	(void)el_set(prompt->edit, EL_PREP_TERM, 1);
	line = el_gets(prompt->edit, n);
	(void)el_set(prompt->edit, EL_PREP_TERM, 0);
	return *n > 0 ? line : NULL;
}

static void
run_typed(struct prompt *prompt)
{
	HistEvent event;
	const char *line;
	int n;

	while ((line = read_typed(prompt, &n)) != NULL) {
		if (line[strspn(line, " \t\n")] != '\0')
			(void)history(prompt->history, &event, H_ENTER, line);
		if (!run_line(prompt->session, line, (size_t)n,
		    &prompt->exit_status))
			return;
	}
	(void)putchar('\n');
}

int
prompt_run(struct session *session)
{
	struct prompt prompt = { .session = session };

	session->prompt = true;
	if (isatty(STDIN_FILENO) != 1)
		return run_script(session);
	if (prompt_open(&prompt))
		run_typed(&prompt);
	else
		session_complain("no prompt: %s", strerror(errno));
	prompt_close(&prompt);
	return prompt.exit_status;
}
