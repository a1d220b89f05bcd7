/*
 * Four writers, four readers and a cleaner, each a process.  A value carries
 * the number of its writer, a sequence number and a checksum over key and
 * value, so that a torn or misplaced one is recognised by whoever reads it.
 */

#include <criterion/criterion.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/hash.h"
#include "shm/pair.h"
#include "support.h"

#define WRITERS	4
#define READERS	4
#define KEYS	500
#define ROUNDS	60000

TestSuite(stress, .fini = support_fini, .timeout = 300);

struct message {
	uint64_t	checksum;	/* of all that follows, and the key */
	uint32_t	writer;
	uint32_t	sequence;
	uint8_t		filler[1000];
};

struct ledger {			/* shared: what each writer did last */
	_Atomic uint32_t	last[WRITERS][KEYS];	/* 0: deleted */
	_Atomic bool		stop;
	_Atomic uint64_t	reads;
};

static struct arena *a;
static struct ledger *ledger;
static const struct bytes buckets[] = { { "one", 3 }, { "two", 3 } };

static void
share_ledger(void)
{
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(ledger, MAP_FAILED);
}

static size_t
key_of(unsigned writer, unsigned k, char *key)
{
	return (size_t)sprintf(key, "w%u/%u", writer, k);
}

static uint64_t
checksum(const struct message *m, size_t len, const char *key, size_t klen)
{
	static const uint64_t seed[2] = { 5, 6 };

	return hash_keyed(seed, (const uint8_t *)m + 8, len - 8) ^
	    hash_keyed(seed, key, klen);
}

static void
write_one(unsigned writer, unsigned k, uint32_t sequence, uint64_t *rng)
{
	size_t len = 16 + support_random(rng) % sizeof(
	    ((struct message *)0)->filler);
	struct message m = { .writer = writer, .sequence = sequence };
	char key[32];
	struct pair p = { { key, key_of(writer, k, key) }, { &m, len }, 0 };

	memset(m.filler, (int)sequence, sizeof(m.filler));
	m.checksum = checksum(&m, len, key, p.key.len);
	if (pair_put(a, buckets[k % 2], &p, NULL) != SHM_OK)
		_exit(10);
	atomic_store(&ledger->last[writer][k], sequence);
}

static void
delete_one(unsigned writer, unsigned k)
{
	char key[32];
	struct bytes name = { key, key_of(writer, k, key) };
	enum shm_status want = atomic_load(&ledger->last[writer][k]) != 0 ?
	    SHM_OK : SHM_NO_KEY;

	if (pair_delete(a, buckets[k % 2], name) != want)
		_exit(11);
	atomic_store(&ledger->last[writer][k], 0);
}

static void
writer_main(unsigned writer)
{
	uint64_t rng = writer + 1;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		unsigned k = (unsigned)(support_random(&rng) % KEYS);

		if (support_random(&rng) % 4 == 0)
			delete_one(writer, k);
		else
			write_one(writer, k, i, &rng);
	}
	_exit(0);
}

/* Is what is stored sound?  Returns its sequence number, 0 if missing. */
static uint32_t
read_one(unsigned writer, unsigned k)
{
	struct message m;
	char key[32];
	struct bytes name = { key, key_of(writer, k, key) };
	size_t len;

	switch (pair_get(a, buckets[k % 2], name, &m, sizeof(m), &len,
	    NULL)) {
	case SHM_NO_KEY:
		return 0;
	case SHM_OK:
		break;
	default:
		_exit(12);
	}
	if (len < 16 || m.writer != writer ||
	    m.checksum != checksum(&m, len, key, name.len))
		_exit(13);
	return m.sequence;
}

