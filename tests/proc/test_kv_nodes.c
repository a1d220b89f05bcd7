/*
 * kv nodes, kv where and kv audit, of three nodes that share buckets evenly.
 * Clients find them where the table says, unlike the nodes of other tests.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/arena.h"
#include "shm/bucket.h"
#include "shm/lock.h"
#include "shm/word.h"
#include "tests/proc/cluster.h"
#include "tests/proc/kv_run.h"

#define NODES	3
#define NAMES	10000

static struct cluster c;

static void
configure(size_t node, const unsigned *port, const char *more)
{
	char conf[2048];
	int used;
	size_t i;

	used = snprintf(conf, sizeof(conf), "memory 64M\nworkers 2\n"
	    "shards 64\ncookie-file \"%s/cookie\"\n", c.node[node].dir);
	for (i = 0; i < NODES; i++)
		used += snprintf(conf + used, sizeof(conf) - (size_t)used,
		    "node %s { address 127.0.0.1:%u; peer %s:14040 }\n",
		    c.node[i].name, port[i], c.peer[i]);
	snprintf(conf + used, sizeof(conf) - (size_t)used, "%s", more);
	daemon_configure(&c.node[node], conf);
}

/* A worker of before the reload may be there for a moment. */
static void
await_table(size_t node, const char *table)
{
	char line[512], port[16];
	bool good;
	int fd;

	snprintf(port, sizeof(port), ":%u,", c.node[0].port);
	do {
		fd = talk_open(&c.node[node]);
		talk_send(fd, "INFO nodes\r\n");
		cr_assert(talk_line(fd, line, sizeof(line)));
		good = strstr(line, port) != NULL;
		for (; strncmp(line, "node_", 5) == 0;
		    talk_line(fd, line, sizeof(line)))
			good = good && strstr(line, table) != NULL &&
			    strstr(line, ",strays=-,") == NULL;
		good = good && strcmp(line, "OK") == 0;
		close(fd);
	} while (!good);
}

/* All have this behind the list of nodes, and a table of that version. */
static void
reload(const char *more, int times, const char *table)
{
	unsigned port[NODES];
	size_t i;

	for (i = 0; i < NODES; i++)
		port[i] = c.node[i].port;
	for (i = 0; i < NODES; i++) {
		configure(i, port, more);
		daemon_kill(&c.node[i], SIGHUP);
		daemon_await_log(&c.node[i], "configuration reloaded", times);
	}
	for (i = 0; i < NODES; i++)
		await_table(i, table);
}

/* Which ports they have is known when they run. */
static void
begin(void)
{
	static const unsigned port[NODES] = { 4040, 4041, 4042 };
	char server[32];
	size_t i;

	cluster_prepare(&c, NODES);
	for (i = 0; i < NODES; i++) {
		configure(i, port, "");
		daemon_launch(&c.node[i], NULL);
	}
	reload("", 1, ",table=1,");
	snprintf(server, sizeof(server), "127.0.0.1:%u", c.node[0].port);
	setenv("KV_SERVER", server, 1);
	setenv("HOME", c.node[0].dir, 1);
	unsetenv("NO_COLOR");
}

static void
end(void)
{
	cluster_remove(&c);
}

TestSuite(kv_nodes, .init = begin, .fini = end, .timeout = 120);

/* A row of kv nodes. */
struct row {
	char		name[64];
	char		address[64];
	char		state[16];
	unsigned	fact[5];	/* from table to strays */
	char		memory[32];
};

static void
read_rows(const char *text, struct row row[NODES])
{
	size_t i;

	cr_assert_eq(strncmp(text, "node ", 5), 0, "%s", text);
	for (i = 0; i < NODES; i++) {
		text = strchr(text, '\n') + 1;
		cr_assert_eq(sscanf(text, "%63s %63s %15s %u %u %u %u %u %31s",
		    row[i].name, row[i].address, row[i].state,
		    &row[i].fact[0], &row[i].fact[1], &row[i].fact[2],
		    &row[i].fact[3], &row[i].fact[4], row[i].memory), 9, "%s",
		    text);
	}
	cr_assert_str_eq(strchr(text, '\n'), "\n");
}

