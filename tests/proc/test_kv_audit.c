/*
 * kv audit against a real kvd, sound or damaged, and against servers that
 * say what ours does not.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/bucket.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/word.h"
#include "tests/proc/kv_run.h"

#define MANY	20000		/* keys: their shard is checked in slices */

TestSuite(kv_audit, .init = kv_begin, .fini = kv_end, .timeout = 120);

/* A bucket of keys k0 .., by kv load. */
static void
make_bucket(const char *bucket, int keys)
{
	char *lines = malloc((size_t)keys * 16 + 1), *p = lines;
	int i;

	cr_assert_not_null(lines);
	for (i = 0; i < keys; i++)
		p += sprintf(p, "k%d v\n", i);
	quietly(run("-q", "create", bucket));
	quietly(run_with(lines, (size_t)(p - lines), "-q", "load", bucket,
	    NULL));
	free(lines);
}

static void
expect_row(const struct result *result, const char *name, const char *value)
{
	char row[64];

	snprintf(row, sizeof(row), "\n%-25s%16s\n", name, value);
	cr_assert_not_null(strstr(result->out, row), "%s", result->out);
}

Test(kv_audit, of_kv_is_told_in_columns_and_ends_with_a_verdict)
{
	struct result result;

	make_bucket("b", 41);
	result = run("audit");
	cr_assert_eq(result.status, 0, "%s", result.err);
	cr_assert_str_eq(result.err, "");
	cr_assert_eq(strncmp(result.out, "shards       ", 13), 0);
	expect_row(&result, "buckets", "1");
	expect_row(&result, "records in use", "42");
	expect_row(&result, "errors", "0");
	expect_row(&result, "verdict", "sound");
	free(result.out);
	result = run("--json", "audit");
	cr_assert_eq(result.status, 0);
	cr_assert_eq(strncmp(result.out, "{\"shards\":", 10), 0);
	cr_assert_not_null(strstr(result.out, ",\"buckets\":1,"));
	cr_assert_not_null(strstr(result.out, ",\"records\":42,"));
	cr_assert_not_null(strstr(result.out, ",\"errors\":0}\n"));
	free(result.out);
}

Test(kv_audit, at_the_prompt_leaves_the_connection_as_it_was)
{
	static const char script[] = "audit\naudit\ncreate b\nbuckets\n";
	struct result result = run_with(script, strlen(script), NULL);
	const char *verdict;

	cr_assert_eq(result.status, 0);
	cr_assert_str_eq(result.err, "");
	cr_assert_not_null(verdict = strstr(result.out, "sound\nshards "));
	cr_assert_not_null(strstr(verdict + 1, "sound\nOK\nb\n"));
	free(result.out);
}

/* Damage. */

static struct arena *arena;

static void
attach(void)
{
	cr_assert_eq(arena_attach(&arena, kv_daemon.name, geteuid()),
	    ARENA_OK);
}

static struct bucket *
find_bucket(const char *name)
{
	struct bucket_stat stat;

	cr_assert_eq(bucket_stat(arena, (struct bytes){ name, strlen(name) },
	    &stat), SHM_OK);
	return arena_at(arena, stat.id);
}

static void
change(const char *bucket, word *w, uint64_t value)
{
	const struct bytes name = { bucket, strlen(bucket) };
	struct held h;

	cr_assert_eq(lock_shard(arena, arena_shard_of(arena, name), &h),
	    LOCK_OK);
	word_store(w, value);
	lock_release(&h);
}

/* With these words in the first error, and this in the numbers. */
static void
expect_damage(const char *words, const char *number)
{
	struct result result = run("audit");

	expect_row(&result, "verdict", "damaged");
	cr_assert_eq(result.status, 1);
	cr_assert_eq(strncmp(result.err, "kv: shard ", 10), 0, "%s",
	    result.err);
	cr_assert_not_null(strstr(result.err, words), "%s", result.err);
	free(result.out);
	result = run("-j", "audit");
	cr_assert_eq(result.status, 1);
	cr_assert_not_null(strstr(result.out, ",\"first_error\":\"shard "));
	cr_assert_not_null(strstr(result.out, words), "%s", result.out);
	cr_assert_not_null(strstr(result.out, number), "%s", result.out);
	free(result.out);
}

