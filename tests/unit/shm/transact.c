#include "transact.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

struct arena *a;
struct txn *txn;
struct txn_draft *draft;

void
set_up(uint64_t bytes, uint32_t segment_bytes)
{
	a = support_arena(bytes, 1, segment_bytes);
	cr_assert_not_null(txn = txn_open(a));
	cr_assert_not_null(draft = txn_draft_open(a));
}

struct bytes
b(const char *text)
{
	return support_bytes(text);
}

enum shm_status
put(struct txn *t, const char *bucket, const char *key, const char *value)
{
	const struct pair p = { b(key), b(value), 0 };

	return txn_put(t, b(bucket), &p);
}

void
must_have(const char *bucket, const char *key, const char *value)
{
	char buf[64] = "";
	enum shm_status status;
	size_t len = 0;

	status = pair_get(a, b(bucket), b(key), buf, sizeof(buf), &len, NULL);
	if (value == NULL) {
		cr_assert(status == SHM_NO_KEY || status == SHM_NO_BUCKET);
		return;
	}
	cr_assert_eq(status, SHM_OK, "%s", shm_strstatus(status));
	buf[len] = '\0';
	cr_assert_str_eq(buf, value);
}

enum shm_status
run(enum shm_status (*op)(struct txn *, void *), void *arg)
{
	return txn_run(txn, 0, op, arg, NULL);
}

enum shm_status
run_draft(enum shm_status (*write)(struct txn *, void *), void *arg)
{
	return txn_draft_run(draft, 0, write, arg);
}

/* --- what they do --- */

enum shm_status
make_two(struct txn *t, void *arg)
{
	struct txn_bucket facts;
	struct txn_pair pair;

	(void)arg;
	cr_assert_eq(txn_look(t, b("x"), &facts), SHM_NO_BUCKET);
	cr_assert_eq(put(t, "x", "k", "v"), SHM_NO_BUCKET);
	cr_assert_eq(txn_create(t, b("x"), true), SHM_OK);
	cr_assert_eq(txn_create(t, b("y"), false), SHM_OK);
	cr_assert_eq(put(t, "x", "k", "v"), SHM_OK);
	cr_assert_eq(put(t, "x", "k", "w"), SHM_OK);
	cr_assert_eq(put(t, "x", "l", "1"), SHM_OK);
	cr_assert_eq(txn_look(t, b("x"), &facts), SHM_OK);
	cr_assert(facts.is_auto);
	cr_assert_eq(facts.keys, 2);
	cr_assert_eq(txn_get(t, b("x"), b("k"), &pair), SHM_OK);
	cr_assert_eq(pair.value.len, 1);
	cr_assert_eq(memcmp(pair.value.data, "w", 1), 0);
	cr_assert_eq(txn_delete(t, b("x"), b("l")), SHM_OK);
	cr_assert_eq(txn_delete(t, b("x"), b("l")), SHM_NO_KEY);
	cr_assert_eq(txn_get(t, b("x"), b("l"), &pair), SHM_NO_KEY);
	return SHM_OK;
}

enum shm_status
delete_k(struct txn *t, void *arg)
{
	const struct bytes *bucket = arg;

	return txn_delete(t, *bucket, b("k"));
}

enum shm_status
renew(struct txn *t, void *arg)
{
	struct txn_pair pair;

	(void)arg;
	cr_assert_eq(txn_drop(t, b("x")), SHM_OK);
	cr_assert_eq(txn_drop(t, b("x")), SHM_NO_BUCKET);
	cr_assert_eq(txn_get(t, b("x"), b("k"), &pair), SHM_NO_BUCKET);
	cr_assert_eq(txn_create(t, b("x"), false), SHM_OK);
	cr_assert_eq(txn_get(t, b("x"), b("k"), &pair), SHM_NO_KEY);
	return put(t, "x", "m", "new");
}

enum shm_status
expire_x(struct txn *t, void *at_ms)
{
	return txn_expire(t, b("x"), *(uint64_t *)at_ms);
}

enum shm_status
create_x(struct txn *t, void *arg)
{
	(void)arg;
	return txn_create(t, b("x"), false);
}

/* Keeps more than there is room for at first. */
enum shm_status
keep_much(struct txn *t, void *arg)
{
	static char block[3000];
	char **kept = arg;
	int i;

	for (i = 0; i < 10; i++) {
		memset(block, 'a' + i, sizeof(block));
		if ((kept[i] = txn_keep(t, block, sizeof(block))) == NULL)
			return SHM_NO_ROOM;
	}
	return SHM_OK;
}

enum shm_status
put_many(struct txn *t, void *arg)
{
	static char keys[3000][12];
	unsigned i, n = *(unsigned *)arg;
	enum shm_status status;

	if ((status = txn_create(t, b("x"), true)) != SHM_OK)
		return status;
	for (i = 0; i < n; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%u", i);
		status = put(t, "x", keys[i], keys[i]);
		if (status != SHM_OK)
			return status;
	}
	return SHM_OK;
}

enum shm_status
put_l(struct txn *t, void *arg)
{
	(void)arg;
	return put(t, "x", "l", "2");
}
