/* Reading locally, from an arena that the test itself writes to. */

#include <criterion/criterion.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/client/kv.h"
#include "shm/bucket.h"
#include "shm/handle.h"
#include "shm/ownership.h"
#include "shm/pair.h"
#include "shm/txn.h"
#include "shm/word.h"

#define MB	(UINT64_C(1) << 20)

static struct arena *arena;

static const char *
the_name(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "test.map.%d", (int)getpid());
	return name;
}

static void
fini(void)
{
	arena_close(arena);
	arena_unlink(the_name());
}

TestSuite(map, .fini = fini);

static struct bytes
bytes(const char *text)
{
	return (struct bytes){ text, strlen(text) };
}

static void
publish(uint64_t all)
{
	struct ownership own = { .hash = 1, .by = OWNERSHIP_SLOTS };
	size_t i;

	for (i = 0; i < OWNERSHIP_PIECES / 64; i++)
		own.has[i] = all;
	ownership_publish(arena, &own);
}

static void
make_arena(void)
{
	struct arena_params params = {
		.name = the_name(), .memory_bytes = 8 * MB, .shards = 4,
		.segment_bytes = 64 * 1024
	};

	cr_assert_eq(arena_create(&arena, &params), ARENA_OK);
	publish(UINT64_MAX);
	cr_assert_eq(bucket_create(arena, bytes("b")), SHM_OK);
}

static void
put(const char *bucket, const char *key, const char *value,
    uint64_t expires_ms)
{
	struct pair pair = { bytes(key), bytes(value), expires_ms };

	cr_assert_eq(pair_put(arena, bytes(bucket), &pair, NULL), SHM_OK);
}

static struct kv_map *
open_map(int wait_ms)
{
	struct kv_map_options options = { .wait_ms = wait_ms };
	struct kv_error error;
	struct kv_map *map = kv_map_open(the_name(), &options, &error);

	cr_assert_not_null(map, "%s", error.message);
	return map;
}

static enum kv_status
get(struct kv_map *map, const char *bucket, const char *key, char *out)
{
	struct kv_bytes value;
	enum kv_status status = kv_map_get(map, kv_str(bucket), kv_str(key),
	    &value);

	if (status == KV_OK) {
		memcpy(out, value.data, value.len);
		out[value.len] = '\0';
	}
	return status;
}

static void
assert_message(const struct kv_map *map, const char *part)
{
	cr_assert_not_null(strstr(kv_map_message(map), part), "%s",
	    kv_map_message(map));
}

Test(map, reads_what_was_written_a_moment_ago)
{
	struct kv_map *map;
	char value[64];

	make_arena();
	map = open_map(0);
	put("b", "milk", "1", 0);
	cr_assert_eq(get(map, "b", "milk", value), KV_OK);
	cr_assert_str_eq(value, "1");
	cr_assert_str_empty(kv_map_message(map));
	put("b", "milk", "2", 0);
	cr_assert_eq(get(map, "b", "milk", value), KV_OK);
	cr_assert_str_eq(value, "2");
	put("b", "", "", 0);
	cr_assert_eq(get(map, "b", "", value), KV_OK);
	cr_assert_str_eq(value, "");
	kv_map_close(map);
	kv_map_close(NULL);
}

Test(map, goes_from_bucket_to_bucket)
{
	struct kv_map *map;
	char value[64];
	unsigned i;

	make_arena();
	map = open_map(0);
	cr_assert_eq(bucket_create(arena, bytes("c")), SHM_OK);
	put("b", "milk", "1", 0);
	put("c", "milk", "3", 0);
	for (i = 0; i < 4; i++) {
		cr_assert_eq(get(map, i % 2 ? "c" : "b", "milk", value),
		    KV_OK);
		cr_assert_str_eq(value, i % 2 ? "3" : "1");
	}
	cr_assert_eq(bucket_drop(arena, bytes("c")), SHM_OK);
	cr_assert_eq(get(map, "c", "milk", value), KV_NO_BUCKET);
	cr_assert_eq(get(map, "c", "milk", value), KV_NO_BUCKET);
	assert_message(map, "no such bucket");
	cr_assert_eq(get(map, "b", "milk", value), KV_OK);
	cr_assert_str_empty(kv_map_message(map));
	cr_assert_eq(bucket_create(arena, bytes("c")), SHM_OK);
	put("c", "milk", "4", 0);
	cr_assert_eq(get(map, "c", "milk", value), KV_OK);
	cr_assert_str_eq(value, "4");
	kv_map_close(map);
}

