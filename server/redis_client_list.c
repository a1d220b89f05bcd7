/*
 * CLIENT LIST, INFO and KILL: the clients of all workers of this node, as the
 * roster has them.
 *
 * Lists are in the order of the clients' numbers, which is that of their
 * coming.  A copy of everybody would take megabytes, so numbers and places are
 * sorted, and who has gone by the time that its line is due has none.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/number.h"
#include "server/redis_sub.h"
#include "server/session.h"
#include "server/wake.h"

#define WORD_SHOWN	128

/* --- a line --- */

/* As Redis has it: in the order of its letters, or N for none of them. */
static void
write_flags(const struct roster_client *c, char flags[8])
{
	char *p = flags;

	if (c->names + c->patterns > 0)
		*p++ = 'P';
	if (c->queued > 0)
		*p++ = 'x';
	if (c->waits)
		*p++ = 'b';
	if (c->addr[0] == '/')
		*p++ = 'U';
	if (p == flags)
		*p++ = 'N';
	*p = '\0';
}

static uint64_t
age_s(const struct call *call, uint64_t since_ms)
{
	uint64_t now_ms = call->session->sessions->now_ms;

	return now_ms > since_ms ? (now_ms - since_ms) / 1000 : 0;
}

static void
put_line(struct call *call, struct outbuf *out, const struct roster_client *c)
{
	char line[1024 + sizeof(*c)], flags[8];
	int n;

	write_flags(c, flags);
	n = snprintf(line, sizeof(line), "id=%ju addr=%s laddr=%s fd=%d "
	    "name=%s age=%ju idle=%ju flags=%s db=0 sub=%u psub=%u ssub=0 "
	    "multi=%jd qbuf=%ju qbuf-free=%ju argv-mem=0 multi-mem=0 rbs=%ju "
	    "rbp=%ju obl=0 oll=0 omem=%ju tot-mem=%ju events=r cmd=%s "
	    "user=default redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
	    (uintmax_t)c->id, c->addr, c->laddr, (int)c->fd, c->name,
	    (uintmax_t)age_s(call, c->since_ms),
	    (uintmax_t)age_s(call, c->active_ms), flags, c->names,
	    c->patterns, (intmax_t)c->queued - 1, (uintmax_t)c->in_len,
	    (uintmax_t)(c->in_size - c->in_len), (uintmax_t)c->out_size,
	    (uintmax_t)c->out_size, (uintmax_t)c->out_len,
	    (uintmax_t)(c->in_size + c->out_size), c->command[0] == '\0' ?
	    "NULL" : c->command, c->resp3 ? 3 : 2, c->lib_name,
	    c->lib_version);
	outbuf_append(out, line, (size_t)n);
}

static struct roster *
roster_of(const struct call *call)
{
	return call->env->inherit->roster;
}

static struct roster_walk
place_of(const struct call *call)
{
	return (struct roster_walk){ .desk = call->env->inherit->instance,
	    .place = call->session->place + 1 };
}

void
redis_run_client_info(struct call *call)
{
	struct roster_walk at = place_of(call);
	struct roster_client c;
	struct outbuf text;

	outbuf_init(&text);
	session_show(call->session);
	if (roster_again(roster_of(call), &at, call->session->id, &c))
		put_line(call, &text, &c);
	redis_say_text(call, &text);
}

/* --- which clients --- */

struct filter {
	int64_t			 id;		/* 0: any; of KILL */
	int64_t			 age_s;		/* or more */
	const struct slice	*ids;		/* of LIST */
	size_t			 n_ids;
	bool			 nobody;	/* none is of that type */
	bool			 normal;	/* that alone, */
	bool			 listening;	/* or that */
	bool			 spare_self;
	const struct slice	*addr, *laddr;	/* or NULL */
};

static bool
parse_type(struct call *call, struct slice type, struct filter *f)
{
	f->normal = redis_is(type, "normal");
	f->listening = redis_is(type, "pubsub");
	f->nobody = redis_is(type, "master") || redis_is(type, "replica") ||
	    redis_is(type, "slave");
	if (f->normal || f->listening || f->nobody)
		return true;
	redis_error(call, "ERR", "Unknown client type '%.*s'",
	    type.len < WORD_SHOWN ? (int)type.len : WORD_SHOWN, type.data);
	return false;
}

static bool
is_at(const char *text, const struct slice *wanted)
{
	return wanted == NULL || (strlen(text) == wanted->len &&
	    memcmp(text, wanted->data, wanted->len) == 0);
}

