/*
 * Checks, before any handler.
 *
 * Their order is part of the protocol: the number of words, then their sizes,
 * and only then does the store look for the bucket.  The first two come from
 * command.def, so a handler may trust its words.
 */

#include "proto/reply.h"
#include "server/command_state.h"
#include "server/redis.h"
#include "server/session.h"

static void
answer_unknown(struct call *call)
{
	call->failed = true;
	reply_unknown_command(call->out);
}

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
	    command->run == command_run_auth ||
	    command->run == command_run_quit)
		return true;
	call->failed = true;
	reply_error(call->out, "a password is needed: say AUTH and the "
	    "password");
	return false;
}

bool
command_check(struct call *call)
{
	const struct command *command;

	if (call->req->protocol != REQUEST_TEXT)
		return redis_check(call);
	command = command_find(call->req->argv[0]);
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
