/*
 * Reading without a server: libkv's mapping of an arena, one key at a time and
 * several, and beside it LMDB, if it is installed, which is how others read a
 * store in place.  Both have the same keys and values, are asked for the same
 * keys in the same order at random, and compare what they get.  Nobody writes
 * meanwhile.  They take turns, and of each the best of its turns is told, by
 * the time of the processor that it took: so other programs disturb little.
 */

#include <sys/stat.h>

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/client/kv.h"
#include "shm/arena.h"
#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/ownership.h"
#include "shm/pair.h"
#include "tests/bench/bench.h"

#if __has_include(<lmdb.h>)
#include <lmdb.h>
#define HAVE_LMDB
#endif

#define BATCH_MAX	64

static const char bucket[] = "bench";

/* The keys in the order in which they are asked for. */
static char (*order)[KEY_BYTES];

/* What is measured, once in each round. */
struct store {
	struct kv_map	*map;
	void		*lmdb;		/* NULL: there is none */
	uint64_t	 keys;
};

struct measure {
	const char	*name;
	size_t		 batch;		/* or 0 */
	void		(*run)(const struct store *, size_t batch);
	double		 best_s;
};

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The value of a key ends as the key does. */
static void
compare(const char *key, const void *value, size_t len)
{
	if (len != VALUE_BYTES || memcmp(key + 4, (const char *)value +
	    VALUE_BYTES - 12, 12) != 0)
		errx(1, "get: another key's value");
}

static void
make_pair(uint64_t i, char *key, char *value)
{
	bench_text(key, KEY_BYTES, "key-", i);
	bench_text(value, VALUE_BYTES, "val-", i);
}

static void
choose_order(uint64_t keys)
{
	uint64_t i;

	if ((order = calloc(keys, sizeof(*order))) == NULL)
		err(1, NULL);
	for (i = 0; i < keys; i++)
		bench_text(order[i], KEY_BYTES, "key-", bench_pick(i, keys));
}

/* --- kvd --- */

/* The cleaner's part is done in between. */
static struct arena *
fill(const char *name, uint64_t keys)
{
	struct arena_params params = {
		.name = name,
		.memory_bytes = keys * 160 + ((uint64_t)256 << 20)
	};
	struct ownership own = { .by = OWNERSHIP_SLOTS };
	struct clean_work work = { .segments_backed = 0 };
	struct clean_state state = { .shard = 0 };
	const struct bytes b = { bucket, sizeof(bucket) - 1 };
	char key[KEY_BYTES], value[VALUE_BYTES];
	struct pair pair = {
		.key = { key, KEY_BYTES }, .value = { value, VALUE_BYTES }
	};
	enum arena_error error;
	struct arena *arena;
	uint64_t i;

	if ((error = arena_create(&arena, &params)) != ARENA_OK)
		errx(1, "%s", arena_strerror(error));
	memset(own.has, 0xff, sizeof(own.has));
	ownership_publish(arena, &own);
	if (bucket_create(arena, b) != SHM_OK)
		errx(1, "create");
	for (i = 0; i < keys; i++) {
		if (i % 4096 == 0)
			clean_step(arena, &state, &work, 0);
		make_pair(i, key, value);
		if (pair_put(arena, b, &pair, NULL) != SHM_OK)
			errx(1, "put");
	}
	return arena;
}

static void
get_singly(const struct store *store, size_t batch)
{
	const struct kv_bytes b = kv_str(bucket);
	struct kv_map *map = store->map;
	struct kv_bytes value;
	uint64_t i;

	(void)batch;
	for (i = 0; i < store->keys; i++) {
		if (kv_map_get(map, b, (struct kv_bytes){ order[i],
		    KEY_BYTES }, &value) != KV_OK)
			errx(1, "%s", kv_map_message(map));
		compare(order[i], value.data, value.len);
	}
}

static int
check(void *arg, size_t i, const struct kv_bytes *value)
{
	const struct kv_bytes *keys = arg;

	if (value == NULL)
		errx(1, "get: no such key");
	compare(keys[i].data, value->data, value->len);
	return 0;
}

static void
get_batches(const struct store *store, size_t batch)
{
	const struct kv_bytes b = kv_str(bucket);
	struct kv_bytes asked[BATCH_MAX];
	uint64_t i;
	size_t j;

	for (i = 0; i + batch <= store->keys; i += batch) {
		for (j = 0; j < batch; j++)
			asked[j] = (struct kv_bytes){ order[i + j],
			    KEY_BYTES };
		if (kv_map_mget(store->map, b, asked, batch, check, asked) !=
		    KV_OK)
			errx(1, "%s", kv_map_message(store->map));
	}
}

static int
count(void *arg, struct kv_bytes key)
{
	(void)key;
	++*(uint64_t *)arg;
	return 0;
}

static void
list(const struct store *store, size_t batch)
{
	uint64_t n = 0;

	(void)batch;
	if (kv_map_keys(store->map, kv_str(bucket), count, &n) != KV_OK)
		errx(1, "%s", kv_map_message(store->map));
	if (n != store->keys)
		errx(1, "scan: %" PRIu64 " keys", n);
}

/* A map needs the name, so somebody has to take it away however we end. */
static void
leave_nothing(const char *name)
{
	int ends[2];
	char c;

	if (pipe(ends) == -1)
		err(1, "pipe");
	if (fork() == 0) {
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		close(ends[1]);
		(void)!read(ends[0], &c, 1);
		arena_unlink(name);
		_exit(0);
	}
	close(ends[0]);
}

