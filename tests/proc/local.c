/*
 * Reading the memory of a kvd in place, while it lives, dies and is replaced.
 */

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "proto/client/kv.h"
#include "shm/hash.h"
#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"
#include "tests/proc/talk.h"

static struct daemon d;
static char out[8192];

TestSuite(local, .timeout = 180);

static struct kv_map *
open_map(const struct daemon *daemon)
{
	struct kv_error error;
	struct kv_map *map = kv_map_open(daemon->name, NULL, &error);

	cr_assert_not_null(map, "%s", error.message);
	return map;
}

/* A child that ends with the test; it must not use what asserts. */
static pid_t
begin_child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

static struct kv *
connect_to(struct kv *kv)
{
	char server[32];

	snprintf(server, sizeof(server), "127.0.0.1:%u", d.port);
	while (kv == NULL || !kv_usable(kv)) {
		kv_close(kv);
		kv = kv_open(server, NULL, NULL);
	}
	return kv;
}

static void
must_read(struct kv_map *map, const char *bucket, const char *key,
    const char *expected)
{
	struct kv_bytes value;

	cr_assert_eq(kv_map_get(map, kv_str(bucket), kv_str(key), &value),
	    KV_OK, "%s", kv_map_message(map));
	cr_assert(value.len == strlen(expected) && memcmp(value.data,
	    expected, value.len) == 0);
}

Test(local, a_read_is_as_fresh_as_one_through_the_server)
{
	struct kv_map *map;
	struct kv_bytes value;
	char line[64], number[16];
	int fd, i;

	daemon_start(&d);
	map = open_map(&d);
	cr_assert(kv_map_served(map));
	fd = talk_open(&d);
	talk(fd, "CREATE b\r\n", "OK\r\n");
	for (i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "PUT b k %d\r\n", i);
		talk(fd, line, "OK\r\n");
		snprintf(number, sizeof(number), "%d", i);
		must_read(map, "b", "k", number);
	}
	talk(fd, "DELETE b k\r\n", "OK\r\n");
	cr_assert_eq(kv_map_get(map, kv_str("b"), kv_str("k"), &value),
	    KV_NO_KEY);
	talk(fd, "DROP b\r\n", "OK\r\n");
	cr_assert_eq(kv_map_get(map, kv_str("b"), kv_str("k"), &value),
	    KV_NO_BUCKET);
	close(fd);
	kv_map_close(map);
	daemon_stop(&d);
}

Test(local, what_clients_of_redis_write_is_read_too)
{
	struct kv_bytes value;
	struct kv_map *map;
	int fd;

	daemon_start(&d);
	map = open_map(&d);
	fd = redis_open(&d);
	redis_number(fd, "HSET h f v");
	must_read(map, "h", "f", "v");
	redis_number(fd, "HDEL h f");
	cr_assert_eq(kv_map_get(map, kv_str("h"), kv_str("f"), &value),
	    KV_NO_BUCKET, "it has gone with its last key");
	cr_assert_eq(redis_number(fd, "APPEND s hello"), 5);
	cr_assert_eq(kv_map_string(map, kv_str("s"), &value), KV_OK);
	cr_assert(value.len == 5 && memcmp(value.data, "hello", 5) == 0);
	cr_assert_eq(redis_number(fd, "PEXPIRE s 1"), 1);
	while (kv_map_string(map, kv_str("s"), &value) == KV_OK)
		continue;
	cr_assert_eq(kv_map_string(map, kv_str("s"), &value), KV_NO_KEY);
	close(fd);
	kv_map_close(map);
	daemon_stop(&d);
}

static long
number_at(struct kv_map *map, const char *key)
{
	struct kv_bytes value;
	char text[16] = "";

	if (kv_map_get(map, kv_str("t"), kv_str(key), &value) != KV_OK)
		return 0;
	memcpy(text, value.data, value.len < 15 ? value.len : 15);
	return strtol(text, NULL, 10);
}

static _Noreturn void
write_together(void)
{
	struct kv *kv = connect_to(NULL);
	char text[16];
	struct kv_pair pairs[2];
	int i;

	for (i = 1; i <= 3000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		pairs[0] = (struct kv_pair){ kv_str("a"), kv_str(text) };
		pairs[1] = (struct kv_pair){ kv_str("b"), kv_str(text) };
		if (kv_mput(kv, kv_str("t"), pairs, 2) != KV_OK)
			_exit(1);
	}
	_exit(0);
}

