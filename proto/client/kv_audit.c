/*
 * kv audit: what a server has checked of its memory, in numbers, and what
 * follows from them, from the lines of AUDIT.
 *
 *	errors:2
 *	first_error:shard 7: an intent is left
 *
 * Numbers that this version does not know are passed over.  But a report that
 * does not tell of errors is none: nothing is called sound by default.
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/client/kv_audit.h"
#include "proto/client/kv_command.h"

#define NAME_WIDTH	25
#define NUMBER_WIDTH	16

static const struct {
	const char	*name;		/* of the server, and in JSON */
	const char	*shown;
} names[COUNTS] = {
	[COUNT_SHARDS] = { "shards", "shards" },
	[COUNT_WHOLE] = { "shards_whole", "  checked whole" },
	[COUNT_SLICED] = { "shards_sliced", "  checked in slices" },
	[COUNT_REPAIRED] = { "shards_repaired", "  repaired before" },
	[COUNT_LOST] = { "shards_lost", "  lost" },
	[COUNT_SEGMENTS] = { "segments", "segments in use" },
	[COUNT_FREE] = { "segments_free", "  free" },
	[COUNT_RAW] = { "segments_raw", "  never used" },
	[COUNT_BUCKETS] = { "buckets", "buckets" },
	[COUNT_DROPPED] = { "dropped", "  dropped, not yet gone" },
	[COUNT_LINES] = { "lines", "lines of indexes" },
	[COUNT_RECORDS] = { "records", "records in use" },
	[COUNT_LOG] = { "log_records", "records in the log" },
	[COUNT_LIVE] = { "live_bytes", "bytes in use" },
	[COUNT_DEAD] = { "dead_bytes", "bytes to be cleaned" },
	[COUNT_ERRORS] = { "errors", "errors" },
};

/* True if text is name and a colon; *value is what stands behind. */
static bool
has_name(struct kv_bytes line, const char *name, struct kv_bytes *value)
{
	const char *text = line.data;
	size_t len = strlen(name);

	if (line.len <= len || memcmp(text, name, len) != 0 ||
	    text[len] != ':')
		return false;
	value->data = text + len + 1;
	value->len = line.len - len - 1;
	return true;
}

static bool
read_number(struct kv_bytes text, uint64_t *number)
{
	const char *digits = text.data;
	size_t i;

	*number = 0;
	for (i = 0; i < text.len; i++) {
		if (!isdigit((unsigned char)digits[i]) ||
		    *number > UINT64_MAX / 10 - 1)
			return false;
		*number = *number * 10 + (uint64_t)(digits[i] - '0');
	}
	return text.len > 0;
}

static int
take_line(void *arg, struct kv_bytes line)
{
	struct audit *audit = arg;
	struct kv_bytes value;
	size_t i;

	if (has_name(line, "first_error", &value))
		output_tame(audit->first_error, sizeof(audit->first_error),
		    value);
	for (i = 0; i < COUNTS; i++)
		if (has_name(line, names[i].name, &value))
			audit->told[i] = read_number(value,
			    &audit->count[i]);
	return 0;
}

int
audit_ask(struct kv *kv, const char *node, struct audit *audit)
{
	enum kv_status status;

	*audit = (struct audit){ .first_error = "" };
	/* It takes as long as it takes; who has no patience interrupts us. */
	kv_set_deadline(kv, -1);
	status = kv_audit(kv, take_line, audit);
	kv_set_deadline(kv, 0);
	if (status != KV_OK) {
		session_complain("%s%s%s", node != NULL ? node : "",
		    node != NULL ? ": " : "", kv_message(kv));
		return session_exit_status(status);
	}
	if (audit->told[COUNT_ERRORS] && audit->told[COUNT_LOST])
		return 0;
	session_complain("%s: the server does not tell of errors (is it of "
	    "another version?)", node != NULL ? node : "audit");
	return EXIT_SERVER;
}

bool
audit_is_sound(const struct audit *audit)
{
	return audit->count[COUNT_ERRORS] == 0 &&
	    audit->count[COUNT_LOST] == 0;
}

void
audit_complain(const char *node, const struct audit *audit)
{
	session_complain("%s%s%s (errors: %ju, kvd(8) tells what to do)",
	    node != NULL ? node : "", node != NULL ? ": " : "",
	    audit->first_error[0] != '\0' ? audit->first_error : "damaged",
	    (uintmax_t)audit->count[COUNT_ERRORS]);
}

void
audit_print_row(const struct output *out, const char *name,
    const char *value)
{
	struct kv_bytes bytes = kv_str(name);
	int pad = NAME_WIDTH - (int)bytes.len;

	output_word(out, name, COLOUR_NAME);
	(void)printf("%*s%*s", pad, "", NUMBER_WIDTH, value);
	output_end(out);
}

void
audit_print_text(const struct output *out, const struct audit *audit,
    const char *verdict)
{
	char number[32];
	size_t i;

	for (i = 0; i < COUNTS; i++) {
		if (!audit->told[i])
			continue;
		(void)snprintf(number, sizeof(number), "%ju",
		    (uintmax_t)audit->count[i]);
		audit_print_row(out, names[i].shown, number);
	}
	audit_print_row(out, "verdict", verdict);
}

void
audit_print_json(const struct audit *audit)
{
	size_t i;

	for (i = 0; i < COUNTS; i++)
		if (audit->told[i])
			output_json_number(names[i].name, audit->count[i]);
	if (audit->first_error[0] != '\0')
		output_json_string("first_error", audit->first_error);
}

/* Of the only node there is. */
static int
audit_one(struct session *session)
{
	const struct output *out = &session->out;
	struct audit audit;
	int exit_status = audit_ask(session->kv, NULL, &audit);

	if (exit_status != 0)
		return exit_status;
	if (out->json) {
		output_json_begin();
		audit_print_json(&audit);
		output_json_end(out);
	} else {
		audit_print_text(out, &audit,
		    audit_is_sound(&audit) ? "sound" : "damaged");
	}
	if (audit_is_sound(&audit))
		return 0;
	audit_complain(NULL, &audit);
	return EXIT_DAMAGED;
}

int
run_audit(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct nodes nodes;
	enum kv_status status = nodes_ask(session, &nodes);
	int exit_status;

	(void)words;
	(void)n;
	if (nodes.failed) {
		session_complain("audit: out of memory");
		exit_status = EX_OSERR;
	} else if (status != KV_OK && status != KV_PARTIAL) {
		exit_status = session_verdict(session->kv, status);
	} else {
		exit_status = nodes.n < 2 ? audit_one(session) :
		    audit_nodes(session, &nodes);
	}
	nodes_free(&nodes);
	return exit_status;
}
