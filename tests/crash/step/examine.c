/*
 * One scenario from beginning to end:
 *
 *	record	the operation is stepped through once, with a reader beside
 *	prove	each distinct state it went through is buried and proved
 *	kill	processes are killed at some instructions: what they leave
 *		must be, byte for byte, what the record says, and is proved
 *	repair	in some states the repair is recorded, proved, and killed in
 *		the same way; and so is the repair after a killed repair
 *
 * Contents go from old to new once: the first instruction after which they
 * are new is the point of no return, and from there on they stay new.
 */

#include "examine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"
#include "must.h"
#include "prove.h"
#include "reader.h"
#include "stepper.h"
#include "tally.h"

#define KILLS		32	/* of an operation, when not at all points */
#define REPAIRS		1	/* recorded for each kind of wreck */
#define REPAIR_KILLS	4	/* of each of them, or with time KILLS */
#define THIRDS		1	/* and of repairs after a killed repair */
#define ELSEWHERE	4	/* each so many kills another process proves */

static struct world w;
static struct op op;
static struct call call;
static struct model after;
static struct proof proof = { .w = &w, .op = &op, .after = &after };
static struct trace first, second, third;

/* -------------------------------------------------------------- how much */

static bool
is_all(void)
{
	const char *s = getenv("KVD_STEP");

	return s != NULL && strcmp(s, "all") == 0;
}

/*
 * How long this scenario may go on beyond the samples: first the operation is
 * killed, then its repairs for at least as long, for there is more of them
 * than there ever is time.  As many tests run at a time as there are
 * processors.
 */
static uint64_t begun_ms, share_ms;

static void
set_share(void)
{
	const char *s = getenv("KVD_STEP_SECONDS");
	uint64_t seconds = s != NULL ? strtoul(s, NULL, 10) : 600;

	begun_ms = tally_now_ms();
	share_ms = seconds * 1000 * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN) /
	    SCENARIOS;
}

static bool
is_time_left(unsigned halves)
{
	return is_all() &&
	    tally_now_ms() - begun_ms < share_ms / 2 * halves;
}

/* --------------------------------------------------------------- proving */

static bool
prove_one(struct trace *t, uint32_t state, enum verdict v,
    enum tally_count points)
{
	trace_put(t, state);
	if (!prove_state(&proof, &v))
		return false;
	t->states[state].verdict = v;
	tally_add(points, trace_points(t, state));
	return true;
}

/*
 * All states of a trace.  The contents of the first one may be given; then
 * all others have the same, for a repair adds nothing.
 */
static void
prove_all(struct trace *t, enum verdict given, enum tally_count points,
    const char *what)
{
	enum verdict v = given;
	uint32_t i;

	for (i = 0; i < t->nstates; i++) {
		must(prove_one(t, i, v, points), "%s at %u of %u: %s", what,
		    t->states[i].step, t->steps, proof.wrong);
		if (t->states[i].verdict == VERDICT_NEW)
			v = VERDICT_NEW;
	}
}

/* ---------------------------------------------------------------- killing */

static int
run_call(const void *arg)
{
	return (int)call_run(arg);
}

/*
 * Kill the process of a trace for real after n instructions, from the same
 * beginning.  Memory must be as foretold, and the proof the same.
 */
static void
kill_at(struct trace *t, uint32_t n, int (*work)(const void *),
    const void *arg, bool elsewhere, const char *what)
{
	uint32_t state = trace_state_at(t, n);
	enum verdict v = t->states[state].verdict;

	image_put(w.a, t->base);
	stepper_kill(t, n, work, arg);
	if (!trace_matches(t, state)) {
		image_put(w.a, t->base);
		stepper_walk_and_kill(n, work, arg);
	}
	must(trace_matches(t, state), "%s, really killed at %u of %u: memory "
	    "is not what was foretold", what, n, t->steps);
	must(elsewhere ? prove_elsewhere(&proof, &v) :
	    prove_state(&proof, &v), "%s, really killed at %u of %u: %s",
	    what, n, t->steps, proof.wrong);
	must(v == t->states[state].verdict, "%s, really killed at %u of %u: "
	    "another outcome", what, n, t->steps);
}

/* The i-th of n things in an order that is spread evenly at any time. */
static uint32_t
spread(uint32_t i, uint32_t n)
{
	uint32_t stride = (uint32_t)((uint64_t)n * 618 / 1000) | 1, x, y, z;

	for (;; stride += 2) {
		for (x = stride, y = n; y != 0; x = y, y = z)
			z = x % y;
		if (x == 1)
			break;
	}
	return (uint32_t)((uint64_t)i * stride % n);
}

