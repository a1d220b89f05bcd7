/*
 * CLIENT TRACKING and what belongs to it: clients that keep what they have
 * read, as tracking.h has it, in the words of Redis.
 *
 * A worker hears of the changes of its own node alone, and a node of several
 * would let a client keep what another node has changed long ago.  So where
 * there are other nodes nobody is promised anything.
 */

#include "server/redis_tracking.h"

#include <string.h>

#include "server/redis_multi.h"
#include "server/redis_sub.h"
#include "server/session.h"
#include "server/tracking.h"

#define ANEW	"before disabling tracking for this client, and then " \
    "re-enabling it with a different mode."
#define SHOWN	128	/* bytes of a prefix */

/*
 * Of a client, each of which is compared with all others, and with each name
 * that changes.
 */
#define PREFIXES_MAX	1024

struct wish {
	struct tracking_mode	 mode;
	bool			 optin, optout;
	struct session		*other;
	size_t			 prefixes;	/* words that are PREFIX */
};

/* --- what is asked for --- */

static struct session *
find_session(const struct call *call, int64_t id)
{
	struct session *s;

	LIST_FOREACH(s, &call->session->sessions->all, entry)
		if (s->id == (uint64_t)id)
			break;
	return s;
}

static bool
parse_redirect(struct call *call, struct slice word, struct wish *wish)
{
	int64_t id;

	if (wish->other != NULL) {
		redis_error(call, "ERR", "A client can only redirect to a "
		    "single other client");
		return false;
	}
	if (!redis_integer(call, word, &id))
		return false;
	if ((wish->other = find_session(call, id)) != NULL)
		return true;
	redis_error(call, "ERR", "The client ID you want redirect to does not "
	    "exist");
	return false;
}

/* Returns the number of words taken; 0: the answer is an error. */
static size_t
parse_option(struct call *call, size_t i, struct wish *wish)
{
	const struct slice *argv = call->req->argv;
	bool more = i + 1 < call->req->argc;

	if (redis_is(argv[i], "REDIRECT") && more)
		return parse_redirect(call, argv[i + 1], wish) ? 2 : 0;
	if (redis_is(argv[i], "PREFIX") && more) {
		wish->prefixes++;
		return 2;
	}
	if (redis_is(argv[i], "BCAST"))
		wish->mode.bcast = true;
	else if (redis_is(argv[i], "OPTIN"))
		wish->optin = true;
	else if (redis_is(argv[i], "OPTOUT"))
		wish->optout = true;
	else if (redis_is(argv[i], "NOLOOP"))
		wish->mode.noloop = true;
	else
		return redis_syntax_error(call), 0;
	return 1;
}

static bool
parse(struct call *call, struct wish *wish)
{
	size_t i, used;

	for (i = 3; i < call->req->argc; i += used)
		if ((used = parse_option(call, i, wish)) == 0)
			return false;
	if (wish->optin)
		wish->mode.choice = TRACKING_OPTIN;
	else if (wish->optout)
		wish->mode.choice = TRACKING_OPTOUT;
	return true;
}

/* --- does it make sense? --- */

static const char *
find_fault(const struct wish *wish, const struct tracking_mode *now)
{
	if (wish->prefixes > 0 && !wish->mode.bcast)
		return "PREFIX option requires BCAST mode to be enabled";
	if (now != NULL && now->bcast != wish->mode.bcast)
		return "You can't switch BCAST mode on/off " ANEW;
	if (wish->mode.bcast && (wish->optin || wish->optout))
		return "OPTIN and OPTOUT are not compatible with BCAST";
	if (wish->optin && wish->optout)
		return "You can't specify both OPTIN mode and OPTOUT mode";
	if (now != NULL && ((wish->optin && now->choice == TRACKING_OPTOUT) ||
	    (wish->optout && now->choice == TRACKING_OPTIN)))
		return "You can't switch OPTIN/OPTOUT mode " ANEW;
	return NULL;
}

static bool
overlaps(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	return n == 0 || memcmp(a.data, b.data, n) == 0;
}

