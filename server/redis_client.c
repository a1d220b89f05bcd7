/*
 * CLIENT: what a connection is called, what it is sent, and what others are
 * connected.
 *
 * A worker knows its own connections and no others; it is these that LIST
 * lists and KILL ends.  A pause is all workers'.  Nothing is told of changes
 * by itself (TRACKING), and who is told that it will be must not believe it:
 * a cache would never be emptied.
 */

#include "server/redis_client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <stdio.h>
#include <string.h>

#include "proto/number.h"
#include "server/peer.h"
#include "server/redis_sub.h"
#include "server/session.h"

#define ADDRESS_MAX	128
#define NAME_SHOWN	1024
#define WORD_SHOWN	128

/* --- names --- */

bool
redis_client_name_is_sound(struct call *call, const char *what,
    struct slice name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.data[i] < '!' || name.data[i] > '~') {
			redis_error(call, "ERR", "%s cannot contain spaces, "
			    "newlines or special characters.", what);
			return false;
		}
	return true;
}

void
redis_run_client_setname(struct call *call)
{
	struct slice name = call->req->argv[2];

	if (!redis_client_name_is_sound(call, "Client names", name))
		return;
	if (session_set_name(call->session, name))
		redis_ok(call);
	else
		redis_error(call, "ERR", "out of memory");
}

void
redis_run_client_getname(struct call *call)
{
	if (call->session->name == NULL)
		resp_put_null(call->out, redis_version(call));
	else
		redis_say(call, call->session->name);
}

/* A longer one is cut off. */
void
redis_run_client_setinfo(struct call *call)
{
	struct slice option = call->req->argv[2], value = call->req->argv[3];
	bool is_name = redis_is(option, "LIB-NAME");
	char *kept = is_name ? call->session->lib_name :
	    call->session->lib_version;

	if (!is_name && !redis_is(option, "LIB-VER")) {
		redis_error(call, "ERR", "Unrecognized option '%.*s'",
		    option.len < WORD_SHOWN ? (int)option.len : WORD_SHOWN,
		    option.data);
		return;
	}
	if (!redis_client_name_is_sound(call, is_name ? "lib-name" :
	    "lib-ver", value))
		return;
	snprintf(kept, SESSION_WORD_MAX, "%.*s", value.len < WORD_SHOWN ?
	    (int)value.len : WORD_SHOWN, value.data);
	redis_ok(call);
}

void
redis_run_client_id(struct call *call)
{
	resp_put_integer(call->out, (int64_t)call->session->id);
}

/* --- LIST and INFO --- */

/* One end of its socket, as Redis writes it. */
static void
write_address(const struct session *s, bool ours, char *text, size_t size)
{
	struct sockaddr_storage addr = { .ss_family = AF_UNSPEC }, *at = &addr;
	socklen_t len = sizeof(addr);
	int error = getsockname(s->fd, (struct sockaddr *)at, &len);

	if (error == 0 && !ours && addr.ss_family != AF_UNIX) {
		len = sizeof(addr);
		error = getpeername(s->fd, (struct sockaddr *)at, &len);
	}
	if (error == -1)
		strlcpy(text, "?:0", size);
	else if (addr.ss_family == AF_UNIX)
		snprintf(text, size, "%s:0",
		    ((const struct sockaddr_un *)at)->sun_path);
	else
		peer_address((const struct sockaddr *)at, len, text, size);
}

static void
write_command(const struct session *s, char *text, size_t size)
{
	char name[WORD_SHOWN];

	snprintf(name, sizeof(name), "%s%s%s", s->command == NULL ? "NULL" :
	    s->command, s->sub == NULL ? "" : "|",
	    s->sub == NULL ? "" : s->sub);
	if (s->command == NULL)
		strlcpy(text, name, size);
	else
		redis_lower(text, size, name);
}

static uint64_t
age_s(const struct session *s, uint64_t since_ms)
{
	return (s->sessions->now_ms - since_ms) / 1000;
}

static void
put_line(struct outbuf *out, const struct session *s)
{
	char line[NAME_SHOWN + 1024], addr[ADDRESS_MAX], laddr[ADDRESS_MAX];
	char command[WORD_SHOWN];
	int n;

	write_address(s, false, addr, sizeof(addr));
	write_address(s, true, laddr, sizeof(laddr));
	write_command(s, command, sizeof(command));
	n = snprintf(line, sizeof(line), "id=%ju addr=%s laddr=%s fd=%d "
	    "name=%.*s age=%ju idle=%ju flags=%c db=0 sub=0 psub=0 ssub=0 "
	    "multi=-1 qbuf=%zu qbuf-free=%zu argv-mem=0 multi-mem=0 rbs=%zu "
	    "rbp=%zu obl=0 oll=0 omem=%zu tot-mem=%zu events=r cmd=%s "
	    "user=default redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
	    (uintmax_t)s->id, addr, laddr, s->fd, NAME_SHOWN,
	    s->name == NULL ? "" : s->name, (uintmax_t)age_s(s, s->since_ms),
	    (uintmax_t)age_s(s, s->active_ms), *addr == '/' ? 'U' : 'N',
	    inbuf_len(s->in),
	    s->in->cap - inbuf_len(s->in), s->out->cap, s->out->cap,
	    outbuf_len(s->out), s->in->cap + s->out->cap, command,
	    s->protocol == REQUEST_RESP3 ? 3 : 2, s->lib_name,
	    s->lib_version);
	outbuf_append(out, line, (size_t)n);
}

