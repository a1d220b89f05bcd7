/*
 * Requests and their replies against the ledger.  A client's own keys have
 * one writer, so a reply that came in order can be told right or wrong.  Keys
 * that all write are held against less: a value is whole, was sent, and is
 * never older than what this reader has seen of its writer before.
 */

#include "tests/crash/storm/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/crash/storm/value.h"

#define KEY_MAX	32

static const struct fact {
	const char	*name;		/* for people */
	const char	*verb;
	const char	*bucket;	/* its number follows */
	char		 key;		/* first letter; 0: there is none */
	bool		 value;		/* behind each key */
	unsigned	 items;		/* in the reply */
} facts[] = {
	[REQUEST_PUT] = { "PUT", "PUT", "own", 'k', true, 0 },
	[REQUEST_DELETE] = { "DELETE", "DELETE", "own", 'k', false, 0 },
	[REQUEST_GET] = { "GET", "GET", "own", 'k', false, 1 },
	[REQUEST_MPUT] = { "MPUT", "MPUT", "own", 'g', true, 0 },
	[REQUEST_MGET] = { "MGET", "MGET", "own", 'g', false, GROUP },
	[REQUEST_SHARED_PUT] = { "shared PUT", "PUT", "all", 'h', true, 0 },
	[REQUEST_SHARED_GET] = { "shared GET", "GET", "all", 'h', false, 1 },
	[REQUEST_SHARED_LAST] = { "last GET", "GET", "all", 'h', false, 1 },
	[REQUEST_CREATE] = { "CREATE", "CREATE", "visit", 0, false, 0 },
	[REQUEST_VISIT_PUT] = { "visit PUT", "PUT", "visit", 'v', true, 0 },
	[REQUEST_VISIT_GET] = { "visit GET", "GET", "visit", 'v', false, 1 },
	[REQUEST_VISIT_COUNT] = { "COUNT", "COUNT", "visit", 0, false, 1 },
	[REQUEST_DROP] = { "DROP", "DROP", "visit", 0, false, 0 },
	[REQUEST_VISIT_GONE] = { "gone?", "COUNT", "visit", 0, false, 1 },
	[REQUEST_VISIT_LOOK] = { "look", "COUNT", "visit", 0, false, 1 },
	[REQUEST_VISIT_CLEAR] = { "clear", "DROP", "visit", 0, false, 0 },
};

const char *
request_name(enum request_kind kind)
{
	return facts[kind].name;
}

unsigned
request_items(const struct request *q)
{
	return facts[q->kind].items;
}

bool
client_fail(struct client *me, const char *fmt, ...)
{
	va_list ap;

	if (atomic_load(&me->failed))
		return false;
	va_start(ap, fmt);
	vsnprintf(me->failure, sizeof(me->failure), fmt, ap);
	va_end(ap);
	atomic_store(&me->failed, true);
	return false;
}

/* The ledger's page of a request, or NULL. */
static struct cell *
cell_of(struct client *me, const struct request *q)
{
	switch (q->kind) {
	case REQUEST_PUT:
	case REQUEST_DELETE:
	case REQUEST_GET:
		return &me->keys[q->index];
	case REQUEST_MPUT:
	case REQUEST_MGET:
		return &me->groups[q->index];
	case REQUEST_SHARED_PUT:
	case REQUEST_SHARED_GET:
		return &me->shared[q->index];
	case REQUEST_SHARED_LAST:
	case REQUEST_CREATE:
	case REQUEST_VISIT_PUT:
	case REQUEST_VISIT_GET:
	case REQUEST_VISIT_COUNT:
	case REQUEST_DROP:
	case REQUEST_VISIT_GONE:
	case REQUEST_VISIT_LOOK:
	case REQUEST_VISIT_CLEAR:
		break;
	}
	return NULL;
}

static bool
is_change(const struct request *q)
{
	return q->kind == REQUEST_PUT || q->kind == REQUEST_DELETE ||
	    q->kind == REQUEST_MPUT || q->kind == REQUEST_SHARED_PUT;
}

struct request
request_check_of(const struct request *q)
{
	struct request check = *q;

	if (q->kind == REQUEST_PUT || q->kind == REQUEST_DELETE)
		check.kind = REQUEST_GET;
	if (q->kind == REQUEST_MPUT)
		check.kind = REQUEST_MGET;
	if (q->kind == REQUEST_SHARED_PUT)
		check.kind = REQUEST_SHARED_GET;
	return check;
}

bool
request_is_in_doubt(struct client *me, const struct request *q)
{
	struct cell *c = cell_of(me, q);

	return c != NULL && cell_is_in_doubt(c);
}

static void
name_key(char name[KEY_MAX], const struct request *q, unsigned i)
{
	if (q->kind == REQUEST_MPUT || q->kind == REQUEST_MGET)
		snprintf(name, KEY_MAX, "g%u.%u", q->index, i);
	else
		snprintf(name, KEY_MAX, "%c%u", facts[q->kind].key, q->index);
}

/* Sending. */

