/*
 * What is said about nodes, in the file and in NODES: each mistake with its
 * place and what to do about it, and that what is printed means the same.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "server/config_nodes.h"
#include "server/config_value.h"
#include "tests/unit/server/complaints.h"
#include "tests/unit/server/scratch.h"

#define TWO								      \
	"name foo\n"							      \
	"node foo { address 127.0.0.1:4040 }\n"				      \
	"node bar { address 127.0.0.1:4041 }\n"

static struct config config;
static struct complaints complaints;

static void
clean_up(void)
{
	config_free(&config);
	scratch_remove();
}

TestSuite(config_nodes, .init = scratch_make, .fini = clean_up);

/* The one complaint, with the folder cut off, is this line. */
static void
must_complain(const char *content, const char *line)
{
	int status = complaints_load(&complaints, &config, content);
	size_t cut = strlen(scratch_path(""));

	cr_assert_eq(status, EX_CONFIG, "%d: %s", status, content);
	cr_assert_eq(complaints.count, 1, "%s", complaints.text);
	complaints.text[strlen(complaints.text) - 1] = '\0';
	cr_assert_str_eq(complaints.text + cut, line);
}

static int
load_with(const char *nodes, const char *content)
{
	struct config_args args;

	complaints_init(&complaints);
	config_args_init(&args);
	args.port = NULL;
	args.nodes = nodes;
	strlcpy(args.file, scratch_file("t.conf", content), sizeof(args.file));
	return config_load(&config, &args, &complaints.report);
}

static void
must_refuse_nodes(const char *nodes, int status, const char *line)
{
	cr_assert_eq(load_with(nodes, "name foo\n"), status, "%s",
	    complaints.text);
	cr_assert_eq(complaints.count, 1, "%s", complaints.text);
	complaints.text[strlen(complaints.text) - 1] = '\0';
	cr_assert_str_eq(complaints.text, line);
}

/* --- the list --- */

Test(config_nodes, there_are_none_by_default)
{
	load_good(&config, "");
	cr_assert_eq(config.nodes.count, 0);
	cr_assert_eq(config.table_version, 1);
}

Test(config_nodes, a_node_has_a_name_and_two_addresses)
{
	load_good(&config, "name foo\n"
	    "node foo { address 10.0.0.1; peer 10.1.0.1:5 }\n"
	    "node \"bar\" {\n"
	    "	# by default another port of the same host\n"
	    "	address [fe80::1]:60000\n"
	    "}\n"
	    "node b.a-z { address 4041 }\n");
	cr_assert_eq(config.nodes.count, 3);
	cr_assert_eq(config.nodes.route, CONFIG_ROUTE_EVEN);
	cr_assert_str_eq(config.nodes.node[0].name, "foo");
	cr_assert_str_eq(config.nodes.node[0].address.text, "10.0.0.1:4040");
	cr_assert_str_eq(config.nodes.node[0].peer.text, "10.1.0.1:5");
	cr_assert_str_eq(config.nodes.node[1].address.host, "fe80::1");
	cr_assert_str_eq(config.nodes.node[1].peer.text, "[fe80::1]:50000");
	cr_assert_str_eq(config.nodes.node[2].peer.text, "127.0.0.1:14041");
	cr_assert_eq(config_nodes_find(&config.nodes, "b.a-z"), 2);
	cr_assert_eq(config_nodes_find(&config.nodes, "b"), CONFIG_NOBODY);
}

Test(config_nodes, macros_stand_in_a_node_as_everywhere)
{
	load_good(&config, "me = foo\nhost = 10.0.0.1\nname $me\n"
	    "node $me { address $host:1 }\nslots 0-16383 $me\n");
	cr_assert_str_eq(config.nodes.node[0].address.text, "10.0.0.1:1");
}