static void
reader_main(unsigned reader)
{
	static uint32_t seen[WRITERS][KEYS];
	uint64_t rng = 100 + reader, reads = 0;

	while (!atomic_load(&ledger->stop)) {
		unsigned w = (unsigned)(support_random(&rng) % WRITERS);
		unsigned k = (unsigned)(support_random(&rng) % KEYS);
		uint32_t s = read_one(w, k);

		if (s != 0 && s < seen[w][k])
			_exit(14);	/* went back in time */
		if (s != 0)
			seen[w][k] = s;
		reads++;
	}
	atomic_fetch_add(&ledger->reads, reads);
	_exit(0);
}

static void
cleaner_main(void)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };

	while (!atomic_load(&ledger->stop))
		clean_step(a, &state, &work, 0);
	_exit(work.segments_freed > 0 ? 0 : 15);
}

static pid_t
start(void (*main)(unsigned), unsigned arg)
{
	pid_t pid = support_fork();

	if (pid == 0) {
		if (main != NULL)
			main(arg);
		cleaner_main();
	}
	return pid;
}

static void
finish(pid_t pid, const char *what)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "%s: status %#x", what, (unsigned)status);
}

Test(stress, readers_see_whole_values_while_writers_and_cleaner_work)
{
	pid_t writers[WRITERS], readers[READERS], cleaner;
	unsigned i, k;

	a = support_arena(UINT64_C(16) << 20, 2, 128 * 1024);
	cr_assert_eq(bucket_create(a, buckets[0]), SHM_OK);
	cr_assert_eq(bucket_create(a, buckets[1]), SHM_OK);
	share_ledger();
	for (i = 0; i < READERS; i++)
		readers[i] = start(reader_main, i);
	cleaner = start(NULL, 0);
	for (i = 0; i < WRITERS; i++)
		writers[i] = start(writer_main, i);
	for (i = 0; i < WRITERS; i++)
		finish(writers[i], "writer");
	atomic_store(&ledger->stop, true);
	for (i = 0; i < READERS; i++)
		finish(readers[i], "reader");
	finish(cleaner, "cleaner");
	for (i = 0; i < WRITERS; i++)
		for (k = 0; k < KEYS; k++)
			cr_assert_eq(read_one(i, k),
			    atomic_load(&ledger->last[i][k]));
	cr_assert_gt(atomic_load(&ledger->reads), 0);
	support_audit(a);
}

/* Puts and deletes for ever; the parent kills it. */
static void
victim_main(unsigned round)
{
	uint64_t rng = round + 1;
	uint32_t i;

	for (i = 1;; i++) {
		unsigned k = (unsigned)(support_random(&rng) % KEYS);
		uint32_t last = atomic_load(&ledger->last[0][k]);

		if (last != 0 && support_random(&rng) % 4 == 0)
			delete_one(0, k);
		else
			write_one(0, k, last + 1, &rng);
	}
}

Test(stress, a_killed_writer_leaves_the_old_value_or_the_new_one)
{
	enum { KILLS = 400 };
	unsigned i, k;
	uint32_t told, found;
	pid_t pid;

	a = support_arena(UINT64_C(8) << 20, 2, 64 * 1024);
	cr_assert_eq(bucket_create(a, buckets[0]), SHM_OK);
	cr_assert_eq(bucket_create(a, buckets[1]), SHM_OK);
	share_ledger();
	for (i = 0; i < KILLS; i++) {
		pid = start(victim_main, i);
		usleep((useconds_t)(i * 7 % 3000));	/* where does not
							 * matter */
		kill(pid, SIGKILL);
		cr_assert_eq(waitpid(pid, NULL, 0), pid);
		support_audit(a);
		for (k = 0; k < KEYS; k++) {
			told = atomic_load(&ledger->last[0][k]);
			found = read_one(0, k);
			/* At most one change was made and not yet told. */
			cr_assert(found == told || found == told + 1 ||
			    found == 0, "%u told, %u found", told, found);
			atomic_store(&ledger->last[0][k], found);
		}
	}
}

/* Many small buckets that grow from nothing through every shape of a tree. */
enum { SMALL_BUCKETS = 3000, SMALL_KEYS = 40 };