static void
must_be_rows(const struct row row[NODES])
{
	static const unsigned shards[NODES] = { 22, 21, 21 };
	char address[32];
	size_t i;

	for (i = 0; i < NODES; i++) {
		snprintf(address, sizeof(address), "127.0.0.1:%u",
		    c.node[i].port);
		cr_assert_str_eq(row[i].name, c.node[i].name);
		cr_assert_str_eq(row[i].address, address);
		cr_assert_str_eq(row[i].state, "up");
		cr_assert_eq(row[i].fact[0], 1);
		cr_assert_eq(row[i].fact[1], shards[i]);
		cr_assert_eq(row[i].fact[4], 0);
		cr_assert_not_null(strstr(row[i].memory, "/64M"));
	}
}

/* How many of the rows of kv where name each node; the text must be whole. */
static void
count_owners(const char *text, unsigned owned[NODES])
{
	char node[64];
	size_t i;

	memset(owned, 0, NODES * sizeof(*owned));
	while (*(text = strchr(text, '\n') + 1) != '\0') {
		cr_assert_eq(sscanf(text, "%*s %*u %*u %63s", node), 1, "%s",
		    text);
		for (i = 0; strcmp(node, c.node[i].name) != 0; i++)
			cr_assert_lt(i, NODES - 1);
		owned[i]++;
	}
}

Test(kv_nodes, are_rows_of_facts_that_agree_with_where)
{
	struct result result, list;
	struct row row[NODES];
	unsigned owned[NODES], keys = 0;
	char name[16];
	size_t i;

	for (i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "b%zu", i);
		quietly(run("-q", "create", name));
		quietly(run("-q", "put", name, "k", "v"));
	}
	result = run("nodes");
	cr_assert_eq(result.status, 0, "%s", result.err);
	cr_assert_str_eq(result.err, "");
	read_rows(result.out, row);
	must_be_rows(row);
	free(result.out);
	list = run("buckets");
	result = run_with(list.out, list.out_len, "where", NULL);
	free(list.out);
	cr_assert_eq(result.status, 0, "%s", result.err);
	count_owners(result.out, owned);
	for (i = 0; i < NODES; i++) {
		cr_assert_gt(owned[i], 0);
		cr_assert_eq(row[i].fact[2], owned[i]);
		keys += row[i].fact[3];
	}
	cr_assert_eq(keys, 30);
	free(result.out);
}

Test(kv_nodes, have_strays_after_an_edit_that_takes_buckets_from_them)
{
	struct row before[NODES], row[NODES];
	struct result result;
	char text[128];
	size_t i;

	for (i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "b%zu", i);
		quietly(run("-q", "create", text));
	}
	result = run("nodes");
	read_rows(result.out, before);
	free(result.out);
	snprintf(text, sizeof(text), "table 2\nslots 0-16383 %s\n",
	    c.node[0].name);
	reload(text, 2, ",table=2,");
	result = run("nodes");
	cr_assert_eq(result.status, 0, "%s", result.err);
	read_rows(result.out, row);
	free(result.out);
	for (i = 0; i < NODES; i++) {
		cr_assert_eq(row[i].fact[0], 2);
		cr_assert_eq(row[i].fact[1], i == 0 ? 64 : 0);
		cr_assert_eq(row[i].fact[2], before[i].fact[2]);
		cr_assert_eq(row[i].fact[4], i == 0 ? 0 : before[i].fact[2]);
	}
}

