/*
 * CONFIG REWRITE: what was set is in kvd.conf, and everything else as it was.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define CONF	"# of the house\nmemory 64M\nworkers 2 # two\n\nlimits {\n"    \
    "\tidle 10m\t# patience\n}\nlog { level debug }\n"

static struct daemon d;
static int fd;

static void
begin(void)
{
	daemon_prepare(&d, CONF);
	daemon_launch(&d, NULL);
	fd = redis_open(&d);
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(redis_config_rewrite, .init = begin, .fini = end, .timeout = 60);

/* Whatever the test's own lines around it are. */
static char *
read_conf(void)
{
	static char text[8192];
	FILE *file = fopen(d.conf, "r");

	cr_assert_not_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

Test(redis_config_rewrite, changes_what_was_set_and_nothing_else)
{
	char *text = strdup(read_conf()), *at;
	struct stat before, after;
	int held;

	cr_assert_eq(chmod(d.conf, 0640), 0);
	/* As long as it is open, its number is not another file's. */
	cr_assert_geq(held = open(d.conf, O_RDONLY), 0);
	cr_assert_eq(fstat(held, &before), 0);
	talk(fd, "CONFIG REWRITE\r\n", "+OK\r\n");
	cr_assert_str_eq(read_conf(), text);
	talk(fd, "CONFIG SET limits.idle 5m maxclients 77 hz 7\r\n"
	    "CONFIG REWRITE\r\n", "+OK\r\n+OK\r\n");
	at = strstr(read_conf(), "# of the house");
	cr_assert_not_null(at);
	cr_assert_eq(strncmp(at, "# of the house\nmemory 64M\nworkers 2 # two\n"
	    "\nlimits {\n\tclients 77\n\tidle 5m\t# patience\n}\n"
	    "log { level debug }\n", strlen(CONF) + 11), 0, "%s", at);
	cr_assert_eq(stat(d.conf, &after), 0);
	cr_assert_eq(after.st_mode, before.st_mode);
	cr_assert_eq(after.st_uid, before.st_uid);
	cr_assert_neq(after.st_ino, before.st_ino);
	close(held);
	free(text);
}

Test(redis_config_rewrite, is_what_the_next_start_has)
{
	talk(fd, "CONFIG SET limits.idle 3m\r\nCONFIG REWRITE\r\n",
	    "+OK\r\n+OK\r\n");
	close(fd);
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_launch(&d, NULL);
	fd = redis_open(&d);
	talk(fd, "CONFIG GET limits.idle\r\n",
	    "*2\r\n$11\r\nlimits.idle\r\n$2\r\n3m\r\n");
}

Test(redis_config_rewrite, is_refused_without_a_file)
{
	cr_assert_eq(unlink(d.conf), 0);
	talk(fd, "CONFIG REWRITE\r\n", "-ERR The server is running without a "
	    "config file\r\n");
}

/* And leaves nothing beside it. */
Test(redis_config_rewrite, is_refused_if_the_result_would_not_be_read)
{
	char path[128], text[512], command[256];
	char *before;
	FILE *file;

	snprintf(path, sizeof(path), "%s/more", d.dir);
	cr_assert_not_null(file = fopen(path, "w"));
	fputs("limits { output 2M }\n", file);
	fclose(file);
	cr_assert_not_null(file = fopen(d.conf, "a"));
	fprintf(file, "include %s\n", path);
	fclose(file);
	before = strdup(read_conf());
	talk(fd, "CONFIG SET limits.output 3M\r\n", "+OK\r\n");
	talk_send(fd, "CONFIG REWRITE\r\n");
	talk_expect(fd, "-ERR Rewriting config file: it could not be read "
	    "then: ");
	cr_assert(talk_line(fd, text, sizeof(text)));
	cr_assert_str_eq(read_conf(), before);
	free(before);
	snprintf(command, sizeof(command), "test \"$(ls %s | grep -c '^kvd"
	    ".conf')\" = 1", d.dir);
	cr_assert_eq(system(command), 0);
}

Test(redis_config_rewrite, says_what_is_in_the_way)
{
	char text[512];

	if (geteuid() == 0)
		cr_skip("root may do all");
	cr_assert_eq(chmod(d.dir, 0500), 0);
	talk_send(fd, "CONFIG SET limits.idle 3m\r\nCONFIG REWRITE\r\n");
	talk_expect(fd, "+OK\r\n-ERR Rewriting config file: ");
	cr_assert(talk_line(fd, text, sizeof(text)));
	cr_assert_not_null(strstr(text, "Permission denied"));
	cr_assert_eq(chmod(d.dir, 0700), 0);
}