void
redis_run_client_info(struct call *call)
{
	struct outbuf text;

	outbuf_init(&text);
	put_line(&text, call->session);
	redis_say_text(call, &text);
}

/* --- which clients --- */

struct filter {
	int64_t			 id;		/* 0: any; of KILL */
	const struct slice	*ids;		/* of LIST */
	size_t			 n_ids;
	bool			 nobody;	/* none is of that type */
	bool			 spare_self;
	const struct slice	*addr, *laddr;	/* or NULL */
};

/* Clients are normal ones here: those that follow events have left. */
static bool
parse_type(struct call *call, struct slice type, struct filter *f)
{
	if (redis_is(type, "normal"))
		return true;
	f->nobody = true;
	if (redis_is(type, "master") || redis_is(type, "replica") ||
	    redis_is(type, "slave") || redis_is(type, "pubsub"))
		return true;
	redis_error(call, "ERR", "Unknown client type '%.*s'",
	    type.len < WORD_SHOWN ? (int)type.len : WORD_SHOWN, type.data);
	return false;
}

static bool
is_at(const struct session *s, bool ours, const struct slice *wanted)
{
	char text[ADDRESS_MAX];

	if (wanted == NULL)
		return true;
	write_address(s, ours, text, sizeof(text));
	return strlen(text) == wanted->len &&
	    memcmp(text, wanted->data, wanted->len) == 0;
}

static bool
is_listed(const struct session *s, const struct filter *f)
{
	int64_t id;
	size_t i;

	for (i = 0; i < f->n_ids; i++)
		if (number_parse_int(f->ids[i], &id) && (uint64_t)id == s->id)
			return true;
	return f->n_ids == 0;
}

static bool
matches(const struct call *call, const struct session *s,
    const struct filter *f)
{
	return !f->nobody && (f->id == 0 || (uint64_t)f->id == s->id) &&
	    !(f->spare_self && s == call->session) && is_listed(s, f) &&
	    is_at(s, false, f->addr) && is_at(s, true, f->laddr);
}

static bool
parse_list(struct call *call, struct filter *f)
{
	const struct request *req = call->req;
	int64_t id;
	size_t i;

	if (req->argc == 2)
		return true;
	if (req->argc == 4 && redis_is(req->argv[2], "TYPE"))
		return parse_type(call, req->argv[3], f);
	if (req->argc < 4 || !redis_is(req->argv[2], "ID")) {
		redis_syntax_error(call);
		return false;
	}
	f->ids = req->argv + 3;
	f->n_ids = req->argc - 3;
	for (i = 0; i < f->n_ids; i++)
		if (!number_parse_int(f->ids[i], &id)) {
			redis_error(call, "ERR", "Invalid client ID");
			return false;
		}
	return true;
}

void
redis_run_client_list(struct call *call)
{
	struct filter f = { .id = 0 };
	struct outbuf text;
	struct session *s;

	if (!parse_list(call, &f))
		return;
	outbuf_init(&text);
	TAILQ_FOREACH(s, &call->session->sessions->all, entry)
		if (matches(call, s, &f))
			put_line(&text, s);
	redis_say_text(call, &text);
}

/* --- KILL --- */

static bool
parse_kill_id(struct call *call, struct slice word, struct filter *f)
{
	if (number_parse_int(word, &f->id) && f->id > 0)
		return true;
	redis_error(call, "ERR", "client-id should be greater than 0");
	return false;
}

static bool
parse_user(struct call *call, struct slice user)
{
	if (user.len == 7 && memcmp(user.data, "default", 7) == 0)
		return true;
	redis_error(call, "ERR", "No such user '%.*s'",
	    user.len < WORD_SHOWN ? (int)user.len : WORD_SHOWN, user.data);
	return false;
}

static bool
parse_kill_option(struct call *call, const struct slice *words,
    struct filter *f)
{
	if (redis_is(words[0], "ID"))
		return parse_kill_id(call, words[1], f);
	if (redis_is(words[0], "TYPE"))
		return parse_type(call, words[1], f);
	if (redis_is(words[0], "USER"))
		return parse_user(call, words[1]);
	if (redis_is(words[0], "ADDR"))
		f->addr = &words[1];
	else if (redis_is(words[0], "LADDR"))
		f->laddr = &words[1];
	else if (redis_is(words[0], "SKIPME") && redis_is(words[1], "yes"))
		f->spare_self = true;
	else if (redis_is(words[0], "SKIPME") && redis_is(words[1], "no"))
		f->spare_self = false;
	else
		return redis_syntax_error(call), false;
	return true;
}

