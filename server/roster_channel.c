/*
 * What clients listen to, in the roster: for each worker a hash of names and
 * patterns, with the number of its clients that listen to each.
 *
 *	chain ---> cell ---> cell ---> 0	by `next', the same hash
 *	            | more
 *	            v
 *	           cell ---> cell ---> 0	by `more', a text that is longer
 *	first ---> cell <--> cell ---> 0	by `after', all of a kind
 *
 * All of it is under one seal.  A reader that is overtaken by a change may
 * follow a link to anywhere, so it looks at the seal at each step: no step is
 * out of bounds, and none is followed for long.
 */

#include <stdlib.h>
#include <string.h>

#include "server/roster_state.h"
#include "shm/hash.h"

#define PIECE_BYTES	((size_t)64 * 1024)

static uint32_t
hash_of(const struct roster *r, enum roster_kind kind, struct slice name)
{
	return (uint32_t)hash_keyed(r->memory->seed, name.data, name.len) ^
	    (uint32_t)kind;
}

/* --- texts --- */

static size_t
piece_of(size_t left)
{
	return left < ROSTER_TEXT ? left : ROSTER_TEXT;
}

bool
roster_copy_text(const struct roster_room *room, uint32_t at, size_t len,
    uint8_t *to)
{
	size_t n;

	for (; len > 0; len -= n, to += n) {
		if (at == 0 || at >= ROSTER_CELLS)
			return false;
		n = piece_of(len);
		memcpy(to, room->cell[at].text, n);
		at = roster_peek(&room->cell[at].more);
	}
	return true;
}

static bool
is_text(const struct roster_room *room, uint32_t at, struct slice name)
{
	size_t n, done;

	for (done = 0; done < name.len; done += n) {
		if (at == 0 || at >= ROSTER_CELLS)
			return false;
		n = piece_of(name.len - done);
		if (memcmp(room->cell[at].text, name.data + done, n) != 0)
			return false;
		at = roster_peek(&room->cell[at].more);
	}
	return true;
}

static bool
is_cell_of(const struct roster_room *room, uint32_t at, enum roster_kind kind,
    uint32_t hash, struct slice name)
{
	const struct roster_cell *c = &room->cell[at];

	return roster_peek(&c->hash) == hash &&
	    roster_peek(&c->len) == name.len &&
	    roster_peek(&c->kind) == (uint32_t)kind &&
	    is_text(room, at, name);
}

/* --- writing, at our desk --- */

/* Cells that are free are linked by `next'. */
static uint32_t
take_cell(struct roster_desk *d, struct roster_room *room)
{
	uint32_t at = d->free_cell;

	if (at != 0)
		d->free_cell = roster_peek(&room->cell[at].next);
	else if (d->cells + 1 < ROSTER_CELLS)
		at = ++d->cells;
	return at;
}

static void
give_cells(struct roster_desk *d, struct roster_room *room, uint32_t at)
{
	uint32_t more;

	atomic_store_explicit(&room->cell[at].stamp, 0, memory_order_relaxed);
	for (; at != 0; at = more) {
		more = roster_peek(&room->cell[at].more);
		roster_put(&room->cell[at].next, d->free_cell);
		d->free_cell = at;
	}
}

/* The cells of a text, 0 if there are not enough. */
static uint32_t
write_text(struct roster_desk *d, struct roster_room *room, struct slice name)
{
	uint32_t first = take_cell(d, room), at = first, more;
	size_t n, done = 0;

	while (at != 0) {
		roster_put(&room->cell[at].more, 0);
		n = piece_of(name.len - done);
		if (n > 0)
			memcpy(room->cell[at].text, name.data + done, n);
		if ((done += n) == name.len)
			return first;
		more = take_cell(d, room);
		roster_put(&room->cell[at].more, more);
		at = more;
	}
	give_cells(d, room, first);
	return 0;
}

static void
link_cell(struct roster_desk *d, struct roster_room *room, uint32_t at,
    enum roster_kind kind)
{
	struct roster_cell *c = &room->cell[at];
	_Atomic uint32_t *chain = &room->chain[roster_peek(&c->hash) %
	    ROSTER_CHAINS];

	roster_put(&c->next, roster_peek(chain));
	roster_put(chain, at);
	roster_put(&c->after, 0);
	roster_put(&c->before, d->last[kind]);
	roster_put(d->last[kind] == 0 ? &d->first[kind] :
	    &room->cell[d->last[kind]].after, at);
	d->last[kind] = at;
	roster_put(&d->names[kind], roster_peek(&d->names[kind]) + 1);
}

static void
unlink_cell(struct roster_desk *d, struct roster_room *room, uint32_t at,
    enum roster_kind kind)
{
	struct roster_cell *c = &room->cell[at];
	uint32_t after = roster_peek(&c->after);
	uint32_t before = roster_peek(&c->before);
	_Atomic uint32_t *link = &room->chain[roster_peek(&c->hash) %
	    ROSTER_CHAINS];

