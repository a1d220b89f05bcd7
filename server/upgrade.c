/*
 * Handing over to the next program, after nginx: fork, exec, and both run
 * until the new one serves.  Descriptors cross exec(3) by number, named in one
 * variable of the environment:
 *
 *	KVD_UPGRADE=talk=9 arena=5 pidfile=4 config=10 own=1 listen=3,7 ...
 *
 * What surprises: the new program is called by the words that started this
 * one, from the folder it was started in, because that is what a package
 * manager has put a new file behind; /proc/self/exe is the old file.
 */

#include "server/upgrade.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/log.h"
#include "server/notify.h"

#define VARIABLE	"KVD_UPGRADE"
#define TEXT_MAX	8192	/* of the variable */
#define WORDS_MAX	4096	/* of last words that are logged */
#define FDS_MAX		1024	/* listening sockets, as for LISTEN_FDS */

static struct {
	char	  folder[PATH_MAX];
	char	  program[PATH_MAX];
	char	**argv;		/* copies */
} call;

/* A word with a slash is a path from here; else the shell has searched. */
static void
find_program(const char *word)
{
	ssize_t n;

	if (word != NULL && strchr(word, '/') != NULL) {
		strlcpy(call.program, word, sizeof(call.program));
		return;
	}
	n = readlink("/proc/self/exe", call.program,
	    sizeof(call.program) - 1);
	call.program[n > 0 ? n : 0] = '\0';
}

void
upgrade_remember(char **argv)
{
	size_t n = 0, i;

	if (getcwd(call.folder, sizeof(call.folder)) == NULL)
		strlcpy(call.folder, "/", sizeof(call.folder));
	find_program(argv[0]);
	while (argv[n] != NULL)
		n++;
	if ((call.argv = calloc(n + 1, sizeof(*call.argv))) == NULL)
		fatal(EX_OSERR, "out of memory");
	for (i = 0; i < n; i++)
		if ((call.argv[i] = strdup(argv[i])) == NULL)
			fatal(EX_OSERR, "out of memory");
}

/* The old program. */

static void put(char *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(char *text, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + used, TEXT_MAX - used, fmt, ap);
	va_end(ap);
}

static void
describe(char *text, const struct upgrade_goods *goods, int talk_fd)
{
	const char *comma = "";
	size_t i;

	text[0] = '\0';
	put(text, "talk=%d arena=%d pidfile=%d config=%d roster=%d own=%d "
	    "peers=%zu listen=", talk_fd, goods->arena_fd, goods->pidfile_fd,
	    goods->config_fd, goods->roster_fd, goods->own_paths,
	    goods->peers);
	for (i = 0; i < goods->listens; i++, comma = ",")
		put(text, "%s%d", comma, goods->listen_fds[i]);
	put(text, " slots=");
	for (i = 0, comma = ""; i < BOARD_SLOTS; i++)
		if (goods->slots[i]) {
			put(text, "%s%zu", comma, i);
			comma = ",";
		}
}

/* -1 is allowed: there is none. */
static void
keep_over_exec(int fd)
{
	if (fd != -1)
		(void)fcntl(fd, F_SETFD, 0);
}

static _Noreturn void
call_program(const struct upgrade_goods *goods, const struct upgrade *u,
    int talk_fd, const sigset_t *mask)
{
	char text[TEXT_MAX];
	size_t i;

	keep_over_exec(goods->arena_fd);
	keep_over_exec(goods->pidfile_fd);
	keep_over_exec(goods->config_fd);
	keep_over_exec(goods->roster_fd);
	keep_over_exec(talk_fd);
	for (i = 0; i < goods->listens; i++)
		keep_over_exec(goods->listen_fds[i]);
	if (u->words_fd != -1)
		dup2(u->words_fd, STDERR_FILENO);
	describe(text, goods, talk_fd);
	notify_pass_on();
	/* We may have become a user who must not enter it. */
	if (chdir(call.folder) == -1)
		dprintf(STDERR_FILENO, "kvd: cannot enter %s: %s; only files "
		    "given with their whole path will be found\n",
		    call.folder, strerror(errno));
	if (setenv(VARIABLE, text, 1) == 0) {
		sigprocmask(SIG_UNBLOCK, mask, NULL);
		execv(call.program, call.argv);
	}
	dprintf(STDERR_FILENO, "kvd: cannot start %s: %s\n", call.program,
	    strerror(errno));
	_exit(EX_OSERR);
}

int
upgrade_start(struct upgrade *u, const struct upgrade_goods *goods,
    bool quiet, const sigset_t *mask)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    ends) == -1)
		return -1;
	u->fd = ends[0];
	u->words_fd = quiet ? memfd_create("words", MFD_CLOEXEC) : -1;
	if ((u->pid = fork()) == 0)
		call_program(goods, u, ends[1], mask);
	close(ends[1]);
	if (u->pid != -1)
		return 0;
	upgrade_close(u);
	return -1;
}