Test(map, says_what_is_not_there)
{
	struct kv_map *map;
	char value[64];

	make_arena();
	map = open_map(0);
	put("b", "old", "1", 1);
	cr_assert_eq(get(map, "b", "eggs", value), KV_NO_KEY);
	assert_message(map, "no such key");
	cr_assert_eq(get(map, "b", "old", value), KV_NO_KEY, "it has expired");
	cr_assert_eq(get(map, "nowhere", "eggs", value), KV_NO_BUCKET);
	assert_message(map, "no such bucket");
	cr_assert_eq(bucket_drop(arena, bytes("b")), SHM_OK);
	cr_assert_eq(get(map, "b", "old", value), KV_NO_BUCKET);
	kv_map_close(map);
}

Test(map, refuses_names_that_nothing_has)
{
	struct kv_bytes value, key = { calloc(1, 200000), 200000 };
	struct kv_map *map;

	make_arena();
	map = open_map(0);
	cr_assert_eq(kv_map_get(map, kv_str(""), kv_str("k"), &value),
	    KV_REFUSED);
	assert_message(map, "bucket name empty or too long");
	cr_assert_eq(kv_map_get(map, kv_str("b"), key, &value), KV_REFUSED);
	assert_message(map, "key too long");
	key.len = 2000;
	cr_assert_eq(kv_map_mget(map, key, &key, 1, NULL, NULL), KV_REFUSED);
	cr_assert_eq(kv_map_keys(map, key, NULL, NULL), KV_REFUSED);
	free((void *)(uintptr_t)key.data);
	kv_map_close(map);
}

Test(map, tells_a_revision_that_grows_with_each_change)
{
	uint64_t first, second, untouched, again;
	struct kv_map *map;

	make_arena();
	map = open_map(0);
	put("b", "k", "a value that is copied nowhere", 0);
	put("b", "other", "1", 0);
	cr_assert_eq(kv_map_revision(map, kv_str("b"), kv_str("k"), &first),
	    KV_OK);
	cr_assert_eq(kv_map_revision(map, kv_str("b"), kv_str("other"),
	    &untouched), KV_OK);
	put("b", "k", "a value that is copied nowhere", 0);
	cr_assert_eq(kv_map_revision(map, kv_str("b"), kv_str("k"), &second),
	    KV_OK);
	cr_assert_eq(kv_map_revision(map, kv_str("b"), kv_str("other"),
	    &again), KV_OK);
	cr_assert(second > first && untouched == again);
	cr_assert_eq(kv_map_revision(map, kv_str("b"), kv_str("none"),
	    &first), KV_NO_KEY);
	kv_map_close(map);
}

static enum shm_status
put_string(struct txn *t, void *arg)
{
	const struct bytes nameless = { NULL, 0 };

	(void)txn_create(t, nameless, false);
	return txn_put(t, nameless, arg);
}

Test(map, reads_strings_which_have_no_bucket)
{
	struct pair pair = { bytes("greeting"), bytes("hello"), 0 };
	struct kv_bytes value;
	struct kv_map *map;
	struct txn *txn;

	make_arena();
	map = open_map(0);
	cr_assert_eq(kv_map_string(map, kv_str("greeting"), &value),
	    KV_NO_KEY);
	txn = txn_open(arena);
	cr_assert_eq(txn_run(txn, arena_shard_of(arena, pair.key), put_string,
	    &pair, NULL), SHM_OK);
	txn_close(txn);
	cr_assert_eq(kv_map_string(map, kv_str("greeting"), &value), KV_OK);
	cr_assert(value.len == 5 && memcmp(value.data, "hello", 5) == 0);
	kv_map_close(map);
}

/* --- lists --- */

struct seen {
	struct kv_map	*map;
	unsigned	 n;
	unsigned	 missing;
	unsigned	 stop_at;
	bool		 busy;
};

