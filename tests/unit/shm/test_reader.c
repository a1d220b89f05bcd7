/* What can be done with an arena that is mapped only to be read. */

#include <criterion/criterion.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/ahead.h"
#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/clock.h"
#include "shm/handle.h"
#include "shm/index.h"
#include "shm/intent.h"
#include "shm/lock.h"
#include "shm/pair.h"
#include "shm/scan.h"
#include "shm/word.h"
#include "support.h"

#define MB	(UINT64_C(1) << 20)

TestSuite(reader, .fini = support_fini);

static struct arena *a, *r;
static const struct bytes bucket = { "b", 1 };

static void
set_up(void)
{
	a = support_named_arena(8 * MB, 1, 64 * 1024);
	cr_assert_eq(bucket_create(a, bucket), SHM_OK);
	cr_assert_eq(arena_attach_reader(&r, support_arena_name(), NULL),
	    ARENA_OK);
}

static void
put(const char *key, const char *value, uint64_t expires_ms)
{
	struct pair p = {
		support_bytes(key), support_bytes(value), expires_ms
	};

	cr_assert_eq(pair_put(a, bucket, &p, NULL), SHM_OK);
}

static enum shm_status
get(const char *key, char *buf, size_t cap)
{
	size_t len = 0;
	enum shm_status s = pair_get(r, bucket, support_bytes(key), buf,
	    cap - 1, &len, NULL);

	buf[s == SHM_OK ? len : 0] = '\0';
	return s;
}

Test(reader, sees_a_change_as_soon_as_it_is_made)
{
	char buf[16];
	unsigned i;

	set_up();
	for (i = 0; i < 1000; i++) {
		char value[16];

		snprintf(value, sizeof(value), "%u", i);
		put("k", value, 0);
		cr_assert_eq(get("k", buf, sizeof(buf)), SHM_OK);
		cr_assert_str_eq(buf, value);
	}
	cr_assert_eq(pair_delete(a, bucket, support_bytes("k")), SHM_OK);
	cr_assert_eq(get("k", buf, sizeof(buf)), SHM_NO_KEY);
	cr_assert_eq(bucket_drop(a, bucket), SHM_OK);
	cr_assert_eq(get("k", buf, sizeof(buf)), SHM_NO_BUCKET);
	arena_close(r);
}

Test(reader, sees_nothing_of_what_has_expired)
{
	char buf[16];

	set_up();
	put("gone", "v", 1);
	put("stays", "v", clock_wall_ms() + 3600 * 1000);
	cr_assert_eq(get("gone", buf, sizeof(buf)), SHM_NO_KEY);
	cr_assert_eq(get("stays", buf, sizeof(buf)), SHM_OK);
	arena_close(r);
}

