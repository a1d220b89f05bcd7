/*
 * kv tree: the processes of the server as the tree that they are, one master
 * and its children, from the lines of INFO workers.
 *
 *	process_3:role=worker,instance=2,pid=4711,...,last=exit status 1
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_fields.h"

#define LINE_MAX_BYTES	512

enum field {
	FIELD_ROLE, FIELD_INSTANCE, FIELD_PID, FIELD_STATE, FIELD_AGE,
	FIELD_RESTARTS, FIELD_HEARTBEAT, FIELD_REQUESTS, FIELD_LAST_AGE,
	FIELD_LAST, FIELDS
};

static const char *const names[FIELDS] = {
	"role", "instance", "pid", "state", "age", "restarts",
	"heartbeat_ms", "requests", "last_age", "last"
};

struct process {
	char	 line[LINE_MAX_BYTES];
	char	*field[FIELDS];		/* in line; "" if it is not there */
};

struct tree {
	struct process	*process;
	size_t		 n;
	bool		 failed;	/* out of memory */
};

static int
add_process(void *arg, struct kv_bytes item)
{
	struct tree *tree = arg;
	struct process *more;

	if (item.len < 8 || memcmp(item.data, "process_", 8) != 0)
		return 0;
	more = realloc(tree->process, (tree->n + 1) * sizeof(*more));
	if (more == NULL) {
		tree->failed = true;
		return 1;
	}
	tree->process = more;
	more += tree->n++;
	output_tame(more->line, sizeof(more->line), item);
	return 0;
}

static void
take_apart(struct process *p)
{
	char *colon = strchr(p->line, ':');

	fields_read(colon == NULL ? strchr(p->line, '\0') : colon + 1, names,
	    FIELDS, p->field);
}

/* "worker 2"; there is one of the others, or two in a change. */
static void
name_of(const struct process *p, char *name, size_t size)
{
	if (strcmp(p->field[FIELD_ROLE], "worker") == 0)
		snprintf(name, size, "worker %s", p->field[FIELD_INSTANCE]);
	else
		snprintf(name, size, "%s", p->field[FIELD_ROLE]);
}

/* 95 -> "1m35s": the two largest units are enough. */
static void
age_of(const struct process *p, enum field field, char *age, size_t size)
{
	static const struct { unsigned long s; char unit; } units[] = {
		{ 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' }
	};
	unsigned long s = strtoul(p->field[field], NULL, 10), below;
	size_t i = 0;

	while (i < 3 && s < units[i].s)
		i++;
	if (i == 3) {
		snprintf(age, size, "%lus", s);
		return;
	}
	below = s % units[i].s / units[i + 1].s;
	snprintf(age, size, "%lu%c%lu%c", s / units[i].s, units[i].unit,
	    below, units[i + 1].unit);
}

/* "signal 9, Killed, 1m35s ago", or "-". */
static void
last_of(const struct process *p, char *last, size_t size)
{
	char age[32];

	age_of(p, FIELD_LAST_AGE, age, sizeof(age));
	if (*p->field[FIELD_LAST] == '\0')
		snprintf(last, size, "-");
	else
		snprintf(last, size, "%s, %s ago", p->field[FIELD_LAST], age);
}

static void
print_text(const struct output *out, const struct process *p,
    const char *branch)
{
	char name[64], age[32], beat[32], last[LINE_MAX_BYTES + 40];

	name_of(p, name, sizeof(name));
	last_of(p, last, sizeof(last));
	age_of(p, FIELD_AGE, age, sizeof(age));
	snprintf(beat, sizeof(beat), "%sms", p->field[FIELD_HEARTBEAT]);
	(void)printf("%s%-*s %7s  %-8s %7s %8s %9s %12s  ", branch,
	    (int)(14 - strlen(branch)), name, p->field[FIELD_PID],
	    p->field[FIELD_STATE], age, p->field[FIELD_RESTARTS], beat,
	    p->field[FIELD_REQUESTS]);
	output_word(out, last, COLOUR_NONE);
	output_end(out);
}

static void
print_json(const struct output *out, const struct process *p)
{
	size_t i;

	output_json_begin();
	for (i = 0; i < FIELDS; i++) {
		if (*p->field[i] == '\0')
			continue;
		if (i == FIELD_ROLE || i == FIELD_STATE || i == FIELD_LAST)
			output_json_string(names[i], p->field[i]);
		else
			output_json_number(names[i], strtoull(p->field[i],
			    NULL, 10));
	}
	output_json_end(out);
}

static void
print_tree(const struct output *out, const struct tree *tree)
{
	const char *branch;
	size_t i;

	if (!out->json) {
		(void)printf("%-14s %7s  %-8s %7s %8s %9s %12s  %s", "process",
		    "pid", "state", "age", "restarts", "heartbeat",
		    "requests", "the one before ended by");
		output_end(out);
	}
	for (i = 0; i < tree->n; i++) {
		branch = i == 0 ? "" : i + 1 < tree->n ? "|- " : "`- ";
		if (out->json)
			print_json(out, &tree->process[i]);
		else
			print_text(out, &tree->process[i], branch);
	}
}

int
run_tree(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct tree tree = { .n = 0 };
	enum kv_status status;
	size_t i;

	(void)words;
	(void)n;
	status = kv_info(session->kv, "workers", add_process, &tree);
	for (i = 0; i < tree.n; i++)
		take_apart(&tree.process[i]);
	if (tree.failed)
		warnx("tree: out of memory");
	else if (status == KV_OK)
		print_tree(&session->out, &tree);
	free(tree.process);
	return tree.failed ? EX_OSERR : session_verdict(session->kv, status);
}
