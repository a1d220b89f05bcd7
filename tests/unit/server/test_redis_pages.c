/*
 * kvd-protocol(7) has every command of Redis that there is, with its arity,
 * in a row of its tables.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/redis.h"
#include "server/redis_sub.h"
#include "tests/unit/server/scratch.h"

#define PAGE	"man/kvd-protocol.7"

static char *page;

static void
begin(void)
{
	scratch_make();
	cr_assert_not_null(page = scratch_read(PAGE), "%s, seen from the root "
	    "of the sources", PAGE);
}

static void
end(void)
{
	free(page);
	scratch_remove();
}

TestSuite(redis_pages, .init = begin, .fini = end);

/* A minus may be a minus or a hyphen there. */
static void
assert_told(const char *first, const char *second, int arity)
{
	char row[64];
	const char *at;

	snprintf(row, sizeof(row), "Ic %s%s%s Ta ", first,
	    second == NULL ? "" : " ", second == NULL ? "" : second);
	at = strstr(page, row);
	cr_assert_not_null(at, "no row %s", row);
	at += strlen(row);
	at += *at == '\\';
	cr_assert_eq(strtol(at, NULL, 10), arity, "%s%.4s", row, at);
}

/* The commands that have a table of their own are those of the text. */
static bool
is_elsewhere(const struct redis_command *command)
{
	return command->run == redis_run_sub ||
	    strcmp(command->group, "bucket") == 0 ||
	    strcmp(command->name, "DEBUG") == 0;
}

Test(redis_pages, have_every_command_with_its_arity)
{
	const struct redis_command *command;
	size_t i;

	for (i = 0; i < redis_commands(); i++) {
		command = redis_command_at(i);
		if (!is_elsewhere(command))
			assert_told(command->name, NULL, command->arity);
	}
}

Test(redis_pages, have_every_command_of_two_words)
{
	const struct redis_sub *sub;
	size_t i;

	for (i = 0; i < redis_subs(); i++) {
		sub = redis_sub_at(i);
		assert_told(sub->command, sub->name, sub->arity);
	}
}
