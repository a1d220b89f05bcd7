/*
 * Completion at the prompt.  Bucket names are asked of the server over a
 * connection of their own, with little patience and up to a bound: pressing
 * a key must never hang or fill memory.  Names that would need quoting are
 * left out.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_complete.h"

#define NAMES_MAX	512
#define PATIENCE_MS	1000

static void
add_name(struct complete *complete, const char *typed, struct kv_bytes name)
{
	char *copy, **names;

	if (complete->n == NAMES_MAX || name.len < complete->typed ||
	    memcmp(name.data, typed, complete->typed) != 0)
		return;
	names = realloc(complete->names, (complete->n + 1) * sizeof(*names));
	if (names == NULL)
		return;
	complete->names = names;
	copy = strndup(name.data, name.len);
	if (copy != NULL)
		names[complete->n++] = copy;
}

struct add {
	struct complete	*complete;
	const char	*typed;
};

static int
add_bucket(void *arg, struct kv_bytes name)
{
	const struct add *add = arg;

	/* A plain word is as long quoted as it is. */
	if (kv_quoted_len(name) == name.len)
		add_name(add->complete, add->typed, name);
	return add->complete->n == NAMES_MAX;
}

static void
add_mapped_buckets(const struct session *session, struct add *add)
{
	struct kv_map_options options = { .wait_ms = PATIENCE_MS };
	struct kv_map *map = kv_map_open(session->local, &options, NULL);

	if (map == NULL)
		return;
	(void)kv_map_buckets(map, add_bucket, add);
	kv_map_close(map);
}

static void
add_buckets(const struct session *session, const char *typed,
    struct complete *complete)
{
	struct kv_options options = {
		.connect_ms = PATIENCE_MS, .call_ms = PATIENCE_MS,
		.password = session->password
	};
	struct add add = { complete, typed };
	struct kv *kv;

	if (session->local != NULL) {
		add_mapped_buckets(session, &add);
		return;
	}
	if ((kv = kv_open(session->server, &options, NULL)) == NULL)
		return;
	(void)kv_buckets(kv, add_bucket, &add);
	kv_close(kv);
}

static void
add_commands(const char *typed, struct complete *complete)
{
	size_t i;

	for (i = 0; i < commands_count; i++)
		add_name(complete, typed, kv_str(commands[i].name));
}

static void
find_common(struct complete *complete)
{
	size_t i, at;

	if (complete->n == 0)
		return;
	complete->common = strlen(complete->names[0]);
	for (i = 1; i < complete->n; i++) {
		for (at = 0; at < complete->common; at++)
			if (complete->names[i][at] != complete->names[0][at])
				break;
		complete->common = at;
	}
}

static size_t
skip(const char *line, size_t len, size_t at, bool blanks)
{
	while (at < len && (line[at] == ' ' || line[at] == '\t') == blanks)
		at++;
	return at;
}

void
complete_line(const struct session *session, const char *line, size_t len,
    struct complete *complete)
{
	const struct command *command;
	size_t start = skip(line, len, 0, true);
	size_t end = skip(line, len, start, false);
	size_t second = skip(line, len, end, true);

	*complete = (struct complete){ .typed = len - start };
	if (end == len) {
		add_commands(line + start, complete);
		find_common(complete);
		return;
	}
	command = command_find((struct kv_bytes){ line + start, end - start });
	if (command == NULL || skip(line, len, second, false) < len)
		return;
	complete->typed = len - second;
	if (command->flags & COMMAND_BUCKET)
		add_buckets(session, line + second, complete);
	else if (command->run == run_help)
		add_commands(line + second, complete);
	find_common(complete);
}

void
complete_free(struct complete *complete)
{
	size_t i;

	for (i = 0; i < complete->n; i++)
		free(complete->names[i]);
	free(complete->names);
}
