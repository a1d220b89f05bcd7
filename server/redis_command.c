/*
 * COMMAND: what there is to know of commands, from the list of them.
 *
 * Libraries read where the keys are, to find the node of a key, and whether
 * something is written.  Of the flags and categories that Redis has there are
 * those that follow from what kvd knows of a command itself: write, readonly;
 * @write, @read, and the group.
 */

#include "server/redis.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/glob.h"
#include "server/redis_docs.h"
#include "server/redis_sub.h"

#define NAME_MAX_BYTES	48
#define GROUP_MAX	24

static void
put_name(struct call *call, const char *name)
{
	char lower[NAME_MAX_BYTES];

	redis_lower(lower, sizeof(lower), name);
	redis_say(call, lower);
}

/* --- INFO --- */

static bool
has_keys(const struct redis_command *command)
{
	return command->first != 0;
}

static void
put_flags(struct call *call, const struct redis_command *command)
{
	enum resp_version v = redis_version(call);
	bool writes = command->kind == COMMAND_CHANGE;
	bool reads = command->kind == COMMAND_READ;
	char category[GROUP_MAX];

	resp_put_list(call->out, v, RESP_SET, writes || reads);
	if (writes || reads)
		resp_put_simple(call->out, writes ? "write" : "readonly");
	resp_put_integer(call->out, command->first);
	resp_put_integer(call->out, command->last);
	resp_put_integer(call->out, command->step);
	resp_put_list(call->out, v, RESP_SET, 1U + (writes || reads));
	if (writes || reads)
		resp_put_simple(call->out, writes ? "@write" : "@read");
	snprintf(category, sizeof(category), "@%s", command->group);
	resp_put_simple(call->out, category);
}

static void
put_pair(struct call *call, const char *name, int64_t value)
{
	redis_say(call, name);
	resp_put_integer(call->out, value);
}

/* A range counts its end from its begin, or from the end of the words. */
static void
put_keys(struct call *call, const struct redis_command *command)
{
	enum resp_version v = redis_version(call);

	resp_put_list(call->out, v, RESP_SET, has_keys(command));
	if (!has_keys(command))
		return;
	resp_put_list(call->out, v, RESP_MAP, 3);
	redis_say(call, "flags");
	resp_put_list(call->out, v, RESP_SET, 1);
	resp_put_simple(call->out, command->kind == COMMAND_CHANGE ? "RW" :
	    "RO");
	redis_say(call, "begin_search");
	resp_put_list(call->out, v, RESP_MAP, 2);
	redis_say(call, "type");
	redis_say(call, "index");
	redis_say(call, "spec");
	resp_put_list(call->out, v, RESP_MAP, 1);
	put_pair(call, "index", command->first);
	redis_say(call, "find_keys");
	resp_put_list(call->out, v, RESP_MAP, 2);
	redis_say(call, "type");
	redis_say(call, "range");
	redis_say(call, "spec");
	resp_put_list(call->out, v, RESP_MAP, 3);
	put_pair(call, "lastkey", command->last < 0 ? command->last :
	    command->last - command->first);
	put_pair(call, "keystep", command->step);
	put_pair(call, "limit", 0);
}

/* Of a command or of a part of one; what parts it has comes behind that. */
static void
put_begin(struct call *call, const struct redis_command *command,
    const char *name, int arity)
{
	enum resp_version v = redis_version(call);

	resp_put_list(call->out, v, RESP_ARRAY, 10);
	put_name(call, name);
	resp_put_integer(call->out, arity);
	put_flags(call, command);
	resp_put_list(call->out, v, RESP_SET, 0);
	put_keys(call, command);
}

static void
put_sub(struct call *call, const struct redis_command *command,
    const struct redis_sub *sub)
{
	put_begin(call, command, sub->full, sub->arity);
	resp_put_list(call->out, redis_version(call), RESP_SET, 0);
}

static void
put_subs(struct call *call, const struct redis_command *command)
{
	size_t i, n = 0, mark = outbuf_len(call->out);

	for (i = 0; i < redis_subs(); i++)
		if (strcmp(redis_sub_at(i)->command, command->name) == 0) {
			put_sub(call, command, redis_sub_at(i));
			n++;
		}
	resp_put_list_at(call->out, redis_version(call), RESP_SET, n, mark);
}

static void
put_command(struct call *call, const struct redis_command *command)
{
	put_begin(call, command, command->name, command->arity);
	put_subs(call, command);
}