static bool
refuse_prefix(struct call *call, const char *what, struct slice a,
    struct slice b)
{
	redis_error(call, "ERR", "Prefix '%.*s' overlaps with %s prefix "
	    "'%.*s'. Prefixes for a single client must not overlap.",
	    a.len < SHOWN ? (int)a.len : SHOWN, a.data, what,
	    b.len < SHOWN ? (int)b.len : SHOWN, b.data);
	return false;
}

/* The next PREFIX behind that word, which is one or the word before them. */
static size_t
next_prefix(const struct request *req, size_t i)
{
	i += i == 2 ? 1 : 2;
	while (i < req->argc && !redis_is(req->argv[i], "PREFIX"))
		i += redis_is(req->argv[i], "REDIRECT") ? 2 : 1;
	return i < req->argc ? i : 0;
}

static bool
is_apart(struct call *call, size_t at)
{
	const struct request *req = call->req;
	struct slice word = req->argv[at + 1];
	const struct slice *had;
	size_t i;

	for (i = 0; (had = tracking_prefix(call->session, i)) != NULL; i++)
		if (overlaps(*had, word))
			return refuse_prefix(call, "an existing", word, *had);
	for (i = at; (i = next_prefix(req, i)) != 0;)
		if (overlaps(req->argv[i + 1], word))
			return refuse_prefix(call, "another provided", word,
			    req->argv[i + 1]);
	return true;
}

static bool
are_few(struct call *call, const struct wish *wish)
{
	size_t n = 0;

	while (tracking_prefix(call->session, n) != NULL)
		n++;
	if (n + wish->prefixes <= PREFIXES_MAX)
		return true;
	redis_error(call, "ERR", "too many prefixes, a client has at most %d",
	    PREFIXES_MAX);
	return false;
}

static bool
are_apart(struct call *call)
{
	size_t i;

	for (i = 2; (i = next_prefix(call->req, i)) != 0;)
		if (!is_apart(call, i))
			return false;
	return true;
}

/* --- ON and OFF --- */

static bool
has_all_names(const struct session *s)
{
	const struct slice *first = tracking_prefix(s, 0);

	return first != NULL && first->len == 0;
}

/* Without a prefix it is all names. */
static bool
add_prefixes(struct call *call, const struct wish *wish)
{
	size_t i;

	if (!wish->mode.bcast)
		return true;
	if (wish->prefixes == 0)
		return has_all_names(call->session) ||
		    tracking_add_prefix(call->session, redis_word(""));
	for (i = 2; (i = next_prefix(call->req, i)) != 0;)
		if (!tracking_add_prefix(call->session,
		    call->req->argv[i + 1]))
			return false;
	return true;
}

static void
turn_on(struct call *call, const struct wish *wish)
{
	const char *fault = find_fault(wish, tracking_mode(call->session));

	if (fault != NULL) {
		redis_error(call, "ERR", "%s", fault);
		return;
	}
	if (!route_is_alone(call->env->route)) {
		redis_error(call, "ERR", "client tracking is not supported "
		    "where there are several nodes, for changes of other "
		    "nodes are not heard of; read without a cache");
		return;
	}
	if (multi_is_open(call->session)) {
		redis_error(call, "ERR", "tracking cannot begin within a "
		    "transaction");
		return;
	}
	if (wish->prefixes > 0 && (!are_few(call, wish) || !are_apart(call)))
		return;
	if (!tracking_begin(call->session, &wish->mode, wish->other)) {
		redis_error(call, "ERR", "out of memory");
	} else if (!add_prefixes(call, wish)) {
		tracking_end(call->session);
		redis_error(call, "ERR", "out of memory");
	} else {
		redis_ok(call);
	}
}

void
redis_run_client_tracking(struct call *call)
{
	struct wish wish = { .prefixes = 0 };
	struct slice word = call->req->argv[2];

	if (!parse(call, &wish))
		return;
	if (redis_is(word, "ON")) {
		turn_on(call, &wish);
	} else if (redis_is(word, "OFF")) {
		tracking_end(call->session);
		redis_ok(call);
	} else {
		redis_syntax_error(call);
	}
}

/* --- the next request --- */