/* Both keys change together, so the one that is read last is never behind. */
Test(local, what_changes_together_is_never_seen_apart)
{
	struct kv_map *map;
	long a = 0, b;
	int status;
	pid_t pid;

	daemon_start(&d);
	talk_once(&d, "CREATE t\r\n", "OK\r\n");
	map = open_map(&d);
	if ((pid = begin_child()) == 0)
		write_together();
	while (a < 3000) {
		a = number_at(map, "a");
		b = number_at(map, "b");
		cr_assert_geq(b, a);
		a = number_at(map, "a");
		cr_assert_geq(a, b);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	kv_map_close(map);
	daemon_stop(&d);
}

/* --- while workers are killed --- */

enum { WRITERS = 2, READERS = 3, KEYS = 100, KILLS = 40 };

struct message {
	uint64_t	checksum;	/* of all that follows, and the key */
	uint32_t	writer;
	uint32_t	sequence;
	uint8_t		filler[2000];
};

struct ledger {
	_Atomic bool		stop;
	_Atomic uint64_t	reads;
	_Atomic uint64_t	writes;
	_Atomic uint64_t	bytes;
	_Atomic uint64_t	lists;
};

static struct ledger *ledger;

static uint64_t
checksum(const struct message *m, size_t len, const char *key)
{
	static const uint64_t seed[2] = { 7, 9 };

	return hash_keyed(seed, (const uint8_t *)m + 8, len - 8) ^
	    hash_keyed(seed, key, strlen(key));
}

static void
key_of(unsigned writer, unsigned k, char key[32])
{
	snprintf(key, 32, "w%u-%u", writer, k);
}

/*
 * What is acknowledged is there to be read, by the next one that looks.  The
 * bucket grows all the time, by keys that nobody asks for.
 */
static void
write_one(struct kv **kv, struct kv_map *map, unsigned writer, uint32_t i)
{
	struct message m = { .writer = writer, .sequence = i };
	size_t len = 16 + i * 37 % sizeof(m.filler);
	struct kv_bytes value;
	char key[32], grow[32];

	key_of(writer, i % KEYS, key);
	memset(m.filler, (int)i, sizeof(m.filler));
	m.checksum = checksum(&m, len, key);
	snprintf(grow, sizeof(grow), "g%u-%u", writer, i % 5000);
	*kv = connect_to(*kv);
	(void)kv_put(*kv, kv_str("b"), kv_str(grow), kv_str(""));
	*kv = connect_to(*kv);
	if (kv_put(*kv, kv_str("b"), kv_str(key), (struct kv_bytes){ &m,
	    len }) != KV_OK)
		return;		/* its worker has died: done or not */
	if (kv_map_get(map, kv_str("b"), kv_str(key), &value) != KV_OK)
		_exit(10);
	if (value.len != len || memcmp(value.data, &m, len) != 0)
		_exit(11);
	atomic_fetch_add(&ledger->writes, 1);
	atomic_fetch_add(&ledger->bytes, len);
}

static void
writer_main(unsigned writer)
{
	struct kv_map *map = kv_map_open(d.name, NULL, NULL);
	struct kv *kv = NULL;
	uint32_t i;

	if (map == NULL)
		_exit(12);
	for (i = 1; !atomic_load(&ledger->stop); i++)
		write_one(&kv, map, writer, i);
	_exit(0);
}

struct view {			/* what a reader has seen so far */
	uint32_t	seen[WRITERS][KEYS];
	char		names[WRITERS * KEYS][32];
	struct kv_bytes	keys[WRITERS * KEYS];
};

static int
check_value(void *arg, size_t i, const struct kv_bytes *value)
{
	struct view *view = arg;
	uint32_t *seen = &view->seen[i / KEYS][i % KEYS];
	struct message m;

	if (value == NULL) {
		if (*seen != 0)
			_exit(20);	/* nobody deletes */
		return 0;
	}
	if (value->len < 16 || value->len > sizeof(m))
		_exit(21);
	memcpy(&m, value->data, value->len);
	if (m.writer != i / KEYS || m.checksum != checksum(&m, value->len,
	    view->names[i]))
		_exit(22);
	if (m.sequence < *seen)
		_exit(23);		/* went back in time */
	*seen = m.sequence;
	return 0;
}

static int
count_key(void *arg, struct kv_bytes key)
{
	*(unsigned *)arg += *(const char *)key.data == 'w';
	return 0;
}

static void
read_all(struct kv_map *map, struct view *view)
{
	unsigned i, n = 0, before = 0;
	struct kv_bytes value;

	for (i = 0; i < WRITERS * KEYS; i++) {
		enum kv_status status = kv_map_get(map, kv_str("b"),
		    view->keys[i], &value);

		if (status != KV_OK && status != KV_NO_KEY)
			_exit(24);
		(void)check_value(view, i, status == KV_OK ? &value : NULL);
		before += status == KV_OK;
	}
	if (kv_map_mget(map, kv_str("b"), view->keys, WRITERS * KEYS,
	    check_value, view) != KV_OK)
		_exit(25);
	if (kv_map_keys(map, kv_str("b"), count_key, &n) != KV_OK)
		_exit(26);
	if (n < before || n > WRITERS * KEYS)
		_exit(27);
	atomic_fetch_add(&ledger->reads, 2 * WRITERS * KEYS);
	atomic_fetch_add(&ledger->lists, 1);
}

static void
reader_main(unsigned unused)
{
	static struct view view;
	struct kv_map *map = kv_map_open(d.name, NULL, NULL);
	unsigned i;

	(void)unused;
	if (map == NULL)
		_exit(28);
	for (i = 0; i < WRITERS * KEYS; i++) {
		key_of(i / KEYS, i % KEYS, view.names[i]);
		view.keys[i] = kv_str(view.names[i]);
	}
	while (!atomic_load(&ledger->stop))
		read_all(map, &view);
	_exit(0);
}

static pid_t
start(void (*main)(unsigned), unsigned arg)
{
	pid_t pid = begin_child();

	cr_assert_neq(pid, -1);
	if (pid == 0)
		main(arg);
	return pid;
}

static void
kill_a_worker(void)
{
	int fd = talk_open(&d);

	cr_assert_eq(kill((pid_t)talk_info(fd, "server", "worker_pid"),
	    SIGKILL), 0);
	talk_expect_end(fd);
	close(fd);
}

static void
finish(pid_t pid, const char *what)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "%s: status %#x", what, (unsigned)status);
}