static void
send_text(struct wire *w, const struct client *me, const struct request *q)
{
	const struct fact *f = &facts[q->kind];
	bool many = q->kind == REQUEST_MPUT || q->kind == REQUEST_MGET;
	char key[KEY_MAX], value[VALUE_MAX];
	unsigned i, n = f->key == 0 ? 0 : many ? GROUP : 1;

	wire_add(w, "%s %s%u", f->verb, f->bucket,
	    f->key == 'h' ? 0 : me->number);
	for (i = 0; i < n; i++) {
		name_key(key, q, i);
		wire_add(w, " %s", key);
		if (!f->value)
			continue;
		value_make(value, key, me->number, q->seq);
		wire_add(w, " %s", value);
	}
	wire_add(w, "\r\n");
}

/* What the visit knows of itself. */
static void
note_visit(struct visit *v, const struct request *q)
{
	if (q->kind == REQUEST_CREATE)
		*v = (struct visit){ .on = true };
	if (q->kind == REQUEST_VISIT_PUT && v->put_sent++ == 0)
		v->first_seq = q->seq;
	if (q->kind == REQUEST_DROP || q->kind == REQUEST_VISIT_CLEAR)
		v->drop_sent = true;
}

void
request_send(struct client *me, struct wire *w, struct request *q)
{
	struct cell *c = cell_of(me, q);

	if (is_change(q) && !cell_has_room(c))
		*q = request_check_of(q);
	if (is_change(q) || q->kind == REQUEST_VISIT_PUT)
		q->seq = atomic_fetch_add(&me->seq, 1) + 1;
	if (is_change(q))
		cell_sent(c, q->seq, q->kind != REQUEST_DELETE);
	note_visit(&me->visit, q);
	send_text(w, me, q);
}

/* Losing. */

static void
lose_visit(struct client *me, const struct request *q)
{
	if (q->kind < REQUEST_CREATE || !me->visit.on)
		return;
	me->visit.in_doubt = true;
	if (q->kind == REQUEST_CREATE || q->kind == REQUEST_VISIT_PUT ||
	    q->kind == REQUEST_DROP)
		me->doubts++;
}

void
request_lost(struct client *me, const struct request *q)
{
	if (is_change(q))
		me->doubts += cell_lost(cell_of(me, q));
	lose_visit(me, q);
}

/* Replies. */

static bool
wrong(struct client *me, const struct request *q, const struct reply *r,
    const char *what)
{
	const struct cell *c = cell_of(me, q);
	char ledger[256] = "";
	int n = 0;
	uint32_t i;

	if (c != NULL)
		n = snprintf(ledger, sizeof(ledger), "; last %s%jx",
		    c->last.present ? "" : "-", (uintmax_t)c->last.seq);
	for (i = 0; c != NULL && i < c->n && n < 200; i++)
		n += snprintf(ledger + n, sizeof(ledger) - (size_t)n,
		    " %s%jx%s", c->pending[i].present ? "" : "-",
		    (uintmax_t)c->pending[i].seq,
		    c->pending[i].in_doubt ? "?" : "");
	return client_fail(me, "%s %u: %s: reply %.60s %.20s%s",
	    facts[q->kind].name, q->index, what,
	    r->items > 0 ? r->item[0] : "", r->last, ledger);
}

/* A value, whole and of that key; its number, or 0 if there is none. */
static bool
read_item(const struct reply *r, unsigned i, const char *key,
    unsigned *writer, uint64_t *seq)
{
	*seq = 0;
	return r->len[i] == 0 ||
	    value_check(r->item[i], r->len[i], key, writer, seq);
}

static bool
see(struct client *me, struct cell *c, uint64_t seq)
{
	uint64_t before = c->last.seq;

	if (!cell_seen(c, seq))
		return false;
	me->checked++;
	me->settled += c->last.seq != before;
	return true;
}

static bool
settle_get(struct client *me, const struct request *q, const struct reply *r)
{
	unsigned writer = me->number;
	char key[KEY_MAX];
	uint64_t seq;

	name_key(key, q, 0);
	if (!read_item(r, 0, key, &writer, &seq) || writer != me->number)
		return wrong(me, q, r, "torn, or another's");
	if (!see(me, cell_of(me, q), seq))
		return wrong(me, q, r, "lost, or never written");
	return true;
}

/*
 * Another process may apply what a dead one has committed while the keys are
 * looked up one after the other; then some are old and the rest is new, once.
 */
static bool
settle_mget(struct client *me, const struct request *q, const struct reply *r)
{
	uint64_t seq, min = UINT64_MAX, max = 0;
	struct cell *c = cell_of(me, q), was = *c;
	unsigned i, writer = me->number;
	char key[KEY_MAX];

	for (i = 0; i < GROUP; i++) {
		name_key(key, q, i);
		if (!read_item(r, i, key, &writer, &seq) ||
		    writer != me->number)
			return wrong(me, q, r, "torn, or another's");
		min = seq < min ? seq : min;
		max = seq > max ? seq : max;
	}
	if (!see(me, c, max))
		return wrong(me, q, r, "lost, or never written");
	if (min != max && (!cell_is_in_doubt(&was) || min < was.last.seq))
		return wrong(me, q, r, "a part of an MPUT");
	return true;
}