Test(kv_audit, tells_of_a_count_that_is_wrong_and_exits_1)
{
	struct result result;
	struct bucket *b;

	make_bucket("b", 3);
	attach();
	b = find_bucket("b");
	change("b", &b->table.count, 99);
	expect_damage("a table counts 99 entries and has 3",
	    ",\"errors\":1,");
	change("b", &b->table.count, 3);
	cr_assert_eq((result = run("audit")).status, 0);
	free(result.out);
	arena_close(arena);
}

/* One byte of a key has changed, in a shard that is checked in slices. */
Test(kv_audit, tells_of_a_key_that_has_changed_in_memory)
{
	char *key;

	make_bucket("many", MANY);
	quietly(run("-q", "put", "many", "needle-in-a-haystack", "v"));
	attach();
	key = memmem(arena_at(arena, arena->segments_off),
	    word_load(&arena->pool->backed_end) - arena->segments_off,
	    "needle-in-a-haystack", 20);
	cr_assert_not_null(key);
	*key = 'N';
	expect_damage("is in the wrong line", "\"shards_sliced\":1,");
	arena_close(arena);
}

/* Somebody dies and leaves an intent that no repair can finish. */
static void
lose_shard(const char *bucket)
{
	const struct bytes name = { bucket, strlen(bucket) };
	uint32_t shard = arena_shard_of(arena, name);
	struct held h;
	pid_t pid = fork();

	cr_assert_neq(pid, -1);
	if (pid == 0) {
		if (lock_shard(arena, shard, &h) != LOCK_OK)
			_exit(1);
		word_store(&h.sh->intent.npairs, INTENT_PAIRS + 1);
		word_store(&h.sh->intent.state, INTENT_COMMITTED);
		_exit(0);
	}
	cr_assert_eq(reap_kv(pid), 0);
}

Test(kv_audit, tells_of_a_shard_that_is_lost_and_checks_the_others)
{
	make_bucket("b", 1);
	attach();
	lose_shard("b");
	expect_damage("the lock is poisoned", "\"shards_lost\":1,");
	assert_fails(run("put", "b", "k", "v"), 2, "", "shard damaged");
	arena_close(arena);
}

/* What kv makes of answers that this server does not give. */

/* First it is asked what nodes there are. */
#define ALONE		"node_x:address=:1,state=up\r\nOK\r\n"
#define RUN_AGAINST(reply)	run("-s", answer_twice(ALONE, reply), "audit")

Test(kv_audit, of_a_server_that_says_too_little_is_no_verdict)
{
	static const char text[] = "audit: the server does not tell";

	assert_fails(RUN_AGAINST("OK\r\n"), 2, "", text);
	assert_fails(RUN_AGAINST("shards:64\r\nerrors:0\r\nOK\r\n"), 2, "",
	    text);
	assert_fails(RUN_AGAINST("errors:none\r\nshards_lost:0\r\nOK\r\n"), 2,
	    "", text);
	assert_fails(RUN_AGAINST("errors:\r\nshards_lost:0\r\nOK\r\n"), 2, "",
	    text);
	assert_fails(RUN_AGAINST("errors:99999999999999999999\r\n"
	    "shards_lost:0\r\nOK\r\n"), 2, "", text);
	assert_fails(RUN_AGAINST("UNKNOWN COMMAND\r\n"), 2, "",
	    "it may be older than this client");
	assert_fails(RUN_AGAINST("ERROR another audit is running\r\n"), 2, "",
	    "another audit is running");
}

Test(kv_audit, of_a_later_server_is_judged_by_what_is_known)
{
	struct result result;

	result = RUN_AGAINST("marvels:7\r\nno number\r\nerrors:0\r\n"
	    "shards_lost:0\r\nOK\r\n");
	cr_assert_eq(result.status, 0, "%s", result.err);
	expect_row(&result, "errors", "0");
	free(result.out);
	result = RUN_AGAINST("errors:0\r\nshards_lost:1\r\nOK\r\n");
	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.err,
	    "kv: damaged (errors: 0, kvd(8) tells what to do)\n");
	free(result.out);
	result = RUN_AGAINST("errors:1\r\nshards_lost:0\r\n"
	    "first_error:\x1b[31mred\r\nOK\r\n");
	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.err,
	    "kv: ?[31mred (errors: 1, kvd(8) tells what to do)\n");
	free(result.out);
}