Test(local, readers_see_whole_values_while_workers_are_killed)
{
	pid_t pids[WRITERS + READERS];
	uint64_t writes = 0;
	int i;

	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(ledger, MAP_FAILED);
	daemon_prepare(&d, "memory 8M\nworkers 2\nsupervise {\n"
	    "\tmax-restarts 1000\n\trestart-delay 0\n}\n");
	daemon_launch(&d, NULL);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	for (i = 0; i < WRITERS + READERS; i++)
		pids[i] = start(i < WRITERS ? writer_main : reader_main,
		    (unsigned)i);
	for (i = 0; i < KILLS; i++) {
		/* Not before somebody has written again. */
		while (atomic_load(&ledger->writes) < writes + 50)
			usleep(1000);
		kill_a_worker();
		writes = atomic_load(&ledger->writes);
	}
	/* More than there is room for: segments are used again. */
	while (atomic_load(&ledger->bytes) < (uint64_t)16 << 20)
		usleep(1000);
	atomic_store(&ledger->stop, true);
	for (i = 0; i < WRITERS + READERS; i++)
		finish(pids[i], i < WRITERS ? "writer" : "reader");
	daemon_await_log(&d, "was killed by signal 9", KILLS);
	cr_assert_gt(atomic_load(&ledger->lists), READERS);
	daemon_stop(&d);
}

/* --- another life, another arena --- */

/* The log of the one before says that it serves, too: one must ask. */
static void
launch_again(const char *const *flags)
{
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_launch(&d, flags);
	talk_once(&d, "COUNT nothing\r\n", "NOT FOUND\r\n");
}

Test(local, a_map_outlives_a_restart_that_keeps_the_data)
{
	struct kv_map *map;

	daemon_start(&d);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	talk_once(&d, "PUT b k before\r\n", "OK\r\n");
	map = open_map(&d);
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_not(kv_map_served(map));
	must_read(map, "b", "k", "before");
	daemon_launch(&d, NULL);
	talk_once(&d, "COUNT b\r\n", "1\r\nOK\r\n");
	cr_assert(kv_map_served(map));
	talk_once(&d, "PUT b k after\r\n", "OK\r\n");
	must_read(map, "b", "k", "after");
	kv_map_close(map);
	daemon_stop(&d);
}

Test(local, a_map_of_data_that_were_discarded_says_so)
{
	struct kv_bytes value;
	struct kv_map *map;

	daemon_start(&d);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	talk_once(&d, "PUT b k before\r\n", "OK\r\n");
	map = open_map(&d);
	launch_again(FLAGS("-C"));
	cr_assert_eq(kv_map_get(map, kv_str("b"), kv_str("k"), &value),
	    KV_STALE);
	cr_assert_eq(kv_map_reopen(map), KV_OK);
	cr_assert_eq(kv_map_get(map, kv_str("b"), kv_str("k"), &value),
	    KV_NO_BUCKET);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	talk_once(&d, "PUT b k after\r\n", "OK\r\n");
	must_read(map, "b", "k", "after");
	kv_map_close(map);
	daemon_stop(&d);
}

Test(local, a_map_outlives_an_upgrade)
{
	struct kv_map *map;
	pid_t old;

	daemon_start(&d);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	map = open_map(&d);
	old = talk_master_pid(&d);
	daemon_kill(&d, SIGUSR2);
	talk_new_master_pid(&d, old);
	talk_once(&d, "PUT b k after\r\n", "OK\r\n");
	must_read(map, "b", "k", "after");
	kv_map_close(map);
	daemon_remove(&d);
}