	while (roster_peek(link) != at)
		link = &room->cell[roster_peek(link)].next;
	roster_put(link, roster_peek(&c->next));
	roster_put(before == 0 ? &d->first[kind] : &room->cell[before].after,
	    after);
	if (after == 0)
		d->last[kind] = before;
	else
		roster_put(&room->cell[after].before, before);
	roster_put(&d->names[kind], roster_peek(&d->names[kind]) - 1);
}

static bool
add_name(struct roster_desk *d, struct roster_room *room,
    enum roster_kind kind, uint32_t hash, struct slice name)
{
	uint32_t at = write_text(d, room, name);
	struct roster_cell *c = &room->cell[at];

	if (at == 0)
		return false;
	roster_put(&c->hash, hash);
	roster_put(&c->len, (uint32_t)name.len);
	roster_put(&c->kind, (uint32_t)kind);
	roster_put(&c->clients, 1);
	atomic_store_explicit(&c->stamp, ++d->stamp, memory_order_relaxed);
	link_cell(d, room, at, kind);
	return true;
}

static uint32_t
find_ours(const struct roster_room *room, enum roster_kind kind,
    uint32_t hash, struct slice name)
{
	uint32_t at = roster_peek(&room->chain[hash % ROSTER_CHAINS]);

	while (at != 0 && !is_cell_of(room, at, kind, hash, name))
		at = roster_peek(&room->cell[at].next);
	return at;
}

static void
begin_change(struct roster_desk *d, enum roster_kind kind)
{
	roster_break(&d->seal);
	if (kind == ROSTER_PATTERN)
		d->patterns_changed++;
}

bool
roster_hear(struct roster *r, enum roster_kind kind, struct slice name)
{
	struct roster_desk *d = roster_our_desk(r);
	struct roster_room *room = roster_our_room(r);
	uint32_t hash = hash_of(r, kind, name);
	uint32_t at = find_ours(room, kind, hash, name);
	bool heard = true;

	if (name.len > ROSTER_NAME_BYTES)
		return false;
	begin_change(d, kind);
	if (at != 0)
		roster_put(&room->cell[at].clients,
		    roster_peek(&room->cell[at].clients) + 1);
	else
		heard = add_name(d, room, kind, hash, name);
	roster_seal(&d->seal);
	return heard;
}

void
roster_unhear(struct roster *r, enum roster_kind kind, struct slice name)
{
	struct roster_desk *d = roster_our_desk(r);
	struct roster_room *room = roster_our_room(r);
	uint32_t at = find_ours(room, kind, hash_of(r, kind, name), name);
	uint32_t clients;

	if (at == 0)
		return;
	begin_change(d, kind);
	clients = roster_peek(&room->cell[at].clients) - 1;
	roster_put(&room->cell[at].clients, clients);
	if (clients == 0) {
		unlink_cell(d, room, at, kind);
		give_cells(d, room, at);
	}
	roster_seal(&d->seal);
}

/* --- reading, at any desk --- */

/* One try to find a name; false if its worker has changed something. */
static bool
try_find(const struct roster_desk *d, const struct roster_room *room,
    enum roster_kind kind, uint32_t hash, struct slice name,
    uint32_t *clients)
{
	uint64_t changes = roster_look(&d->seal);
	uint32_t at = roster_peek(&room->chain[hash % ROSTER_CHAINS]);

	*clients = 0;
	while (at != 0 && at < ROSTER_CELLS) {
		if (is_cell_of(room, at, kind, hash, name)) {
			*clients = roster_peek(&room->cell[at].clients);
			break;
		}
		at = roster_peek(&room->cell[at].next);
		if (!roster_is_sealed(&d->seal, changes))
			return false;
	}
	return roster_is_sealed(&d->seal, changes);
}

static uint32_t
listeners_at(const struct roster *r, unsigned desk, enum roster_kind kind,
    uint32_t hash, struct slice name)
{
	const struct roster_desk *d = &r->memory->desk[desk];
	uint32_t clients;
	unsigned tries = 0;

	if (roster_peek(&d->names[kind]) == 0)
		return 0;
	do {
		if (try_find(d, &r->memory->room[desk], kind, hash, name,
		    &clients))
			return clients;
	} while (roster_retry(&tries));
	return 0;
}

uint64_t
roster_listeners(const struct roster *r, enum roster_kind kind,
    struct slice name)
{
	uint32_t hash = hash_of(r, kind, name);
	uint64_t n = 0;
	unsigned desk;

	for (desk = 0; desk < roster_peek(&r->memory->desks); desk++)
		n += listeners_at(r, desk, kind, hash, name);
	return n;
}