Test(kv_nodes, are_objects_with_json)
{
	struct result result = run("-j", "nodes");
	char expected[256];
	const char *line;
	size_t i;

	cr_assert_eq(result.status, 0, "%s", result.err);
	for (i = 0, line = result.out; i < NODES; i++) {
		snprintf(expected, sizeof(expected), "{\"node\":\"%s\","
		    "\"address\":\"127.0.0.1:%u\",\"state\":\"up\","
		    "\"table\":1,\"shards\":%d,\"buckets\":0,\"keys\":0,"
		    "\"strays\":0,\"used_bytes\":", c.node[i].name,
		    c.node[i].port, i == 0 ? 22 : 21);
		cr_assert_eq(strncmp(line, expected, strlen(expected)), 0,
		    "%s", line);
		cr_assert_not_null(strstr(line,
		    ",\"memory_bytes\":67108864}\n"));
		line = strchr(line, '\n') + 1;
	}
	cr_assert_eq(*line, '\0');
	free(result.out);
}

Test(kv_nodes, that_do_not_answer_are_told_and_exit_4)
{
	char expected[256], state[16], table[16];
	struct result result;
	char *row;

	cluster_kill(&c, 1);
	do
		result = run("nodes");
	while (strstr(result.out, "Connection refused") == NULL);
	cr_assert_eq(result.status, 4);
	snprintf(expected, sizeof(expected), "kv: 127.0.0.1:%u: %s: "
	    "Connection refused (the list is not complete)\n",
	    c.node[0].port, c.node[1].name);
	cr_assert_str_eq(result.err, expected);
	cr_assert_not_null(row = strstr(result.out, c.node[1].name));
	cr_assert_eq(sscanf(row, "%*s %*s %15s %15s", state, table), 2);
	cr_assert_str_eq(state, "down");
	cr_assert_str_eq(table, "-");
	free(result.out);
	result = run("-j", "nodes");
	cr_assert_eq(result.status, 4);
	snprintf(expected, sizeof(expected), "\"address\":\"127.0.0.1:%u\","
	    "\"state\":\"down\",\"why\":\"Connection refused\"}\n",
	    c.node[1].port);
	cr_assert_not_null(strstr(result.out, expected), "%s", result.out);
	free(result.out);
	result = run("info");
	cr_assert_eq(result.status, 4);
	free(result.out);
	cr_assert_eq((result = run("info", "server")).status, 0);
	free(result.out);
}

/* Where. */

/* As random as it needs to be, and the same each time. */
static uint32_t
next_random(void)
{
	static uint64_t state = 4040;

	state = state * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(state >> 33);
}

Test(kv_nodes, have_10000_random_names_within_5_percent_of_evenly)
{
	char *names = malloc(NAMES * 12 + 1), *p = names;
	unsigned owned[NODES];
	struct result result;
	size_t i;

	for (i = 0; i < NAMES; i++)
		p += sprintf(p, "%u\n", next_random());
	result = run_with(names, (size_t)(p - names), "where", NULL);
	cr_assert_eq(result.status, 0, "%s", result.err);
	count_owners(result.out, owned);
	cr_assert_eq(owned[0] + owned[1] + owned[2], NAMES);
	for (i = 0; i < NODES; i++)
		cr_assert(owned[i] * NODES > NAMES * 0.95 &&
		    owned[i] * NODES < NAMES * 1.05, "%u of %d", owned[i],
		    NAMES);
	free(result.out);
	free(names);
}

static const char *
node_of(const char *bucket)
{
	static char node[64];
	struct result result = run("-j", "where", bucket);
	char *at;

	cr_assert_eq(result.status, 0, "%s", result.err);
	cr_assert_not_null(at = strstr(result.out, ",\"node\":\""));
	cr_assert_eq(sscanf(at, ",\"node\":\"%63[^\"]", node), 1);
	free(result.out);
	return node;
}

