/*
 * Replies that are larger than what is kept for a client, and news that
 * reach subscribers of any worker.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/talk.h"

#define KEYS	20000

static struct daemon d;
static int fd;

static void
begin(void)
{
	/* What a sanitizer keeps of freed memory is not what we measure. */
	setenv("ASAN_OPTIONS", "quarantine_size_mb=1", 0);
	daemon_start(&d);
	fd = talk_open(&d);
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(stream, .init = begin, .fini = end, .timeout = 180);

/* Keys of 100 bytes: k0000000 and padding. */
static void
fill(void)
{
	static char batch[100 * 128];
	char *p, line[8];
	int i, j;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	for (i = 0; i < KEYS; i += 100) {
		p = batch + sprintf(batch, "MPUT b");
		for (j = 0; j < 100; j++)
			p += sprintf(p, " k%07d%092d v", i + j, 0);
		strcpy(p, "\r\n");
		talk_send(fd, batch);
		cr_assert(talk_line(fd, line, sizeof(line)));
		cr_assert_str_eq(line, "OK");
	}
}

/* Memory of the largest worker in pages, as its kernel sees it. */
static long
private_pages(void)
{
	char line[512], path[64];
	long size, resident, shared, most = 0;
	FILE *f;
	int pid;
	char *p;

	talk_send(fd, "INFO workers\r\n");
	while (talk_line(fd, line, sizeof(line)) && strcmp(line, "OK") != 0) {
		if (strstr(line, "role=worker") == NULL ||
		    (p = strstr(line, "pid=")) == NULL)
			continue;
		pid = atoi(p + 4);
		snprintf(path, sizeof(path), "/proc/%d/statm", pid);
		cr_assert_not_null(f = fopen(path, "r"));
		cr_assert_eq(fscanf(f, "%ld %ld %ld", &size, &resident,
		    &shared), 3);
		fclose(f);
		if (resident - shared > most)
			most = resident - shared;
	}
	return most;
}

Test(stream, keys_to_a_slow_reader_are_complete_and_never_in_memory)
{
	enum { STREAMS = 20 };
	static bool seen[KEYS];
	int slow[STREAMS], i, n = 0, size = 65536;
	char line[256];
	long before;

	fill();
	talk_send(fd, "KEYS b\r\n");
	while (talk_line(fd, line, sizeof(line)) && strcmp(line, "OK") != 0)
		n++;
	cr_assert_geq(n, KEYS);
	before = private_pages();
	for (i = 0; i < STREAMS; i++) {
		slow[i] = talk_open(&d);
		setsockopt(slow[i], SOL_SOCKET, SO_RCVBUF, &size,
		    sizeof(size));
		talk_send(slow[i], "KEYS b\r\nCOUNT b\r\n");
		/* The first byte says that the stream has begun. */
		cr_assert_eq(recv(slow[i], line, 1, MSG_PEEK), 1);
	}
	/* 20 replies of 2 MB each: less than 1 MB apiece may be kept. */
	cr_assert_lt((private_pages() - before) * 4096,
	    STREAMS * 1024L * 1024);
	while (talk_line(slow[0], line, sizeof(line)) &&
	    strcmp(line, "OK") != 0) {
		cr_assert_eq(strlen(line), 100);
		cr_assert_eq(line[0], 'k');
		line[8] = '\0';
		seen[atoi(line + 1)] = true;
	}
	for (i = 0; i < KEYS; i++)
		cr_assert(seen[i], "key %d was not returned", i);
	talk_expect(slow[0], "20000\r\nOK\r\n");
}

Test(stream, other_clients_are_served_while_one_streams)
{
	int slow = talk_open(&d);

	fill();
	talk_send(slow, "KEYS b\r\n");
	talk(fd, "COUNT b\r\n", "20000\r\nOK\r\n");
	close(slow);
	talk(fd, "COUNT b\r\n", "20000\r\nOK\r\n");
}

