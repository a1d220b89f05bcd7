/*
 * A password: who has not said it may say it, or go, in either protocol, and
 * is not given room for more.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define CONF	"memory 64M\nworkers 2\n"
#define PING	"*1\r\n$4\r\nPING\r\n"
#define NOAUTH	"-NOAUTH Authentication required.\r\n"
#define WRONG	"-WRONGPASS invalid username-password pair or user is "	      \
    "disabled.\r\n"

static struct daemon d;
static int fd;

static void
write_password(const char *password)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/password", d.dir);
	cr_assert_not_null(file = fopen(path, "w"));
	cr_assert_eq(fchmod(fileno(file), 0600), 0);
	fprintf(file, "%s\n", password);
	cr_assert_eq(fclose(file), 0);
}

static void
configure(const char *password)
{
	char conf[256];

	write_password(password);
	snprintf(conf, sizeof(conf), CONF "password-file %s/password\n",
	    d.dir);
	daemon_configure(&d, conf);
}

/* A stranger, who speaks RESP2. */
static int
open_stranger(void)
{
	int s = talk_open(&d);

	talk(s, PING, NOAUTH);
	return s;
}

static void
begin(void)
{
	daemon_prepare(&d, NULL);
	configure("se cret");
	daemon_launch(&d, NULL);
	fd = open_stranger();
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(redis_auth, .init = begin, .fini = end, .timeout = 60);

Test(redis_auth, is_asked_for_before_anything_else)
{
	talk(fd, "GET k\r\nMULTI\r\nCONFIG GET *\r\nSUBSCRIBE a\r\nINFO\r\n"
	    "CLIENT ID\r\nBUCKETS\r\nEXEC\r\n", NOAUTH NOAUTH NOAUTH NOAUTH
	    NOAUTH NOAUTH NOAUTH "-EXECABORT Transaction discarded because "
	    "of: NOAUTH Authentication required.\r\n");
	talk(fd, "NOSUCH\r\nGET\r\nEXEC x\r\n", "-ERR unknown command "
	    "'NOSUCH', with args beginning with: \r\n"
	    "-ERR wrong number of arguments for 'get' command\r\n"
	    "-EXECABORT Transaction discarded because of: wrong number of "
	    "arguments for 'exec' command\r\n");
	talk(fd, "RESET\r\nQUIT\r\n", "+RESET\r\n+OK\r\n");
	talk_expect_end(fd);
}

Test(redis_auth, is_said_by_auth)
{
	talk(fd, "AUTH x\r\nAUTH default secret\r\nAUTH other \"se cret\"\r\n"
	    "AUTH \"se cret\" x\r\nAUTH\r\nAUTH a b c\r\n"
	    "AUTH \"se cret\\x00\"\r\nAUTH \"\"\r\nGET k\r\n",
	    WRONG WRONG WRONG WRONG
	    "-ERR wrong number of arguments for 'auth' command\r\n"
	    "-ERR syntax error\r\n" WRONG WRONG NOAUTH);
	talk(fd, "AUTH \"se cret\"\r\nGET k\r\nAUTH x\r\nGET k\r\n",
	    "+OK\r\n$-1\r\n" WRONG "$-1\r\n");
	talk(fd, "RESET\r\nGET k\r\nAUTH default \"se cret\"\r\nGET k\r\n",
	    "+RESET\r\n" NOAUTH "+OK\r\n$-1\r\n");
}

Test(redis_auth, is_said_by_hello)
{
	talk(fd, "HELLO 3\r\nHELLO 3 AUTH default x\r\nGET k\r\n",
	    "-NOAUTH HELLO must be called with the client already "
	    "authenticated, otherwise the HELLO AUTH <user> <pass> option can "
	    "be used to authenticate the client and select the RESP protocol "
	    "version at the same time\r\n" WRONG NOAUTH);
	talk_send(fd, "HELLO 3 AUTH default \"se cret\" SETNAME me\r\n");
	redis_skip_hello(fd);
	talk(fd, "CLIENT GETNAME\r\n", "$2\r\nme\r\n");
}

Test(redis_auth, leaves_little_room_to_strangers)
{
	char request[17000];
	size_t len;

	len = (size_t)snprintf(request, sizeof(request),
	    "*2\r\n$4\r\nECHO\r\n$16384\r\n%016384d\r\n", 0);
	talk_send_bytes(fd, request, len);
	talk_expect(fd, NOAUTH);
	talk(fd, "*11\r\n", "-ERR Protocol error: unauthenticated multibulk "
	    "length\r\n");
	talk_expect_end(fd);
	close(fd);
	fd = open_stranger();
	talk(fd, "*2\r\n$4\r\nAUTH\r\n$16385\r\n", "-ERR Protocol error: "
	    "unauthenticated bulk length\r\n");
	talk_expect_end(fd);
	close(fd);
	fd = open_stranger();
	talk(fd, "AUTH \"se cret\"\r\n", "+OK\r\n");
	talk(fd, "*12\r\n$6\r\nEXISTS\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n"
	    "$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n"
	    "$1\r\na\r\n$1\r\na\r\n", ":0\r\n");
}

Test(redis_auth, is_asked_for_in_text_too)
{
	int text = talk_open(&d);
	char line[8000];

	talk(text, "GET b k\nBUCKETS\nSUBSCRIBE b\nINFO\nHELP\n",
	    "ERROR a password is needed: say AUTH and the password\r\n"
	    "ERROR a password is needed: say AUTH and the password\r\n"
	    "ERROR a password is needed: say AUTH and the password\r\n"
	    "ERROR a password is needed: say AUTH and the password\r\n"
	    "ERROR a password is needed: say AUTH and the password\r\n");
	talk(text, "AUTH x\nAUTH \"se cret\"\nBUCKETS\n",
	    "ERROR wrong password\r\nOK\r\nOK\r\n");
	close(text);
	text = talk_open(&d);
	snprintf(line, sizeof(line), "AUTH %07000d\n", 0);
	talk(text, line, "ERROR line too long\r\n");
	talk_expect_end(text);
	close(text);
}

Test(redis_auth, is_shown_to_nobody)
{
	talk(fd, "AUTH \"se cret\"\r\nCONFIG GET requirepass password\r\n"
	    "CONFIG SET requirepass \"\"\r\nCONFIG SET password x\r\n",
	    "+OK\r\n*0\r\n-ERR CONFIG SET failed (possibly related to argument "
	    "'requirepass') - can't set immutable config\r\n-ERR Unknown "
	    "option or number of arguments for CONFIG SET - 'password'\r\n");
}

Test(redis_auth, changes_with_a_reload)
{
	int after;

	configure("another");
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "configuration reloaded", 1);
	after = open_stranger();
	talk(after, "AUTH \"se cret\"\r\nAUTH another\r\nGET k\r\n",
	    WRONG "+OK\r\n$-1\r\n");
	close(after);
}

TestSuite(redis_no_auth, .timeout = 60);

Test(redis_no_auth, takes_any_word_of_the_one_user)
{
	daemon_start(&d);
	fd = redis_open(&d);
	talk(fd, "AUTH x\r\nAUTH default x\r\nAUTH other x\r\n"
	    "CONFIG GET requirepass\r\nCONFIG SET requirepass x\r\n",
	    "-ERR AUTH <password> called without any password configured for "
	    "the default user. Are you sure your configuration is correct?\r\n"
	    "+OK\r\n" WRONG "*2\r\n$11\r\nrequirepass\r\n$0\r\n\r\n"
	    "-ERR CONFIG SET failed (possibly related to argument "
	    "'requirepass') - can't set immutable config\r\n");
	talk_once(&d, "AUTH x\n", "ERROR no password is set, see password in "
	    "kvd.conf(5)\r\n");
	close(fd);
	daemon_stop(&d);
}
