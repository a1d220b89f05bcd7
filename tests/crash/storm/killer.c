/*
 * The killer: at random moments it strikes a random child of the master, in
 * one of three ways; if it may, every tenth blow hits the master itself or
 * all processes at once, after which kvd is started again.
 *
 * A victim is whoever is a child of the master at that moment, also one that
 * has not yet begun: there is no good time to be killed.
 */

#include "tests/crash/storm/killer.h"

#include <signal.h>
#include <stddef.h>

#include "tests/crash/storm/storm.h"
#include "tests/crash/storm/value.h"

#define LOOK_NS		300000		/* while a successor is awaited */
#define IDLE_NS		10000000	/* else, at most */
#define STOP_MIN_NS	1000000		/* between SIGSTOP and SIGKILL */
#define STOP_SPAN_NS	4000000
#define MASTER_EVERY	10

static const char *const names[] = {
	[BLOW_KILL] = "SIGKILL",
	[BLOW_SEGV] = "SIGSEGV",
	[BLOW_STOP] = "SIGSTOP and SIGKILL",
	[BLOW_MASTER] = "SIGKILL of the master",
	[BLOW_ALL] = "SIGKILL of all at once",
};

const char *
killer_blow_name(enum blow blow)
{
	return names[blow];
}

static void
note(struct killer *k, enum blow blow, enum board_role role)
{
	k->count[blow]++;
	k->cleaners += role == BOARD_CLEANER;
	k->note[k->notes++ % KILLER_NOTES] = (struct blow_note){
		storm_now_ns(), blow, role
	};
}

const struct blow_note *
killer_blow_before(const struct killer *k, uint64_t at_ns)
{
	const struct blow_note *n;
	uint64_t i;

	for (i = 1; i <= k->notes && i <= KILLER_NOTES; i++) {
		n = &k->note[(k->notes - i) % KILLER_NOTES];
		if (n->at_ns <= at_ns)
			return n;
	}
	return NULL;
}

/* The victim's slot on the board, if it has taken it already. */
static enum board_role
find_role(struct killer *k, pid_t pid, unsigned *slot)
{
	struct board_row row;

	for (*slot = 1; *slot < BOARD_SLOTS; (*slot)++)
		if (board_read(k->server->arena, *slot, &row) &&
		    row.pid == pid)
			return row.role;
	return BOARD_FREE;
}

static void
hit(struct killer *k, pid_t pid, enum blow blow)
{
	switch (blow) {
	case BLOW_KILL:
		kill(pid, SIGKILL);
		break;
	case BLOW_SEGV:
		kill(pid, SIGSEGV);
		break;
	case BLOW_STOP:
		kill(pid, SIGSTOP);
		storm_sleep_ns(STOP_MIN_NS +
		    value_random(&k->random) % STOP_SPAN_NS);
		kill(pid, SIGKILL);
		break;
	case BLOW_MASTER:
	case BLOW_ALL:
		break;
	}
}

static void
strike_child(struct killer *k)
{
	enum blow blow = (enum blow)(value_random(&k->random) % BLOW_MASTER);
	pid_t pids[SERVER_CHILDREN_MAX], pid;
	unsigned slot, n = server_children(k->server, pids);
	enum board_role role;

	if (n == 0)
		return;
	pid = pids[value_random(&k->random) % n];
	role = find_role(k, pid, &slot);
	note(k, blow, role);
	if (role != BOARD_FREE) {
		k->struck_ns[slot] = storm_now_ns();
		k->struck[slot] = pid;
	}
	hit(k, pid, blow);
}

static void
strike_master(struct killer *k)
{
	bool all = value_random(&k->random) % 2 == 0;
	uint64_t then_ns = storm_now_ns();
	unsigned slot;

	note(k, all ? BLOW_ALL : BLOW_MASTER, BOARD_MASTER);
	if (all)
		server_kill_all(k->server);
	else
		server_kill_master(k->server);
	histogram_add(&k->adoption, server_start(k->server) - then_ns);
	for (slot = 0; slot < BOARD_SLOTS; slot++)
		k->struck_ns[slot] = 0;
}

/* Returns true if some successor is not there yet. */
static bool
look_for_successors(struct killer *k)
{
	struct board_row row;
	bool awaited = false;
	unsigned slot;

	for (slot = 1; slot < BOARD_SLOTS; slot++) {
		if (k->struck_ns[slot] == 0)
			continue;
		if (board_read(k->server->arena, slot, &row) &&
		    row.pid != 0 && row.pid != k->struck[slot] &&
		    row.state == BOARD_SERVING) {
			histogram_add(&k->restart,
			    storm_now_ns() - k->struck_ns[slot]);
			k->struck_ns[slot] = 0;
		} else {
			awaited = true;
		}
	}
	return awaited;
}

/* A whole number of tenths of the mean, so that there are bursts, too. */
static void
plan(struct killer *k, uint64_t now_ns)
{
	double mean_ns = 1e9 / k->rate;

	k->next_ns = now_ns + (uint64_t)(mean_ns *
	    (double)(value_random(&k->random) % 21) / 10);
}

uint64_t
killer_tick(struct killer *k, bool strike)
{
	uint64_t now_ns = storm_now_ns();
	bool awaited;

	if (strike && now_ns >= k->next_ns) {
		plan(k, now_ns);
		if (k->masters &&
		    value_random(&k->random) % MASTER_EVERY == 0)
			strike_master(k);
		else
			strike_child(k);
	}
	awaited = look_for_successors(k);
	now_ns = storm_now_ns();
	if (awaited)
		return LOOK_NS;
	if (!strike || k->next_ns > now_ns + IDLE_NS)
		return IDLE_NS;
	return k->next_ns > now_ns ? k->next_ns - now_ns : 0;
}
