/*
 * Redis's commands about the connection, byte by byte.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;

static void
begin(void)
{
	daemon_start(&d);
	fd = redis_open(&d);
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(redis_connection, .init = begin, .fini = end, .timeout = 60);

/* Greet; the reply is that of RESP2, or of RESP3. */
static void
greet(const char *request, int version)
{
	char reply[256];
	int64_t id = redis_number(fd, "CLIENT ID");

	snprintf(reply, sizeof(reply), "%s\r\n$6\r\nserver\r\n$5\r\nredis\r\n"
	    "$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:%d\r\n"
	    "$2\r\nid\r\n:%jd\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
	    "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n",
	    version == 3 ? "%7" : "*14", version, (intmax_t)id);
	talk(fd, request, reply);
}

Test(redis_connection, ping_and_echo_give_back_what_they_get)
{
	talk(fd, "PING\r\nping \"a b\"\r\nECHO hello\r\n",
	    "+PONG\r\n$3\r\na b\r\n$5\r\nhello\r\n");
	talk(fd, "PING a b\r\nECHO\r\n",
	    "-ERR wrong number of arguments for 'ping' command\r\n"
	    "-ERR wrong number of arguments for 'echo' command\r\n");
	talk(fd, "*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\n",
	    "$4\r\n\r\n\r\n\r\n");
}

Test(redis_connection, hello_changes_the_version_and_back)
{
	greet("HELLO\r\n", 2);
	greet("HELLO 3\r\n", 3);
	talk(fd, "HGET b k\r\n", "_\r\n");
	greet("HELLO\r\n", 3);
	greet("HELLO 2\r\n", 2);
	talk(fd, "HGET b k\r\n", "$-1\r\n");
}

Test(redis_connection, hello_that_is_refused_changes_nothing)
{
	talk(fd, "HELLO 3 SETNAME a AUTH u p\r\n", "-WRONGPASS invalid "
	    "username-password pair or user is disabled.\r\n");
	talk(fd, "HELLO 3 SETNAME \"a b\"\r\n", "-ERR Client names cannot "
	    "contain spaces, newlines or special characters.\r\n");
	talk(fd, "HELLO 3 FOO\r\nHELLO 3 AUTH x\r\nHELLO 3 SETNAME\r\n",
	    "-ERR Syntax error in HELLO option 'FOO'\r\n"
	    "-ERR Syntax error in HELLO option 'AUTH'\r\n"
	    "-ERR Syntax error in HELLO option 'SETNAME'\r\n");
	talk(fd, "HELLO 4\r\nHELLO 1\r\nHELLO x\r\n",
	    "-NOPROTO unsupported protocol version\r\n"
	    "-NOPROTO unsupported protocol version\r\n"
	    "-ERR Protocol version is not an integer or out of range\r\n");
	talk(fd, "HGET b k\r\nCLIENT GETNAME\r\n", "$-1\r\n$-1\r\n");
}

Test(redis_connection, hello_names_and_takes_any_password_of_default)
{
	greet("HELLO 3 AUTH default secret SETNAME me\r\n", 3);
	talk(fd, "CLIENT GETNAME\r\n", "$2\r\nme\r\n");
}

Test(redis_connection, auth_says_that_there_is_no_password)
{
	talk(fd, "AUTH x\r\n", "-ERR AUTH <password> called without any "
	    "password configured for the default user. Are you sure your "
	    "configuration is correct?\r\n");
	talk(fd, "AUTH default x\r\nAUTH u x\r\nAUTH a b c\r\n", "+OK\r\n"
	    "-WRONGPASS invalid username-password pair or user is "
	    "disabled.\r\n-ERR syntax error\r\n");
}

Test(redis_connection, select_knows_one_database)
{
	talk(fd, "SELECT 0\r\nSELECT 1\r\nSELECT -1\r\nSELECT x\r\n",
	    "+OK\r\n-ERR DB index is out of range\r\n"
	    "-ERR DB index is out of range\r\n"
	    "-ERR value is not an integer or out of range\r\n");
}

Test(redis_connection, reset_goes_back_to_where_it_began)
{
	greet("HELLO 3 SETNAME me\r\n", 3);
	talk(fd, "CLIENT REPLY OFF\r\nRESET\r\n", "+RESET\r\n");
	talk(fd, "HGET b k\r\nCLIENT GETNAME\r\n", "$-1\r\n$-1\r\n");
	talk(fd, "RESET\r\nRESET x\r\n", "+RESET\r\n"
	    "-ERR wrong number of arguments for 'reset' command\r\n");
}

Test(redis_connection, nothing_is_executed_behind_quit)
{
	int other = redis_open(&d);

	talk(fd, "QUIT now\r\nHSET b k v\r\n", "+OK\r\n");
	talk_expect_end(fd);
	talk(other, "HGET b k\r\n", "$-1\r\n");
	close(other);
}

Test(redis_connection, unknown_commands_are_told_with_their_words)
{
	talk(fd, "FOO bar \"b z\"\r\n", "-ERR unknown command 'FOO', with "
	    "args beginning with: 'bar' 'b z' \r\n");
	talk(fd, "CLIENT\r\nCLIENT Foo\r\nCLIENT ID x\r\n",
	    "-ERR wrong number of arguments for 'client' command\r\n"
	    "-ERR unknown subcommand 'Foo'. Try CLIENT HELP.\r\n"
	    "-ERR wrong number of arguments for 'client|id' command\r\n");
	talk(fd, "CLIENT MAINT_NOTIFICATIONS ON\r\n", "-ERR unknown "
	    "subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.\r\n");
}
