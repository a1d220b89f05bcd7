/* Running kv in a test: its words, what it left behind, and its end. */

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/kv_run.h"

struct daemon kv_daemon;
static char kv_name[] = "kv";

void
kv_begin(void)
{
	char server[32];

	daemon_start(&kv_daemon);
	snprintf(server, sizeof(server), "127.0.0.1:%u", kv_daemon.port);
	setenv("KV_SERVER", server, 1);
	setenv("HOME", kv_daemon.dir, 1);
	unsetenv("XDG_STATE_HOME");
	unsetenv("NO_COLOR");
}

void
kv_end(void)
{
	daemon_stop(&kv_daemon);
}

const char *
kv_bin(void)
{
	const char *path = getenv("KV_BIN");

	cr_assert_not_null(path, "KV_BIN does not name the kv to test");
	return path;
}

char *
slurp(FILE *f, size_t *len)
{
	long size;
	char *bytes;

	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	bytes = malloc((size_t)size + 1);
	cr_assert_not_null(bytes);
	*len = fread(bytes, 1, (size_t)size, f);
	bytes[*len] = '\0';
	fclose(f);
	return bytes;
}

int
reap_kv(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    1000 + WTERMSIG(status);
}

pid_t
spawn_kv(char *const *argv, int in, int out, int err)
{
	pid_t pid = fork();

	cr_assert_neq(pid, -1);
	if (pid != 0)
		return pid;
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execv(kv_bin(), argv);
	_exit(126);
}

void
collect(char **argv, const char *first, va_list ap)
{
	int n = 0;

	argv[n++] = kv_name;
	argv[n++] = (char *)(uintptr_t)first;
	if (first == NULL)
		return;
	while (n < ARGS_MAX && (argv[n] = va_arg(ap, char *)) != NULL)
		n++;
	cr_assert_lt(n, ARGS_MAX);
}

struct result
run_with(const void *input, size_t len, const char *first, ...)
{
	FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
	struct result result;
	char *argv[ARGS_MAX], *text;
	size_t err_len;
	va_list ap;

	va_start(ap, first);
	collect(argv, first, ap);
	va_end(ap);
	fwrite(input, 1, len, in);
	fflush(in);
	lseek(fileno(in), 0, SEEK_SET);
	result.status = reap_kv(spawn_kv(argv, fileno(in), fileno(out),
	    fileno(err)));
	fclose(in);
	result.out = slurp(out, &result.out_len);
	text = slurp(err, &err_len);
	snprintf(result.err, sizeof(result.err), "%s", text);
	free(text);
	return result;
}

void
assert_says(struct result result, const char *out)
{
	cr_assert_str_eq(result.err, "");
	cr_assert_str_eq(result.out, out);
	cr_assert_eq(result.status, 0);
	free(result.out);
}

void
assert_fails(struct result result, int status, const char *out,
    const char *err)
{
	cr_assert_eq(result.status, status, "%d: %s", result.status,
	    result.err);
	cr_assert_str_eq(result.out, out);
	cr_assert_not_null(strstr(result.err, err), "%s", result.err);
	if (*err == '\0')
		cr_assert_str_eq(result.err, "");
	else
		cr_assert_eq(strncmp(result.err, "kv: ", 4), 0);
	free(result.out);
}

void
quietly(struct result result)
{
	assert_says(result, "");
}

static void
serve(int client, const char *const *reply, size_t n)
{
	char line[64];
	size_t i;

	for (i = 0; i < n; i++) {
		talk_line(client, line, sizeof(line));
		send(client, reply[i], strlen(reply[i]), MSG_NOSIGNAL);
	}
}

static const char *
answer(const char *const *reply, size_t n)
{
	static char names[3][32];
	static size_t at;
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0), client;
	socklen_t len = sizeof(sin);

	at = (at + 1) % 3;
	cr_assert_eq(bind(listener, (struct sockaddr *)&sin, len), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&sin, &len), 0);
	snprintf(names[at], sizeof(names[at]), ":%u", ntohs(sin.sin_port));
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		client = accept(listener, NULL, NULL);
		close(listener);
		serve(client, reply, n);
		_exit(0);
	}
	close(listener);
	return names[at];
}

const char *
answer_once(const char *reply)
{
	return answer(&reply, 1);
}

const char *
answer_twice(const char *first, const char *second)
{
	return answer((const char *const[]){ first, second }, 2);
}