static int
count_name(void *arg, struct kv_bytes name)
{
	(void)name;
	++*(unsigned *)arg;
	return 0;
}

Test(local, only_buckets_of_this_node_are_read)
{
	struct kv_bytes value;
	struct cluster c;
	struct kv_map *map[2];
	unsigned n = 0;
	size_t i;

	cluster_start(&c, 2);
	talk_once(&c.node[0], "CREATE apple\r\n", "OK\r\n");
	talk_once(&c.node[0], "CREATE plum\r\n", "OK\r\n");
	talk_once(&c.node[0], "PUT apple k 1\r\n", "OK\r\n");
	talk_once(&c.node[0], "PUT plum k 2\r\n", "OK\r\n");
	for (i = 0; i < 2; i++)
		map[i] = open_map(&c.node[i]);
	must_read(map[0], "apple", "k", "1");
	must_read(map[1], "plum", "k", "2");
	cr_assert_eq(kv_map_get(map[0], kv_str("plum"), kv_str("k"), &value),
	    KV_ELSEWHERE);
	cr_assert_eq(kv_map_get(map[1], kv_str("apple"), kv_str("k"),
	    &value), KV_ELSEWHERE);
	cr_assert_eq(kv_map_buckets(map[0], count_name, &n), KV_PARTIAL);
	cr_assert_eq(n, 1);
	for (i = 0; i < 2; i++)
		kv_map_close(map[i]);
	cluster_remove(&c);
}

/* --- who may --- */

static mode_t
mode_of(gid_t *group)
{
	struct stat st;
	char path[128];

	snprintf(path, sizeof(path), "/dev/shm/kvd.%s", d.name);
	cr_assert_eq(stat(path, &st), 0);
	*group = st.st_gid;
	return st.st_mode & 07777;
}

/* Somebody else, of that group alone, reads: with which status? */
static enum kv_status
read_as(gid_t group)
{
	struct kv_error error = { .status = KV_OK };
	int status;
	pid_t pid;

	if ((pid = begin_child()) == 0) {
		if (setgroups(0, NULL) == -1 || setgid(group) == -1 ||
		    setuid(65534) == -1)
			_exit(255);
		kv_map_close(kv_map_open(d.name, NULL, &error));
		_exit((int)error.status);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return (enum kv_status)WEXITSTATUS(status);
}

static const char *
our_group(void)
{
	const struct group *gr = getgrgid(getegid());

	if (gr == NULL)
		cr_skip("our group has no name");
	return gr->gr_name;
}

Test(local, nobody_else_may_read_unless_the_configuration_says_so)
{
	char conf[128];
	gid_t group;

	snprintf(conf, sizeof(conf), "memory 16M\nworkers 1\nreaders %s\n",
	    our_group());
	daemon_prepare(&d, "memory 16M\nworkers 1\n");
	daemon_launch(&d, NULL);
	cr_assert_eq(mode_of(&group), 0600);
	daemon_configure(&d, conf);
	launch_again(NULL);
	cr_assert_eq(mode_of(&group), 0640);
	cr_assert_eq(group, getegid());
	daemon_configure(&d, "memory 16M\nworkers 1\n");
	launch_again(NULL);
	cr_assert_eq(mode_of(&group), 0600);
	daemon_stop(&d);
}

Test(local, members_of_the_group_may_read_and_no_others)
{
	const struct group *gr = getgrnam("daemon");

	if (geteuid() != 0)
		cr_skip("only root can be somebody else");
	if (gr == NULL)
		cr_skip("there is no group daemon");
	daemon_prepare(&d, "memory 16M\nworkers 1\nreaders daemon\n");
	daemon_launch(&d, NULL);
	cr_assert_eq(read_as(gr->gr_gid), KV_OK);
	cr_assert_eq(read_as(gr->gr_gid + 12345), KV_UNREACHABLE);
	daemon_stop(&d);
}

Test(local, a_group_must_exist_and_its_reader_be_a_member)
{
	char where[32];

	snprintf(where, sizeof(where), "127.0.0.1:%u", daemon_free_port());
	daemon_prepare(&d, "memory 16M\nworkers 1\nreaders no-such-group\n");
	cr_assert_eq(RUN("-n"), EX_NOUSER);
	cr_assert_not_null(strstr(out, "no such group: no-such-group"));
	cr_assert_eq(RUN("-f", "-l", where), EX_NOUSER);
	if (geteuid() == 0 && getgrnam("daemon") != NULL) {
		daemon_configure(&d, "readers daemon\nuser nobody\n"
		    "memory 16M\nworkers 1\n");
		cr_assert_eq(RUN("-f", "-l", where), EX_NOPERM, "%s", out);
		cr_assert_not_null(strstr(out, "cannot let group daemon read "
		    "the shared memory"), "%s", out);
	}
	daemon_remove(&d);
}
