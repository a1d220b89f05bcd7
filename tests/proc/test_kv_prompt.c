/*
 * kv for people: its prompt, from a pipe and on a terminal, and what else a
 * terminal gets to see.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/kv_run.h"

#define PATIENCE_MS	20000

TestSuite(kv_prompt, .init = kv_begin, .fini = kv_end, .timeout = 120);

Test(kv_prompt, commands_may_come_from_a_pipe)
{
	static const char script[] =
	    "create b\n"
	    "\n"
	    "PUT b \"two words\" \"a\\nb\"\n"
	    "get b \"two words\"\n"
	    "quit\n"
	    "drop b\n";
	static const char bad[] =
	    "put b k\n"
	    "load b\n"
	    "get b \"k\n"
	    "get b none\n";
	struct result result;

	assert_says(run_with(script, strlen(script), "-s",
	    getenv("KV_SERVER"), NULL), "OK\nOK\na\nb\n");
	result = run_with(bad, strlen(bad), "-q", NULL);
	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.out, "");
	cr_assert_not_null(strstr(result.err, "kv: put: wrong number of"));
	cr_assert_not_null(strstr(result.err, "kv: load: wrong number of"));
	cr_assert_not_null(strstr(result.err,
	    "kv: malformed quotes at column 7"));
	free(result.out);
}

/* Kill both workers; return when they and their connections are gone. */
static void
kill_workers(void)
{
	unsigned worker;
	uint64_t pid;
	int fd;

	for (worker = 0; worker < 2; worker++) {
		fd = talk_open_worker(&kv_daemon, worker);
		pid = talk_info(fd, "server", "worker_pid");
		cr_assert_eq(kill((pid_t)pid, SIGKILL), 0);
		/* The master has reaped it: nothing of it is left. */
		daemon_await_end((pid_t)pid);
		close(fd);
	}
}

Test(kv_prompt, the_prompt_connects_anew_when_the_server_has_hung_up)
{
	char kv[] = "kv", *argv[] = { kv, NULL };
	char buf[64] = "";
	int in[2], out[2];
	pid_t pid;

	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	pid = spawn_kv(argv, in[0], out[1], STDERR_FILENO);
	close(in[0]);
	close(out[1]);
	cr_assert_eq(write(in[1], "ping\n", 5), 5);
	cr_assert_eq(read(out[0], buf, sizeof(buf)), 5);
	cr_assert_str_eq(buf, "PONG\n");
	/* A worker that is killed closes its connections, ours or not. */
	kill_workers();
	cr_assert_eq(write(in[1], "ping\n", 5), 5);
	cr_assert_eq(read(out[0], buf, sizeof(buf)), 5);
	cr_assert_str_eq(buf, "PONG\n");
	close(in[1]);
	cr_assert_eq(reap_kv(pid), 0);
	close(out[0]);
}

/* A terminal with kv in it. */
struct terminal {
	pid_t	pid;
	int	fd;
	char	seen[16384];	/* all that was shown so far */
	size_t	len;
	size_t	at;		/* looked at up to here */
};

static void
terminal_start(struct terminal *terminal, const char *program, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	memset(terminal, 0, sizeof(*terminal));
	terminal->pid = forkpty(&terminal->fd, NULL, NULL, &size);
	cr_assert_neq(terminal->pid, -1);
	if (terminal->pid == 0) {
		setenv("TERM", "xterm", 1);
		execv(program, argv);
		_exit(126);
	}
}

static void
terminal_open(struct terminal *terminal, const char *word, ...)
{
	char *argv[ARGS_MAX];
	va_list ap;

	va_start(ap, word);
	collect(argv, word, ap);
	va_end(ap);
	terminal_start(terminal, kv_bin(), argv);
}

/* A line for the shell, in which kv is "$KV_BIN". */
static void
terminal_shell(struct terminal *terminal, char *line)
{
	char sh[] = "sh", c[] = "-c", *argv[] = { sh, c, line, NULL };

	terminal_start(terminal, "/bin/sh", argv);
}

