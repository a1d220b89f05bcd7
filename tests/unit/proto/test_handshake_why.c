/* What a handshake has come to, in words. */

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/proto/ends.h"

static void
check_why(const struct end *end, const char *expected)
{
	char why[HANDSHAKE_WHY_MAX];

	handshake_why(&end->shake, why);
	cr_assert_str_eq(why, expected, "%s", why);
}

Test(handshake, both_ends_can_say_why_in_words)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	meet(&alpha, &beta, VERDICT_OK);
	check_why(&alpha, "it is welcome");
	check_why(&beta, "it is welcome");
	set_cookie(&beta, "oatmeal");
	meet(&alpha, &beta, VERDICT_BAD_COOKIE);
	check_why(&alpha, "its cookie is another one");
	check_why(&beta, "its cookie is another one");
	free_ends(&alpha, &beta);

	make_ends(&alpha, &beta);
	beta.self.name = "gamma";
	meet(&alpha, &beta, VERDICT_NOT_ME);
	check_why(&alpha, "it is not the node beta");
	check_why(&beta, "it wants the node beta and this is gamma");
	free_ends(&alpha, &beta);

	make_ends(&alpha, &beta);
	beta.known = "nobody";
	meet(&alpha, &beta, VERDICT_UNKNOWN_NODE);
	check_why(&alpha, "it knows no node alpha");
	check_why(&beta, "there is no other node alpha in the table");
	free_ends(&alpha, &beta);

	make_ends(&alpha, &beta);
	beta.self.table.version = 12;
	beta.self.table.hash = 0xbeef;
	meet(&alpha, &beta, VERDICT_OTHER_TABLE);
	check_why(&alpha, "its routing table is version 12, hash "
	    "000000000000beef, and ours is version 7, hash 0123456789abcdef");
	check_why(&beta, "its routing table is version 7, hash "
	    "0123456789abcdef, and ours is version 12, hash 000000000000beef");
	free_ends(&alpha, &beta);

	make_ends(&alpha, &beta);
	beta.self.table.hash = 0xbeef;
	meet(&alpha, &beta, VERDICT_OTHER_TABLE);
	check_why(&alpha, "its routing table is version 7, hash "
	    "000000000000beef, and ours is version 7, hash 0123456789abcdef: "
	    "compare what both say of nodes and shards");
	free_ends(&alpha, &beta);
}

Test(handshake, a_version_and_garbage_have_their_words_too)
{
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	begin(&alpha, &beta, "beta");
	hear(&alpha, LITERAL("KVDLINK\0\2\1"));
	check_why(&alpha,
	    "it speaks version 258 of the link and we speak version 1");
	hear(&beta, LITERAL("GET b k\r\n"));
	check_why(&beta, "what it says is no handshake");
	free_ends(&alpha, &beta);
}

Test(handshake, the_longest_names_fit_what_is_said_about_them)
{
	char a[FRAME_NAME_MAX + 1], b[FRAME_NAME_MAX + 1];
	char why[HANDSHAKE_WHY_MAX];
	struct end alpha, beta;

	make_ends(&alpha, &beta);
	beta.self.name = name_of(b, FRAME_NAME_MAX, 'b');
	begin(&alpha, &beta, name_of(a, FRAME_NAME_MAX, 'a'));
	pass(&beta, &alpha, SIZE_MAX);
	cr_assert_eq(pass(&alpha, &beta, SIZE_MAX), HANDSHAKE_BAD);
	handshake_why(&beta.shake, why);
	cr_assert_str_eq(why + strlen(why) - FRAME_NAME_MAX, b);
	free_ends(&alpha, &beta);
}