Test(kv_nodes, are_told_of_buckets_with_slot_shard_and_why)
{
	char expected[512];
	struct result result;

	/* The number of the slot is that of CRC16, as everywhere. */
	snprintf(expected, sizeof(expected), "{\"bucket\":\"foo\","
	    "\"slot\":12182,\"shard\":47,\"node\":\"%s\",\"address\":"
	    "\"127.0.0.1:%u\",\"why\":\"slot 12182, shard 47 of 64, dealt "
	    "evenly\"}\n", c.node[2].name, c.node[2].port);
	assert_says(run("-j", "where", "foo"), expected);
	result = run("where", "foo", "two words");
	snprintf(expected, sizeof(expected), "\nfoo        12182    47  %s  "
	    "127.0.0.1:%u  slot 12182, shard 47 of 64, dealt evenly\n",
	    c.node[2].name, c.node[2].port);
	cr_assert_eq(strncmp(result.out, "bucket      slot shard  node", 28),
	    0, "%s", result.out);
	cr_assert_not_null(strstr(result.out, expected), "%s", result.out);
	cr_assert_not_null(strstr(result.out, "\ntwo words "));
	free(result.out);
}

Test(kv_nodes, are_told_of_names_that_standard_input_lists)
{
	struct result words = run("where", "foo", "two words", "b");
	static const char nul[] = "a\nb";
	struct result result;

	result = run_with("foo\r\n\ntwo words\nb", 17, "where", NULL);
	cr_assert_eq(result.status, 0);
	cr_assert_str_eq(result.out, words.out);
	free(result.out);
	free(words.out);
	result = run_with(nul, sizeof(nul), "-j0", "where", NULL);
	cr_assert_eq(result.status, 0);
	cr_assert_eq(strncmp(result.out, "{\"bucket\":\"a\\nb\",", 17), 0,
	    "%s", result.out);
	free(result.out);
	assert_says(run("where"), "");
	assert_fails(run("where", ""), 2, "", "bucket name is empty");
	result = run_with("where\nwhere foo\n", 16, NULL);
	cr_assert_not_null(strstr(result.err, "wrong number of words (usage: "
	    "where [bucket ...]; from a file: kv where ... <file)"));
	cr_assert_not_null(strstr(result.out, "\nfoo     12182 "));
	free(result.out);
}

/* More than are asked for at once, and as many as the prompt takes. */
Test(kv_nodes, are_told_of_any_number_of_names_in_their_order)
{
	enum { MANY = 1020 };
	char *line = malloc(MANY * 8 + 16), *p = line;
	struct result result;
	const char *text;
	char name[16], expected[16];
	int i;

	p += sprintf(p, "where");
	for (i = 0; i < MANY; i++)
		p += sprintf(p, " n%d", i);
	p += sprintf(p, "\n");
	result = run_with(line, (size_t)(p - line), NULL);
	cr_assert_eq(result.status, 0, "%s", result.err);
	for (i = 0, text = result.out; i < MANY; i++) {
		text = strchr(text, '\n') + 1;
		snprintf(expected, sizeof(expected), "n%d", i);
		cr_assert_eq(sscanf(text, "%15s", name), 1);
		cr_assert_str_eq(name, expected);
	}
	cr_assert_str_eq(strchr(text, '\n'), "\n");
	free(result.out);
	free(line);
}

/* Audit. */

static void
expect_row(const char *text, const char *name, const char *value)
{
	char row[128];

	snprintf(row, sizeof(row), "\n%-25s%16s\n", name, value);
	cr_assert_not_null(strstr(text, row), "no %s in %s", row, text);
}

Test(kv_nodes, are_audited_each_and_summed)
{
	struct result result;
	const char *text;
	char head[128];
	size_t i;

	for (i = 0; i < 20; i++) {
		snprintf(head, sizeof(head), "b%zu", i);
		quietly(run("-q", "create", head));
	}
	result = run("audit");
	cr_assert_eq(result.status, 0, "%s", result.err);
	cr_assert_str_eq(result.err, "");
	for (i = 0, text = result.out; i < NODES; i++) {
		snprintf(head, sizeof(head), "%-25s%16s\nshards ", "node",
		    c.node[i].name);
		cr_assert_eq(strncmp(text, head, strlen(head)), 0, "%s", text);
		cr_assert_not_null(text = strstr(text, "sound\n\n"));
		text += 7;
	}
	cr_assert_eq(strncmp(text, "nodes  ", 7), 0, "%s", text);
	text--;
	expect_row(text, "nodes", "3 of 3");
	expect_row(text, "shards", "192");
	expect_row(text, "buckets", "20");
	expect_row(text, "verdict", "sound");
	free(result.out);
	result = run("-j", "audit");
	cr_assert_eq(result.status, 0);
	cr_assert_not_null(text = strstr(result.out,
	    "{\"nodes\":3,\"reports\":3,\"shards\":192,"), "%s", result.out);
	cr_assert_not_null(strstr(text, ",\"buckets\":20,"));
	snprintf(head, sizeof(head), "{\"node\":\"%s\",\"shards\":64,",
	    c.node[0].name);
	cr_assert_eq(strncmp(result.out, head, strlen(head)), 0);
	free(result.out);
}

