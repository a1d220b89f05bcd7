/*
 * CLIENT of Redis: names, lists, ends and pauses of connections, all of one
 * worker; redis_clients.c has those of several.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define SOUND	"cannot contain spaces, newlines or special characters.\r\n"

static struct daemon d;
static int fd, other;
static int64_t id, other_id;
static char text[8192], request[128];

/* Of one worker, so that clients know each other. */
static void
begin(void)
{
	daemon_prepare(&d, "memory 64M\nworkers 1\n");
	daemon_launch(&d, NULL);
	fd = redis_open(&d);
	other = redis_open(&d);
	id = redis_number(fd, "CLIENT ID");
	other_id = redis_number(other, "CLIENT ID");
}

static void
end(void)
{
	close(fd);
	close(other);
	daemon_stop(&d);
}

TestSuite(redis_client, .init = begin, .fini = end, .timeout = 60);

static const char *
with_id(const char *words, int64_t number)
{
	snprintf(request, sizeof(request), "%s %jd", words,
	    (intmax_t)number);
	return request;
}

static bool
lists(int64_t number)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "id=%jd ", (intmax_t)number);
	return strstr(text, wanted) != NULL;
}

Test(redis_client, has_a_name_of_its_own)
{
	talk(fd, "CLIENT GETNAME\r\nCLIENT SETNAME me\r\nCLIENT GETNAME\r\n",
	    "$-1\r\n+OK\r\n$2\r\nme\r\n");
	talk(fd, "CLIENT SETNAME \"a b\"\r\nCLIENT GETNAME\r\n",
	    "-ERR Client names " SOUND "$2\r\nme\r\n");
	talk(other, "CLIENT GETNAME\r\n", "$-1\r\n");
	talk(fd, "CLIENT SETNAME \"\"\r\nCLIENT GETNAME\r\n",
	    "+OK\r\n$-1\r\n");
}

Test(redis_client, tells_of_itself_in_a_line)
{
	char wanted[128];

	talk(fd, "CLIENT SETNAME me\r\nCLIENT SETINFO LIB-NAME lib\r\n"
	    "CLIENT SETINFO lib-ver 1.2\r\n", "+OK\r\n+OK\r\n+OK\r\n");
	talk(fd, "CLIENT SETINFO LIB-NAME \"a b\"\r\n"
	    "CLIENT SETINFO LIB-VER \"a b\"\r\nCLIENT SETINFO x y\r\n",
	    "-ERR lib-name " SOUND "-ERR lib-ver " SOUND
	    "-ERR Unrecognized option 'x'\r\n");
	redis_text(fd, "CLIENT INFO", text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "id=%jd addr=127.0.0.1:",
	    (intmax_t)id);
	cr_assert_eq(strncmp(text, wanted, strlen(wanted)), 0, "%s", text);
	snprintf(wanted, sizeof(wanted), " laddr=127.0.0.1:%u ", d.port);
	cr_assert(strstr(text, wanted), "%s", text);
	cr_assert(strstr(text, " name=me ") &&
	    strstr(text, " flags=N ") && strstr(text, " cmd=client|info ") &&
	    strstr(text, " resp=2 lib-name=lib lib-ver=1.2\n"), "%s", text);
}

Test(redis_client, list_has_a_line_for_each_that_is_asked_for)
{
	redis_text(fd, "CLIENT LIST", text, sizeof(text));
	cr_assert(lists(id) && lists(other_id));
	redis_text(fd, "CLIENT LIST TYPE normal", text, sizeof(text));
	cr_assert(lists(id) && lists(other_id));
	redis_text(fd, with_id("CLIENT LIST ID 99999", other_id), text,
	    sizeof(text));
	cr_assert(!lists(id) && lists(other_id));
	talk(fd, "CLIENT LIST TYPE replica\r\nCLIENT LIST ID 99999\r\n",
	    "$0\r\n\r\n$0\r\n\r\n");
	talk(fd, "CLIENT LIST ID -1\r\n", "$0\r\n\r\n");
	talk(fd, "CLIENT LIST TYPE x\r\nCLIENT LIST ID y\r\n"
	    "CLIENT LIST ID\r\nCLIENT LIST x y\r\n",
	    "-ERR Unknown client type 'x'\r\n-ERR Invalid client ID\r\n"
	    "-ERR syntax error\r\n-ERR syntax error\r\n");
}

