/* A configuration of which some words are changed, and no others. */

#include <criterion/criterion.h>
#include <stdlib.h>

#include "server/config_rewrite.h"

static void
becomes(const char *text, const char *wanted)
{
	char *got = config_rewrite_text(text, CONFIG_LIMITS_idle, "5m");

	cr_assert_not_null(got);
	cr_assert_str_eq(got, wanted);
	free(got);
}

Test(config_rewrite, puts_a_value_in_the_place_of_the_old_one)
{
	becomes("limits {\n\tidle 10m # x\n}\n",
	    "limits {\n\tidle 5m # x\n}\n");
	becomes("limits { clients 5; idle  \"1h\"; send 1s }\n",
	    "limits { clients 5; idle  5m; send 1s }\n");
	becomes("# idle 1\nlimits {}\nlimits { idle 1h}",
	    "# idle 1\nlimits {}\nlimits { idle 5m}");
}

Test(config_rewrite, is_not_misled_by_other_blocks)
{
	becomes("node idle { address :1 }\nlog { level info }\n"
	    "name idle\nlimits {\n\tidle 1h\n}\n",
	    "node idle { address :1 }\nlog { level info }\n"
	    "name idle\nlimits {\n\tidle 5m\n}\n");
	becomes("log {\n\tidle 1h\n}\nlimits {\n\tclients 5\n}\n",
	    "log {\n\tidle 1h\n}\nlimits {\n\tidle 5m\n\tclients 5\n}\n");
}

Test(config_rewrite, adds_what_is_not_there)
{
	becomes("limits { clients 5 }\n",
	    "limits {\n\tidle 5m\n\t clients 5 }\n");
	becomes("memory 1G\n", "memory 1G\nlimits {\n\tidle 5m\n}\n");
	becomes("memory 1G", "memory 1G\nlimits {\n\tidle 5m\n}\n");
	becomes("", "limits {\n\tidle 5m\n}\n");
}
