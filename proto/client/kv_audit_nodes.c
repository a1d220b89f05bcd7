/*
 * kv audit of several nodes: each is asked itself, at the address that the
 * table has for clients, one after the other, and then there is a sum.
 *
 * A node that gives no report is named, with the reason.  The sum is then not
 * called sound, whatever the others say: nobody knows.
 */

#include <stdio.h>
#include <string.h>

#include "proto/client/kv_audit.h"

struct sum {
	struct audit	 audit;
	size_t		 nodes;
	size_t		 reports;
};

static void
add(struct sum *sum, const struct audit *audit)
{
	size_t i;

	for (i = 0; i < COUNTS; i++) {
		sum->audit.told[i] |= audit->told[i];
		sum->audit.count[i] += audit->count[i];
	}
	sum->reports++;
}

/* False after saying why there is no report. */
static bool
ask_at(const struct session *session, const struct node *node,
    struct audit *audit)
{
	const struct kv_options options = { .password = session->password };
	struct kv_error error;
	struct kv *kv = kv_open(node->field[NODE_ADDRESS], &options, &error);
	int exit_status;

	if (kv == NULL) {
		session_complain("%s: %s", node->name, error.message);
		return false;
	}
	exit_status = audit_ask(kv, node->name, audit);
	kv_close(kv);
	return exit_status == 0;
}

static bool
ask(const struct session *session, const struct node *node,
    struct audit *audit)
{
	if (strcmp(node->field[NODE_STATE], "up") == 0)
		return ask_at(session, node, audit);
	session_complain("%s: %s", node->name, node->field[NODE_WHY]);
	return false;
}

static void
print_node(const struct output *out, const struct node *node,
    const struct audit *audit)
{
	if (out->json) {
		output_json_begin();
		output_json_string("node", node->name);
		audit_print_json(audit);
		output_json_end(out);
		return;
	}
	audit_print_row(out, "node", node->name);
	audit_print_text(out, audit,
	    audit_is_sound(audit) ? "sound" : "damaged");
	output_end(out);
}

static const char *
verdict_of(const struct sum *sum)
{
	if (!audit_is_sound(&sum->audit))
		return "damaged";
	return sum->reports == sum->nodes ? "sound" : "not complete";
}

static void
print_sum(const struct output *out, const struct sum *sum)
{
	char nodes[48];

	if (out->json) {
		output_json_begin();
		output_json_number("nodes", sum->nodes);
		output_json_number("reports", sum->reports);
		audit_print_json(&sum->audit);
		output_json_end(out);
		return;
	}
	(void)snprintf(nodes, sizeof(nodes), "%zu of %zu", sum->reports,
	    sum->nodes);
	audit_print_row(out, "nodes", nodes);
	audit_print_text(out, &sum->audit, verdict_of(sum));
}

int
audit_nodes(const struct session *session, const struct nodes *nodes)
{
	const struct output *out = &session->out;
	struct sum sum = { .nodes = nodes->n };
	struct audit audit;
	size_t i;

	for (i = 0; i < nodes->n; i++) {
		if (!ask(session, &nodes->node[i], &audit))
			continue;
		add(&sum, &audit);
		print_node(out, &nodes->node[i], &audit);
		if (!audit_is_sound(&audit))
			audit_complain(nodes->node[i].name, &audit);
	}
	print_sum(out, &sum);
	if (sum.reports < sum.nodes)
		session_complain("audit: %zu of %zu nodes did not answer: it "
		    "is not complete", sum.nodes - sum.reports, sum.nodes);
	if (!audit_is_sound(&sum.audit))
		return EXIT_DAMAGED;
	return sum.reports < sum.nodes ? EXIT_PARTIAL : 0;
}
