/*
 * SLOWLOG: requests that took long, of all workers of this node.
 *
 * As Redis does it: of a request that is longer the last word says how many
 * more there were, of a word how many more bytes, and what is a secret is not
 * kept.
 */

#include "server/redis_slowlog.h"

#include <stdio.h>
#include <string.h>

#include "proto/number.h"
#include "server/clock.h"
#include "server/redis_sub.h"
#include "server/roster_slow.h"
#include "server/session.h"

#define GET_COUNT	10	/* if none is asked for */

/* --- noting --- */

/* Of a setting it is what it is to be, whether it can be set or not. */
static bool
is_secret_setting(const struct request *req, size_t i)
{
	static const char *const names[] = {
		"cookie", "masterauth", "masteruser", "password", "requirepass"
	};
	size_t n;

	if (i < 3 || !redis_is(req->argv[0], "CONFIG") ||
	    !redis_is(req->argv[1], "SET"))
		return false;
	for (n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		if (redis_is(req->argv[i - 1], names[n]))
			return true;
	return false;
}

/*
 * Is the word part of what says who somebody is?  AUTH is a command of both
 * protocols; within HELLO the word may also be a name that is given.
 */
static bool
is_secret(const struct request *req, size_t i)
{
	size_t at;

	if (i == 0)
		return false;
	if (redis_is(req->argv[0], "AUTH"))
		return true;
	for (at = 1; redis_is(req->argv[0], "HELLO") && at < i; at++)
		if (redis_is(req->argv[at], "AUTH") && i <= at + 2)
			return true;
	return is_secret_setting(req, i);
}

void
redis_note_slow(const struct call *call, const struct session *session,
    uint64_t took_us)
{
	const struct request *req = call->req;
	struct slice words[ROSTER_SLOW_WORDS];
	struct roster_slow facts = { .at_s = clock_wall_ms() / 1000,
	    .took_us = took_us, .words = req->argc };
	size_t i;

	for (i = 0; i < req->argc && i < ROSTER_SLOW_WORDS; i++)
		words[i] = is_secret(req, i) ? redis_word("(redacted)") :
		    req->argv[i];
	session_address(session, facts.addr, sizeof(facts.addr));
	if (session->name != NULL)
		strlcpy(facts.name, session->name, sizeof(facts.name));
	roster_note_slow(call->env->inherit->roster, &facts, words);
}

/* --- telling --- */

static void
put_word(struct call *call, const struct roster_slow *slow, size_t i)
{
	uint8_t text[ROSTER_SLOW_BYTES + 48];
	size_t len = slow->len[i];

	if (len > ROSTER_SLOW_BYTES) {
		memcpy(text, slow->word[i], ROSTER_SLOW_BYTES);
		len = ROSTER_SLOW_BYTES + (size_t)snprintf((char *)text +
		    ROSTER_SLOW_BYTES, sizeof(text) - ROSTER_SLOW_BYTES,
		    "... (%zu more bytes)", len - ROSTER_SLOW_BYTES);
		resp_put_bulk(call->out, (struct slice){ text, len });
		return;
	}
	resp_put_bulk(call->out, (struct slice){ slow->word[i], len });
}

static void
put_words(struct call *call, const struct roster_slow *slow)
{
	bool more = slow->words > ROSTER_SLOW_WORDS;
	size_t i, n = more ? ROSTER_SLOW_WORDS - 1 : (size_t)slow->words;
	char text[48];

	resp_put_list(call->out, redis_version(call), RESP_ARRAY, n + more);
	for (i = 0; i < n; i++)
		put_word(call, slow, i);
	if (!more)
		return;
	snprintf(text, sizeof(text), "... (%ju more arguments)",
	    (uintmax_t)(slow->words - n));
	redis_say(call, text);
}

static void
put_slow(struct call *call, const struct roster_slow *slow)
{
	resp_put_list(call->out, redis_version(call), RESP_ARRAY, 6);
	resp_put_integer(call->out, (int64_t)slow->id);
	resp_put_integer(call->out, (int64_t)slow->at_s);
	resp_put_integer(call->out, (int64_t)slow->took_us);
	put_words(call, slow);
	redis_say(call, slow->addr);
	redis_say(call, slow->name);
}

/* As many as are asked for, and as there are to be. */
static void
put_all(struct call *call, int64_t n)
{
	const struct roster *roster = call->env->inherit->roster;
	struct roster_slow slow = { .id = UINT64_MAX };
	size_t mark = outbuf_len(call->out);
	int64_t i, most = redis_slow_len(call->env->inherit->agreed);

	if (n == -1 || n > most)
		n = most;
	for (i = 0; i < n && roster_slow_before(roster, slow.id, &slow); i++)
		put_slow(call, &slow);
	resp_put_list_at(call->out, redis_version(call), RESP_ARRAY,
	    (size_t)i, mark);
}

void
redis_run_slowlog_get(struct call *call)
{
	const struct request *req = call->req;
	int64_t n = GET_COUNT;

	if (req->argc > 3)
		redis_sub_syntax_error(call);
	else if (req->argc == 3 && (!number_parse_int(req->argv[2], &n) ||
	    n < -1))
		redis_error(call, "ERR", "count should be greater than or "
		    "equal to -1");
	else
		put_all(call, n);
}

void
redis_run_slowlog_len(struct call *call)
{
	int64_t most = redis_slow_len(call->env->inherit->agreed);
	int64_t n = (int64_t)roster_slow_count(call->env->inherit->roster);

	resp_put_integer(call->out, n < most ? n : most);
}

void
redis_run_slowlog_reset(struct call *call)
{
	roster_forget_slow(call->env->inherit->roster);
	redis_ok(call);
}