static bool
is_of_type(const struct roster_client *c, const struct filter *f)
{
	bool listens = c->names + c->patterns > 0;

	return !f->nobody && !(f->normal && listens) &&
	    !(f->listening && !listens);
}

static bool
matches(const struct call *call, const struct roster_client *c,
    const struct filter *f)
{
	return is_of_type(c, f) && (f->id == 0 || (uint64_t)f->id == c->id) &&
	    !(f->spare_self && c->id == call->session->id) &&
	    age_s(call, c->since_ms) >= (uint64_t)f->age_s &&
	    is_at(c->addr, f->addr) && is_at(c->laddr, f->laddr);
}

/* --- LIST --- */

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

struct found {
	uint64_t		 id;
	struct roster_walk	 at;
};

struct finds {
	struct found	*item;
	size_t		 n, cap;
};

static bool
note(struct finds *finds, uint64_t id, const struct roster_walk *at)
{
	size_t cap = finds->cap == 0 ? 64 : 2 * finds->cap;
	struct found *item;

	if (finds->n == finds->cap) {
		item = reallocarray(finds->item, cap, sizeof(*item));
		if (item == NULL)
			return false;
		finds->item = item;
		finds->cap = cap;
	}
	finds->item[finds->n++] = (struct found){ id, *at };
	return true;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = ((const struct found *)a)->id;
	uint64_t y = ((const struct found *)b)->id;

	return x < y ? -1 : x > y;
}

static bool
find(struct call *call, const struct filter *f, struct finds *finds)
{
	struct roster_walk walk = { .desk = 0 };
	struct roster_client c;

	while (roster_next(roster_of(call), &walk, &c))
		if (matches(call, &c, f) && !note(finds, c.id, &walk))
			return false;
	if (finds->n > 0)
		qsort(finds->item, finds->n, sizeof(*finds->item), compare);
	return true;
}

static void
put_found(struct call *call, struct outbuf *text, const struct found *found)
{
	struct roster_client c;

	if (found != NULL && roster_again(roster_of(call), &found->at,
	    found->id, &c))
		put_line(call, text, &c);
}

/* In the order that they are asked for. */
static void
put_ids(struct call *call, struct outbuf *text, const struct filter *f,
    const struct finds *finds)
{
	struct found key = { .id = 0 };
	int64_t id = 0;
	size_t i;

	for (i = 0; i < f->n_ids && finds->n > 0; i++) {
		number_parse_int(f->ids[i], &id);
		key.id = (uint64_t)id;
		put_found(call, text, bsearch(&key, finds->item, finds->n,
		    sizeof(key), compare));
	}
}

void
redis_run_client_list(struct call *call)
{
	struct filter f = { .id = 0 };
	struct finds finds = { .item = NULL };
	struct outbuf text;
	size_t i;

	if (!parse_list(call, &f))
		return;
	session_show(call->session);
	outbuf_init(&text);
	text.failed = !find(call, &f, &finds);
	if (f.n_ids > 0)
		put_ids(call, &text, &f, &finds);
	for (i = 0; f.n_ids == 0 && i < finds.n; i++)
		put_found(call, &text, &finds.item[i]);
	free(finds.item);
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
parse_age(struct call *call, struct slice word, struct filter *f)
{
	if (!number_parse_int(word, &f->age_s))
		redis_error(call, "ERR",
		    "maxage is not an integer or out of range");
	else if (f->age_s <= 0)
		redis_error(call, "ERR", "maxage should be greater than 0");
	else
		return true;
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
	if (redis_is(words[0], "MAXAGE"))
		return parse_age(call, words[1], f);
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

/*
 * Who ends itself is answered before.  A worker that we cannot wake, one of
 * the program before this one, looks ten times a second.
 */
static bool
end_client(struct call *call, const struct roster_walk *at, uint64_t id)
{
	const struct inherit *in = call->env->inherit;

	if (id == call->session->id) {
		call->next = CALL_CLOSE;
		return true;
	}
	if (!roster_condemn(in->roster, at, id))
		return false;
	wake(in->wake_fds[BOARD_WORKER_SLOT + at->desk]);
	return true;
}

static int64_t
kill_all(struct call *call, const struct filter *f)
{
	struct roster_walk walk = { .desk = 0 };
	struct roster_client c;
	int64_t n = 0;

	session_show(call->session);
	while (roster_next(roster_of(call), &walk, &c))
		if (matches(call, &c, f))
			n += end_client(call, &walk, c.id);
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