/* Wait until it shows this text, after what was looked at before. */
static void
terminal_expect(struct terminal *terminal, const char *text)
{
	struct pollfd pfd = { .fd = terminal->fd, .events = POLLIN };
	size_t room;
	ssize_t n;
	char *hit;

	for (;;) {
		hit = strstr(terminal->seen + terminal->at, text);
		if (hit != NULL)
			break;
		room = sizeof(terminal->seen) - 1 - terminal->len;
		cr_assert_gt(room, 0);
		cr_assert_eq(poll(&pfd, 1, PATIENCE_MS), 1,
		    "never showed \"%s\" but: %s", text,
		    terminal->seen + terminal->at);
		n = read(terminal->fd, terminal->seen + terminal->len, room);
		cr_assert_gt(n, 0, "ended without \"%s\" but: %s", text,
		    terminal->seen + terminal->at);
		terminal->len += (size_t)n;
		terminal->seen[terminal->len] = '\0';
	}
	terminal->at = (size_t)(hit - terminal->seen) + strlen(text);
}

static void
terminal_type(const struct terminal *terminal, const char *keys)
{
	cr_assert_eq(write(terminal->fd, keys, strlen(keys)),
	    (ssize_t)strlen(keys));
}

static int
terminal_close(struct terminal *terminal)
{
	char buf[256];
	int status;

	while (read(terminal->fd, buf, sizeof(buf)) > 0)
		;
	status = reap_kv(terminal->pid);
	close(terminal->fd);
	return status;
}

Test(kv_prompt, the_prompt_runs_commands_and_remembers_them)
{
	struct terminal terminal;
	char path[128], *history;
	size_t len;
	FILE *f;

	terminal_open(&terminal, NULL);
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "create shopping\r");
	terminal_expect(&terminal, "OK\r\n");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "put shopping bread \"two loaves\"\r");
	terminal_expect(&terminal, "OK\r\n");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "garbage\003");
	terminal_expect(&terminal, "^C");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "get shopping bread\r");
	terminal_expect(&terminal, "two loaves\r\n");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "\004");
	cr_assert_eq(terminal_close(&terminal), 0);
	snprintf(path, sizeof(path), "%s/.local/state/kv/history",
	    kv_daemon.dir);
	f = fopen(path, "r");
	cr_assert_not_null(f, "no %s", path);
	history = slurp(f, &len);
	cr_assert_not_null(strstr(history, "create\\040shopping"));
	cr_assert_null(strstr(history, "garbage"));
	free(history);
}

Test(kv_prompt, the_prompt_completes_commands_and_buckets)
{
	struct terminal terminal;

	quietly(run("-q", "create", "shopping"));
	quietly(run("-q", "create", "shipping"));
	quietly(run("-q", "put", "shopping", "milk", "42"));
	terminal_open(&terminal, NULL);
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "ge\tsh\t");
	terminal_expect(&terminal, "shipping");
	terminal_type(&terminal, "o\tmilk\r");
	terminal_expect(&terminal, "42\r\n");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "c\t");
	terminal_expect(&terminal, "completion");
	terminal_type(&terminal, "\003");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "exit\r");
	cr_assert_eq(terminal_close(&terminal), 0);
}

Test(kv_prompt, an_interrupt_ends_a_watch_and_not_the_prompt)
{
	struct terminal terminal;
	int fd;

	quietly(run("-q", "create", "b"));
	fd = talk_open(&kv_daemon);
	terminal_open(&terminal, NULL);
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "watch b\r");
	while (talk_info(fd, "clients", "subscribers") == 0)
		;
	close(fd);
	quietly(run("-q", "put", "b", "k", "v"));
	terminal_expect(&terminal, "SET TO");
	terminal_type(&terminal, "\003");
	terminal_expect(&terminal, "kv> ");
	terminal_type(&terminal, "get b k\r");
	terminal_expect(&terminal, "v\r\n");
	terminal_type(&terminal, "quit\r");
	cr_assert_eq(terminal_close(&terminal), 0);
}

