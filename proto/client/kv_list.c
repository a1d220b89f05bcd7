/*
 * The commands that print lists: an item is printed when it arrives, and
 * none is kept.
 */

#include <string.h>

#include "proto/client/kv_command.h"

#define INFO_COLUMN	20	/* where values of info begin on a terminal */

struct list {
	const struct session	*session;
	const char		*field;		/* of the JSON object */
	const struct kv_bytes	*keys;		/* of mget */
	size_t			 column;
	bool			 missing;
};

static int
print_name(void *arg, struct kv_bytes name)
{
	const struct list *list = arg;
	const struct output *out = &list->session->out;

	if (out->json) {
		output_json_begin();
		output_json_bytes(list->field, &name);
		output_json_end(out);
	} else {
		output_bytes(out, name, COLOUR_NAME);
		output_end(out);
	}
	return 0;
}

int
run_keys(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct list list = { .session = session, .field = "key" };

	(void)n;
	return session_answer(session, session->map != NULL ?
	    kv_map_keys(session->map, words[0], print_name, &list) :
	    kv_keys(session->kv, words[0], print_name, &list));
}

int
run_buckets(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct list list = { .session = session, .field = "bucket" };

	(void)words;
	(void)n;
	return session_answer(session, session->map != NULL ?
	    kv_map_buckets(session->map, print_name, &list) :
	    kv_buckets(session->kv, print_name, &list));
}

static int
print_fact(void *arg, struct kv_bytes line)
{
	const struct list *list = arg;
	const struct output *out = &list->session->out;
	const char *colon = memchr(line.data, ':', line.len);
	struct kv_bytes name = line, value = { NULL, 0 };

	if (colon != NULL) {
		name.len = (size_t)(colon - (const char *)line.data);
		value.data = colon + 1;
		value.len = line.len - name.len - 1;
	}
	if (out->json) {
		output_json_begin();
		output_json_bytes("name", &name);
		output_json_bytes("value", colon != NULL ? &value : NULL);
		output_json_end(out);
	} else if (!out->terminal || colon == NULL) {
		output_bytes(out, line, COLOUR_NONE);
		output_end(out);
	} else {
		output_bytes(out, name, COLOUR_NAME);
		output_pad(out, name, INFO_COLUMN);
		output_text(out, value, COLOUR_NONE);
		output_end(out);
	}
	return 0;
}

int
run_info(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct list list = { .session = session };

	/* A word of the command line or of the prompt holds no NUL. */
	return session_verdict(session->kv, kv_info(session->kv,
	    n > 0 ? words[0].data : NULL, print_fact, &list));
}

static void
print_row(const struct list *list, struct kv_bytes key,
    const struct kv_bytes *value)
{
	const struct output *out = &list->session->out;

	if (out->terminal) {
		output_bytes(out, key, COLOUR_NAME);
		output_pad(out, key, list->column);
	}
	if (value != NULL)
		output_bytes(out, *value, COLOUR_NONE);
	else if (out->terminal)
		output_word(out, "(none)", COLOUR_FAINT);
	output_end(out);
}

static int
print_value(void *arg, size_t i, const struct kv_bytes *value)
{
	struct list *list = arg;

	if (value == NULL)
		list->missing = true;
	if (!list->session->out.json) {
		print_row(list, list->keys[i], value);
		return 0;
	}
	output_json_begin();
	output_json_bytes("key", &list->keys[i]);
	output_json_bytes("value", value);
	output_json_end(&list->session->out);
	return 0;
}

int
run_mget(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct list list = { .session = session, .keys = words + 1 };
	enum kv_status status;
	size_t i;

	for (i = 1; i < n; i++)
		if (output_width(words[i]) + 2 > list.column)
			list.column = output_width(words[i]) + 2;
	status = session->map != NULL ?
	    kv_map_mget(session->map, words[0], words + 1, n - 1, print_value,
	    &list) :
	    kv_mget(session->kv, words[0], words + 1, n - 1, print_value,
	    &list);
	if (status != KV_OK)
		return session_answer(session, status);
	return list.missing ? EXIT_NOT_FOUND : 0;
}