Test(reader, cannot_write_even_if_it_tried)
{
	int status;
	pid_t pid;

	set_up();
	if ((pid = support_fork()) == 0) {
		signal(SIGSEGV, SIG_DFL);
		word_store(&r->shards[0].version, 2);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	arena_close(r);
}

/* A change that is committed, and whose writer dies before it is applied. */
static void
die_in_a_change(void)
{
	struct held h;
	pid_t pid;
	int status;

	if ((pid = support_fork()) == 0) {
		if (lock_shard(a, 0, &h) != LOCK_OK)
			_exit(1);
		word_store(&h.sh->version, word_peek(&h.sh->version) | 1);
		intent_add(&h, &h.sh->version,
		    word_peek(&h.sh->version) + 1);
		word_store(&h.sh->intent.npairs, h.npairs);
		word_store(&h.sh->intent.nguards, 0);
		word_store(&h.sh->intent.state, INTENT_COMMITTED);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

Test(reader, that_meets_a_half_done_change_says_so_until_somebody_finishes_it)
{
	struct bucket_stat st;
	uint8_t names[64];
	struct scan_batch batch = { .buf = names, .cap = sizeof(names) };
	struct scan scan = { 0 };
	char buf[16];

	set_up();
	put("k", "v", 0);
	die_in_a_change();
	cr_assert_eq(get("k", buf, sizeof(buf)), SHM_BUSY);
	cr_assert_eq(bucket_stat(r, bucket, &st), SHM_BUSY);
	cr_assert_eq(scan_keys(r, bucket, &scan, &batch), SHM_BUSY);
	cr_assert_eq(clean_repair_all(a), 1);
	cr_assert_eq(get("k", buf, sizeof(buf)), SHM_OK);
	cr_assert_eq(bucket_stat(r, bucket, &st), SHM_OK);
	cr_assert_eq(scan_keys(r, bucket, &scan, &batch), SHM_OK);
	arena_close(r);
}

Test(reader, is_told_of_damage_where_no_repair_will_help)
{
	struct shard *sh;
	char buf[16];

	set_up();
	put("k", "v", 0);
	sh = &a->shards[0];
	word_store(&sh->poisoned, 1);
	cr_assert_eq(get("k", buf, sizeof(buf)), SHM_OK, "sound for all that");
	word_store(&sh->version, word_peek(&sh->version) | 1);
	cr_assert_eq(get("k", buf, sizeof(buf)), SHM_DAMAGED);
	arena_close(r);
}

/* Names seen, one bit each. */
static unsigned
take(const struct scan_batch *batch, uint8_t *seen)
{
	struct bytes name;
	unsigned n = 0, i;
	size_t pos = 0;

	for (; scan_next_name(batch, &pos, &name); n++) {
		i = (unsigned)strtoul((const char *)name.data + 1, NULL, 10);
		cr_assert_eq(seen[i], 0, "k%u came twice", i);
		seen[i] = 1;
	}
	return n;
}

/* The line of the last of so many keys of a walk. */
static struct line *
halfway_line(struct scan_batch *batch, size_t keys)
{
	struct index_place place;
	struct scan peek = { 0 };
	struct bucket_stat st;
	struct index_key k;
	const struct bucket *b;
	struct bytes name;
	struct held h;
	size_t pos = 0;

	batch->enough = keys;
	cr_assert_eq(scan_keys(r, bucket, &peek, batch), SHM_OK);
	while (scan_next_name(batch, &pos, &name))
		continue;
	cr_assert_eq(bucket_stat(a, bucket, &st), SHM_OK);
	b = arena_at(a, st.id);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_OK);
	index_key_init(a, &k, RECORD_PUT, st.id, name);
	cr_assert(index_find(&h, &b->table, &k, &place));
	lock_release(&h);
	return place.home;
}

/* The line of one key in the middle of the walk stands half done. */
Test(reader, loses_nothing_of_a_walk_that_has_to_wait)
{
	enum { KEYS = 200 };
	static uint8_t names[64 * 1024];
	struct scan_batch batch = { .buf = names, .cap = sizeof(names) };
	uint8_t seen[KEYS] = { 0 };
	struct scan scan = { 0 };
	unsigned n = 0, i;
	struct line *line;
	char key[8];

	set_up();
	for (i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "k%03u", i);
		put(key, "v", 0);
	}
	line = halfway_line(&batch, KEYS / 2);
	batch.enough = 0;
	word_store(&line->version, word_peek(&line->version) + 1);
	cr_assert_eq(scan_keys(r, bucket, &scan, &batch), SHM_OK);
	n += take(&batch, seen);
	cr_assert(n > 0 && n < KEYS && !scan.done);
	cr_assert_eq(scan_keys(r, bucket, &scan, &batch), SHM_BUSY);
	word_store(&line->version, word_peek(&line->version) + 1);
	while (!scan.done) {
		cr_assert_eq(scan_keys(r, bucket, &scan, &batch), SHM_OK);
		n += take(&batch, seen);
	}
	cr_assert_eq(n, KEYS);
	arena_close(r);
}

struct told {
	unsigned	found;
	unsigned	missing;
	size_t		stop_at;
	size_t		move_at;
	const char	*value;		/* where each is copied to */
	char		(*expected)[16];
};

static bool
tell(void *arg, size_t i, enum shm_status status,
    const struct pair_facts *facts)
{
	struct told *told = arg;

	if (status == SHM_NO_KEY) {
		told->missing++;
		cr_assert_eq(told->expected[i][0], '\0', "key %zu", i);
	} else {
		told->found++;
		cr_assert_eq(facts->len, strlen(told->expected[i]));
		cr_assert_eq(memcmp(told->value, told->expected[i],
		    facts->len), 0, "key %zu", i);
	}
	return i != told->stop_at;
}

enum { MANY = 3000 };
static char many_names[MANY][16], many_values[MANY][16];
static struct bytes many_keys[MANY];

/* Of three keys one is missing, and of ten one has expired. */
static void
put_many(void)
{
	unsigned i;

	for (i = 0; i < MANY; i++) {
		snprintf(many_names[i], 16, "key%u", i);
		many_keys[i] = support_bytes(many_names[i]);
		if (i % 3 == 0)
			continue;
		snprintf(many_values[i], 16, "value%u", i * 7);
		put(many_names[i], many_values[i], i % 10 == 0 ? 1 : 0);
		if (i % 10 == 0)
			many_values[i][0] = '\0';
	}
}

static struct ahead_bucket
in_shard(uint32_t shard, struct bytes name)
{
	struct ahead_bucket in;

	ahead_bucket(r, shard, name, &in);
	return in;
}

Test(reader, finds_of_many_keys_at_once_what_it_finds_of_each)
{
	char value[16];
	struct told told = {
		.stop_at = MANY, .value = value, .expected = many_values
	};
	const struct pair_told act = { value, sizeof(value), tell, &told };
	struct ahead_bucket in;
	size_t done = 0;

	set_up();
	put_many();
	in = in_shard(0, bucket);
	cr_assert_eq(pair_look_many(r, &in, many_keys, MANY, &done, &act),
	    SHM_OK);
	cr_assert_eq(done, MANY);
	cr_assert_eq(told.missing, MANY / 3 + MANY / 10 - MANY / 30);
	cr_assert_eq(told.found + told.missing, MANY);
	cr_assert_eq(in.at, 0, "it was to be remembered by nobody");
	arena_close(r);
}

/* Told of one key, take the bucket away and bring it back with all keys. */
static bool
tell_and_move(void *arg, size_t i, enum shm_status status,
    const struct pair_facts *facts)
{
	struct told *told = arg;

	if (i == told->move_at) {
		cr_assert_eq(bucket_drop(a, bucket), SHM_OK);
		support_clean(a);
		cr_assert_eq(bucket_create(a, support_bytes("another")),
		    SHM_OK);
		cr_assert_eq(bucket_create(a, bucket), SHM_OK);
		put_many();
	}
	return tell(arg, i, status, facts);
}

Test(reader, of_many_keys_follows_a_bucket_that_goes_and_comes_back_meanwhile)
{
	char value[16];
	struct told told = {
		.stop_at = MANY, .value = value, .expected = many_values,
		.move_at = 1000
	};
	const struct pair_told act = {
		value, sizeof(value), tell_and_move, &told
	};
	struct ahead_bucket in;
	arena_off was;
	size_t done = 0;

	set_up();
	arena_remember_names(r);
	put_many();
	in = in_shard(0, bucket);
	cr_assert_eq(pair_look_many(r, &in, many_keys, 1, &done, &act),
	    SHM_OK);
	cr_assert_neq(was = in.at, 0);
	cr_assert_eq(pair_look_many(r, &in, many_keys, MANY, &done, &act),
	    SHM_OK);
	cr_assert_eq(told.found + told.missing, MANY);
	cr_assert_neq(in.at, was);
	arena_close(r);
}

Test(reader, of_many_keys_goes_on_where_it_was_stopped)
{
	char value[16];
	struct told told = {
		.stop_at = 20, .value = value, .expected = many_values
	};
	const struct pair_told act = { value, sizeof(value), tell, &told };
	struct ahead_bucket in;
	size_t done = 0;

	set_up();
	put_many();
	in = in_shard(0, bucket);
	cr_assert_eq(pair_look_many(r, &in, many_keys, MANY, &done, &act),
	    SHM_OK);
	cr_assert_eq(done, 21);
	cr_assert_eq(pair_look_many(r, &in, many_keys, MANY, &done, &act),
	    SHM_OK);
	cr_assert_eq(told.found + told.missing, MANY);
	cr_assert_eq(bucket_drop(a, bucket), SHM_OK);
	done = 0;
	cr_assert_eq(pair_look_many(r, &in, many_keys, MANY, &done, &act),
	    SHM_NO_BUCKET);
	cr_assert_eq(done, 0);
	arena_close(r);
}

/* Found by name, and where it was last; NULL: there is no such bucket. */
static void
must_be(struct ahead_bucket *in, const char *value)
{
	enum shm_status expected = value != NULL ? SHM_OK : SHM_NO_BUCKET;
	struct pair_facts facts;
	char buf[16];

	cr_assert_eq(pair_look(r, 0, bucket, support_bytes("k"), buf,
	    sizeof(buf), &facts), expected);
	cr_assert_eq(pair_look_in(r, in, support_bytes("k"), buf,
	    sizeof(buf), &facts), expected);
	if (value != NULL)
		cr_assert_eq(memcmp(buf, value, facts.len), 0);
}

Test(reader, that_knows_a_bucket_notices_that_it_was_dropped)
{
	struct ahead_bucket in;
	char name[16];
	unsigned i;

	set_up();
	arena_remember_names(r);
	put("k", "old", 0);
	in = in_shard(0, bucket);
	must_be(&in, "old");
	cr_assert_eq(bucket_drop(a, bucket), SHM_OK);
	must_be(&in, NULL);
	/* Its unit becomes other buckets, and then it is there again. */
	support_clean(a);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "other%u", i);
		cr_assert_eq(bucket_create(a, support_bytes(name)), SHM_OK);
	}
	must_be(&in, NULL);
	cr_assert_eq(bucket_create(a, bucket), SHM_OK);
	put("k", "new", 0);
	must_be(&in, "new");
	cr_assert_neq(in.at, 0);
	arena_close(r);
}