Test(config_nodes, a_node_that_is_written_wrongly_is_told)
{
	must_complain("node\n",
	    "t.conf:1: expected the name of a node, not the end of the line");
	must_complain("node foo 127.0.0.1:1\n",
	    "t.conf:1: expected {, not \"127.0.0.1:1\"");
	must_complain("node { address 1 }\n",
	    "t.conf:1: expected the name of a node, not {");
	must_complain("\nnode foo {\n\taddress 1\n",
	    "t.conf:2: block node is not closed");
	must_complain("node foo { }\n",
	    "t.conf:1: node \"foo\" has no address; write node NAME { address "
	    "host:port }");
	must_complain("node foo {\n\tadress 1\n}\n",
	    "t.conf:2: unknown keyword \"adress\"; a node has an address and "
	    "a peer");
	must_complain("node foo { address 1; address 2 }\n",
	    "t.conf:1: address: given twice");
	must_complain("node foo { address 1 2 }\n",
	    "t.conf:1: expected the end of the line, not \"2\"");
	must_complain("node foo { address }\n",
	    "t.conf:1: expected host:port, not }");
	must_complain("node foo { \"address\" 1 }\n",
	    "t.conf:1: expected address or peer, not \"address\"");
	must_complain("node .foo { address 1 }\n",
	    "t.conf:1: node \".foo\": \".foo\" is not a name; write letters, "
	    "digits, . _ and -, no dot first");
	must_complain("node DELETED { address 1 }\n",
	    "t.conf:1: node \"DELETED\": a node cannot be called that: it is "
	    "a word of the protocol");
	must_complain("log { node foo }\n",
	    "t.conf:1: \"node\" does not belong in the log block");
	must_complain("nod foo { address 1 }\n",
	    "t.conf:1: unknown keyword \"nod\"; did you mean \"node\"?");
}

Test(config_nodes, a_mistake_costs_its_own_node)
{
	cr_assert_eq(complaints_load(&complaints, &config,
	    "node foo {\n\taddress /x\n}\nnode bar {\n\tpear 1\n\tpeer x:y\n}\n"
	    "node baz { address 1 }\ntable 0\n"), EX_CONFIG);
	cr_assert_eq(complaints.count, 3, "%s", complaints.text);
}

Test(config_nodes, an_address_is_one_that_others_can_connect_to)
{
	must_complain("node foo { address /run/k.sock }\n",
	    "t.conf:1: node \"foo\": \"/run/k.sock\" is no address that other "
	    "nodes can connect to; write host:port");
	must_complain("node foo { address 10.0.0.1:1; peer :1 }\n",
	    "t.conf:1: node \"foo\": \":1\" is no address that other nodes "
	    "can connect to; write host:port");
	must_complain("node foo { address 10.0.0.1:0 }\n",
	    "t.conf:1: node \"foo\": \"10.0.0.1:0\" has no port from 1 to "
	    "65535");
}

Test(config_nodes, no_name_and_no_address_is_there_twice)
{
	must_complain(TWO "node foo { address 10.0.0.1:1 }\n",
	    "t.conf:4: node \"foo\": there is a node \"foo\" already");
	must_complain(TWO "node baz { address 4041 }\n",
	    "t.conf:4: node \"baz\": 127.0.0.1:4041 is the address of node "
	    "\"bar\"");
	must_complain(TWO "node baz { address 14040 }\n",
	    "t.conf:4: node \"baz\": 127.0.0.1:14040 is the peer address of "
	    "node \"foo\"");
	must_complain(TWO "node baz { address 1; peer 4040 }\n",
	    "t.conf:4: node \"baz\": 127.0.0.1:4040 is the address of node "
	    "\"foo\"");
	must_complain("node foo { address 1; peer 1 }\n",
	    "t.conf:1: node \"foo\": 127.0.0.1:1 is for clients; peers need "
	    "another port");
}

Test(config_nodes, there_is_a_bound_to_their_number)
{
	static char text[64 * (CONFIG_NODES_MAX + 2)];
	int i;

	for (i = 0; i <= CONFIG_NODES_MAX; i++)
		snprintf(text + strlen(text), 64,
		    "node n%d { address h:%d; peer p:%d }\n", i, i + 1, i + 1);
	must_complain(text, "t.conf:257: node \"n256\": more than 256 nodes");
}

