/*
 * What has arrived and is not yet understood: where it stands, and whose the
 * memory is.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/inbuf.h"

#define MAX	(4 * INBUF_MIN)

static struct inbuf in;
static struct inbuf_pool pool;

static void
end(void)
{
	inbuf_clear(&in, &pool);
	inbuf_pool_free(&pool);
}

TestSuite(inbuf, .fini = end);

/* So many bytes arrive, each the low one of its number. */
static void
arrive(size_t from, size_t n)
{
	size_t i, room = inbuf_room(&in, &pool, MAX);

	cr_assert_geq(room, n);
	for (i = 0; i < n; i++)
		in.data[in.tail + i] = (uint8_t)(from + i);
	in.tail += n;
}

static void
holds(size_t from, size_t n)
{
	size_t i;

	cr_assert_eq(inbuf_len(&in), n);
	for (i = 0; i < n; i++)
		cr_assert_eq(in.data[in.head + i], (uint8_t)(from + i));
}

Test(inbuf, owns_memory_only_while_it_holds_bytes)
{
	cr_assert_null(in.data);
	arrive(0, 100);
	inbuf_consume(&in, &pool, 60);
	holds(60, 40);
	cr_assert_eq(pool.n, 0);
	inbuf_consume(&in, &pool, 40);
	cr_assert_null(in.data);
	cr_assert_eq(inbuf_len(&in), 0);
	cr_assert_eq(pool.n, 1);
}

Test(inbuf, takes_what_the_last_one_has_left)
{
	struct inbuf other = { 0 };
	uint8_t *data;

	arrive(0, 1);
	data = in.data;
	inbuf_clear(&in, &pool);
	cr_assert_eq(inbuf_room(&other, &pool, MAX), INBUF_MIN);
	cr_assert_eq(other.data, data);
	cr_assert_eq(pool.n, 0);
	inbuf_clear(&other, &pool);
}

/* Before it grows it moves to the front. */
Test(inbuf, that_is_full_makes_room_behind_what_it_holds)
{
	arrive(0, INBUF_MIN);
	inbuf_consume(&in, &pool, 10);
	cr_assert_eq(inbuf_room(&in, &pool, MAX), 10);
	cr_assert_eq(in.cap, INBUF_MIN);
	holds(10, INBUF_MIN - 10);
	arrive(INBUF_MIN, 10);
	cr_assert_eq(inbuf_room(&in, &pool, MAX), INBUF_MIN);
	holds(10, INBUF_MIN);
}

Test(inbuf, grows_to_its_limit_and_no_further)
{
	size_t n = 0, room;

	while ((room = inbuf_room(&in, &pool, MAX - 1)) > 0) {
		arrive(n, room);
		n += room;
		holds(0, n);
	}
	cr_assert_eq(n, MAX - 1);
	/* What is not of the usual size is nobody's any more. */
	inbuf_clear(&in, &pool);
	cr_assert_eq(pool.n, 0);
	cr_assert_eq(inbuf_room(&in, &pool, MAX), INBUF_MIN);
}

Test(inbuf, leaves_no_more_than_so_many_behind)
{
	static struct inbuf many[INBUF_POOL_MAX + 5];
	size_t i;

	for (i = 0; i < INBUF_POOL_MAX + 5; i++)
		cr_assert_gt(inbuf_room(&many[i], &pool, MAX), 0);
	for (i = 0; i < INBUF_POOL_MAX + 5; i++)
		inbuf_clear(&many[i], &pool);
	cr_assert_eq(pool.n, INBUF_POOL_MAX);
}