Test(redis_client, kill_closes_the_other_one)
{
	redis_ask(fd, with_id("CLIENT KILL ID", other_id), ":1");
	talk_expect_end(other);
	redis_ask(fd, with_id("CLIENT KILL ID", other_id), ":0");
	talk(fd, "PING\r\n", "+PONG\r\n");
}

Test(redis_client, kill_spares_who_asks_unless_told_not_to)
{
	talk(fd, "CLIENT KILL TYPE normal\r\n", ":1\r\n");
	talk_expect_end(other);
	talk(fd, "CLIENT KILL TYPE normal SKIPME no\r\n", ":1\r\n");
	talk_expect_end(fd);
}

Test(redis_client, kill_finds_an_address)
{
	char *addr, *space;

	redis_text(other, "CLIENT INFO", text, sizeof(text));
	addr = strstr(text, "addr=") + 5;
	space = strchr(addr, ' ');
	*space = '\0';
	snprintf(request, sizeof(request), "CLIENT KILL %s\r\n", addr);
	talk(fd, request, "+OK\r\n");
	talk_expect_end(other);
	talk(fd, request, "-ERR No such client\r\n");
	snprintf(request, sizeof(request),
	    "CLIENT KILL LADDR 127.0.0.1:%u USER default\r\n", d.port);
	talk(fd, request, ":0\r\n");
}

static void
await_age(int64_t number, const char *age)
{
	do
		redis_text(fd, with_id("CLIENT LIST ID", number), text,
		    sizeof(text));
	while (strstr(text, age) == NULL);
}

Test(redis_client, kill_spares_who_is_young)
{
	talk(fd, "CLIENT KILL MAXAGE 1000 SKIPME no\r\n", ":0\r\n");
	await_age(other_id, " age=1 ");
	talk(fd, "CLIENT KILL MAXAGE 1\r\n", ":1\r\n");
	talk_expect_end(other);
	talk(fd, "CLIENT KILL MAXAGE 0\r\nCLIENT KILL MAXAGE x\r\n",
	    "-ERR maxage should be greater than 0\r\n"
	    "-ERR maxage is not an integer or out of range\r\n");
}