static struct bytes
small_name(unsigned b, char buf[16])
{
	return (struct bytes){ buf, (size_t)sprintf(buf, "s%u", b) };
}

static void
grower_main(unsigned unused)
{
	char name[16], key[16];
	unsigned b, k;

	(void)unused;
	for (b = 0; b < SMALL_BUCKETS; b++)
		for (k = 0; k < SMALL_KEYS; k++) {
			struct pair p = { small_name(k, key),
			    support_bytes("v"), 0 };

			if ((k == 0 && bucket_create(a, small_name(b, name)) !=
			    SHM_OK) || pair_put(a, small_name(b, name), &p,
			    NULL) != SHM_OK)
				_exit(16);
			atomic_store(&ledger->reads, b * SMALL_KEYS + k + 1);
		}
	_exit(0);
}

static void
asker_main(unsigned reader)
{
	uint64_t rng = reader + 1, told;
	char name[16], key[16], value[8];
	struct bucket_stat st;
	unsigned b, k;
	size_t len;

	while (!atomic_load(&ledger->stop)) {
		if ((told = atomic_load(&ledger->reads)) == 0)
			continue;
		/* The bucket that grows now, or the one before. */
		told -= support_random(&rng) % (told < 60 ? told : 60) + 1;
		b = (unsigned)(told / SMALL_KEYS);
		k = (unsigned)(told % SMALL_KEYS);
		if (pair_get(a, small_name(b, name), small_name(k, key),
		    value, sizeof(value), &len, NULL) != SHM_OK)
			_exit(17);
		if (bucket_stat(a, small_name(b, name), &st) != SHM_OK ||
		    st.keys <= k || st.keys > SMALL_KEYS)
			_exit(18);
	}
	_exit(0);
}

Test(stress, a_key_that_was_put_is_never_missed_while_its_bucket_grows)
{
	pid_t grower, askers[3];
	unsigned i;

	a = support_arena(UINT64_C(32) << 20, 2, 128 * 1024);
	share_ledger();
	for (i = 0; i < 3; i++)
		askers[i] = start(asker_main, i);
	grower = start(grower_main, 0);
	finish(grower, "grower");
	atomic_store(&ledger->stop, true);
	for (i = 0; i < 3; i++)
		finish(askers[i], "asker");
	support_audit(a);
}

/* Buckets come and go; their units become lines and buckets again. */
static void
dropper_main(unsigned unused)
{
	struct pair p = { support_bytes("k"), support_bytes("v"), 0 };
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	char name[16];
	unsigned i;

	(void)unused;
	for (i = 0; i < 60000; i++) {
		if (bucket_create(a, small_name(i % 7, name)) != SHM_OK ||
		    pair_put(a, small_name(i % 7, name), &p, NULL) != SHM_OK ||
		    bucket_drop(a, small_name(i * 3 % 7, name)) ==
		    SHM_DAMAGED)
			_exit(19);
		clean_step(a, &state, &work, 0);
	}
	_exit(0);
}

static void
counter_main(unsigned reader)
{
	uint64_t rng = reader + 1;
	struct bucket_stat st;
	char name[16];

	while (!atomic_load(&ledger->stop))
		if (bucket_stat(a, small_name((unsigned)(support_random(
		    &rng) % 7), name), &st) == SHM_OK && st.keys > 1)
			_exit(20);
	_exit(0);
}

Test(stress, facts_of_a_bucket_are_its_own_while_buckets_come_and_go)
{
	pid_t dropper, counters[2];
	unsigned i;

	a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	share_ledger();
	for (i = 0; i < 2; i++)
		counters[i] = start(counter_main, i);
	dropper = start(dropper_main, 0);
	finish(dropper, "dropper");
	atomic_store(&ledger->stop, true);
	for (i = 0; i < 2; i++)
		finish(counters[i], "counter");
	support_audit(a);
}
