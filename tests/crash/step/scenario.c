/*
 * The search for what a scenario is about.
 */

#include "scenario.h"

#include "image.h"
#include "must.h"
#include "states.h"

#define CANDIDATES_MAX	4000

const struct scenario scenarios[SCENARIOS] = {
#define SCENARIO(name, segments, bytes, prepare, kind, candidate, happens, \
    never) { #name, segments, bytes, prepare, kind, candidate, happens, never },
#include "scenarios.def"
#undef SCENARIO
};

static void
look(const struct world *w, struct facts_of_arena *f)
{
	const char *wrong = facts_take(w, f);

	must(wrong == NULL, "before any kill: %s", wrong);
}

/* Is this the one?  If so, the world is as it was before. */
static bool
is_found(const struct scenario *s, struct world *w, const struct op *op,
    enum shm_status *status, struct model *after)
{
	static struct facts_of_arena before, now;
	static struct model old;
	static uint8_t *image;
	const char *wrong;
	uint32_t happened;

	if (image == NULL)
		image = image_new(w->a);
	look(w, &before);
	old = w->m;
	image_take(w->a, image);
	wrong = world_try(w, op, status);
	must(wrong == NULL, "before any kill: %s", wrong);
	look(w, &now);
	wrong = model_compare(&w->m, w->a);
	must(wrong == NULL, "before any kill: %s", wrong);
	happened = facts_between(&before, &now, *status);
	if (op->kind != s->kind || (happened & s->happens) != s->happens ||
	    (happened & s->never) != 0)
		return false;
	*after = w->m;
	w->m = old;
	image_put(w->a, image);
	return true;
}

/*
 * The same can be done in several ways: a set is a put that looks first, a run
 * is a batch of them.
 */
static bool
is_way_of(enum op_kind way, enum op_kind kind)
{
	return (kind == OP_PUT && (way == OP_SET || way == OP_EDIT)) ||
	    (kind == OP_PUT_MANY && way == OP_SET_RUN) ||
	    (kind == OP_DELETE && way == OP_EDIT_AWAY);
}

void
scenario_begin(const struct scenario *s, struct world *w, struct op *op,
    enum shm_status *status, struct model *after)
{
	unsigned i;

	world_make(w, s->segments, s->segment_bytes);
	s->prepare(w);
	for (i = 0; i < CANDIDATES_MAX; i++) {
		*op = s->candidate(w, i);
		if (is_way_of(s->kind, op->kind))
			op->kind = s->kind;
		world_follow(w);
		if (is_found(s, w, op, status, after))
			return;
	}
	must(false, "nothing does what the scenario is about");
}
