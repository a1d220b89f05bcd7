/*
 * Traces.  An instruction that changed nothing leaves the state of the one
 * before it, so a state stands for a run of kill points: most instructions
 * do not store, and most stores go to the stack.
 */

#include "trace.h"

#include <sys/mman.h>

#include <string.h>

#include "image.h"
#include "must.h"
#include "shm/handle.h"
#include "shm/segment.h"
#include "shm/word.h"

/* Pages that are never touched cost nothing. */
static void *
room_for(size_t n, size_t size)
{
	void *p = mmap(NULL, n * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(p != MAP_FAILED, "no memory");
	return p;
}

void
trace_make(struct trace *t, struct arena *a)
{
	t->a = a;
	t->base = image_new(a);
	t->image = image_new(a);
	t->dead = image_new(a);
	t->pcs = room_for(TRACE_STEPS_MAX, sizeof(*t->pcs));
	t->turns = room_for(TRACE_STEPS_MAX, sizeof(*t->turns));
	t->states = room_for(TRACE_STATES_MAX, sizeof(*t->states));
	t->changes = room_for(TRACE_CHANGES_MAX, sizeof(*t->changes));
}

void
trace_begin(struct trace *t)
{
	image_take(t->a, t->base);
	image_take(t->a, t->image);
	t->steps = 0;
	t->nchanges = 0;
	t->pid = 0;
	t->complete = false;
	t->states[0] = (struct state){ .step = 0 };
	t->nstates = 1;
	t->at = 0;
}

static void
note_change(void *arg, uint32_t number, uint64_t value)
{
	struct trace *t = arg;

	must(t->nchanges < TRACE_CHANGES_MAX, "too many changes");
	t->changes[t->nchanges++] = (struct change){ number, value };
}

void
trace_step(struct trace *t, uint64_t pc)
{
	uint32_t before = t->nchanges;

	must(++t->steps < TRACE_STEPS_MAX, "no end of instructions");
	t->pcs[t->steps] = pc;
	image_follow(t->a, t->image, note_change, t);
	if (t->nchanges == before)
		return;
	must(t->nstates < TRACE_STATES_MAX, "too many states");
	t->states[t->nstates++] = (struct state){
		.step = t->steps, .change = before
	};
	t->at = t->nstates - 1;
}

/* Of each address, how often it was come to: a table with open places. */
#define PLACES	(1U << 16)

struct visit {
	uint64_t	pc;
	uint32_t	count;		/* the count in which it was used */
	uint32_t	n;
};

static struct visit *
visit_of(struct visit *visits, uint64_t pc, uint32_t count)
{
	uint64_t i = pc * UINT64_C(0x9e3779b97f4a7c15) >> 48, tried;

	for (tried = 0; tried < PLACES; tried++, i = (i + 1) % PLACES)
		if (visits[i].pc == pc || visits[i].count != count)
			break;
	must(tried < PLACES, "too many addresses");
	if (visits[i].pc != pc || visits[i].count != count)
		visits[i] = (struct visit){ .pc = pc, .count = count };
	return &visits[i];
}

void
trace_count_turns(const struct trace *t, uint32_t from, uint32_t to)
{
	static struct visit *visits;
	static uint32_t count;
	struct visit *v;
	uint32_t n;

	if (visits == NULL)
		visits = room_for(PLACES, sizeof(*visits));
	count++;
	for (n = from + 1; n <= to; n++) {
		v = visit_of(visits, t->pcs[n], count);
		if (t->pcs[n - 1] != t->pcs[n])
			v->n++;
		t->turns[n] = v->n;
	}
}

uint32_t
trace_state_at(const struct trace *t, uint32_t step)
{
	uint32_t low = 0, high = t->nstates, middle;

	while (high - low > 1) {
		middle = (low + high) / 2;
		if (t->states[middle].step <= step)
			low = middle;
		else
			high = middle;
	}
	return low;
}

uint32_t
trace_points(const struct trace *t, uint32_t state)
{
	uint32_t end = state + 1 < t->nstates ?
	    t->states[state + 1].step : t->steps + 1;

	return end - t->states[state].step;
}

/* Make t->image that of the state. */
static void
go_to(struct trace *t, uint32_t state)
{
	uint32_t i, end;

	if (state < t->at) {
		memcpy(t->image, t->base, t->a->size_bytes);
		t->at = 0;
	}
	end = state + 1 < t->nstates ? t->states[state + 1].change :
	    t->nchanges;
	for (i = t->states[t->at].change; i < end; i++)
		memcpy(t->image + (size_t)t->changes[i].word * 8,
		    &t->changes[i].value, 8);
	t->at = state;
}

static enum wreck
look_at(const struct arena *a, uint32_t held)
{
	enum wreck wreck = held > 0 ? WRECK_LOCK : WRECK_NONE;
	enum segment_kind kind;
	uint64_t i;

	for (i = 0; i < a->segments; i++) {
		kind = segment_kind(word_peek(&a->table[i].state));
		if (kind == SEGMENT_TAKEN || kind == SEGMENT_RELEASED)
			wreck = WRECK_SEGMENT;
	}
	for (i = 0; i < a->shards_count; i++)
		if (word_peek(&a->shards[i].batch_end) != 0)
			wreck = WRECK_BATCH;
	for (i = 0; i < a->shards_count; i++)
		if (word_peek(&a->shards[i].intent.state) != INTENT_EMPTY)
			wreck = WRECK_INTENT;
	return wreck;
}

void
trace_put(struct trace *t, uint32_t state)
{
	go_to(t, state);
	image_put(t->a, t->image);
	t->states[state].wreck = look_at(t->a,
	    image_bury(t->a, NULL, t->pid));
}

bool
trace_matches(struct trace *t, uint32_t state)
{
	go_to(t, state);
	memcpy(t->dead, t->image, t->a->size_bytes);
	image_bury(t->a, t->dead, t->pid);
	return image_matches(t->a, t->dead);
}