Test(reader, sees_that_its_arena_was_retired)
{
	struct arena *again;

	set_up();
	cr_assert(arena_is_current(r) && arena_has_name(r));
	cr_assert_eq(arena_retire(support_arena_name()), 0);
	cr_assert(!arena_is_current(r) && !arena_has_name(r));
	cr_assert_eq(arena_attach_reader(&again, support_arena_name(), NULL),
	    ARENA_MISSING);
	cr_assert_eq(arena_retire(support_arena_name()), -1);
	cr_assert_eq(errno, ENOENT);
	arena_close(r);
}

Test(reader, sees_that_its_arena_has_lost_its_name)
{
	set_up();
	cr_assert_eq(arena_unlink(support_arena_name()), 0);
	cr_assert(arena_is_current(r), "nobody has said so");
	cr_assert_not(arena_has_name(r));
	arena_close(r);
}

Test(reader, can_tell_whether_the_arena_is_in_use)
{
	set_up();
	cr_assert_not(arena_is_served(r));
	cr_assert(arena_hold(a));
	cr_assert(arena_is_served(r));
	support_close();
	cr_assert_not(arena_is_served(r));
	arena_close(r);
}

static mode_t
mode_of(const struct arena *arena, gid_t *group)
{
	struct stat st;

	cr_assert_eq(fstat(arena_fd(arena), &st), 0);
	*group = st.st_gid;
	return st.st_mode & 07777;
}