Test(config_nodes, an_instance_that_is_not_in_the_list_is_told_who_is)
{
	must_complain("node foo { address 1 }\nnode bar { address 2 }\n"
	    "name baz\n",
	    "t.conf:1: no node has the name of this instance, \"baz\"; say "
	    "with -N, or with name, which of them it is: foo, bar");
}

Test(config_nodes, a_node_in_an_included_file_is_named_with_it)
{
	scratch_file("nodes.conf", "\nnode foo { address 1 }\n");
	must_complain("include \"nodes.conf\"\n",
	    "nodes.conf:2: no node has the name of this instance, "
	    "\"default\"; say with -N, or with name, which of them it is: "
	    "foo");
}

/* --- who owns what --- */

Test(config_nodes, route_even_may_be_said_once)
{
	load_good(&config, TWO "route even\n");
	config_free(&config);
	must_complain(TWO "route evenly\n",
	    "t.conf:4: route: \"evenly\" is not a way to deal; write even, or "
	    "lines of slots or buckets");
	must_complain(TWO "route\n",
	    "t.conf:4: expected even, not the end of the line");
	must_complain(TWO "route even\nroute even\n",
	    "t.conf:5: route: given twice, first in line 4");
}

Test(config_nodes, a_table_goes_by_one_kind_of_rule)
{
	must_complain(TWO "route even\nslots 0-16383 foo\n",
	    "t.conf:5: all buckets are dealt in one way, evenly, by slots or "
	    "by letters; it is another one first in line 4");
}

Test(config_nodes, slots_that_are_no_range_are_refused)
{
	static const char *const bad[] = { "0", "0-", "-1", "5-3", "0..5",
	    "0-16384", "0-5x", "x-5", "0-99999999999999999999" };
	char content[256], line[256];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(content, sizeof(content), TWO "slots %s foo\n",
		    bad[i]);
		snprintf(line, sizeof(line), "t.conf:4: \"%s\" is not a range "
		    "of slots; write first-last, from 0 to 16383", bad[i]);
		must_complain(content, line);
	}
	must_complain(TWO "slots foo\n",
	    "t.conf:4: expected the name of a node, not the end of the line");
	must_complain(TWO "slots 0-8191 baz\n",
	    "t.conf:4: no node \"baz\" stands above; write node NAME { address "
	    "host:port } first");
}

Test(config_nodes, slots_whose_border_no_number_of_shards_has_are_refused)
{
	must_complain(TWO "slots 0-99 foo\n",
	    "t.conf:4: for a border before slot 100 there would have to be "
	    "4096 shards, and there are 1024 at most; the nearest borders are "
	    "before 96 and 112");
	must_complain(TWO "slots 5-16383 foo\n",
	    "t.conf:4: for a border before slot 5 there would have to be "
	    "16384 shards, and there are 1024 at most; the nearest borders "
	    "are before 0 and 16");
}

Test(config_nodes, slots_whose_border_is_inside_of_a_shard_are_refused)
{
	static const char rules[] =
	    "slots 0-1023 bar\nslots 1024-2063 foo\nslots 2064-16383 bar\n";
	char content[512];

	snprintf(content, sizeof(content), "shards 1024\n" TWO "%s", rules);
	load_good(&config, content);
	config_free(&config);
	/* A border of both: 1024 is one of 16 shards, 2064 is not. */
	snprintf(content, sizeof(content), TWO "%sshards 512\n", rules);
	must_complain(content, "t.conf:6: the border before slot 2064 is "
	    "inside of one of the 512 shards; it takes \"shards 1024\"");
}

Test(config_nodes, slots_that_nobody_owns_are_named)
{
	must_complain(TWO "slots 0-4095 foo\nslots 8192-16383 bar\n",
	    "t.conf:4: no node owns slots 4096-8191; add a line for it");
	must_complain(TWO "slots 0-8191 foo\nslots 8192-16367 bar\n",
	    "t.conf:4: no node owns slots 16368-16383; add a line for it");
}