/* "client|id": the part behind the bar, or NULL. */
static const struct redis_sub *
split(struct slice *name)
{
	const uint8_t *bar = memchr(name->data, '|', name->len);
	const struct redis_command *command;
	struct slice rest;

	if (bar == NULL)
		return NULL;
	rest.data = bar + 1;
	rest.len = name->len - (size_t)(rest.data - name->data);
	name->len = (size_t)(bar - name->data);
	command = redis_find(*name);
	return command == NULL ? NULL : redis_sub_find(command, rest);
}

static void
put_named(struct call *call, struct slice name)
{
	struct slice first = name;
	const struct redis_sub *sub = split(&first);
	const struct redis_command *command = redis_find(first);

	if (command == NULL || (sub == NULL && first.len != name.len))
		resp_put_null(call->out, redis_version(call));
	else if (sub != NULL)
		put_sub(call, command, sub);
	else
		put_command(call, command);
}

static void
put_all(struct call *call)
{
	size_t i;

	resp_put_list(call->out, redis_version(call), RESP_ARRAY,
	    redis_commands());
	for (i = 0; i < redis_commands(); i++)
		put_command(call, redis_command_at(i));
}

void
redis_run_command(struct call *call)
{
	if (call->req->argc == 1)
		put_all(call);
	else
		redis_run_sub(call);
}

void
redis_run_command_info(struct call *call)
{
	const struct request *req = call->req;
	size_t i;

	if (req->argc == 2) {
		put_all(call);
		return;
	}
	resp_put_list(call->out, redis_version(call), RESP_ARRAY,
	    req->argc - 2);
	for (i = 2; i < req->argc; i++)
		put_named(call, req->argv[i]);
}

void
redis_run_command_count(struct call *call)
{
	resp_put_integer(call->out, (int64_t)redis_commands());
}

/* --- LIST --- */

static bool
is_in_category(const struct redis_command *command, struct slice category)
{
	if (redis_is(category, "write"))
		return command->kind == COMMAND_CHANGE;
	if (redis_is(category, "read"))
		return command->kind == COMMAND_READ;
	return redis_is(category, command->group);
}

static bool
is_like(const struct redis_command *command, const struct glob *glob)
{
	char lower[NAME_MAX_BYTES];

	redis_lower(lower, sizeof(lower), command->name);
	return glob != NULL && glob_match(glob, redis_word(lower));
}

/* Of modules there are none, so nothing is of one. */
static bool
is_wanted(const struct request *req, const struct redis_command *command,
    const struct glob *glob)
{
	if (req->argc == 2)
		return true;
	if (redis_is(req->argv[3], "ACLCAT"))
		return is_in_category(command, req->argv[4]);
	return redis_is(req->argv[3], "PATTERN") && is_like(command, glob);
}

static bool
is_filter(const struct request *req)
{
	return req->argc == 5 && redis_is(req->argv[2], "FILTERBY") &&
	    (redis_is(req->argv[3], "MODULE") ||
	    redis_is(req->argv[3], "ACLCAT") ||
	    redis_is(req->argv[3], "PATTERN"));
}

void
redis_run_command_list(struct call *call)
{
	const struct request *req = call->req;
	size_t i, n = 0, mark = outbuf_len(call->out);
	struct glob *glob;

	if (req->argc > 2 && !is_filter(req)) {
		redis_syntax_error(call);
		return;
	}
	glob = req->argc == 5 ? glob_new(req->argv[4], true) : NULL;
	for (i = 0; i < redis_commands(); i++) {
		if (!is_wanted(req, redis_command_at(i), glob))
			continue;
		put_name(call, redis_command_at(i)->name);
		n++;
	}
	glob_free(glob);
	resp_put_list_at(call->out, redis_version(call), RESP_ARRAY, n, mark);
}

/* --- GETKEYS --- */

static void
put_keys_of(struct call *call, const struct redis_command *command)
{
	const struct slice *argv = call->req->argv + 2;
	size_t argc = call->req->argc - 2, mark = outbuf_len(call->out);
	size_t i, n = 0, last;

	last = command->last < 0 ? argc - (size_t)-command->last :
	    (size_t)command->last;
	for (i = (size_t)command->first; i <= last && i < argc;
	    i += (size_t)command->step) {
		resp_put_bulk(call->out, argv[i]);
		n++;
	}
	resp_put_list_at(call->out, redis_version(call), RESP_ARRAY, n, mark);
}