void
redis_run_client_caching(struct call *call)
{
	const struct tracking_mode *mode = tracking_mode(call->session);
	bool yes = redis_is(call->req->argv[2], "YES");

	if (mode == NULL)
		redis_error(call, "ERR", "CLIENT CACHING can be called only "
		    "when the client is in tracking mode with OPTIN or OPTOUT "
		    "mode enabled");
	else if (!yes && !redis_is(call->req->argv[2], "NO"))
		redis_syntax_error(call);
	else if (yes && mode->choice != TRACKING_OPTIN)
		redis_error(call, "ERR", "CLIENT CACHING YES is only valid "
		    "when tracking is enabled in OPTIN mode.");
	else if (!yes && mode->choice != TRACKING_OPTOUT)
		redis_error(call, "ERR", "CLIENT CACHING NO is only valid "
		    "when tracking is enabled in OPTOUT mode.");
	else {
		tracking_except(call->session, true);
		redis_ok(call);
	}
}

static void
read_all(struct call *call, const struct request *req)
{
	size_t word = 0;

	while ((word = redis_next_key(req, word)) != 0)
		tracking_read(call->session, req->argv[word]);
}

void
redis_note_reading(struct call *call, const struct request *req, bool sure)
{
	struct session *s = call->session;

	if (redis_kind(req) == COMMAND_READ && (tracking_wants(s) ||
	    (sure && tracking_mode(s) != NULL && !tracking_mode(s)->bcast)))
		read_all(call, req);
}

/* With CLIENT an exception is not used up, nor before EXEC. */
static void
end_exception(struct call *call)
{
	if (tracking_is_excepted(call->session) &&
	    strcmp(call->redis->name, "CLIENT") != 0 &&
	    !multi_is_open(call->session))
		tracking_except(call->session, false);
}

void
redis_run_tracked(struct call *call)
{
	struct store_changes changes = { .n = 0 };
	struct store *store = call->env->store;

	redis_note_reading(call, call->req, false);
	store->changes = &changes;
	call->redis->run(call);
	store->changes = NULL;
	if (tracking_mode(call->session) == NULL)
		return;
	if (tracking_mode(call->session)->noloop)
		tracking_own(call->session, &changes);
	end_exception(call);
}

/* --- what is so --- */

void
redis_run_client_getredir(struct call *call)
{
	bool lost;
	uint64_t id = tracking_redirect(call->session, &lost);

	resp_put_integer(call->out, tracking_mode(call->session) == NULL ?
	    -1 : (int64_t)id);
}

static bool
is_excepted(const struct call *call, const struct tracking_mode *mode,
    enum tracking_choice choice)
{
	return mode != NULL && mode->choice == choice &&
	    tracking_is_excepted(call->session);
}

static void
put_flags(struct call *call, const struct tracking_mode *mode)
{
	bool lost;
	size_t n = 1, mark = outbuf_len(call->out);

	redis_say(call, mode == NULL ? "off" : "on");
	if (mode != NULL && mode->bcast)
		n++, redis_say(call, "bcast");
	if (mode != NULL && mode->choice == TRACKING_OPTIN)
		n++, redis_say(call, "optin");
	if (is_excepted(call, mode, TRACKING_OPTIN))
		n++, redis_say(call, "caching-yes");
	if (mode != NULL && mode->choice == TRACKING_OPTOUT)
		n++, redis_say(call, "optout");
	if (is_excepted(call, mode, TRACKING_OPTOUT))
		n++, redis_say(call, "caching-no");
	if (mode != NULL && mode->noloop)
		n++, redis_say(call, "noloop");
	tracking_redirect(call->session, &lost);
	if (lost)
		n++, redis_say(call, "broken_redirect");
	resp_put_list_at(call->out, redis_version(call), RESP_SET, n, mark);
}

static void
put_prefixes(struct call *call)
{
	size_t n, mark = outbuf_len(call->out);
	const struct slice *prefix;

	for (n = 0; (prefix = tracking_prefix(call->session, n)) != NULL; n++)
		resp_put_bulk(call->out, *prefix);
	resp_put_list_at(call->out, redis_version(call), RESP_ARRAY, n, mark);
}

void
redis_run_client_trackinginfo(struct call *call)
{
	resp_put_list(call->out, redis_version(call), RESP_MAP, 3);
	redis_say(call, "flags");
	put_flags(call, tracking_mode(call->session));
	redis_say(call, "redirect");
	redis_run_client_getredir(call);
	redis_say(call, "prefixes");
	put_prefixes(call);
}