/* The way into an instruction that repeats itself must be walked, so a sample
 * is taken at its first turn if the others leave the same. */
static uint32_t
first_turn(const struct trace *t, uint32_t n)
{
	if (is_all())
		return n;
	while (n > 0 && t->pcs[n] == t->pcs[n - 1] &&
	    trace_state_at(t, n) == trace_state_at(t, n - 1))
		n--;
	return n;
}

static void
kill_operations(void)
{
	uint32_t i, n = first.steps + 1;

	for (i = 0; i < n && (i < KILLS || is_time_left(1)); i++) {
		kill_at(&first, first_turn(&first, spread(i, n)), run_call,
		    &call, i % ELSEWHERE == 0, "the operation");
		tally_add(TALLY_KILLS, 1);
	}
}

/* --------------------------------------------------------------- repairs */

/* Record what the first who takes the locks does about this state. */
static void
record_repair(struct trace *of, uint32_t state, struct trace *t)
{
	trace_put(of, state);
	stepper_record(t, prove_repair, &w.a);
	must(t->complete, "the repair at %u of %u does not end",
	    of->states[state].step, of->steps);
	tally_add(TALLY_REPAIR_STATES, t->nstates);
}

/* The repair after one that was killed on its way. */
static void
kill_second_repair(uint32_t state, enum verdict v)
{
	record_repair(&second, state, &third);
	prove_all(&third, v, TALLY_THIRD_POINTS, "the second repair");
}

static void
kill_repair(uint32_t state, bool third_too)
{
	enum verdict v = first.states[state].verdict;
	uint32_t i, n;

	record_repair(&first, state, &second);
	prove_all(&second, v, TALLY_REPAIR_POINTS, "the repair");
	n = second.steps + 1;
	for (i = 0; i < n && i < KILLS; i++) {
		if (i >= REPAIR_KILLS && !is_time_left(2))
			break;
		kill_at(&second, spread(i * 7 + state, n), prove_repair,
		    &w.a, i % 2 == 1, "the repair");
		tally_add(TALLY_REPAIR_KILLS, 1);
	}
	if (third_too)
		kill_second_repair(second.nstates / 2, v);
}

/* Repairs of some states of each kind, or of as many as time allows. */
static void
kill_repairs(void)
{
	uint32_t i, state, n = 0, done[WRECKS] = { 0 };
	enum wreck wreck;

	for (i = 0; i < first.nstates; i++) {
		state = spread(i, first.nstates);
		wreck = first.states[state].wreck;
		if (wreck != WRECK_NONE &&
		    (done[wreck]++ < REPAIRS || is_time_left(2)))
			kill_repair(state, n++ < THIRDS || is_time_left(2));
	}
}

/* --------------------------------------------------------- the operation */

/* The audit and the comparison allocate memory: let that have settled, so
 * that every process that is forked from here finds the same. */
static void
warm_up(void)
{
	enum verdict v = VERDICT_OLD;

	trace_begin(&first);
	must(prove_state(&proof, &v), "before any kill: %s", proof.wrong);
	image_put(w.a, first.base);
}

/* Returns what a reader beside it has to complain about, or NULL. */
static const char *
record(enum shm_status status)
{
	pid_t reader = reader_start(w.a, &w.m, &after);
	const char *wrong;

	call_prepare(&call, &w, &op);
	stepper_record(&first, run_call, &call);
	wrong = reader_stop(reader);
	must(first.complete && first.status == (int)status,
	    "the operation does not end as it should");
	return wrong;
}

void
examine(const struct scenario *s)
{
	enum shm_status status;
	const char *beside;

	tally_begin(s->name);
	set_share();
	scenario_begin(s, &w, &op, &status, &after);
	proof.changes = !model_equal(&w.m, &after);
	trace_make(&first, w.a);
	trace_make(&second, w.a);
	trace_make(&third, w.a);
	warm_up();
	beside = record(status);
	prove_all(&first, VERDICT_NONE, TALLY_POINTS, "the operation");
	/* What can be seen at a certain instruction was told with that. */
	must(beside == NULL, "a reader beside it: %s", beside);
	must(!proof.changes || first.states[first.nstates - 1].verdict ==
	    VERDICT_NEW, "what is done is not there");
	tally_add(TALLY_STATES, first.nstates);
	kill_operations();
	kill_repairs();
	tally_end();
}
