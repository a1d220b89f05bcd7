/*
 * Patterns in the roster, prepared to be matched.
 *
 * To prepare one takes longer than to match it, and it cannot be shared, so
 * each process that asks keeps what it has prepared, by the stamp of the
 * pattern: no two patterns of a desk ever have one, and a list of patterns is
 * in the order of its stamps.  So when a desk has changed, the old list and
 * the new one are merged in one pass.
 */

#include <stdlib.h>

#include "proto/glob.h"
#include "server/roster_state.h"

struct prepared {
	uint64_t	 stamp;
	uint32_t	 clients;
	bool		 fresh;		/* only in the list that is made */
	struct glob	*glob;
};

struct list {
	struct prepared	*item;
	size_t		 n, cap;
};

struct roster_globs {		/* of a desk */
	struct list	 list;
	uint64_t	 changed;	/* what the desk said then */
};

static void
free_fresh(struct list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->item[i].fresh)
			glob_free(list->item[i].glob);
	list->n = 0;
}

static struct glob *
prepare(const struct roster_room *room, uint32_t at)
{
	uint8_t text[GLOB_PATTERN_MAX];
	size_t len = roster_peek(&room->cell[at].len);

	if (len > sizeof(text) || !roster_copy_text(room, at, len, text))
		return NULL;
	return glob_new((struct slice){ text, len }, false);
}

static struct prepared *
add(struct list *list)
{
	size_t cap = list->cap == 0 ? 16 : 2 * list->cap;
	struct prepared *item;

	if (list->n == list->cap) {
		item = reallocarray(list->item, cap, sizeof(*item));
		if (item == NULL)
			return NULL;
		list->item = item;
		list->cap = cap;
	}
	return &list->item[list->n++];
}

static bool
take(struct list *list, const struct list *old, size_t *i,
    const struct roster_room *room, uint32_t at)
{
	const struct roster_cell *c = &room->cell[at];
	struct prepared *p = add(list);
	uint64_t stamp = atomic_load_explicit(&c->stamp,
	    memory_order_relaxed);

	if (p == NULL)
		return false;
	while (*i < old->n && old->item[*i].stamp < stamp)
		++*i;
	*p = (struct prepared){ .stamp = stamp,
	    .clients = roster_peek(&c->clients) };
	p->fresh = *i == old->n || old->item[*i].stamp != stamp;
	p->glob = p->fresh ? prepare(room, at) : old->item[*i].glob;
	return p->glob != NULL;
}

/* False if there was a change, or no memory; *list has what is fresh. */
static bool
try_merge(const struct roster_desk *d, const struct roster_room *room,
    const struct list *old, struct list *list, uint64_t *changed)
{
	uint64_t changes = roster_look(&d->seal);
	uint32_t at = roster_peek(&d->first[ROSTER_PATTERN]);
	size_t i = 0;

	*changed = atomic_load_explicit(&d->patterns_changed,
	    memory_order_relaxed);
	for (; at != 0 && at < ROSTER_CELLS;
	    at = roster_peek(&room->cell[at].after))
		if (!take(list, old, &i, room, at) ||
		    !roster_is_sealed(&d->seal, changes))
			return false;
	return roster_is_sealed(&d->seal, changes);
}

/* What is in both lists goes on; the rest of the old one has gone. */
static void
replace(struct list *old, struct list *list)
{
	size_t i, j = 0;

	for (i = 0; i < old->n; i++) {
		while (j < list->n && list->item[j].stamp <
		    old->item[i].stamp)
			j++;
		if (j == list->n || list->item[j].stamp !=
		    old->item[i].stamp)
			glob_free(old->item[i].glob);
	}
	for (i = 0; i < list->n; i++)
		list->item[i].fresh = false;
	free(old->item);
	*old = *list;
}

/* If that cannot be done now the list stays as it was. */
static void
refresh(struct roster *r, unsigned desk)
{
	struct roster_globs *g = &r->globs[desk];
	struct list list = { .item = NULL };
	unsigned tries = 0;
	uint64_t changed;

	do {
		if (try_merge(&r->memory->desk[desk], &r->memory->room[desk],
		    &g->list, &list, &changed)) {
			replace(&g->list, &list);
			g->changed = changed;
			return;
		}
		free_fresh(&list);
	} while (roster_retry(&tries));
	free(list.item);
}

uint64_t
roster_match(struct roster *r, unsigned desk, struct slice channel)
{
	struct roster_globs *g;
	uint64_t n = 0;
	size_t i;

	if (r->globs == NULL &&
	    (r->globs = calloc(ROSTER_DESKS, sizeof(*r->globs))) == NULL)
		return 0;
	g = &r->globs[desk];
	if (g->changed != atomic_load_explicit(
	    &r->memory->desk[desk].patterns_changed, memory_order_acquire))
		refresh(r, desk);
	for (i = 0; i < g->list.n; i++)
		if (glob_match(g->list.item[i].glob, channel))
			n += g->list.item[i].clients;
	return n;
}

void
roster_free_globs(struct roster *r)
{
	unsigned desk;
	size_t i;

	for (desk = 0; r->globs != NULL && desk < ROSTER_DESKS; desk++) {
		for (i = 0; i < r->globs[desk].list.n; i++)
			glob_free(r->globs[desk].list.item[i].glob);
		free(r->globs[desk].list.item);
	}
	free(r->globs);
	r->globs = NULL;
}
