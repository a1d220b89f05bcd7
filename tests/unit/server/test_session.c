/*
 * Sessions of clients: which replies are kept back, and who is there.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "server/session.h"

static struct sessions set;
static const struct inbuf in;
static struct outbuf out;
static struct session one, two;

static void
begin(void)
{
	cr_assert_not_null(set.roster = roster_open(-1));
	roster_enter(set.roster, 0);
	set.now_ms = 1000;
	one.fd = two.fd = -1;
	one.in = two.in = &in;
	one.out = two.out = &out;
	cr_assert(session_begin(&one, &set) && session_begin(&two, &set));
}

static void
end(void)
{
	session_end(&one);
	session_end(&two);
	roster_close(set.roster);
}

TestSuite(session, .init = begin, .fini = end);

Test(session, has_a_number_and_a_place_in_the_roster)
{
	struct roster_walk walk = { .desk = 0 };
	struct roster_client c;

	cr_assert_eq(one.id, 1);
	cr_assert_eq(two.id, 2);
	cr_assert(roster_next(set.roster, &walk, &c) && c.id == 1);
	cr_assert_eq(c.since_ms, 1000);
	cr_assert_str_eq(c.addr, "?:0");
	cr_assert(roster_next(set.roster, &walk, &c) && c.id == 2);
	session_end(&one);
	walk = (struct roster_walk){ .desk = 0 };
	cr_assert(roster_next(set.roster, &walk, &c) && c.id == 2);
	cr_assert(!roster_next(set.roster, &walk, &c));
	session_end(&one);
}

Test(session, shows_what_it_says_and_is_called)
{
	struct roster_walk walk = { .desk = 0 };
	struct roster_client c;

	one.command = "CLIENT";
	one.sub = "LIST";
	one.queued = 3;
	session_set_name(&one, (struct slice){ (const uint8_t *)"me", 2 });
	outbuf_append(&out, "12345", 5);
	session_show(&one);
	cr_assert(roster_next(set.roster, &walk, &c));
	cr_assert_eq(c.out_len, 5);
	outbuf_free(&out);
	session_show_sizes(&one);
	cr_assert(roster_again(set.roster, &walk, 1, &c));
	cr_assert_eq(c.out_len, 0);
	cr_assert_str_eq(c.command, "client|list");
	cr_assert_str_eq(c.name, "me");
	cr_assert_eq(c.queued, 3);
	session_reset(&one);
	cr_assert(roster_again(set.roster, &walk, 1, &c));
	cr_assert_str_eq(c.name, "");
}

Test(session, without_room_for_it_does_not_begin)
{
	struct session last = { .fd = -1, .in = &in, .out = &out };

	while (roster_add(set.roster, 99) != ROSTER_NO_PLACE)
		;
	cr_assert(!session_begin(&last, &set));
	session_show(&last);
	session_end(&last);
	session_end(&two);
	cr_assert(session_begin(&last, &set));
	session_end(&last);
	cr_assert(session_begin(&two, &set));
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

Test(session, with_news_is_looked_at_once)
{
	session_has_news(&two);
	session_has_news(&one);
	session_has_news(&two);
	cr_assert_eq(session_next_news(&set), &one);
	session_has_news(&one);
	session_end(&one);
	cr_assert_eq(session_next_news(&set), &two);
	cr_assert_null(session_next_news(&set));
}
