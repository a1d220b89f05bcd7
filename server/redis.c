/*
 * The commands of Redis: found by their verb, checked, run; and what their
 * handlers have in common.
 *
 * Whoever speaks this protocol knows the errors of Redis by heart, and so do
 * programs: they are as Redis words them.
 */

#include "server/redis.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/little.h"
#include "proto/number.h"
#include "server/redis_key.h"
#include "server/redis_pubsub.h"
#include "server/redis_multi.h"
#include "server/redis_sub.h"
#include "server/redis_tracking.h"
#include "server/session.h"

static const struct redis_command commands[] = {
#define REDIS(name, handler, arity, kind, first, last, step, group) \
	{ #name, redis_run_##handler, arity, COMMAND_##kind, first, last, \
	    step, group },
#include "server/redis.def"
#undef REDIS
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))
#define VERB_BITS	10
#define VERB_SLOTS	(1U << VERB_BITS)
#define VERB_MAX	32	/* no verb is so long */
#define ARGS_SHOWN	128	/* bytes, in the error about an unknown verb */

static const struct redis_command *verbs[VERB_SLOTS];
static bool takes_bucket[COMMANDS];

_Static_assert(COMMANDS <= VERB_SLOTS / 2, "the table of verbs is too full");

/* Of the first letters, in either case, and how many there are. */
static size_t
verb_slot(const uint8_t *verb, size_t len)
{
	uint64_t letters = little_get_few(verb, len < 8 ? len : 8) |
	    UINT64_C(0x2020202020202020);

	return ((letters ^ len) * UINT64_C(0x9e3779b97f4a7c15)) >>
	    (64 - VERB_BITS);
}

/* Commands of these groups take their first word for the name of a bucket. */
static bool
is_of_bucket(const struct redis_command *command)
{
	return command->first == 1 && (strcmp(command->group, "hash") == 0 ||
	    strcmp(command->group, "bucket") == 0);
}

void
redis_init(void)
{
	size_t i, slot;

	memset(verbs, 0, sizeof(verbs));
	for (i = 0; i < COMMANDS; i++) {
		slot = verb_slot((const uint8_t *)commands[i].name,
		    strlen(commands[i].name));
		while (verbs[slot] != NULL)
			slot = (slot + 1) % VERB_SLOTS;
		verbs[slot] = &commands[i];
		takes_bucket[i] = is_of_bucket(&commands[i]);
	}
}

bool
redis_is(struct slice word, const char *name)
{
	return strlen(name) == word.len &&
	    strncasecmp((const char *)word.data, name, word.len) == 0;
}

const struct redis_command *
redis_find(struct slice name)
{
	size_t slot = verb_slot(name.data, name.len);

	for (; verbs[slot] != NULL; slot = (slot + 1) % VERB_SLOTS)
		if (redis_is(name, verbs[slot]->name))
			return verbs[slot];
	return NULL;
}

const struct redis_command *
redis_command_at(size_t i)
{
	return &commands[i];
}

size_t
redis_commands(void)
{
	return COMMANDS;
}

/* --- checks --- */

static void
unknown(struct call *call)
{
	const struct request *req = call->req;
	char args[ARGS_SHOWN + 8] = "";
	size_t i, len = 0;
	int room;

	for (i = 1; i < req->argc && i < REQUEST_ARGS_MAX &&
	    len < ARGS_SHOWN; i++) {
		room = (int)(ARGS_SHOWN - len);
		len += (size_t)snprintf(args + len, sizeof(args) - len,
		    "'%.*s' ", req->argv[i].len < (size_t)room ?
		    (int)req->argv[i].len : room, req->argv[i].data);
		if (len >= sizeof(args))
			break;
	}
	redis_error(call, "ERR", "unknown command '%.*s', with args beginning "
	    "with: %s", req->argv[0].len < 128 ? (int)req->argv[0].len : 128,
	    req->argv[0].data, args);
}

static bool
check_bucket(struct call *call)
{
	size_t len = call->req->argv[1].len;

	if (len > 0 && len <= BUCKET_NAME_MAX)
		return true;
	redis_error(call, "ERR", "name of a hash is empty or longer than %d "
	    "bytes", BUCKET_NAME_MAX);
	return false;
}

