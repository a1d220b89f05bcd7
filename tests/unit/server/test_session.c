/*
 * Sessions of clients: which replies are kept back, and who is there.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "server/session.h"

static struct sessions set;
static struct session one, two;

static void
begin(void)
{
	cr_assert_not_null(set.agreed = agreed_open());
	TAILQ_INIT(&set.all);
	set.now_ms = 1000;
	session_begin(&one, &set);
	session_begin(&two, &set);
}

static void
end(void)
{
	session_end(&one);
	session_end(&two);
	agreed_close(set.agreed);
}

TestSuite(session, .init = begin, .fini = end);

Test(session, has_a_number_and_a_place_in_the_list)
{
	cr_assert_eq(one.id, 1);
	cr_assert_eq(two.id, 2);
	cr_assert_eq(one.since_ms, 1000);
	cr_assert_eq(TAILQ_FIRST(&set.all), &one);
	session_end(&one);
	cr_assert_eq(TAILQ_FIRST(&set.all), &two);
	session_end(&one);
}

Test(session, that_is_quiet_keeps_all_replies_back)
{
	cr_assert(!session_step(&one));
	one.reply = SESSION_MUTE;
	cr_assert(session_step(&one) && session_step(&one));
	session_reset(&one);
	cr_assert(!session_step(&one));
}

Test(session, that_skips_keeps_its_own_reply_back_and_the_next)
{
	one.reply = SESSION_SKIP_NEXT;
	cr_assert(session_step(&one) && session_step(&one));
	cr_assert(!session_step(&one));
}

Test(session, has_a_name_until_it_is_taken_away)
{
	struct slice name = { (const uint8_t *)"mean", 2 };

	cr_assert(session_set_name(&one, name));
	cr_assert_str_eq(one.name, "me");
	name.len = 0;
	cr_assert(session_set_name(&one, name));
	cr_assert_null(one.name);
	name.len = 4;
	cr_assert(session_set_name(&one, name));
	one.protocol = REQUEST_RESP3;
	session_reset(&one);
	cr_assert_null(one.name);
	cr_assert_eq(one.protocol, REQUEST_RESP2);
}
