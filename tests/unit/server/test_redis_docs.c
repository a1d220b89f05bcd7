/*
 * Words about commands: every command has some.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "server/redis.h"
#include "server/redis_docs.h"

Test(redis_docs, every_command_has_a_summary)
{
	const struct redis_doc *doc;
	size_t i;

	cr_assert_gt(redis_commands(), 0);
	for (i = 0; i < redis_commands(); i++) {
		doc = redis_doc_find(redis_command_at(i)->name);
		cr_assert_not_null(doc, "%s", redis_command_at(i)->name);
		cr_assert_gt(strlen(doc->summary), 0);
		cr_assert_gt(strlen(doc->since), 0);
	}
}

Test(redis_docs, there_are_none_of_what_is_no_command)
{
	cr_assert_null(redis_doc_find("NOSUCH"));
}