static bool
is_for_strangers(const struct redis_command *command)
{
	static const char *const names[] = {
		"AUTH", "HELLO", "QUIT", "RESET"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(command->name, names[i]) == 0)
			return true;
	return false;
}

static bool
check(struct call *call)
{
	const struct redis_command *command = redis_find(call->req->argv[0]);
	size_t argc = call->req->argc;

	if (command == NULL) {
		if (command_is_http(call->req))
			call->next = CALL_CUT;
		else
			unknown(call);
		return false;
	}
	call->redis = command;
	call->sub = NULL;
	if (call->session != NULL) {
		call->session->command = command->name;
		call->session->sub = NULL;
	}
	if (!redis_fits(command->arity, argc)) {
		redis_wrong_arity(call);
		return false;
	}
	if (!redis_sub_check(call))
		return false;
	if (argc > REQUEST_ARGS_MAX) {
		redis_error(call, "ERR", "too many arguments");
		return false;
	}
	if (call->session != NULL && call->session->is_stranger &&
	    !is_for_strangers(command)) {
		redis_error(call, "NOAUTH", "Authentication required.");
		return false;
	}
	return pubsub_allows(call) &&
	    (!takes_bucket[command - commands] || check_bucket(call));
}

bool
redis_check(struct call *call)
{
	size_t mark = outbuf_len(call->out);

	if (check(call))
		return true;
	multi_spoil(call, mark);
	return false;
}

void
redis_run(struct call *call)
{
	if (multi_take(call))
		return;
	if (call->session != NULL && call->session->tracker != NULL)
		redis_run_tracked(call);
	else
		call->redis->run(call);
}

enum command_kind
redis_kind(const struct request *req)
{
	const struct redis_command *command = redis_find(req->argv[0]);

	return command == NULL ? COMMAND_HERE : command->kind;
}

bool
redis_flushes(const struct request *req)
{
	const struct redis_command *command = redis_find(req->argv[0]);

	return command != NULL && command->run == redis_run_flushall;
}

bool
redis_is_of_string(struct slice verb, size_t argc)
{
	const struct redis_command *command = redis_find(verb);

	return argc > 1 && command != NULL && command->first == 1 &&
	    !takes_bucket[command - commands];
}

size_t
redis_next_key(const struct request *req, size_t word)
{
	const struct redis_command *c = redis_find(req->argv[0]);
	size_t last, argc = req->argc;

	if (argc > REQUEST_ARGS_MAX)
		argc = REQUEST_ARGS_MAX;
	if (c == NULL || c->first == 0)
		return 0;
	word = word == 0 ? (size_t)c->first : word + (size_t)c->step;
	last = c->last >= 0 ? (size_t)c->last : argc - (size_t)-c->last;
	return word <= last && word < argc && c->step > 0 ? word : 0;
}

struct slice
redis_first_key(const struct request *req)
{
	size_t word = redis_next_key(req, 0);

	return word == 0 ? (struct slice){ NULL, 0 } : req->argv[word];
}

void
redis_lower(char *lower, size_t size, const char *name)
{
	size_t i;

	strlcpy(lower, name, size);
	for (i = 0; lower[i] != '\0'; i++)
		lower[i] = (char)tolower((unsigned char)lower[i]);
}

/* --- answers --- */

