/*
 * Reads in a pipeline that find nothing.  Whether that is a null or an error
 * depends on what else there is of the name, and nobody is told that there is
 * nothing while one thing takes the place of the other.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define ROUNDS	60U
#define SWAPS	20U	/* of each, there and back */
#define READS	24U	/* in one pipeline */

static struct daemon d;
static int fd;

static void
begin(void)
{
	daemon_prepare(&d, "memory 64M\nworkers 2\n");
	daemon_launch(&d, NULL);
	fd = redis_open_worker(&d, 0);
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(batch_misses, .init = begin, .fini = end, .timeout = 120);

#define GET(k)		"*2\r\n$3\r\nGET\r\n$1\r\n" k "\r\n"
#define HGET(b, k)	"*3\r\n$4\r\nHGET\r\n$1\r\n" b "\r\n$1\r\n" k "\r\n"
#define WRONG_TYPE	"-WRONGTYPE Operation against a key holding the " \
    "wrong kind of value\r\n"

Test(batch_misses, are_null_if_there_is_nothing_of_that_name)
{
	redis_ask(fd, "SET s 1", "+OK");
	redis_ask(fd, "HSET h f 2", ":1");
	talk(fd, GET("n") GET("s") GET("h") GET("n") HGET("n", "f")
	    HGET("h", "f") HGET("h", "g") HGET("s", "f") HGET("n", "f"),
	    "$-1\r\n$1\r\n1\r\n" WRONG_TYPE "$-1\r\n$-1\r\n"
	    "$1\r\n2\r\n$-1\r\n" WRONG_TYPE "$-1\r\n");
	redis_ask(fd, "DEL s h", ":2");
	talk(fd, GET("s") GET("h") HGET("s", "f") HGET("h", "f"),
	    "$-1\r\n$-1\r\n$-1\r\n$-1\r\n");
	redis_use_resp3(fd);
	talk(fd, GET("n") HGET("n", "f"), "_\r\n_\r\n");
}

Test(batch_misses, do_not_mistake_a_bucket_of_text)
{
	int text = talk_open(&d);

	talk(text, "CREATE b\r\n", "OK\r\n");
	talk(fd, GET("b") HGET("b", "f") GET("c"),
	    WRONG_TYPE "$-1\r\n$-1\r\n");
	talk(text, "GET b k\r\nGET c k\r\nGET b k\r\n",
	    "\r\nOK\r\nNOT FOUND\r\n\r\nOK\r\n");
	close(text);
}

/* k is a hash, then a string, always one of them. */
static void
send_swaps(int writer)
{
	unsigned i;

	for (i = 0; i < SWAPS; i++)
		talk_send(writer, "HSET {k}h f 1\r\nRENAME {k}h k\r\n"
		    "SET {k}s 1\r\nRENAME {k}s k\r\n");
}

static void
expect_swaps(int writer)
{
	unsigned i;

	for (i = 0; i < SWAPS; i++)
		talk_expect(writer, ":1\r\n+OK\r\n+OK\r\n+OK\r\n");
}

static void
expect_one_or_other(void)
{
	char line[128];

	cr_assert(talk_line(fd, line, sizeof(line)));
	if (line[0] == '-') {
		cr_assert_eq(strncmp(line, WRONG_TYPE, 10), 0, "%s", line);
		return;
	}
	cr_assert_str_eq(line, "$1");
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_str_eq(line, "1");
}

static void
read_all(void)
{
	unsigned i;

	for (i = 0; i < READS; i++)
		talk_send(fd, GET("k"));
	for (i = 0; i < READS; i++)
		expect_one_or_other();
}

Test(batch_misses, are_not_seen_while_one_thing_takes_the_place_of_another)
{
	int writer = redis_open_worker(&d, 1);
	unsigned i, j;

	redis_ask(writer, "SET k 1", "+OK");
	for (i = 0; i < ROUNDS; i++) {
		send_swaps(writer);
		for (j = 0; j < 4; j++)
			read_all();
		expect_swaps(writer);
	}
	close(writer);
}
