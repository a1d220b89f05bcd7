/* Replies taken apart: whole items or none, and nothing behind the end. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proto/resp_item.h"

/* A copy without a byte behind it, for whoever looks at that. */
static struct slice
copy_of(const char *text, size_t len)
{
	uint8_t *copy = malloc(len);

	cr_assert(len == 0 || copy != NULL);
	if (len > 0)
		memcpy(copy, text, len);
	return (struct slice){ copy, len };
}

static const char *const items[] = {
	"+OK\r\n", "-ERR no\r\n", ":0\r\n", ":-12\r\n", "_\r\n", "$-1\r\n",
	"$0\r\n\r\n", "$1\r\nx\r\n", "$4\r\n\r\n\r\n\r\n", "$3\r\na\0b\r\n"
};

#define ITEMS	(sizeof(items) / sizeof(items[0]))

static size_t
len_of(size_t i)
{
	return i == ITEMS - 1 ? 9 : strlen(items[i]);
}

Test(resp_item, is_taken_whole_with_what_is_behind_left)
{
	struct slice rest, all, item;
	char text[64];
	size_t i;

	for (i = 0; i < ITEMS; i++) {
		memcpy(text, items[i], len_of(i));
		memcpy(text + len_of(i), "$1", 2);
		all = rest = copy_of(text, len_of(i) + 2);
		cr_assert(resp_take_item(&rest, &item), "%s", items[i]);
		cr_assert_eq(item.data, all.data);
		cr_assert_eq(item.len, len_of(i));
		cr_assert_eq(rest.data, all.data + len_of(i));
		cr_assert_eq(rest.len, 2);
		free((void *)(uintptr_t)all.data);
	}
}

Test(resp_item, is_none_if_it_is_cut_off_at_any_byte)
{
	struct slice rest, all, item;
	size_t i, cut;

	for (i = 0; i < ITEMS; i++)
		for (cut = 0; cut < len_of(i); cut++) {
			all = rest = copy_of(items[i], cut);
			cr_assert_not(resp_take_item(&rest, &item), "%zu: %s",
			    cut, items[i]);
			cr_assert_eq(rest.data, all.data);
			cr_assert_eq(rest.len, cut);
			free((void *)(uintptr_t)all.data);
		}
}

Test(resp_item, is_none_if_it_is_written_in_another_way)
{
	static const char *const wrong[] = {
		"*1\r\n", "%0\r\n", "OK\r\n", "\r\n", "+OK\n", "+OK\rx",
		"$-2\r\n", "$+1\r\nx\r\n", "$01\r\nx\r\n", "$1\r\nxy\r\n",
		"$1\r\nx\n\r", "$\r\n", "$x\r\n",
		"$9223372036854775807\r\nx\r\n", "$18446744073709551615\r\n"
	};
	struct slice rest, item;
	size_t i, n;
	int64_t number;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		rest = copy_of(wrong[i], strlen(wrong[i]));
		cr_assert_not(resp_take_item(&rest, &item), "%s", wrong[i]);
		cr_assert_not(resp_take_integer(&rest, &number));
		free((void *)(uintptr_t)rest.data);
	}
	rest = (struct slice){ (const uint8_t *)"\0\r\n", 3 };
	cr_assert_not(resp_take_item(&rest, &item));
	rest = (struct slice){ NULL, 0 };
	cr_assert_not(resp_take_item(&rest, &item));
	cr_assert_not(resp_take_array(&rest, &n));
}

Test(resp_item, of_a_number_or_a_list_says_which)
{
	struct slice rest = {
		(const uint8_t *)"*2\r\n:-7\r\n:9223372036854775807\r\n", 32
	};
	int64_t number;
	size_t n;

	rest.len = strlen((const char *)rest.data);
	cr_assert_not(resp_take_integer(&rest, &number));
	cr_assert(resp_take_array(&rest, &n));
	cr_assert_eq(n, 2);
	cr_assert_not(resp_take_array(&rest, &n));
	cr_assert(resp_take_integer(&rest, &number));
	cr_assert_eq(number, -7);
	cr_assert(resp_take_integer(&rest, &number));
	cr_assert_eq(number, INT64_MAX);
	cr_assert_eq(rest.len, 0);
	rest = (struct slice){ (const uint8_t *)"*-1\r\n", 5 };
	cr_assert_not(resp_take_array(&rest, &n));
}