static int
see_value(void *arg, size_t i, const struct kv_bytes *value)
{
	struct seen *seen = arg;
	char expected[16];

	cr_assert_eq(i, seen->n++, "in their order");
	if (value == NULL) {
		seen->missing++;
	} else {
		snprintf(expected, sizeof(expected), "v%zu", i);
		cr_assert(value->len == strlen(expected) && memcmp(
		    value->data, expected, value->len) == 0);
	}
	return seen->n == seen->stop_at;
}

enum { MANY = 500 };
static char names[MANY][16];
static struct kv_bytes keys[MANY];

/* Every fifth is missing. */
static void
put_many(void)
{
	char value[16];
	unsigned i;

	for (i = 0; i < MANY; i++) {
		snprintf(names[i], 16, "k%u", i);
		keys[i] = kv_str(names[i]);
		snprintf(value, sizeof(value), "v%u", i);
		if (i % 5 != 0)
			put("b", names[i], value, 0);
	}
}

Test(map, reads_many_keys_in_their_order)
{
	struct seen seen = { 0 };
	struct kv_map *map;

	make_arena();
	put_many();
	map = open_map(0);
	cr_assert_eq(kv_map_mget(map, kv_str("b"), keys, MANY, see_value,
	    &seen), KV_OK);
	cr_assert_eq(seen.n, MANY);
	cr_assert_eq(seen.missing, MANY / 5);
	cr_assert_eq(kv_map_mget(map, kv_str("b"), keys, 0, NULL, NULL),
	    KV_OK);
	cr_assert_eq(kv_map_mget(map, kv_str("none"), keys, MANY, NULL, NULL),
	    KV_NO_BUCKET);
	kv_map_close(map);
}

Test(map, is_as_good_as_before_when_a_list_was_stopped)
{
	struct seen seen = { .stop_at = 100 };
	struct kv_map *map;

	make_arena();
	put_many();
	map = open_map(0);
	cr_assert_eq(kv_map_mget(map, kv_str("b"), keys, MANY, see_value,
	    &seen), KV_STOPPED);
	cr_assert_eq(seen.n, 100);
	seen = (struct seen){ 0 };
	cr_assert_eq(kv_map_mget(map, kv_str("b"), keys, MANY, see_value,
	    &seen), KV_OK);
	cr_assert_eq(seen.n, MANY);
	kv_map_close(map);
}

static int
see_key(void *arg, struct kv_bytes key)
{
	struct seen *seen = arg;
	struct kv_bytes value;

	(void)key;
	if (seen->n++ == 0)
		seen->busy = kv_map_get(seen->map, kv_str("b"), kv_str("k1"),
		    &value) == KV_BUSY &&
		    kv_map_reopen(seen->map) == KV_BUSY;
	return seen->n == seen->stop_at;
}

Test(map, lists_each_key_once_and_is_busy_meanwhile)
{
	struct seen seen = { 0 };
	struct kv_map *map;

	make_arena();
	put_many();
	map = seen.map = open_map(0);
	cr_assert_eq(kv_map_keys(map, kv_str("b"), see_key, &seen), KV_OK);
	cr_assert_eq(seen.n, MANY - MANY / 5);
	cr_assert(seen.busy);
	seen = (struct seen){ .map = map, .stop_at = 3 };
	cr_assert_eq(kv_map_keys(map, kv_str("b"), see_key, &seen),
	    KV_STOPPED);
	cr_assert_eq(seen.n, 3);
	cr_assert_eq(kv_map_keys(map, kv_str("none"), see_key, &seen),
	    KV_NO_BUCKET);
	kv_map_close(map);
}

static int
see_pair(void *arg, const struct kv_pair *pair)
{
	struct seen *seen = arg;

	cr_assert_eq(pair->key.len, pair->value.len);
	cr_assert_eq(memcmp((const char *)pair->key.data + 1,
	    (const char *)pair->value.data + 1, pair->key.len - 1), 0);
	return ++seen->n == seen->stop_at;
}

Test(map, lists_pairs_without_those_that_have_expired)
{
	struct seen seen = { 0 };
	struct kv_map *map;
	uint64_t count;

	make_arena();
	put_many();
	put("b", "expired", "long ago", 1);
	map = open_map(0);
	cr_assert_eq(kv_map_pairs(map, kv_str("b"), see_pair, &seen), KV_OK);
	cr_assert_eq(seen.n, MANY - MANY / 5);
	cr_assert_eq(kv_map_count(map, kv_str("b"), &count), KV_OK);
	cr_assert_eq(count, MANY - MANY / 5 + 1, "as the server counts");
	cr_assert_eq(kv_map_count(map, kv_str("none"), &count), KV_NO_BUCKET);
	kv_map_close(map);
}