void
upgrade_log_words(const struct upgrade *u)
{
	char words[WORDS_MAX + 1], *line, *rest = words;
	ssize_t n;

	n = u->words_fd == -1 ? 0 : pread(u->words_fd, words, WORDS_MAX, 0);
	words[n > 0 ? n : 0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			log_warn("the new program says: %s", line);
}

void
upgrade_close(struct upgrade *u)
{
	if (u->fd != -1)
		close(u->fd);
	if (u->words_fd != -1)
		close(u->words_fd);
	u->fd = u->words_fd = -1;
	u->pid = 0;
}

/* The new program. */

static _Noreturn void
complain(const char *text)
{
	fatal(EX_CONFIG, VARIABLE "=%s in the environment is not what a kvd "
	    "hands to its successor", text);
}

/* Numbers between commas, each below the limit; returns how many. */
static size_t
numbers_in(char *list, int *numbers, size_t max, long limit)
{
	char *word, *end;
	size_t n = 0;
	long number;

	while ((word = strsep(&list, ",")) != NULL) {
		if (*word == '\0')
			continue;
		number = strtol(word, &end, 10);
		if (*end != '\0' || number < -1 || number >= limit ||
		    n == max)
			complain(word);
		numbers[n++] = (int)number;
	}
	return n;
}

/* A descriptor that is open, ours alone from now on. */
static void
take(int fd)
{
	if (fd != -1 && fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal(EX_CONFIG, "descriptor %d, named by " VARIABLE ": %s",
		    fd, strerror(errno));
}

static int
one_in(char *list)
{
	int number = -1;

	if (numbers_in(list, &number, 1, INT_MAX) != 1)
		complain(list);
	return number;
}

static void
take_slots(struct upgrade_goods *goods, char *list)
{
	int slots[BOARD_SLOTS];
	size_t i, n = numbers_in(list, slots, BOARD_SLOTS, BOARD_SLOTS);

	for (i = 0; i < n; i++)
		if (slots[i] >= 0)
			goods->slots[slots[i]] = true;
}

static void
take_listeners(struct upgrade_goods *goods, char *list)
{
	int *fds = calloc(FDS_MAX, sizeof(*fds));
	size_t i;

	if (fds == NULL)
		fatal(EX_OSERR, "out of memory");
	goods->listens = numbers_in(list, fds, FDS_MAX, INT_MAX);
	goods->listen_fds = fds;
	for (i = 0; i < goods->listens; i++)
		take(fds[i]);
}

static void
take_named(struct upgrade_goods *goods, int *talk_fd, const char *name,
    char *value)
{
	if (strcmp(name, "talk") == 0)
		take(*talk_fd = one_in(value));
	else if (strcmp(name, "arena") == 0)
		take(goods->arena_fd = one_in(value));
	else if (strcmp(name, "pidfile") == 0)
		take(goods->pidfile_fd = one_in(value));
	else if (strcmp(name, "config") == 0)
		take(goods->config_fd = one_in(value));
	else if (strcmp(name, "roster") == 0)
		take(goods->roster_fd = one_in(value));
	else if (strcmp(name, "own") == 0)
		goods->own_paths = one_in(value) == 1;
	else if (strcmp(name, "peers") == 0)
		goods->peers = (size_t)one_in(value);
	else if (strcmp(name, "listen") == 0)
		take_listeners(goods, value);
	else if (strcmp(name, "slots") == 0)
		take_slots(goods, value);
	/* Else a later version's: its old program can do without. */
}

bool
upgrade_inherit(struct upgrade_goods *goods, int *fd)
{
	const char *text = getenv(VARIABLE);
	char copy[TEXT_MAX], *rest = copy, *value, *name;

	memset(goods, 0, sizeof(*goods));
	goods->arena_fd = goods->pidfile_fd = goods->config_fd = *fd = -1;
	goods->roster_fd = -1;
	if (text == NULL)
		return false;
	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
		complain("(too long)");
	unsetenv(VARIABLE);
	while ((value = strsep(&rest, " ")) != NULL) {
		name = strsep(&value, "=");
		if (value == NULL)
			complain(name);
		take_named(goods, fd, name, value);
	}
	if (*fd == -1 || goods->arena_fd == -1 || goods->config_fd == -1 ||
	    goods->listens == 0 || goods->peers > goods->listens)
		complain(copy);
	return true;
}

/* Both. */

void
upgrade_say(int fd)
{
	(void)send(fd, "", 1, MSG_NOSIGNAL);
}

enum upgrade_word
upgrade_heard(int fd)
{
	char byte;

	switch (recv(fd, &byte, 1, 0)) {
	case 1:
		return UPGRADE_GO;
	case -1:
		if (errno == EAGAIN || errno == EINTR)
			return UPGRADE_NOTHING;
		return UPGRADE_GONE;
	}
	return UPGRADE_GONE;
}