Test(config_nodes, slots_that_two_lines_deal_are_named)
{
	must_complain(TWO "slots 0-8191 foo\n\nslots 4096-16383 bar\n",
	    "t.conf:6: slot 4096 belongs to node \"foo\" already, first in "
	    "line 4");
	scratch_file("rest.conf", "slots 8176-16383 bar\n");
	must_complain(TWO "slots 0-8191 foo\ninclude \"rest.conf\"\n",
	    "rest.conf:1: slot 8176 belongs to node \"foo\" already, first in "
	    "line 4 of another file");
}

Test(config_nodes, letters_that_are_none_are_refused)
{
	static const char *const bad[] = { "m-a", "\xc3\xa9", "\t" };
	char content[256], line[256];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(content, sizeof(content), TWO "buckets \"%s\" foo\n",
		    bad[i]);
		snprintf(line, sizeof(line), "t.conf:4: \"%s\" does not say "
		    "how names begin; write letters of ASCII and ranges of "
		    "them, as in \"a-m\" or \"0-9_\"", bad[i]);
		must_complain(content, line);
	}
	must_complain(TWO "buckets \"\" foo\n",
	    "t.conf:4: \"\" does not say how names begin; write letters of "
	    "ASCII and ranges of them, as in \"a-m\" or \"0-9_\"");
}

Test(config_nodes, letters_that_nobody_owns_are_named)
{
	must_complain(TWO "buckets a-m foo\nbuckets n-y bar\n",
	    "t.conf:4: no node owns buckets  -`; add a line for it, or "
	    "\"buckets other NODE\" for all that is left");
	must_complain(TWO "buckets \" -y\" foo\nbuckets {-~ bar\n",
	    "t.conf:5: expected letters or other, not {");
	must_complain(TWO "buckets \" -y\" foo\nbuckets \"{-~\" bar\n",
	    "t.conf:4: no node owns buckets z; add a line for it, or "
	    "\"buckets other NODE\" for all that is left");
	must_complain(TWO "buckets \" -~\" foo\n",
	    "t.conf:4: no node owns buckets other; add a line for it, or "
	    "\"buckets other NODE\" for all that is left");
}

Test(config_nodes, letters_that_two_lines_deal_are_named)
{
	must_complain(TWO "buckets a-m foo\nbuckets m-z bar\n",
	    "t.conf:5: \"m\" belongs to node \"foo\" already, first in line "
	    "4");
	must_complain(TWO "buckets other foo\nbuckets other bar\n",
	    "t.conf:5: buckets other: given twice, first in line 4");
}

/* --- NODES --- */

Test(config_nodes, the_environment_names_all_nodes_and_deals_evenly)
{
	cr_assert_eq(load_with("foo@127.0.0.1:1,bar@[::1]:2",
	    "name foo\nnode baz { address 3 }\nslots 0-16383 baz\n"), 0,
	    "%s", complaints.text);
	cr_assert_eq(config.nodes.count, 2);
	cr_assert_eq(config.nodes.route, CONFIG_ROUTE_EVEN);
	cr_assert_str_eq(config.nodes.node[0].name, "foo");
	cr_assert_str_eq(config.nodes.node[1].address.text, "[::1]:2");
	cr_assert_str_eq(config.nodes.node[1].peer.text, "[::1]:10002");
}

Test(config_nodes, an_empty_NODES_is_none)
{
	cr_assert_eq(load_with("", TWO), 0, "%s", complaints.text);
	cr_assert_eq(config.nodes.count, 2);
}