/* Longer than what a step of a walk has room for at first. */
Test(map, lists_pairs_of_any_length)
{
	struct seen seen = { 0 };
	struct kv_map *map;
	char text[30000];
	struct pair pair;
	unsigned i;

	make_arena();
	memset(text, 'x', sizeof(text));
	pair = (struct pair){ { text, 100 }, { text, sizeof(text) }, 0 };
	for (i = 0; i < 7; i++) {
		text[0] = (char)('a' + i);
		cr_assert_eq(pair_put(arena, bytes("b"), &pair, NULL),
		    SHM_OK);
	}
	map = seen.map = open_map(0);
	cr_assert_eq(kv_map_keys(map, kv_str("b"), see_key, &seen), KV_OK);
	cr_assert_eq(seen.n, 7);
	kv_map_close(map);
}

static int
count_name(void *arg, struct kv_bytes name)
{
	(void)name;
	++*(unsigned *)arg;
	return 0;
}

Test(map, lists_the_buckets_that_are_this_nodes)
{
	struct kv_map *map;
	unsigned n = 0, i;
	char name[16];

	make_arena();
	for (i = 0; i < 199; i++) {
		snprintf(name, sizeof(name), "bucket%u", i);
		cr_assert_eq(bucket_create(arena, bytes(name)), SHM_OK);
	}
	map = open_map(0);
	cr_assert_eq(kv_map_buckets(map, count_name, &n), KV_OK);
	cr_assert_eq(n, 200);
	publish(UINT64_C(0x5555555555555555));
	n = 0;
	cr_assert_eq(kv_map_buckets(map, count_name, &n), KV_PARTIAL);
	cr_assert(n > 50 && n < 150);
	assert_message(map, "other nodes");
	kv_map_close(map);
}

/* --- whose it is, and what stands half done --- */

Test(map, of_a_bucket_that_is_another_nodes_says_so)
{
	struct kv_bytes value;
	struct kv_map *map;
	char out[16];

	make_arena();
	put("b", "k", "stray", 0);
	map = open_map(0);
	publish(0);
	cr_assert_eq(get(map, "b", "k", out), KV_ELSEWHERE);
	assert_message(map, "another node's (ask the server)");
	cr_assert_eq(kv_map_string(map, kv_str("k"), &value), KV_ELSEWHERE);
	cr_assert_eq(kv_map_keys(map, kv_str("b"), NULL, NULL), KV_ELSEWHERE);
	publish(UINT64_MAX);
	cr_assert_eq(get(map, "b", "k", out), KV_OK);
	kv_map_close(map);
}

Test(map, waits_for_who_publishes_whose_the_buckets_are)
{
	struct kv_map *map;
	char out[16];
	unsigned n;

	make_arena();
	put("b", "k", "v", 0);
	map = open_map(5);
	word_store(&arena->ownership->sequence, 99);
	cr_assert_eq(get(map, "b", "k", out), KV_AGAIN);
	cr_assert_eq(kv_map_buckets(map, count_name, &n), KV_AGAIN);
	publish(UINT64_MAX);
	cr_assert_eq(get(map, "b", "k", out), KV_OK);
	kv_map_close(map);
}

Test(map, gives_up_on_a_change_that_nobody_finishes)
{
	struct kv_map *map;
	struct shard *sh;
	char out[16];

	make_arena();
	put("b", "k", "v", 0);
	map = open_map(20);
	sh = &arena->shards[arena_shard_of(arena, bytes("b"))];
	word_store(&sh->version, word_peek(&sh->version) + 1);
	cr_assert_eq(get(map, "b", "k", out), KV_AGAIN);
	assert_message(map, "(start kvd, which finishes it)");
	cr_assert(arena_hold(arena));
	cr_assert_eq(get(map, "b", "k", out), KV_AGAIN);
	assert_message(map, "try again");
	word_store(&sh->version, word_peek(&sh->version) + 1);
	cr_assert_eq(get(map, "b", "k", out), KV_OK);
	kv_map_close(map);
}