Test(stream, bucket_dropped_half_way_ends_keys_with_an_error)
{
	int slow = talk_open(&d), size = 4096;
	char line[256], byte;

	fill();
	setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	talk_send(slow, "KEYS b\r\nPING\r\n");
	cr_assert_eq(recv(slow, &byte, 1, MSG_PEEK), 1);
	talk(fd, "DROP b\r\n", "OK\r\n");
	do
		cr_assert(talk_line(slow, line, sizeof(line)));
	while (line[0] == 'k');
	cr_assert_str_eq(line, "ERROR bucket was dropped");
	talk_expect(slow, "PONG\r\nOK\r\n");
}

Test(stream, mget_of_more_than_the_buffer_holds_keeps_its_words)
{
	static char value[100001], request[2048];
	int other = talk_open(&d), i;
	char *p = request;

	memset(value, 'v', 100000);
	talk(fd, "CREATE b\r\nPUT b small 1\r\n", "OK\r\nOK\r\n");
	talk_send(fd, "PUT b big ");
	talk_send(fd, value);
	talk(fd, "\r\n", "OK\r\n");
	p += sprintf(p, "MGET b");
	for (i = 0; i < 50; i++)
		p += sprintf(p, " big small");
	strcpy(p, "\r\nPING\r\n");
	talk_send(other, request);
	/* Other requests run in between, on either worker. */
	for (i = 0; i < 100; i++)
		talk(fd, "MGET b small missing\r\n", "1\r\n\r\nOK\r\n");
	for (i = 0; i < 50; i++) {
		talk_expect(other, value);
		talk_expect(other, "\r\n1\r\n");
	}
	talk_expect(other, "OK\r\nPONG\r\nOK\r\n");
}

Test(stream, buckets_of_all_shards_are_listed)
{
	char request[64], line[64];
	int i, n = 0;

	for (i = 0; i < 500; i++) {
		snprintf(request, sizeof(request), "CREATE bucket%d\r\n", i);
		talk(fd, request, "OK\r\n");
	}
	talk_send(fd, "BUCKETS\r\n");
	while (talk_line(fd, line, sizeof(line)) && strcmp(line, "OK") != 0)
		n++;
	cr_assert_eq(n, 500);
}

Test(stream, subscribers_hear_of_changes_made_through_any_worker)
{
	int writer[2], subscriber[2], i;

	for (i = 0; i < 2; i++) {
		writer[i] = talk_open_worker(&d, (unsigned)i);
		subscriber[i] = talk_open_worker(&d, (unsigned)i);
	}
	talk(writer[0], "CREATE b\r\nCREATE c\r\n", "OK\r\nOK\r\n");
	talk_send(subscriber[0], "SUBSCRIBE b\r\n");
	talk_send(subscriber[1], "SUBSCRIBE b\r\n");
	while (talk_info(writer[0], "clients", "subscribers") != 2)
		;
	talk(writer[0], "PUT b from zero\r\nPUT c not heard\r\n",
	    "OK\r\nOK\r\n");
	talk(writer[1], "PUT b from one\r\nDELETE b from\r\n",
	    "OK\r\nOK\r\n");
	for (i = 0; i < 2; i++)
		talk_expect(subscriber[i], "from SET TO zero\r\n"
		    "from SET TO one\r\nfrom DELETED\r\n");
}

Test(stream, subscription_begins_with_itself_and_not_with_older_events)
{
	int first = talk_open_worker(&d, 0), second, i;
	char request[64], line[64];

	talk(fd, "CREATE b\r\n", "OK\r\n");
	talk_send(first, "SUBSCRIBE b\r\n");
	for (i = 0; i < 2000; i++) {
		snprintf(request, sizeof(request), "PUT b k %d\r\n", i);
		talk(fd, request, "OK\r\n");
	}
	/* While the first is still reading, the second comes. */
	second = talk_open_worker(&d, 0);
	talk_send(second, "SUBSCRIBE b\r\n");
	while (talk_info(fd, "clients", "subscribers") != 2)
		;
	talk(fd, "PUT b k last\r\n", "OK\r\n");
	talk_expect(second, "k SET TO last\r\n");
	do
		cr_assert(talk_line(first, line, sizeof(line)));
	while (strcmp(line, "k SET TO last") != 0);
}
