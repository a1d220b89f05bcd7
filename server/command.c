/*
 * Commands: found by their verb, checked, run; and what their words alone
 * tell of them.
 */

#include <string.h>
#include <strings.h>

#include "proto/hmac.h"
#include "server/command_state.h"
#include "server/redis.h"

#define ANY	SIZE_MAX

static const struct command commands[] = {
#define COMMAND(name, handler, min, max, words, kind, args, help) \
	{ #name, sizeof(#name) - 1, command_run_##handler, min, max, \
	    WORDS_##words, COMMAND_##kind, args, help },
#include "server/command.def"
#undef COMMAND
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/*
 * Verbs are found through a small open-addressed table, made at start from
 * the list, so that adding a command is a line there and nothing here.
 */
#define VERB_SLOTS	64

static const struct command *verbs[VERB_SLOTS];

_Static_assert(COMMANDS <= VERB_SLOTS / 2, "the table of verbs is too full");

static size_t
verb_slot(const uint8_t *verb, size_t len)
{
	/* 0xdf makes a letter upper case. */
	return (len * 11 + (verb[0] & 0xdfU) * 5 + (verb[len - 1] & 0xdfU)) %
	    VERB_SLOTS;
}

void
command_init(void)
{
	size_t i, slot;

	redis_init();
	memset(verbs, 0, sizeof(verbs));
	for (i = 0; i < COMMANDS; i++) {
		slot = verb_slot((const uint8_t *)commands[i].name,
		    commands[i].len);
		while (verbs[slot] != NULL)
			slot = (slot + 1) % VERB_SLOTS;
		verbs[slot] = &commands[i];
	}
}

static bool
is_verb(struct slice word, const char *name, size_t len)
{
	return len == word.len &&
	    strncasecmp((const char *)word.data, name, word.len) == 0;
}

bool
command_is(const struct request *req, const char *verb)
{
	return is_verb(req->argv[0], verb, strlen(verb));
}

/*
 * Not the words are compared but what HMAC makes of them: where the right one
 * differs, and how long it is, cannot be read off a clock.
 */
bool
command_is_password(const struct call *call, struct slice word)
{
	static const uint8_t key[] = "the password of clients";
	const char *secret = call->env->config->client_secret;
	const struct slice ours = { (const uint8_t *)secret, strlen(secret) };
	uint8_t right[HMAC_LEN], said[HMAC_LEN];

	hmac_sha256((struct slice){ key, sizeof(key) }, &ours, 1, right);
	hmac_sha256((struct slice){ key, sizeof(key) }, &word, 1, said);
	return hmac_equal(right, said);
}

const struct command *
command_find(struct slice verb)
{
	size_t slot;

	if (verb.len == 0)
		return NULL;
	slot = verb_slot(verb.data, verb.len);
	for (; verbs[slot] != NULL; slot = (slot + 1) % VERB_SLOTS)
		if (is_verb(verb, verbs[slot]->name, verbs[slot]->len))
			return verbs[slot];
	return NULL;
}

const struct command *
command_at(size_t i)
{
	return i < COMMANDS ? &commands[i] : NULL;
}

bool
command_is_http(const struct request *req)
{
	return command_is(req, "POST") || command_is(req, "Host:");
}

enum command_kind
command_kind(const struct request *req)
{
	const struct command *command;

	if (req->protocol != REQUEST_TEXT)
		return redis_kind(req);
	if ((command = command_find(req->argv[0])) == NULL)
		return COMMAND_HERE;
	return command->kind == COMMAND_NODES ? info_kind(req) :
	    command->kind;
}

struct slice
command_name(const struct request *req)
{
	if (req->protocol != REQUEST_TEXT)
		return redis_first_key(req);
	return req->argc < 2 ? (struct slice){ NULL, 0 } : req->argv[1];
}

bool
command_pair(enum request_protocol protocol, const struct slice *argv,
    size_t argc, struct slice *bucket, struct slice *key)
{
	if (protocol != REQUEST_TEXT && redis_is_of_string(argv[0], argc)) {
		*bucket = (struct slice){ NULL, 0 };
		*key = argv[1];
		return true;
	}
	if (argc < 3)
		return false;
	*bucket = argv[1];
	*key = argv[2];
	return true;
}

void
command_run(struct call *call)
{
	if (call->req->protocol != REQUEST_TEXT)
		redis_run(call);
	else
		call->command->run(call);
}

void
command_execute(struct call *call)
{
	if (command_check(call))
		command_run(call);
}
