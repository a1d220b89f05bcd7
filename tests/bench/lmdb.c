/*
 * LMDB, in process, with the keys and values that shm.c takes and in the same
 * order: to compare what it costs to read on the machine where the data is.
 * All is done as it likes best: keys are written in order in one transaction,
 * nothing is synced, and all reads share a snapshot.
 *
 *	lmdb KEYS FOLDER	the folder is there, and empty
 */

#include <err.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"

static MDB_env *env;
static uint64_t keys;

static void
must(int status, const char *what)
{
	if (status != MDB_SUCCESS)
		errx(1, "LMDB: %s: %s", what, mdb_strerror(status));
}

static void
rate(const char *what, double since_s)
{
	char name[64];

	snprintf(name, sizeof(name), "LMDB %s, %g M keys", what,
	    (double)keys / 1e6);
	bench_figure(name, (double)keys / (bench_now_s() - since_s), "1/s");
}

static void
fill(void)
{
	char key[KEY_BYTES], value[VALUE_BYTES];
	MDB_val k = { sizeof(key), key }, v = { sizeof(value), value };
	double start_s = bench_now_s();
	MDB_txn *txn;
	MDB_dbi dbi;
	uint64_t i;

	must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	must(mdb_dbi_open(txn, NULL, 0, &dbi), "open");
	for (i = 0; i < keys; i++) {
		bench_text(key, sizeof(key), "key-", i);
		bench_text(value, sizeof(value), "val-", i);
		must(mdb_put(txn, dbi, &k, &v, MDB_APPEND), "put");
	}
	must(mdb_txn_commit(txn), "commit");
	rate("put in order", start_s);
}

static void
get(void)
{
	char key[KEY_BYTES], copy[VALUE_BYTES];
	MDB_val k = { sizeof(key), key }, v;
	double start_s = bench_now_s();
	MDB_txn *txn;
	MDB_dbi dbi;
	uint64_t i;

	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "begin");
	must(mdb_dbi_open(txn, NULL, 0, &dbi), "open");
	for (i = 0; i < keys; i++) {
		bench_text(key, sizeof(key), "key-", bench_pick(i, keys));
		must(mdb_get(txn, dbi, &k, &v), "get");
		memcpy(copy, v.mv_data, sizeof(copy));
		if (memcmp(key + 4, copy + VALUE_BYTES - 12, 12) != 0)
			errx(1, "LMDB: another key's value");
	}
	mdb_txn_abort(txn);
	rate("get", start_s);
}

static void
scan(void)
{
	double start_s = bench_now_s();
	MDB_cursor *cursor;
	MDB_val k, v;
	MDB_txn *txn;
	MDB_dbi dbi;
	uint64_t n = 0;

	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "begin");
	must(mdb_dbi_open(txn, NULL, 0, &dbi), "open");
	must(mdb_cursor_open(txn, dbi, &cursor), "cursor");
	while (mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == MDB_SUCCESS)
		n++;
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	if (n != keys)
		errx(1, "LMDB: only %" PRIu64 " keys", n);
	rate("scan", start_s);
}

int
main(int argc, char **argv)
{
	if (argc != 3 || (keys = strtoull(argv[1], NULL, 10)) == 0)
		errx(64, "usage: lmdb keys folder");
	must(mdb_env_create(&env), "create");
	must(mdb_env_set_mapsize(env, keys * 512 + (1U << 20)), "size");
	must(mdb_env_open(env, argv[2], MDB_NOSYNC | MDB_WRITEMAP, 0600),
	    "open");
	fill();
	get();
	scan();
	mdb_env_close(env);
	return 0;
}
