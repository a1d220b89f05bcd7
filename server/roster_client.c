/*
 * Clients in the roster: each at a place of its worker's room, where facts
 * about it are written after each turn that it had.
 *
 * What surprises: the word that condemns a client is written by others, and
 * says which client is meant.  Numbers only grow and places are used again, so
 * a word that came late names somebody who has gone, and harms nobody.
 */

#include <string.h>

#include "server/roster_state.h"

uint32_t
roster_add(struct roster *r, uint64_t id)
{
	struct roster_desk *d = roster_our_desk(r);
	struct roster_entry *e;
	uint32_t place;

	if (d->free_place != 0) {
		place = d->free_place - 1;
		d->free_place = roster_our_room(r)->client[place].next_free;
	} else if ((place = roster_peek(&d->places)) < ROSTER_CLIENTS_MAX) {
		roster_put(&d->places, place + 1);
	} else {
		return ROSTER_NO_PLACE;
	}
	e = &roster_our_room(r)->client[place];
	roster_break(&e->seal);
	memset(&e->facts, 0, sizeof(e->facts));
	e->facts.id = id;
	atomic_store_explicit(&e->id, id, memory_order_relaxed);
	roster_seal(&e->seal);
	return place;
}

void
roster_remove(struct roster *r, uint32_t place)
{
	struct roster_desk *d = roster_our_desk(r);
	struct roster_entry *e = &roster_our_room(r)->client[place];

	roster_break(&e->seal);
	atomic_store_explicit(&e->id, 0, memory_order_relaxed);
	roster_seal(&e->seal);
	e->next_free = d->free_place;
	d->free_place = place + 1;
}

struct roster_client *
roster_write(struct roster *r, uint32_t place)
{
	struct roster_entry *e = &roster_our_room(r)->client[place];

	roster_break(&e->seal);
	return &e->facts;
}

void
roster_wrote(struct roster *r, uint32_t place)
{
	roster_seal(&roster_our_room(r)->client[place].seal);
}

/* --- reading --- */

static bool
is_there(const struct roster_entry *e, uint64_t id)
{
	return id != 0 && id != atomic_load_explicit(&e->condemned,
	    memory_order_acquire);
}

static bool
copy_entry(const struct roster_entry *e, struct roster_client *copy)
{
	unsigned tries = 0;
	uint64_t changes, id;

	do {
		changes = roster_look(&e->seal);
		id = atomic_load_explicit(&e->id, memory_order_relaxed);
		if (id != 0)
			memcpy(copy, &e->facts, sizeof(*copy));
		if (roster_is_sealed(&e->seal, changes))
			return is_there(e, id);
	} while (roster_retry(&tries));
	return false;
}

bool
roster_next(const struct roster *r, struct roster_walk *walk,
    struct roster_client *copy)
{
	const struct roster_memory *m = r->memory;
	const struct roster_entry *e;

	for (; walk->desk < roster_peek(&m->desks); walk->desk++) {
		e = m->room[walk->desk].client;
		while (walk->place < roster_peek(&m->desk[walk->desk].places))
			if (copy_entry(&e[walk->place++], copy))
				return true;
		walk->place = 0;
	}
	return false;
}

static struct roster_entry *
entry_at(const struct roster *r, const struct roster_walk *walk)
{
	return &r->memory->room[walk->desk].client[walk->place - 1];
}

bool
roster_again(const struct roster *r, const struct roster_walk *walk,
    uint64_t id, struct roster_client *copy)
{
	return copy_entry(entry_at(r, walk), copy) && copy->id == id;
}

/* --- the end of one --- */

bool
roster_condemn(struct roster *r, const struct roster_walk *walk, uint64_t id)
{
	struct roster_entry *e = entry_at(r, walk);
	uint64_t before = atomic_load(&e->condemned);

	if (atomic_load(&e->id) != id)
		return false;
	while (before < id)
		if (atomic_compare_exchange_weak(&e->condemned, &before, id)) {
			atomic_store(&r->memory->desk[walk->desk].called, 1);
			return true;
		}
	return false;
}

bool
roster_was_called(struct roster *r)
{
	struct roster_desk *d = roster_our_desk(r);

	return atomic_load_explicit(&d->called, memory_order_relaxed) != 0 &&
	    atomic_exchange(&d->called, 0) != 0;
}

bool
roster_is_condemned(const struct roster *r, uint32_t place)
{
	const struct roster_entry *e = &roster_our_room(r)->client[place];

	return atomic_load(&e->condemned) == atomic_load(&e->id);
}