void
redis_error(struct call *call, const char *code, const char *fmt, ...)
{
	char reason[RESP_REASON_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	call->failed = true;
	resp_put_error(call->out, code, "%s", reason);
}

void
redis_wrong_type(struct call *call)
{
	redis_error(call, "WRONGTYPE", "Operation against a key holding the "
	    "wrong kind of value");
}

void
redis_wrong_arity(struct call *call)
{
	char name[VERB_MAX];

	redis_lower(name, sizeof(name), call->sub != NULL ? call->sub->full :
	    call->redis->name);
	redis_error(call, "ERR", "wrong number of arguments for '%s' command",
	    name);
}

void
redis_syntax_error(struct call *call)
{
	redis_error(call, "ERR", "syntax error");
}

void
redis_store_error(struct call *call, enum shm_status status)
{
	if (status == SHM_FULL)
		redis_error(call, "OOM", "command not allowed when used "
		    "memory > 'maxmemory'.");
	else
		redis_error(call, "ERR", "%s", shm_strstatus(status));
}

void
redis_ok(struct call *call)
{
	resp_put_ok(call->out);
}

void
redis_say_text(struct call *call, struct outbuf *text)
{
	struct slice all = { text->data, outbuf_len(text) };

	/* Without a byte it has no memory. */
	if (all.len > 0)
		all.data += text->head;
	resp_put_verbatim(call->out, redis_version(call), all);
	call->out->failed |= text->failed;
	outbuf_free(text);
}

bool
redis_integer(struct call *call, struct slice word, int64_t *n)
{
	if (number_parse_int(word, n))
		return true;
	redis_error(call, "ERR", "value is not an integer or out of range");
	return false;
}

bool
redis_timeout(struct call *call, struct slice word, int64_t *ms)
{
	if (!number_parse_int(word, ms))
		redis_error(call, "ERR", "timeout is not an integer or out of "
		    "range");
	else if (*ms < 0)
		redis_error(call, "ERR", "timeout is negative");
	else
		return true;
	return false;
}

bool
redis_int(struct call *call, struct slice word, int64_t *n)
{
	if (!redis_integer(call, word, n))
		return false;
	if (*n >= INT32_MIN && *n <= INT32_MAX)
		return true;
	redis_error(call, "ERR", "value is out of range, value must between "
	    "%d and %d", INT32_MIN, INT32_MAX);
	return false;
}

/* --- the store --- */

enum redis_type
redis_type_of(const struct call *call, struct slice name)
{
	uint64_t expires_ms;

	return redis_look(call, name, &expires_ms);
}

enum redis_type
redis_type_in(struct txn *t, struct bytes name)
{
	struct txn_bucket facts;
	struct txn_pair pair;

	if (name.len > 0 && txn_look(t, name, &facts) == SHM_OK)
		return REDIS_HASH;
	return txn_get(t, REDIS_STRINGS, name, &pair) == SHM_OK ?
	    REDIS_STRING : REDIS_NONE;
}

bool
redis_change(struct call *call, struct slice key,
    enum shm_status (*op)(struct txn *, void *), void *arg,
    enum shm_status *status)
{
	return redis_change_in(call, redis_shard(call, key), op, arg, status);
}

bool
redis_change_in(struct call *call, uint32_t shard,
    enum shm_status (*op)(struct txn *, void *), void *arg,
    enum shm_status *status)
{
	*status = store_change(call->env->store, shard, op, arg);
	return redis_is_well(call, *status);
}

bool
redis_is_well(struct call *call, enum shm_status status)
{
	switch (status) {
	case SHM_OK:
	case SHM_NO_BUCKET:
	case SHM_NO_KEY:
		return true;
	default:
		redis_store_error(call, status);
		return false;
	}
}

static enum pair_verdict
remove_it(void *arg, const struct pair_old *old, struct pair_new *new)
{
	(void)arg;
	(void)new;
	return old->is_there ? PAIR_DELETE : PAIR_LEAVE;
}

bool
redis_remove_pair(const struct call *call, uint32_t shard,
    struct bytes bucket, struct slice key, int64_t *removed)
{
	struct pair_edit edit = { .decide = remove_it };
	enum shm_status status = store_edit(call->env->store, shard, bucket,
	    redis_bytes(key), &edit);

	*removed = status == SHM_OK;
	return status == SHM_OK || status == SHM_NO_KEY;
}

enum shm_status
redis_edit(const struct call *call, struct slice name, struct pair_edit *edit,
    enum shm_status (*op)(struct txn *, void *), void *arg)
{
	uint32_t shard = redis_shard(call, name);
	enum shm_status status = store_edit(call->env->store, shard,
	    REDIS_STRINGS, redis_bytes(name), edit);

	return status == SHM_NO_BUCKET ?
	    store_change(call->env->store, shard, op, arg) : status;
}
