/*
 * kv nodes: all nodes and how they are, from the lines of INFO nodes.
 *
 *	node_bar:address=10.0.0.2:4040,state=up,table=1,shards=22,...
 *	node_baz:address=10.0.0.3:4040,state=down,why=Connection refused
 */

#include <libutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_fields.h"
#include "proto/client/kv_nodes.h"

#define PREFIX		"node_"
#define PREFIX_LEN	(sizeof(PREFIX) - 1)

static const char *const names[NODE_FIELDS] = {
	[NODE_ADDRESS] = "address", [NODE_STATE] = "state",
	[NODE_TABLE] = "table", [NODE_SHARDS] = "shards",
	[NODE_BUCKETS] = "buckets", [NODE_KEYS] = "keys",
	[NODE_STRAYS] = "strays", [NODE_USED] = "used_bytes",
	[NODE_MEMORY] = "memory_bytes", [NODE_WHY] = "why"
};

static int
add_node(void *arg, struct kv_bytes line)
{
	struct nodes *nodes = arg;
	struct node *more;

	if (line.len < PREFIX_LEN ||
	    memcmp(line.data, PREFIX, PREFIX_LEN) != 0)
		return 0;
	more = realloc(nodes->node, (nodes->n + 1) * sizeof(*more));
	if (more == NULL) {
		nodes->failed = true;
		return 1;
	}
	nodes->node = more;
	more += nodes->n++;
	output_tame(more->line, sizeof(more->line), line);
	return 0;
}

static void
take_apart(struct node *node)
{
	char *colon = strchr(node->line, ':');
	char *facts = colon == NULL ? strchr(node->line, '\0') : colon + 1;

	if (colon != NULL)
		*colon = '\0';
	node->name = node->line + PREFIX_LEN;
	fields_read(facts, names, NODE_FIELDS, node->field);
}

enum kv_status
nodes_ask(const struct session *session, struct nodes *nodes)
{
	enum kv_status status;
	size_t i;

	*nodes = (struct nodes){ .n = 0 };
	status = kv_info(session->kv, "nodes", add_node, nodes);
	for (i = 0; i < nodes->n; i++)
		take_apart(&nodes->node[i]);
	return status;
}

void
nodes_free(struct nodes *nodes)
{
	free(nodes->node);
}

/* "4.0M/64M", or "-". */
static void
memory_of(const struct node *node, char *text, size_t size)
{
	static const enum node_field field[] = { NODE_USED, NODE_MEMORY };
	char number[2][8];
	int64_t bytes;
	size_t i;

	snprintf(text, size, "-");
	for (i = 0; i < 2; i++) {
		bytes = (int64_t)strtoll(node->field[field[i]], NULL, 10);
		if (*node->field[field[i]] == '\0' ||
		    humanize_number(number[i], 5, bytes, "", HN_AUTOSCALE,
		    HN_NOSPACE | HN_DECIMAL | HN_B) == -1)
			return;
	}
	snprintf(text, size, "%s/%s", number[0], number[1]);
}

static const char *
shown(const struct node *node, enum node_field field)
{
	return *node->field[field] == '\0' ? "-" : node->field[field];
}

/* The columns whose widths depend on what there is. */
struct widths {
	int	name;
	int	address;
};

static void
print_text(const struct output *out, const struct node *node,
    const struct widths *w)
{
	char memory[32];

	memory_of(node, memory, sizeof(memory));
	output_word(out, node->name, COLOUR_NAME);
	(void)printf("%*s  %-*s  %-5s %5s %6s %8s %10s %7s %12s",
	    w->name - (int)strlen(node->name), "", w->address,
	    shown(node, NODE_ADDRESS), shown(node, NODE_STATE),
	    shown(node, NODE_TABLE), shown(node, NODE_SHARDS),
	    shown(node, NODE_BUCKETS), shown(node, NODE_KEYS),
	    shown(node, NODE_STRAYS), memory);
	if (*node->field[NODE_WHY] != '\0')
		(void)printf("  %s", node->field[NODE_WHY]);
	output_end(out);
}

static void
print_header(const struct output *out, const struct widths *w)
{
	(void)printf("%-*s  %-*s  %-5s %5s %6s %8s %10s %7s %12s", w->name,
	    "node", w->address, "address", "state", "table", "shards",
	    "buckets", "keys", "strays", "memory");
	output_end(out);
}

static void
print_json(const struct output *out, const struct node *node)
{
	const char *value;
	size_t i;

	output_json_begin();
	output_json_string("node", node->name);
	for (i = 0; i < NODE_FIELDS; i++) {
		value = node->field[i];
		if (i == NODE_ADDRESS || i == NODE_STATE ||
		    (i == NODE_WHY && *value != '\0'))
			output_json_string(names[i], value);
		else if (*value >= '0' && *value <= '9')
			output_json_number(names[i],
			    strtoull(value, NULL, 10));
	}
	output_json_end(out);
}

static void
widen(int *width, const char *text)
{
	if (*width < (int)strlen(text))
		*width = (int)strlen(text);
}

static void
print_nodes(const struct output *out, const struct nodes *nodes)
{
	struct widths w = { strlen("node"), strlen("address") };
	size_t i;

	for (i = 0; i < nodes->n; i++) {
		widen(&w.name, nodes->node[i].name);
		widen(&w.address, nodes->node[i].field[NODE_ADDRESS]);
	}
	if (!out->json)
		print_header(out, &w);
	for (i = 0; i < nodes->n; i++) {
		if (out->json)
			print_json(out, &nodes->node[i]);
		else
			print_text(out, &nodes->node[i], &w);
	}
}

int
run_nodes(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct nodes nodes;
	enum kv_status status;

	(void)words;
	(void)n;
	status = nodes_ask(session, &nodes);
	if (nodes.failed)
		session_complain("nodes: out of memory");
	else if (status == KV_OK || status == KV_PARTIAL)
		print_nodes(&session->out, &nodes);
	nodes_free(&nodes);
	return nodes.failed ? EX_OSERR :
	    session_verdict(session->kv, status);
}