Test(reader, of_a_group_is_let_in_and_kept_out_again)
{
	gid_t ours = getegid(), group;

	set_up();
	cr_assert_eq(mode_of(a, &group), 0600);
	cr_assert_eq(arena_admit(a, &ours), 0);
	cr_assert_eq(mode_of(a, &group), 0640);
	cr_assert_eq(group, ours);
	cr_assert_eq(arena_admit(a, NULL), 0);
	cr_assert_eq(mode_of(a, &group), 0600);
	arena_close(r);
}

/* As somebody else, with that group alone: what does the arena say? */
static enum arena_error
attach_as(gid_t group)
{
	const char *name = support_arena_name();
	struct arena *theirs;
	enum arena_error error;
	int status;
	pid_t pid;

	if ((pid = support_fork()) == 0) {
		if (setgroups(0, NULL) == -1 || setgid(group) == -1 ||
		    setuid(65534) == -1)
			_exit(255);
		error = arena_attach_reader(&theirs, name, NULL);
		if (error == ARENA_OK)
			arena_close(theirs);
		_exit(error == ARENA_ERRNO && errno == EACCES ? 100 :
		    (int)error);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return (enum arena_error)WEXITSTATUS(status);
}

Test(reader, who_is_not_of_the_group_is_refused_by_the_system)
{
	gid_t group = 12345;

	if (geteuid() != 0)
		cr_skip("only root can be somebody else");
	set_up();
	cr_assert_eq((int)attach_as(group), 100);
	cr_assert_eq(arena_admit(a, &group), 0);
	cr_assert_eq(attach_as(group), ARENA_OK);
	cr_assert_eq((int)attach_as(group + 1), 100);
	cr_assert_eq(arena_admit(a, NULL), 0);
	cr_assert_eq((int)attach_as(group), 100);
	arena_close(r);
}

Test(reader, may_insist_on_whose_arena_it_is)
{
	uid_t owner = geteuid(), other = owner + 1;
	struct arena *again;

	set_up();
	cr_assert_eq(arena_attach_reader(&again, support_arena_name(),
	    &owner), ARENA_OK);
	arena_close(again);
	cr_assert_eq(arena_attach_reader(&again, support_arena_name(),
	    &other), ARENA_OTHER_USER);
	arena_close(r);
}

Test(reader, refuses_what_is_no_file_at_all)
{
	struct arena *again;
	char path[128];

	snprintf(path, sizeof(path), "/dev/shm/kvd.%s", support_arena_name());
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(arena_attach_reader(&again, support_arena_name(), NULL),
	    ARENA_NOT_AN_ARENA);
	unlink(path);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(arena_attach_reader(&again, support_arena_name(), NULL),
	    ARENA_NOT_AN_ARENA);
	rmdir(path);
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	cr_assert_eq(arena_attach_reader(&again, support_arena_name(), NULL),
	    ARENA_ERRNO);
	unlink(path);
}