static struct arena *
open_kvd(struct store *store)
{
	struct kv_error error;
	struct arena *arena;
	char name[32];

	snprintf(name, sizeof(name), "bench-local-%d", (int)getpid());
	leave_nothing(name);
	arena = fill(name, store->keys);
	store->map = kv_map_open(name, NULL, &error);
	if (store->map == NULL)
		errx(1, "%s", error.message);
	return arena;
}

static void
close_kvd(struct store *store, struct arena *arena)
{
	kv_map_close(store->map);
	arena_close(arena);
}

/* --- LMDB --- */

#ifdef HAVE_LMDB
struct lmdb {
	MDB_env	*env;
	MDB_dbi	 dbi;
};

static void
must(int error, const char *what)
{
	if (error != 0)
		errx(1, "lmdb, %s: %s", what, mdb_strerror(error));
}

static void
fill_lmdb(struct lmdb *db, uint64_t keys)
{
	char key[KEY_BYTES], value[VALUE_BYTES];
	MDB_val k = { KEY_BYTES, key }, v = { VALUE_BYTES, value };
	MDB_txn *txn;
	uint64_t i;

	must(mdb_txn_begin(db->env, NULL, 0, &txn), "begin");
	must(mdb_dbi_open(txn, NULL, MDB_CREATE, &db->dbi), "open");
	for (i = 0; i < keys; i++) {
		make_pair(i, key, value);
		must(mdb_put(txn, db->dbi, &k, &v, 0), "put");
	}
	must(mdb_txn_commit(txn), "commit");
}

/* All in one transaction, which is what it does best. */
static void
get_lmdb(const struct store *store, size_t batch)
{
	const struct lmdb *db = store->lmdb;
	MDB_val k = { KEY_BYTES, NULL }, v;
	MDB_txn *txn;
	uint64_t i;

	(void)batch;
	must(mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn), "begin");
	for (i = 0; i < store->keys; i++) {
		k.mv_data = order[i];
		must(mdb_get(txn, db->dbi, &k, &v), "get");
		compare(order[i], v.mv_data, v.mv_size);
	}
	mdb_txn_abort(txn);
}

static void
open_lmdb(struct store *store)
{
	char path[] = "/dev/shm/bench-lmdb-XXXXXX";
	static struct lmdb db;
	int fd = mkstemp(path);

	if (fd == -1)
		err(1, "%s", path);
	must(mdb_env_create(&db.env), "create");
	must(mdb_env_set_mapsize(db.env, store->keys * 256 +
	    ((size_t)64 << 20)), "size");
	must(mdb_env_open(db.env, path, MDB_NOSUBDIR | MDB_NOSYNC |
	    MDB_NOLOCK, 0600), "open");
	/* It lives as long as it is open. */
	unlink(path);
	close(fd);
	fill_lmdb(&db, store->keys);
	store->lmdb = &db;
}

static void
close_lmdb(struct store *store)
{
	if (store->lmdb != NULL)
		mdb_env_close(((struct lmdb *)store->lmdb)->env);
}
#else
static void
get_lmdb(const struct store *store, size_t batch)
{
	(void)store;
	(void)batch;
}

static void
open_lmdb(struct store *store)
{
	(void)store;
	fputs("# no lmdb.h: without LMDB (liblmdb-dev)\n", stderr);
}

static void
close_lmdb(struct store *store)
{
	(void)store;
}
#endif

static struct measure measures[] = {
	{ "local scan", 0, list, 0 },
	{ "local get", 0, get_singly, 0 },
	{ "local mget", 4, get_batches, 0 },
	{ "local mget", 16, get_batches, 0 },
	{ "local mget", 64, get_batches, 0 },
	{ "local LMDB get", 0, get_lmdb, 0 }
};
#define MEASURES	(sizeof(measures) / sizeof(measures[0]))

static void
take_turn(const struct store *store, struct measure *m)
{
	double start_s = now_s(), took_s;

	m->run(store, m->batch);
	took_s = now_s() - start_s;
	if (m->best_s <= 0 || took_s < m->best_s)
		m->best_s = took_s;
}

static void
tell(const struct store *store, const struct measure *m)
{
	char name[128], batch[32] = "";
	double n = (double)store->keys;

	if (m->run == get_lmdb && store->lmdb == NULL)
		return;
	if (m->batch > 0)
		snprintf(batch, sizeof(batch), " of %u", (unsigned)m->batch);
	snprintf(name, sizeof(name), "%s%s, %g M keys", m->name, batch,
	    n / 1e6);
	bench_figure(name, n / m->best_s, "1/s");
}

int
main(int argc, char **argv)
{
	struct store store = { 0 };
	struct arena *arena;
	unsigned long rounds;
	size_t i;

	if (argc != 3 || (store.keys = strtoull(argv[1], NULL, 10)) <
	    BATCH_MAX || (rounds = strtoul(argv[2], NULL, 10)) == 0)
		errx(64, "usage: local keys rounds");
	choose_order(store.keys);
	arena = open_kvd(&store);
	open_lmdb(&store);
	for (; rounds > 0; rounds--)
		for (i = 0; i < MEASURES; i++)
			take_turn(&store, &measures[i]);
	for (i = 0; i < MEASURES; i++)
		tell(&store, &measures[i]);
	close_lmdb(&store);
	close_kvd(&store, arena);
	free(order);
	return 0;
}