/* One of two words that has no second, or another, is no command. */
static bool
is_complete(const struct redis_command *command, const struct request *req)
{
	return command->run != redis_run_sub || (req->argc > 3 &&
	    redis_sub_find(command, req->argv[3]) != NULL);
}

void
redis_run_command_getkeys(struct call *call)
{
	const struct request *req = call->req;
	const struct redis_command *command = redis_find(req->argv[2]);

	if (command == NULL || !is_complete(command, req))
		redis_error(call, "ERR", "Invalid command specified");
	else if (!has_keys(command))
		redis_error(call, "ERR", "The command has no key arguments");
	else if (!redis_fits(command->arity, req->argc - 2))
		redis_error(call, "ERR", "Invalid number of arguments "
		    "specified for command");
	else
		put_keys_of(call, command);
}

/* --- DOCS --- */

/*
 * One argument out of the text: a word, or all between brackets, which may be
 * left out.  Returns what is behind it.
 */
static const char *
put_argument(struct call *call, const char *text)
{
	enum resp_version v = redis_version(call);
	bool optional = *text == '[';
	const char *end = strchrnul(text, optional ? ']' : ' ');
	const char *word = text + optional;
	struct slice name = { (const uint8_t *)word, (size_t)(end - word) };

	resp_put_list(call->out, v, RESP_MAP, optional ? 3 : 2);
	redis_say(call, "name");
	resp_put_bulk(call->out, name);
	redis_say(call, "type");
	redis_say(call, name.len == 3 && memcmp(word, "key", 3) == 0 ? "key" :
	    "string");
	if (optional) {
		redis_say(call, "flags");
		resp_put_list(call->out, v, RESP_SET, 1);
		resp_put_simple(call->out, "optional");
	}
	end += *end != '\0' && optional;
	return end + (*end == ' ');
}

static void
put_arguments(struct call *call, const char *text)
{
	size_t n = 0, mark = outbuf_len(call->out);

	for (; *text != '\0'; n++)
		text = put_argument(call, text);
	resp_put_list_at(call->out, redis_version(call), RESP_ARRAY, n, mark);
}

/* Of the four facts about each all but the last, which are its words. */
static void
put_facts(struct call *call, const struct redis_command *command,
    const char *summary, const char *since)
{
	resp_put_list(call->out, redis_version(call), RESP_MAP, 4);
	redis_say(call, "summary");
	redis_say(call, summary);
	redis_say(call, "since");
	redis_say(call, since);
	redis_say(call, "group");
	redis_say(call, command->group);
}

static void
put_sub_docs(struct call *call, const struct redis_command *command,
    const char *since)
{
	enum resp_version v = redis_version(call);
	size_t i, n = 0, mark = outbuf_len(call->out);
	const struct redis_sub *sub;

	for (i = 0; i < redis_subs(); i++) {
		sub = redis_sub_at(i);
		if (strcmp(sub->command, command->name) != 0)
			continue;
		put_name(call, sub->full);
		put_facts(call, command, sub->help, since);
		redis_say(call, "arguments");
		put_arguments(call, sub->args);
		n++;
	}
	resp_put_list_at(call->out, v, RESP_MAP, n, mark);
}

static void
put_docs(struct call *call, const struct redis_command *command)
{
	const struct redis_doc *doc = redis_doc_find(command->name);

	put_name(call, command->name);
	put_facts(call, command, doc == NULL ? "" : doc->summary,
	    doc == NULL ? "" : doc->since);
	if (redis_has_subs(command)) {
		redis_say(call, "subcommands");
		put_sub_docs(call, command, doc == NULL ? "" :
		    doc->since);
	} else {
		redis_say(call, "arguments");
		put_arguments(call, doc == NULL ? "" : doc->args);
	}
}

void
redis_run_command_docs(struct call *call)
{
	const struct request *req = call->req;
	const struct redis_command *command;
	size_t i, n = 0, mark = outbuf_len(call->out);

	for (i = 2; i < req->argc; i++)
		if ((command = redis_find(req->argv[i])) != NULL) {
			put_docs(call, command);
			n++;
		}
	for (i = 0; req->argc == 2 && i < redis_commands(); i++, n++)
		put_docs(call, redis_command_at(i));
	resp_put_list_at(call->out, redis_version(call), RESP_MAP, n, mark);
}