Test(map, waits_for_a_change_that_somebody_finishes)
{
	struct kv_map *map;
	struct shard *sh;
	char out[16];
	int status;
	pid_t pid;

	make_arena();
	put("b", "k", "v", 0);
	map = open_map(-1);
	sh = &arena->shards[arena_shard_of(arena, bytes("b"))];
	word_store(&sh->version, word_peek(&sh->version) + 1);
	if ((pid = fork()) == 0) {
		usleep(30000);	/* the reader is to have begun, but need not */
		word_store(&sh->version, word_peek(&sh->version) + 1);
		_exit(0);
	}
	cr_assert_eq(get(map, "b", "k", out), KV_OK);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	kv_map_close(map);
}

Test(map, tells_damage_from_what_may_yet_be_finished)
{
	struct kv_map *map;
	struct shard *sh;
	char out[16];

	make_arena();
	put("b", "k", "v", 0);
	map = open_map(-1);
	sh = &arena->shards[arena_shard_of(arena, bytes("b"))];
	word_store(&sh->version, word_peek(&sh->version) + 1);
	word_store(&sh->poisoned, 1);
	cr_assert_eq(get(map, "b", "k", out), KV_DAMAGED);
	assert_message(map, "kv audit");
	kv_map_close(map);
}

/* --- another arena --- */

static void
replace_arena(void)
{
	cr_assert_eq(arena_retire(the_name()), 0);
	arena_close(arena);
	make_arena();
}

Test(map, of_an_arena_that_was_replaced_is_stale_at_once)
{
	struct kv_map *map;
	char out[16];

	make_arena();
	put("b", "k", "old", 0);
	map = open_map(0);
	cr_assert_eq(get(map, "b", "k", out), KV_OK);
	replace_arena();
	put("b", "k", "new", 0);
	cr_assert_eq(get(map, "b", "k", out), KV_STALE);
	assert_message(map, "open it again");
	cr_assert_eq(get(map, "b", "k", out), KV_STALE);
	cr_assert_eq(kv_map_reopen(map), KV_OK);
	cr_assert_eq(get(map, "b", "k", out), KV_OK);
	cr_assert_str_eq(out, "new");
	kv_map_close(map);
}

Test(map, that_cannot_be_opened_again_can_be_tried_again)
{
	struct kv_map *map;
	char out[16];

	make_arena();
	map = open_map(0);
	arena_unlink(the_name());
	cr_assert_eq(kv_map_reopen(map), KV_UNREACHABLE);
	assert_message(map, "not there (is kvd running");
	cr_assert_eq(get(map, "b", "k", out), KV_STALE);
	cr_assert_not(kv_map_served(map));
	arena_close(arena);
	make_arena();
	cr_assert_eq(kv_map_reopen(map), KV_OK);
	cr_assert_eq(get(map, "b", "k", out), KV_NO_KEY);
	kv_map_close(map);
}

/* Somebody's rm, of which nobody tells: noticed with the next tick. */
Test(map, of_an_arena_that_was_removed_is_stale_a_moment_later)
{
	struct kv_map *map;
	char out[16];

	make_arena();
	put("b", "k", "v", 0);
	map = open_map(0);
	arena_unlink(the_name());
	while (get(map, "b", "k", out) == KV_OK)
		continue;
	cr_assert_eq(get(map, "b", "k", out), KV_STALE);
	kv_map_close(map);
}

Test(map, knows_whether_a_server_has_it)
{
	struct kv_map *map;

	make_arena();
	map = open_map(0);
	cr_assert_not(kv_map_served(map));
	cr_assert(arena_hold(arena));
	cr_assert(kv_map_served(map));
	kv_map_close(map);
}

/* --- what cannot be opened --- */

static void
assert_refused(const char *name, const struct kv_map_options *options,
    enum kv_status status, const char *part)
{
	struct kv_error error;

	cr_assert_null(kv_map_open(name, options, &error), "%s", part);
	cr_assert_eq(error.status, status, "%s: %s", part, error.message);
	cr_assert_not_null(strstr(error.message, part), "%s", error.message);
	cr_assert_null(kv_map_open(name, options, NULL));
}

