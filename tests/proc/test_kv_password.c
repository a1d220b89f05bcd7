/* kv, and libkv, with a server that wants a password. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/proc/kv_run.h"

static struct daemon d;
static char path[128];

static void
begin(void)
{
	char conf[256], server[32];
	FILE *file;

	daemon_prepare(&d, NULL);
	snprintf(path, sizeof(path), "%s/password", d.dir);
	cr_assert_not_null(file = fopen(path, "w"));
	cr_assert_eq(fchmod(fileno(file), 0600), 0);
	fputs("se cret\n", file);
	cr_assert_eq(fclose(file), 0);
	snprintf(conf, sizeof(conf), "memory 64M\nworkers 2\n"
	    "password-file %s\n", path);
	daemon_configure(&d, conf);
	daemon_launch(&d, NULL);
	snprintf(server, sizeof(server), "127.0.0.1:%u", (unsigned)d.port);
	setenv("KV_SERVER", server, 1);
	unsetenv("KV_PASSWORD");
}

static void
end(void)
{
	daemon_stop(&d);
}

TestSuite(kv_password, .init = begin, .fini = end, .timeout = 60);

Test(kv_password, is_said_out_of_a_file_or_the_environment)
{
	assert_says(run("-a", path, "create", "b"), "OK\n");
	setenv("KV_PASSWORD", "se cret", 1);
	assert_says(run("buckets"), "b\n");
	assert_says(run_with("put b k v\nget b k\n", 18, "-q", NULL), "v\n");
}

Test(kv_password, that_is_wrong_or_missing_is_told)
{
	assert_fails(run("ping"), 2, "", "a password is needed: say AUTH and "
	    "the password");
	setenv("KV_PASSWORD", "wrong", 1);
	assert_fails(run("ping"), 2, "", "wrong password");
	assert_fails(run("-a", "/nowhere", "ping"), 66, "",
	    "/nowhere: No such file or directory");
	assert_fails(run("-a", "/dev/null", "ping"), 66, "",
	    "/dev/null: no password (it is the first line)");
	/* A file is more than the environment. */
	assert_says(run("-a", path, "ping"), "PONG\n");
}