Test(redis_client, that_listens_is_of_a_type_of_its_own)
{
	talk(other, "SUBSCRIBE a\r\n",
	    "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
	redis_text(fd, "CLIENT LIST TYPE pubsub", text, sizeof(text));
	cr_assert(lists(other_id) && !lists(id));
	cr_assert(strstr(text, " flags=P ") && strstr(text, " sub=1 psub=0 "));
	redis_text(fd, "CLIENT LIST TYPE normal", text, sizeof(text));
	cr_assert(!lists(other_id) && lists(id));
	talk(fd, "CLIENT KILL TYPE pubsub\r\n", ":1\r\n");
	talk_expect_end(other);
}

Test(redis_client, list_tells_of_a_transaction)
{
	talk(other, "MULTI\r\nSET a b\r\nSET a c\r\n",
	    "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
	redis_text(fd, with_id("CLIENT LIST ID", other_id), text,
	    sizeof(text));
	cr_assert(strstr(text, " flags=x ") && strstr(text, " multi=2 "),
	    "%s", text);
	talk(other, "DISCARD\r\n", "+OK\r\n");
	redis_text(fd, with_id("CLIENT LIST ID", other_id), text,
	    sizeof(text));
	cr_assert(strstr(text, " flags=N ") && strstr(text, " multi=-1 "));
}

Test(redis_client, name_is_shown_as_far_as_there_is_room)
{
	char name[400];

	memset(name, 'n', sizeof(name));
	name[300] = '\0';
	snprintf(text, sizeof(text), "CLIENT SETNAME %s\r\n", name);
	talk(fd, text, "+OK\r\n");
	talk(fd, "CLIENT GETNAME\r\n", "$300\r\n");
	snprintf(text, sizeof(text), "%s\r\n", name);
	talk_expect(fd, text);
	redis_text(fd, "CLIENT INFO", text, sizeof(text));
	name[255] = '\0';
	cr_assert(strstr(text, name));
	cr_assert_not(strstr(text, strcat(name, "n")));
}

Test(redis_client, kill_that_is_malformed_kills_nobody)
{
	talk(fd, "CLIENT KILL ID x\r\nCLIENT KILL ID 0\r\n",
	    "-ERR client-id should be greater than 0\r\n"
	    "-ERR client-id should be greater than 0\r\n");
	talk(fd, "CLIENT KILL TYPE x\r\nCLIENT KILL USER x\r\n"
	    "CLIENT KILL x y\r\nCLIENT KILL SKIPME x\r\n"
	    "CLIENT KILL TYPE normal x\r\n",
	    "-ERR Unknown client type 'x'\r\n-ERR No such user 'x'\r\n"
	    "-ERR syntax error\r\n-ERR syntax error\r\n"
	    "-ERR syntax error\r\n");
	talk(other, "PING\r\n", "+PONG\r\n");
}

Test(redis_client, gets_the_replies_that_it_wants)
{
	talk(fd, "CLIENT REPLY SKIP\r\nPING a\r\nPING b\r\n",
	    "$1\r\nb\r\n");
	talk(fd, "CLIENT REPLY OFF\r\nPING a\r\nHSET b k v\r\n"
	    "CLIENT REPLY SKIP\r\nnonsense\r\nCLIENT REPLY ON\r\n"
	    "HGET b k\r\n", "+OK\r\n$1\r\nv\r\n");
	talk(fd, "CLIENT REPLY x\r\nPING\r\n",
	    "-ERR syntax error\r\n+PONG\r\n");
}

Test(redis_client, pause_of_changes_lets_reads_go_on)
{
	talk(fd, "HSET b k old\r\nCLIENT PAUSE 60000 WRITE\r\n",
	    ":1\r\n+OK\r\n");
	talk_send(other, "HSET b k new\r\nPING\r\n");
	talk(fd, "HGET b k\r\nPING\r\n", "$3\r\nold\r\n+PONG\r\n");
	talk_expect_silence(other);
	talk(fd, "CLIENT UNPAUSE\r\n", "+OK\r\n");
	talk_expect(other, ":0\r\n+PONG\r\n");
	talk(fd, "HGET b k\r\n", "$3\r\nnew\r\n");
}

Test(redis_client, pause_of_changes_holds_what_removes_everything)
{
	talk(fd, "HSET b k v\r\nCLIENT PAUSE 60000 WRITE\r\n",
	    ":1\r\n+OK\r\n");
	talk_send(other, "FLUSHALL\r\n");
	talk(fd, "KEYS *\r\nHGET b k\r\n",
	    "*1\r\n$1\r\nb\r\n$1\r\nv\r\n");
	talk_expect_silence(other);
	talk(fd, "CLIENT UNPAUSE\r\n", "+OK\r\n");
	talk_expect(other, "+OK\r\n");
	talk(fd, "HGET b k\r\n", "$-1\r\n");
}

Test(redis_client, pause_of_all_ends_in_its_time)
{
	talk(fd, "CLIENT PAUSE 300\r\n", "+OK\r\n");
	talk_send(other, "PING\r\n");
	talk_send(fd, "PING a\r\n");
	talk_expect_silence(other);
	talk_expect(other, "+PONG\r\n");
	talk_expect(fd, "$1\r\na\r\n");
}

Test(redis_client, pause_holds_clients_of_the_text_protocol_as_well)
{
	int plain = talk_open(&d);

	talk(plain, "CREATE b\r\n", "OK\r\n");
	talk(fd, "CLIENT PAUSE 60000 WRITE\r\n", "+OK\r\n");
	talk_send(plain, "PUT b k v\r\n");
	talk(fd, "HGET b k\r\n", "$-1\r\n");
	talk_expect_silence(plain);
	talk(fd, "CLIENT UNPAUSE\r\n", "+OK\r\n");
	talk_expect(plain, "OK\r\n");
	close(plain);
}

Test(redis_client, pause_that_is_malformed_pauses_nobody)
{
	talk(fd, "CLIENT PAUSE x\r\nCLIENT PAUSE -1\r\nCLIENT PAUSE 1 x\r\n"
	    "CLIENT PAUSE 1 ALL x\r\nPING\r\n",
	    "-ERR timeout is not an integer or out of range\r\n"
	    "-ERR timeout is negative\r\n"
	    "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n"
	    "-ERR wrong number of arguments for 'client|pause' command\r\n"
	    "+PONG\r\n");
}

Test(redis_client, may_ask_for_what_is_so_anyway)
{
	talk(fd, "CLIENT NO-EVICT ON\r\nCLIENT NO-TOUCH off\r\n"
	    "CLIENT NO-EVICT x\r\nCLIENT UNBLOCK 5\r\nCLIENT UNBLOCK x\r\n",
	    "+OK\r\n+OK\r\n-ERR syntax error\r\n:0\r\n"
	    "-ERR value is not an integer or out of range\r\n");
}