Test(map, refuses_a_name_that_no_instance_has)
{
	char name[300];

	assert_refused("", NULL, KV_BAD_ARGUMENT, "not the name");
	assert_refused("a/b", NULL, KV_BAD_ARGUMENT, "not the name");
	assert_refused("../x", NULL, KV_BAD_ARGUMENT, "not the name");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_refused(name, NULL, KV_BAD_ARGUMENT, "without a slash");
	assert_refused("test.\033nobody", NULL, KV_UNREACHABLE,
	    "kvd.test.?nobody: not there (is kvd running");
}

static int
open_raw(int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/kvd.%s", the_name());
	return shm_open(path, flags, 0600);
}

Test(map, refuses_an_object_that_is_no_arena)
{
	static char garbage[65536];
	int fd = open_raw(O_RDWR | O_CREAT | O_EXCL);

	assert_refused(the_name(), NULL, KV_UNREACHABLE,
	    "never completed by who began to make it (kvd is starting");
	cr_assert_eq(write(fd, "short", 5), 5);
	assert_refused(the_name(), NULL, KV_UNREACHABLE, "not an arena");
	memset(garbage, 0xa5, sizeof(garbage));
	cr_assert_eq(pwrite(fd, garbage, sizeof(garbage), 0),
	    (ssize_t)sizeof(garbage));
	assert_refused(the_name(), NULL, KV_UNREACHABLE,
	    "not an arena, or a damaged one (start kvd");
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(ftruncate(fd, 1 << 20), 0);
	assert_refused(the_name(), NULL, KV_UNREACHABLE, "never completed");
	close(fd);
}

#define AT(field)	offsetof(struct superblock, field)

/* Each is what it was again after its turn. */
Test(map, refuses_an_arena_that_it_cannot_believe)
{
	static const struct {
		size_t		 at;
		const char	*part;
	} cases[] = {
		{ AT(version), "another layout" },
		{ AT(layout_hash), "layout (read it with the libkv that" },
		{ AT(size_bytes), "not an arena" },
		{ AT(shards_off), "not an arena" },
		{ AT(segments), "not an arena" },
		{ AT(boot_id), "made before the last boot (start kvd" },
		{ AT(pidns), "pid namespace (read it in the container" }
	};
	uint64_t right, wrong;
	struct kv_map *map;
	size_t i;
	int fd;

	make_arena();
	fd = open_raw(O_RDWR);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(pread(fd, &right, 8, (off_t)cases[i].at), 8);
		wrong = ~right;
		cr_assert_eq(pwrite(fd, &wrong, 8, (off_t)cases[i].at), 8);
		assert_refused(the_name(), NULL, KV_UNREACHABLE,
		    cases[i].part);
		cr_assert_eq(pwrite(fd, &right, 8, (off_t)cases[i].at), 8);
	}
	cr_assert_eq(ftruncate(fd, 4 * MB), 0);
	assert_refused(the_name(), NULL, KV_UNREACHABLE, "not an arena");
	cr_assert_eq(ftruncate(fd, 8 * MB), 0);
	close(fd);
	map = open_map(0);
	kv_map_close(map);
}

Test(map, may_insist_on_whose_it_is)
{
	const struct passwd *pw = getpwuid(geteuid());
	struct kv_map_options options = { .owner = "no-such-user-here" };
	struct kv_error error;
	struct kv_map *map;

	make_arena();
	assert_refused(the_name(), &options, KV_BAD_ARGUMENT, "no such user");
	options.owner = geteuid() == 0 ? "nobody" : "root";
	assert_refused(the_name(), &options, KV_UNREACHABLE,
	    "another user's (it is not owned by who was asked for)");
	if (pw == NULL)
		cr_skip("we have no name");
	options.owner = pw->pw_name;
	map = kv_map_open(the_name(), &options, &error);
	cr_assert_not_null(map, "%s", error.message);
	kv_map_close(map);
}

Test(map, of_somebody_who_may_not_read_it_says_who_may)
{
	const char *name = the_name();
	int status;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip("only root can be somebody else");
	make_arena();
	if ((pid = fork()) == 0) {
		struct kv_error error;

		if (setgid(65534) == -1 || setuid(65534) == -1)
			_exit(2);
		_exit(kv_map_open(name, NULL, &error) == NULL &&
		    error.status == KV_UNREACHABLE && strstr(error.message,
		    "Permission denied (see readers in kvd.conf(5)") != NULL ?
		    0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "status %#x", (unsigned)status);
}
