/*
 * Commands: found by their verb, checked, run.
 *
 * The order of the checks is part of the protocol: the number of words, then
 * their sizes, and only then does the store look for the bucket.  The first
 * two come from command.def, so a handler may trust its words.
 *
 * A handler answers by appending to call->out, or says in call->next that
 * the answer is a stream or a subscription; it knows no connection.
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/hmac.h"
#include "proto/little.h"
#include "proto/reply.h"
#include "server/command.h"
#include "server/debug.h"
#include "server/redis.h"
#include "server/session.h"

#define ANY	SIZE_MAX

enum command_words {
	WORDS_NONE, WORDS_BUCKET, WORDS_BUCKETS, WORDS_KEY, WORDS_KEYS,
	WORDS_PAIRS
};

struct command {
	const char		*name;
	size_t			 len;		/* of the name */
	void			(*run)(struct call *);
	size_t			 min;
	size_t			 max;
	enum command_words	 words;
	enum command_kind	 kind;
	const char		*args;
	const char		*help;
};

#define COMMAND(name, handler, ...) static void run_##handler(struct call *);
#include "server/command.def"
#undef COMMAND

static const struct command commands[] = {
#define COMMAND(name, handler, min, max, words, kind, args, help) \
	{ #name, sizeof(#name) - 1, run_##handler, min, max, WORDS_##words, \
	    COMMAND_##kind, args, help },
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

static const struct command *
find_command(struct slice verb)
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

/* Answers. */

static void
answer_unknown(struct call *call)
{
	call->failed = true;
	reply_unknown_command(call->out);
}

static void
answer_status(struct call *call, enum shm_status status)
{
	call->failed = status != SHM_OK;
	if (status == SHM_OK)
		reply_ok(call->out);
	else if (status == SHM_NO_BUCKET)
		reply_not_found(call->out);
	else
		reply_error(call->out, "%s", shm_strstatus(status));
}

/* Checks, before any handler. */

static bool
check_count(struct call *call, const struct command *command)
{
	size_t argc = call->req->argc;

	if (argc < command->min || argc > command->max ||
	    (command->words == WORDS_PAIRS && argc % 2 != 0)) {
		answer_unknown(call);
		return false;
	}
	if (argc > REQUEST_ARGS_MAX) {
		call->failed = true;
		reply_error(call->out, "too many words");
		return false;
	}
	return true;
}

static bool
check_bucket(struct call *call, size_t word)
{
	size_t len = call->req->argv[word].len;

	if (len > 0 && len <= BUCKET_NAME_MAX)
		return true;
	call->failed = true;
	reply_error(call->out, "bucket name is empty or longer than %d bytes",
	    BUCKET_NAME_MAX);
	return false;
}

static bool
check_key(struct call *call, size_t word)
{
	if (call->req->argv[word].len <= PAIR_KEY_MAX)
		return true;
	call->failed = true;
	reply_error(call->out, "key is longer than %u bytes", PAIR_KEY_MAX);
	return false;
}

static bool
check_value(struct call *call, size_t word)
{
	uint64_t max = store_value_max(call->env->store);

	if (call->req->argv[word].len <= max)
		return true;
	call->failed = true;
	reply_error(call->out, "value is longer than %ju bytes",
	    (uintmax_t)max);
	return false;
}

static bool
check_word(struct call *call, enum command_words words, size_t word)
{
	if (word == 1 || words == WORDS_BUCKETS)
		return check_bucket(call, word);
	return words == WORDS_PAIRS && word % 2 == 1 ?
	    check_value(call, word) : check_key(call, word);
}

static bool
check_sizes(struct call *call, enum command_words words)
{
	size_t i;

	if (words == WORDS_NONE)
		return true;
	for (i = 1; i < call->req->argc; i++)
		if (!check_word(call, words, i))
			return false;
	return true;
}

/* Who has not said the password may do that, or go. */
static bool
check_right(struct call *call, const struct command *command)
{
	if (call->session == NULL || !call->session->is_stranger ||
	    command->run == run_auth || command->run == run_quit)
		return true;
	call->failed = true;
	reply_error(call->out, "a password is needed: say AUTH and the "
	    "password");
	return false;
}

bool
command_is_http(const struct request *req)
{
	return command_is(req, "POST") || command_is(req, "Host:");
}

bool
command_check(struct call *call)
{
	const struct command *command;

	if (call->req->protocol != REQUEST_TEXT)
		return redis_check(call);
	command = find_command(call->req->argv[0]);
	if (command == NULL) {
		if (command_is_http(call->req))
			call->next = CALL_CUT;
		else
			answer_unknown(call);
		return false;
	}
	call->command = command;
	return check_count(call, command) && check_right(call, command) &&
	    check_sizes(call, command->words);
}

enum command_kind
command_kind(const struct request *req)
{
	const struct command *command;

	if (req->protocol != REQUEST_TEXT)
		return redis_kind(req);
	if ((command = find_command(req->argv[0])) == NULL)
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

static uint64_t
stir(uint64_t hash, uint64_t x)
{
	hash = (hash ^ x) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/*
 * Of the beginning: a key may be long, and this is per request.  Hence eight
 * bytes at a time, too, and the length, which tells where one word ends and
 * the next begins, together with the first of them.
 */
static inline uint64_t
hash_word(uint64_t hash, struct slice word)
{
	size_t len = word.len < 64 ? word.len : 64;
	const uint8_t *p = word.data, *end = p + len;

	hash += word.len;
	if (len < 8)
		return stir(hash, little_get_few(p, len));
	for (; end - p > 8; p += 8)
		hash = stir(hash, little_get_few(p, 8));
	return stir(hash, little_get_few(end - 8, 8));
}

uint64_t
command_fingerprint_of(const struct slice *argv, size_t argc)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < argc && i < 3; i++)
		hash = hash_word(hash, argv[i]);
	return hash | 1;
}

uint64_t
command_fingerprint(const struct request *req)
{
	return command_fingerprint_of(req->argv, req->argc);
}

/* Handlers. */

static void
run_create(struct call *call)
{
	answer_status(call,
	    store_create(call->env->store, call->req->argv[1]));
}

static void
run_put(struct call *call)
{
	const struct slice *argv = call->req->argv;

	answer_status(call,
	    store_put(call->env->store, argv[1], argv[2], argv[3]));
}

static void
run_get(struct call *call)
{
	const struct slice *argv = call->req->argv;
	enum shm_status status;
	struct slice value;

	status = store_get(call->env->store, argv[1], argv[2], &value);
	if (status == SHM_OK)
		reply_value(call->out, value);
	else if (status == SHM_NO_KEY)
		reply_no_value(call->out);
	else
		answer_status(call, status);
}

static void
run_delete(struct call *call)
{
	const struct slice *argv = call->req->argv;
	enum shm_status status;

	status = store_delete(call->env->store, argv[1], argv[2]);
	answer_status(call, status == SHM_NO_KEY ? SHM_OK : status);
}

static void
run_subscribe(struct call *call)
{
	call->next = CALL_SUBSCRIBE;
}

static void
run_buckets(struct call *call)
{
	stream_buckets(call->stream, call->req);
	call->next = CALL_STREAM;
}

static void
run_keys(struct call *call)
{
	stream_keys(call->stream, call->req);
	call->next = CALL_STREAM;
}

static void
run_count(struct call *call)
{
	struct bucket_stat stat;
	enum shm_status status;

	status = store_stat(call->env->store, call->req->argv[1], &stat);
	if (status == SHM_OK)
		reply_number(call->out, stat.keys);
	else
		answer_status(call, status);
}

static void
run_drop(struct call *call)
{
	answer_status(call, store_drop(call->env->store, call->req->argv[1]));
}

static void
run_mput(struct call *call)
{
	const struct request *req = call->req;

	answer_status(call, store_put_many(call->env->store, req->argv[1],
	    req->argv + 2, req->argc - 2));
}

static void
run_mget(struct call *call)
{
	stream_mget(call->stream, call->req);
	call->next = CALL_STREAM;
}

static void
run_where(struct call *call)
{
	stream_where(call->stream, call->req, call->env->route);
	call->next = CALL_STREAM;
}

static void
run_info(struct call *call)
{
	info_reply(call);
}

static void
run_audit(struct call *call)
{
	const char *why;

	why = stream_audit(call->stream, call->req, call->env->store);
	if (why == NULL) {
		call->next = CALL_STREAM;
		return;
	}
	call->failed = true;
	reply_error(call->out, "%s", why);
}

static void
help_line(struct call *call, const struct command *command)
{
	char line[160];

	snprintf(line, sizeof(line), "%s%s%s: %s", command->name,
	    command->args[0] == '\0' ? "" : " ", command->args,
	    command->help);
	reply_text(call->out, line);
}

static void
run_help(struct call *call)
{
	const struct command *command;
	size_t i;

	if (call->req->argc == 1) {
		for (i = 0; i < COMMANDS; i++)
			help_line(call, &commands[i]);
	} else if ((command = find_command(call->req->argv[1])) != NULL) {
		help_line(call, command);
	} else {
		call->failed = true;
		reply_error(call->out,
		    "no such command; HELP alone lists them all");
		return;
	}
	reply_end(call->out);
}

static void
run_auth(struct call *call)
{
	const char *why = NULL;

	if (!command_wants_password(call))
		why = "no password is set, see password in kvd.conf(5)";
	else if (!command_is_password(call, call->req->argv[1]))
		why = "wrong password";
	if (why == NULL) {
		call->session->is_stranger = false;
		reply_ok(call->out);
		return;
	}
	call->failed = true;
	reply_error(call->out, "%s", why);
}

static void
run_ping(struct call *call)
{
	reply_pong(call->out);
}

static void
run_quit(struct call *call)
{
	reply_ok(call->out);
	call->next = CALL_CLOSE;
}

#ifdef KVD_DEBUG_COMMANDS
static void
run_debug(struct call *call)
{
	debug_execute(call);
}
#endif