static bool
parse_kill(struct call *call, struct filter *f)
{
	const struct request *req = call->req;
	size_t i;

	f->spare_self = true;
	for (i = 2; i + 1 < req->argc; i += 2)
		if (!parse_kill_option(call, req->argv + i, f))
			return false;
	if (i == req->argc)
		return true;
	redis_syntax_error(call);
	return false;
}

/* Who ends itself is answered before. */
static void
condemn(struct call *call, struct session *s)
{
	if (s == call->session) {
		call->next = CALL_CLOSE;
		return;
	}
	s->condemned = true;
	s->sessions->condemned++;
}

static int64_t
kill_all(struct call *call, const struct filter *f)
{
	struct session *s;
	int64_t n = 0;

	TAILQ_FOREACH(s, &call->session->sessions->all, entry) {
		if (s->condemned || !matches(call, s, f))
			continue;
		condemn(call, s);
		n++;
	}
	return n;
}

void
redis_run_client_kill(struct call *call)
{
	struct filter f = { .id = 0 };

	if (call->req->argc == 3) {
		f.addr = &call->req->argv[2];
		if (kill_all(call, &f) > 0)
			redis_ok(call);
		else
			redis_error(call, "ERR", "No such client");
	} else if (parse_kill(call, &f)) {
		resp_put_integer(call->out, kill_all(call, &f));
	}
}

/* --- what is sent, and when --- */

void
redis_run_client_reply(struct call *call)
{
	struct slice word = call->req->argv[2];
	enum session_reply *reply = &call->session->reply;

	if (redis_is(word, "ON")) {
		*reply = SESSION_REPLY;
		redis_ok(call);
	} else if (redis_is(word, "OFF")) {
		*reply = SESSION_MUTE;
	} else if (!redis_is(word, "SKIP")) {
		redis_syntax_error(call);
	} else if (*reply != SESSION_MUTE) {
		*reply = SESSION_SKIP_NEXT;
	}
}

void
redis_run_client_pause(struct call *call)
{
	const struct request *req = call->req;
	const struct sessions *all = call->session->sessions;
	bool changes = req->argc > 3 && redis_is(req->argv[3], "WRITE");
	int64_t wait_ms;

	if (req->argc > 4) {
		redis_wrong_arity(call);
	} else if (req->argc == 4 && !changes &&
	    !redis_is(req->argv[3], "ALL")) {
		redis_error(call, "ERR", "CLIENT PAUSE mode must be WRITE or "
		    "ALL");
	} else if (redis_timeout(call, req->argv[2], &wait_ms)) {
		agreed_pause(all->agreed, all->now_ms + (uint64_t)wait_ms,
		    changes);
		redis_ok(call);
	}
}

void
redis_run_client_unpause(struct call *call)
{
	agreed_pause(call->session->sessions->agreed, 0, false);
	redis_ok(call);
}

void
redis_run_client_unblock(struct call *call)
{
	int64_t id;

	if (redis_integer(call, call->req->argv[2], &id))
		resp_put_integer(call->out, 0);
}

/* What it turns off does not happen anyway. */
void
redis_run_client_flag(struct call *call)
{
	struct slice word = call->req->argv[2];

	if (redis_is(word, "ON") || redis_is(word, "OFF"))
		redis_ok(call);
	else
		redis_syntax_error(call);
}

/* --- tracking --- */

void
redis_run_client_tracking(struct call *call)
{
	const struct request *req = call->req;

	if (redis_is(req->argv[2], "OFF"))
		redis_ok(call);
	else if (redis_is(req->argv[2], "ON"))
		redis_error(call, "ERR", "client tracking is not supported");
	else
		redis_syntax_error(call);
}

void
redis_run_client_caching(struct call *call)
{
	redis_error(call, "ERR", "CLIENT CACHING can be called only when the "
	    "client is in tracking mode with OPTIN or OPTOUT mode enabled");
}

void
redis_run_client_getredir(struct call *call)
{
	resp_put_integer(call->out, -1);
}

void
redis_run_client_trackinginfo(struct call *call)
{
	enum resp_version v = redis_version(call);

	resp_put_list(call->out, v, RESP_MAP, 3);
	redis_say(call, "flags");
	resp_put_list(call->out, v, RESP_SET, 1);
	redis_say(call, "off");
	redis_say(call, "redirect");
	resp_put_integer(call->out, -1);
	redis_say(call, "prefixes");
	resp_put_list(call->out, v, RESP_ARRAY, 0);
}
