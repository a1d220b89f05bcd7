/*
 * kv where: which node has a bucket, from the lines of WHERE.
 *
 *	slot=9231,shard=36,node=bar,address=10.0.0.2:4040,why=dealt evenly
 *
 * Names are asked for by the thousand, whether they come from the command
 * line or from standard input.  A column is as wide as what has been printed
 * so far needs it to be.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_fields.h"

#define BATCH		1000
#define LINE_MAX_BYTES	1088

enum field {
	FIELD_SLOT, FIELD_SHARD, FIELD_NODE, FIELD_ADDRESS, FIELD_WHY, FIELDS
};

static const char *const names[FIELDS] = {
	"slot", "shard", "node", "address", "why"
};

struct place {
	char	 line[LINE_MAX_BYTES];
	char	*field[FIELDS];		/* in line */
};

struct where {
	struct session	*session;
	struct kv_bytes	 name[BATCH];
	char		*copy[BATCH];	/* of a name from standard input */
	size_t		 n;
	struct place	 place[BATCH];	/* of the first names */
	size_t		 places;
	bool		 begun;		/* the header is printed */
	size_t		 bucket_width;
	size_t		 node_width;
	size_t		 address_width;
};

static int
add_place(void *arg, struct kv_bytes line)
{
	struct where *where = arg;
	struct place *place = &where->place[where->places];

	if (where->places == where->n)
		return 1;
	where->places++;
	output_tame(place->line, sizeof(place->line), line);
	fields_read(place->line, names, FIELDS, place->field);
	return 0;
}

/* Columns of a name as it is shown. */
static size_t
width_of(const struct output *out, struct kv_bytes name)
{
	return out->terminal ? output_width(name) : name.len;
}

static void
widen(size_t *width, size_t needed)
{
	if (*width < needed)
		*width = needed;
}

static void
widen_all(struct where *where)
{
	const struct output *out = &where->session->out;
	size_t i;

	widen(&where->bucket_width, strlen("bucket"));
	widen(&where->node_width, strlen("node"));
	widen(&where->address_width, strlen("address"));
	for (i = 0; i < where->places; i++) {
		widen(&where->bucket_width, width_of(out, where->name[i]));
		widen(&where->node_width,
		    strlen(where->place[i].field[FIELD_NODE]));
		widen(&where->address_width,
		    strlen(where->place[i].field[FIELD_ADDRESS]));
	}
}

/* What stands behind the bucket, which is so wide itself. */
static void
print_rest(const struct where *where, size_t width, const char *const *text)
{
	(void)printf("%*s  %5s %5s  %-*s  %-*s  %s",
	    (int)(where->bucket_width - width), "", text[FIELD_SLOT],
	    text[FIELD_SHARD], (int)where->node_width, text[FIELD_NODE],
	    (int)where->address_width, text[FIELD_ADDRESS],
	    text[FIELD_WHY]);
	output_end(&where->session->out);
}

static void
print_text(const struct where *where, size_t i)
{
	const struct output *out = &where->session->out;

	output_bytes(out, where->name[i], COLOUR_NAME);
	print_rest(where, width_of(out, where->name[i]),
	    (const char *const *)where->place[i].field);
}

static void
print_json(const struct where *where, size_t i)
{
	char *const *field = where->place[i].field;

	output_json_begin();
	output_json_bytes("bucket", &where->name[i]);
	output_json_number("slot", strtoull(field[FIELD_SLOT], NULL, 10));
	output_json_number("shard", strtoull(field[FIELD_SHARD], NULL, 10));
	output_json_string("node", field[FIELD_NODE]);
	output_json_string("address", field[FIELD_ADDRESS]);
	output_json_string("why", field[FIELD_WHY]);
	output_json_end(&where->session->out);
}

static void
print_places(struct where *where)
{
	size_t i;

	widen_all(where);
	if (!where->begun && where->places > 0 && !where->session->out.json) {
		(void)fputs("bucket", stdout);
		print_rest(where, strlen("bucket"), names);
	}
	where->begun = true;
	for (i = 0; i < where->places; i++) {
		if (where->session->out.json)
			print_json(where, i);
		else
			print_text(where, i);
	}
}

/* Ask for the names of the batch, and print what is answered. */
static int
ask(struct where *where)
{
	struct kv *kv = where->session->kv;
	enum kv_status status;

	where->places = 0;
	status = kv_where(kv, where->name, where->n, add_place, where);
	print_places(where);
	return session_verdict(kv, status);
}

static int
ask_words(struct where *where, const struct kv_bytes *words, size_t n)
{
	int exit_status = 0;
	size_t i;

	for (; n > 0 && exit_status == 0; words += where->n, n -= where->n) {
		where->n = n < BATCH ? n : BATCH;
		for (i = 0; i < where->n; i++)
			where->name[i] = words[i];
		exit_status = ask(where);
	}
	return exit_status;
}

static void
free_names(struct where *where)
{
	size_t i;

	for (i = 0; i < where->n; i++)
		free(where->copy[i]);
	where->n = 0;
}

/* A line without its end.  Returns an exit status. */
static int
add_line(struct where *where, const char *line, size_t len)
{
	char *copy;

	if (len > 0 && where->session->out.end == '\n' &&
	    line[len - 1] == '\r')
		len--;
	if (len == 0)
		return 0;
	if ((copy = malloc(len)) == NULL) {
		session_complain("where: %s", strerror(errno));
		return EX_OSERR;
	}
	memcpy(copy, line, len);
	where->name[where->n] = (struct kv_bytes){ copy, len };
	where->copy[where->n++] = copy;
	return 0;
}

static int
ask_lines(struct where *where)
{
	char *line = NULL, end = where->session->out.end;
	int exit_status = 0;
	size_t cap = 0;
	ssize_t n = 0;

	while (exit_status == 0 &&
	    (n = getdelim(&line, &cap, end, stdin)) > 0) {
		exit_status = add_line(where, line,
		    (size_t)n - (line[n - 1] == end));
		if (exit_status == 0 && where->n == BATCH) {
			exit_status = ask(where);
			free_names(where);
		}
	}
	if (exit_status == 0 && ferror(stdin)) {
		session_complain("standard input: %s", strerror(errno));
		exit_status = EX_IOERR;
	}
	if (exit_status == 0 && where->n > 0)
		exit_status = ask(where);
	free_names(where);
	free(line);
	return exit_status;
}

int
run_where(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct where *where = calloc(1, sizeof(*where));
	int exit_status;

	if (where == NULL) {
		session_complain("where: %s", strerror(errno));
		return EX_OSERR;
	}
	where->session = session;
	exit_status = n > 0 ? ask_words(where, words, n) : ask_lines(where);
	free(where);
	return exit_status;
}