static bool
settle_shared(struct storm *s, struct client *me, const struct request *q,
    const struct reply *r)
{
	unsigned writer = me->number;
	char key[KEY_MAX];
	uint64_t seq, *seen;

	name_key(key, q, 0);
	if (!read_item(r, 0, key, &writer, &seq) || writer >= s->clients ||
	    seq > atomic_load(&s->client[writer].seq))
		return wrong(me, q, r, "torn, or never written");
	seen = &me->seen[writer][q->index];
	if (seq < *seen || (seq == 0 && cell_of(me, q)->last.seq != 0))
		return wrong(me, q, r, "older than seen before");
	*seen = seq;
	if (seq != 0 && writer == me->number &&
	    !see(me, cell_of(me, q), seq))
		return wrong(me, q, r, "lost");
	me->checked++;
	return true;
}

/* When nobody writes any more, it is somebody's last word. */
static bool
settle_shared_last(struct storm *s, struct client *me,
    const struct request *q, const struct reply *r)
{
	unsigned i, writer = me->number;
	char key[KEY_MAX];
	uint64_t seq;

	name_key(key, q, 0);
	if (!read_item(r, 0, key, &writer, &seq) || writer >= s->clients)
		return wrong(me, q, r, "torn, or never written");
	if (seq != 0)
		return cell_seen(&s->client[writer].shared[q->index], seq) ||
		    wrong(me, q, r, "not its writer's last");
	for (i = 0; i < s->clients; i++)
		if (s->client[i].shared[q->index].last.seq != 0)
			return wrong(me, q, r, "lost");
	return true;
}

static bool
is_not_found(const struct reply *r)
{
	return r->items == 0 && strcmp(r->last, "NOT FOUND") == 0;
}

/* May the visit's bucket be missing? */
static bool
may_be_gone(const struct visit *v)
{
	return !v->created || v->drop_sent;
}

static bool
settle_look(struct client *me, const struct request *q, const struct reply *r)
{
	const struct visit *v = &me->visit;
	unsigned n;

	if (is_not_found(r))
		return may_be_gone(v) || wrong(me, q, r, "bucket lost");
	n = (unsigned)strtoul(r->item[0], NULL, 10);
	return (n >= v->put && n <= v->put_sent) ||
	    wrong(me, q, r, "count of keys");
}

static bool
settle_visit_get(struct client *me, const struct request *q,
    const struct reply *r)
{
	unsigned writer = me->number;
	char key[KEY_MAX];
	uint64_t seq;

	name_key(key, q, 0);
	return (read_item(r, 0, key, &writer, &seq) &&
	    writer == me->number && seq == me->visit.first_seq + q->index) ||
	    wrong(me, q, r, "not this visit's value");
}

static bool
settle_ok(struct client *me, const struct request *q)
{
	struct cell *c = cell_of(me, q);

	if (c != NULL)
		cell_acknowledged(c, q->seq);
	if (q->kind == REQUEST_CREATE)
		me->visit.created = true;
	if (q->kind == REQUEST_VISIT_PUT)
		me->visit.put++;
	if (q->kind == REQUEST_DROP || q->kind == REQUEST_VISIT_CLEAR)
		me->visit.on = me->visit.in_doubt = false;
	atomic_fetch_add_explicit(&me->acknowledged, 1, memory_order_relaxed);
	return true;
}

/* Refusals that are right. */
static bool
is_refused_rightly(const struct client *me, const struct request *q,
    const struct reply *r)
{
	return is_not_found(r) && (q->kind == REQUEST_VISIT_GONE ||
	    (q->kind == REQUEST_VISIT_LOOK) ||
	    (q->kind == REQUEST_VISIT_CLEAR && may_be_gone(&me->visit)));
}

bool
request_settle(struct storm *s, struct client *me, const struct request *q,
    const struct reply *r)
{
	if ((!r->ok || r->items != facts[q->kind].items) &&
	    !is_refused_rightly(me, q, r))
		return wrong(me, q, r, "refused");
	switch (q->kind) {
	case REQUEST_PUT:
	case REQUEST_DELETE:
	case REQUEST_MPUT:
	case REQUEST_SHARED_PUT:
	case REQUEST_CREATE:
	case REQUEST_VISIT_PUT:
	case REQUEST_DROP:
	case REQUEST_VISIT_CLEAR:
		return settle_ok(me, q);
	case REQUEST_GET:
		return settle_get(me, q, r);
	case REQUEST_MGET:
		return settle_mget(me, q, r);
	case REQUEST_SHARED_GET:
		return settle_shared(s, me, q, r);
	case REQUEST_SHARED_LAST:
		return settle_shared_last(s, me, q, r);
	case REQUEST_VISIT_GET:
		return settle_visit_get(me, q, r);
	case REQUEST_VISIT_COUNT:
		return strtoul(r->item[0], NULL, 10) == VISIT_PUTS ||
		    wrong(me, q, r, "count of keys");
	case REQUEST_VISIT_GONE:
		return is_not_found(r) || wrong(me, q, r, "dropped, but there");
	case REQUEST_VISIT_LOOK:
		return settle_look(me, q, r);
	}
	return false;
}