Test(kv_prompt, a_terminal_gets_a_table_in_colour)
{
	struct terminal terminal;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "mput", "b", "k", "1", "longer", "2"));
	terminal_open(&terminal, "mget", "b", "k", "longer", "no", NULL);
	terminal_expect(&terminal, "\033[1mk\033[0m       1\r\n");
	terminal_expect(&terminal, "\033[1mlonger\033[0m  2\r\n");
	terminal_expect(&terminal, "\033[2m(none)\033[0m\r\n");
	cr_assert_eq(terminal_close(&terminal), 1);
	setenv("NO_COLOR", "1", 1);
	terminal_open(&terminal, "mget", "b", "k", "longer", NULL);
	terminal_expect(&terminal, "k       1\r\nlonger  2\r\n");
	cr_assert_eq(terminal_close(&terminal), 0);
	cr_assert_null(strchr(terminal.seen, '\033'));
}

Test(kv_prompt, a_terminal_gets_facts_in_two_columns)
{
	struct terminal terminal;

	terminal_open(&terminal, "info", "buckets", NULL);
	terminal_expect(&terminal,
	    "\033[1mvalue_max\033[0m           1048576\r\n");
	cr_assert_eq(terminal_close(&terminal), 0);
	terminal_open(&terminal, "help", "ping", NULL);
	terminal_expect(&terminal, "\033[1mping\033[0m");
	cr_assert_eq(terminal_close(&terminal), 0);
}

Test(kv_prompt, a_terminal_is_never_sent_what_it_would_obey)
{
	struct terminal terminal;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "put", "b", "\033[2J", "\xff\033]0;x\a\t\xc2\x9b\n"));
	setenv("NO_COLOR", "1", 1);
	terminal_open(&terminal, "keys", "b", NULL);
	terminal_expect(&terminal, "\"\\x1b[2J\"\r\n");
	cr_assert_eq(terminal_close(&terminal), 0);
	terminal_open(&terminal, "get", "b", "\033[2J", NULL);
	terminal_expect(&terminal,
	    "\"\\xff\\x1b]0;x\\a\\t\\xc2\\x9b\\n\"\r\n");
	cr_assert_eq(terminal_close(&terminal), 0);
	cr_assert_null(strchr(terminal.seen, '\033'));
}

Test(kv_prompt, progress_is_shown_on_a_terminal_and_nowhere_else)
{
	struct terminal terminal;

	quietly(run("-q", "create", "b"));
	terminal_open(&terminal, "load", "b", NULL);
	terminal_type(&terminal, "a 1\rb 2\r\004");
	terminal_expect(&terminal, "2 keys loaded in ");
	cr_assert_eq(terminal_close(&terminal), 0);
	assert_says(run("count", "b"), "2\n");
}

Test(kv_prompt, progress_tells_the_time_left_where_the_end_is_known)
{
	char load[] = "seq -f 'k%.0f v' 2000 >\"$HOME/lines\"; "
	    "exec \"$KV_BIN\" load b <\"$HOME/lines\"";
	char dump[] = "exec \"$KV_BIN\" dump b >\"$HOME/dump\"";
	struct terminal terminal;

	quietly(run("-q", "create", "b"));
	terminal_shell(&terminal, load);
	terminal_expect(&terminal, "keys, ");
	terminal_expect(&terminal, "%, ");
	terminal_expect(&terminal, " left");
	terminal_expect(&terminal, "2000 keys loaded in ");
	cr_assert_eq(terminal_close(&terminal), 0);
	terminal_shell(&terminal, dump);
	terminal_expect(&terminal, "keys, ");
	terminal_expect(&terminal, " left");
	terminal_expect(&terminal, "2000 keys dumped in ");
	cr_assert_eq(terminal_close(&terminal), 0);
}