Test(config_nodes, NODES_that_are_malformed_are_a_usage_error)
{
	must_refuse_nodes("foo@127.0.0.1:1,bar", EX_USAGE,
	    "NODES: entry 2, \"bar\": write name@host:port");
	must_refuse_nodes("foo@1,,bar@2", EX_USAGE,
	    "NODES: entry 2, \"\": write name@host:port");
	must_refuse_nodes("foo@1,", EX_USAGE,
	    "NODES: entry 2, \"\": write name@host:port");
	must_refuse_nodes("@127.0.0.1:1", EX_USAGE,
	    "NODES: entry 1, \"@127.0.0.1:1\": write name@host:port");
	must_refuse_nodes("foo@", EX_USAGE,
	    "NODES: entry 1, \"foo@\": write name@host:port");
	must_refuse_nodes("foo@127.0.0.1:x", EX_USAGE,
	    "NODES: entry 1, \"foo@127.0.0.1:x\": \"127.0.0.1:x\" has no port "
	    "from 1 to 65535");
	must_refuse_nodes("foo@1, bar@2", EX_USAGE,
	    "NODES: entry 2, \" bar@2\": \" bar\" is not a name; write "
	    "letters, digits, . _ and -, no dot first");
	must_refuse_nodes("foo@1,foo@2", EX_USAGE,
	    "NODES: entry 2, \"foo@2\": there is a node \"foo\" already");
	must_refuse_nodes("foo@1,bar@1", EX_USAGE,
	    "NODES: entry 2, \"bar@1\": 127.0.0.1:1 is the address of node "
	    "\"foo\"");
}

Test(config_nodes, an_instance_that_is_not_in_NODES_is_a_matter_of_its_name)
{
	must_refuse_nodes("bar@1,baz@2", EX_CONFIG,
	    "NODES: no node has the name of this instance, \"foo\"; say with "
	    "-N, or with name, which of them it is: bar, baz");
}

/* --- printing, comparing --- */

Test(config_nodes, what_is_printed_is_read_as_the_same_table)
{
	static const char *const files[] = {
		TWO,
		TWO "table 20261122\nroute even\ncookie-file /etc/kvd/cookie\n",
		TWO "slots 8192-16383 bar\nslots 0-4095 foo\n"
		    "slots 4096-8191 bar\n",
		TWO "buckets a-m foo\nbuckets other bar\n",
		TWO "buckets \"--/a-m#$\\\"\\\\{} \" foo\nbuckets other bar\n",
		TWO "buckets other foo\nbuckets ,-- bar\n",
		TWO "buckets other foo\nbuckets - bar\nbuckets ohter bar\n",
		TWO "buckets other foo\nbuckets \" -~\" bar\n"
	};
	struct config again;
	char *first, *second;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		load_good(&config, files[i]);
		first = printed(&config);
		load_good(&again, first);
		cr_assert_eq(config_differences(&config, &again), 0, "%s",
		    first);
		second = printed(&again);
		cr_assert_str_eq(first, second);
		free(first);
		free(second);
		config_free(&again);
		config_free(&config);
	}
}

Test(config_nodes, a_table_is_printed_in_the_form_of_the_page)
{
	char *text;

	load_good(&config, TWO "buckets zn-xa-m foo\nbuckets other bar\n");
	text = printed(&config);
	cr_assert_not_null(strstr(text, "\n"
	    "node foo {\n"
	    "	address 127.0.0.1:4040\n"
	    "	peer 127.0.0.1:14040\n"
	    "}\n"
	    "node bar {\n"
	    "	address 127.0.0.1:4041\n"
	    "	peer 127.0.0.1:14041\n"
	    "}\n"
	    "buckets a-x foo\n"
	    "buckets z foo\n"
	    "buckets other bar\n"), "%s", text);
	free(text);
}

Test(config_nodes, another_table_is_a_difference)
{
	static const char *const other[] = {
		"name foo\nnode foo { address 127.0.0.1:4040 }\n",
		"name foo\nnode foo { address 127.0.0.1:4040 }\n"
		"node baz { address 127.0.0.1:4041 }\n",
		"name foo\nnode foo { address 127.0.0.1:4040 }\n"
		"node bar { address 127.0.0.1:4042; peer 14041 }\n",
		"name foo\nnode foo { address 127.0.0.1:4040 }\n"
		"node bar { address 127.0.0.1:4041; peer 14042 }\n",
		TWO "slots 0-16383 foo\n",
	};
	struct config next;
	size_t i;

	load_good(&config, TWO);
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		load_good(&next, other[i]);
		cr_assert_eq(config_differences(&config, &next), 1, "%s",
		    other[i]);
		cr_assert_eq(config_keep_fixed(&next, &config,
		    &complaints.report), 0, "a reload takes it");
		config_free(&next);
	}
}
