/*
 * kv audit: what the server has checked of its memory, in numbers, and what
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

#include "proto/client/kv_command.h"

#define NAME_WIDTH	25
#define NUMBER_WIDTH	16

enum count {
	COUNT_SHARDS, COUNT_WHOLE, COUNT_SLICED, COUNT_REPAIRED, COUNT_LOST,
	COUNT_SEGMENTS, COUNT_FREE, COUNT_RAW, COUNT_BUCKETS, COUNT_DROPPED,
	COUNT_LINES, COUNT_RECORDS, COUNT_LOG, COUNT_LIVE, COUNT_DEAD,
	COUNT_ERRORS, COUNTS
};

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

struct audit {
	uint64_t	count[COUNTS];
	bool		told[COUNTS];
	char		first_error[512];
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

static void
print_row(const struct output *out, const char *name, const char *value)
{
	struct kv_bytes bytes = kv_str(name);
	int pad = NAME_WIDTH - (int)bytes.len;

	output_word(out, name, COLOUR_NAME);
	(void)printf("%*s%*s", pad, "", NUMBER_WIDTH, value);
	output_end(out);
}

static void
print_text(const struct output *out, const struct audit *audit, bool sound)
{
	char number[32];
	size_t i;

	for (i = 0; i < COUNTS; i++) {
		if (!audit->told[i])
			continue;
		(void)snprintf(number, sizeof(number), "%ju",
		    (uintmax_t)audit->count[i]);
		print_row(out, names[i].shown, number);
	}
	print_row(out, "verdict", sound ? "sound" : "damaged");
}

static void
print_json(const struct output *out, const struct audit *audit)
{
	size_t i;

	output_json_begin();
	for (i = 0; i < COUNTS; i++)
		if (audit->told[i])
			output_json_number(names[i].name, audit->count[i]);
	if (audit->first_error[0] != '\0')
		output_json_string("first_error", audit->first_error);
	output_json_end(out);
}

static int
judge(const struct output *out, const struct audit *audit)
{
	bool sound;

	if (!audit->told[COUNT_ERRORS] || !audit->told[COUNT_LOST]) {
		session_complain("audit: the server does not tell of errors "
		    "(is it of another version?)");
		return EXIT_SERVER;
	}
	sound = audit->count[COUNT_ERRORS] == 0 &&
	    audit->count[COUNT_LOST] == 0;
	if (out->json)
		print_json(out, audit);
	else
		print_text(out, audit, sound);
	if (sound)
		return 0;
	session_complain("%s (errors: %ju, kvd(8) tells what to do)",
	    audit->first_error[0] != '\0' ? audit->first_error : "damaged",
	    (uintmax_t)audit->count[COUNT_ERRORS]);
	return EXIT_DAMAGED;
}

int
run_audit(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct audit audit = { .first_error = "" };
	enum kv_status status;

	(void)words;
	(void)n;
	/* It takes as long as it takes; who has no patience interrupts us. */
	kv_set_deadline(session->kv, -1);
	status = kv_audit(session->kv, take_line, &audit);
	kv_set_deadline(session->kv, 0);
	if (status != KV_OK)
		return session_verdict(session->kv, status);
	return judge(&session->out, &audit);
}