Test(kv_nodes, that_are_dead_leave_an_audit_incomplete)
{
	struct result result;
	char expected[256];

	cluster_kill(&c, 2);
	do
		result = run("audit");
	while (strstr(result.err, "Connection refused") == NULL);
	cr_assert_eq(result.status, 4);
	snprintf(expected, sizeof(expected), "kv: %s: Connection refused\n"
	    "kv: audit: 1 of 3 nodes did not answer: it is not complete\n",
	    c.node[2].name);
	cr_assert_str_eq(result.err, expected);
	expect_row(result.out, "nodes", "2 of 3");
	expect_row(result.out, "verdict", "not complete");
	cr_assert_null(strstr(result.out, c.node[2].name));
	free(result.out);
	cr_assert_eq((result = run("-j", "audit")).status, 4);
	cr_assert_not_null(strstr(result.out, "{\"nodes\":3,\"reports\":2,"));
	free(result.out);
}

static void
damage(const char *node, const char *bucket)
{
	const struct bytes name = { bucket, strlen(bucket) };
	struct bucket_stat stat;
	struct arena *arena;
	struct bucket *b;
	struct held h;

	cr_assert_eq(arena_attach(&arena, node, geteuid()), ARENA_OK);
	cr_assert_eq(bucket_stat(arena, name, &stat), SHM_OK);
	b = arena_at(arena, stat.id);
	cr_assert_eq(lock_shard(arena, arena_shard_of(arena, name), &h),
	    LOCK_OK);
	word_store(&b->table.count, 99);
	lock_release(&h);
	arena_close(arena);
}

Test(kv_nodes, that_are_damaged_are_named_and_exit_1)
{
	struct result result;
	char expected[128];

	quietly(run("-q", "create", "foo"));
	damage(node_of("foo"), "foo");
	cluster_kill(&c, 0);
	snprintf(expected, sizeof(expected), "127.0.0.1:%u", c.node[1].port);
	result = run("-s", expected, "audit");
	cr_assert_eq(result.status, 1);
	snprintf(expected, sizeof(expected), "kv: %s: shard ", c.node[2].name);
	cr_assert_not_null(strstr(result.err, expected), "%s", result.err);
	cr_assert_not_null(strstr(result.err, "1 of 3 nodes did not answer"));
	expect_row(result.out, "nodes", "2 of 3");
	expect_row(result.out, "errors", "1");
	expect_row(result.out, "verdict", "damaged");
	free(result.out);
}

/* Of servers that are not ours. */
Test(kv_nodes, that_say_too_little_have_no_report)
{
	const char *sound = answer_once("errors:0\r\nshards_lost:0\r\nOK\r\n");
	const char *mute = answer_once("OK\r\n");
	struct result result;
	char nodes[256];

	snprintf(nodes, sizeof(nodes), "node_x:address=%s,state=up\r\n"
	    "node_y:address=%s,state=up,marvels=7\r\nOK\r\n", sound, mute);
	result = run("-s", answer_once(nodes), "audit");
	cr_assert_eq(result.status, 4, "%s", result.err);
	cr_assert_str_eq(result.err, "kv: y: the server does not tell of "
	    "errors (is it of another version?)\nkv: audit: 1 of 2 nodes did "
	    "not answer: it is not complete\n");
	expect_row(result.out, "errors", "0");
	free(result.out);
}