uint64_t
roster_receivers(struct roster *r, struct slice channel)
{
	uint64_t n = roster_listeners(r, ROSTER_NAME, channel);
	const struct roster_desk *d = r->memory->desk;
	unsigned desk;

	for (desk = 0; desk < roster_peek(&r->memory->desks); desk++)
		if (roster_peek(&d[desk].names[ROSTER_PATTERN]) != 0)
			n += roster_match(r, desk, channel);
	return n;
}

/* --- all of them --- */

/*
 * Some of the names of a desk, copied one behind the other, each behind its
 * length; and where they end.  Names are in the order of their stamps, so who
 * has lost his place to a change begins with the first that is newer.
 */
struct piece {
	uint8_t		*data;
	size_t		 len, cap;
	uint32_t	 last;
	uint64_t	 stamp;		/* of the last */
};

static uint64_t
stamp_of(const struct roster_room *room, uint32_t at)
{
	return atomic_load_explicit(&room->cell[at].stamp,
	    memory_order_relaxed);
}

static bool
add_copy(struct piece *p, const struct roster_room *room, uint32_t at)
{
	size_t len = roster_peek(&room->cell[at].len);
	size_t need = p->len + sizeof(len) + len;
	uint8_t *data;

	if (len > ROSTER_NAME_BYTES)
		return false;
	if (need > p->cap) {
		if ((data = realloc(p->data, 2 * need)) == NULL)
			return false;
		p->data = data;
		p->cap = 2 * need;
	}
	memcpy(p->data + p->len, &len, sizeof(len));
	if (!roster_copy_text(room, at, len, p->data + p->len + sizeof(len)))
		return false;
	p->len = need;
	return true;
}

/* Where to go on, or to begin anew. */
static uint32_t
first_of(const struct roster_desk *d, const struct roster_room *room,
    enum roster_kind kind, const struct piece *p)
{
	if (p->last != 0 && stamp_of(room, p->last) == p->stamp)
		return roster_peek(&room->cell[p->last].after);
	return roster_peek(&d->first[kind]);
}

/* False if there is a change, or no memory. */
static bool
try_piece(const struct roster_desk *d, const struct roster_room *room,
    enum roster_kind kind, struct piece *p)
{
	uint64_t changes = roster_look(&d->seal), stamp = p->stamp;
	uint32_t at = first_of(d, room, kind, p), last = p->last;

	p->len = 0;
	while (at != 0 && at < ROSTER_CELLS && p->len < PIECE_BYTES) {
		if (!roster_is_sealed(&d->seal, changes))
			return false;
		if (stamp_of(room, at) > stamp) {
			if (!add_copy(p, room, at))
				return false;
			last = at;
			stamp = stamp_of(room, at);
		}
		at = roster_peek(&room->cell[at].after);
	}
	if (!roster_is_sealed(&d->seal, changes))
		return false;
	p->last = last;
	p->stamp = stamp;
	return true;
}

static bool
next_piece(const struct roster *r, unsigned desk, enum roster_kind kind,
    struct piece *p)
{
	unsigned tries = 0;

	do {
		if (try_piece(&r->memory->desk[desk], &r->memory->room[desk],
		    kind, p))
			return p->len > 0;
	} while (roster_retry(&tries));
	return false;
}

static bool
is_before(const struct roster *r, unsigned desk, enum roster_kind kind,
    struct slice name)
{
	uint32_t hash = hash_of(r, kind, name);

	while (desk-- > 0)
		if (listeners_at(r, desk, kind, hash, name) > 0)
			return true;
	return false;
}

/* Those of a desk that no desk before it has; returns how many. */
static uint64_t
each_at(const struct roster *r, unsigned desk, enum roster_kind kind,
    void (*tell)(void *, struct slice), void *arg)
{
	struct piece p = { .data = NULL };
	struct slice name;
	uint64_t n = 0;
	size_t at;

	while (next_piece(r, desk, kind, &p))
		for (at = 0; at < p.len; at += name.len) {
			memcpy(&name.len, p.data + at, sizeof(name.len));
			name.data = p.data + (at += sizeof(name.len));
			if (is_before(r, desk, kind, name))
				continue;
			n++;
			if (tell != NULL)
				tell(arg, name);
		}
	free(p.data);
	return n;
}

void
roster_each(const struct roster *r, enum roster_kind kind,
    void (*tell)(void *, struct slice), void *arg)
{
	unsigned desk;

	for (desk = 0; desk < roster_peek(&r->memory->desks); desk++)
		if (roster_peek(&r->memory->desk[desk].names[kind]) != 0)
			each_at(r, desk, kind, tell, arg);
}

/* The first desk that has any has counted them. */
uint64_t
roster_count(const struct roster *r, enum roster_kind kind)
{
	uint64_t n = 0;
	uint32_t here;
	unsigned desk;

	for (desk = 0; desk < roster_peek(&r->memory->desks); desk++) {
		here = roster_peek(&r->memory->desk[desk].names[kind]);
		if (here != 0)
			n += n == 0 ? here : each_at(r, desk, kind, NULL,
			    NULL);
	}
	return n;
}
