/* The board: one writer per slot, so plain stores are enough. */

#include "shm/board.h"

#include <unistd.h>

#include "shm/handle.h"
#include "shm/word.h"

static bool
is_gauge(enum board_counter c)
{
	return c == BOARD_CLIENTS || c == BOARD_LINKS ||
	    c == BOARD_SUBSCRIBERS || c == BOARD_TRACKING;
}

void
board_enter(struct arena *a, unsigned slot, enum board_role role,
    uint64_t now_ms, uint64_t restarts)
{
	struct board_slot *s = &a->board[slot];
	unsigned i;

	for (i = 0; i < BOARD_COUNTERS; i++)
		if (is_gauge((enum board_counter)i))
			word_store(&s->counters[i], 0);
	word_store(&s->pid, (uint64_t)getpid());
	word_store(&s->started_ms, now_ms);
	word_store(&s->restarts, restarts);
	word_store(&s->fingerprint, 0);
	word_store(&s->role_state, (uint64_t)role << 32 | BOARD_STARTING);
}

void
board_set_state(struct arena *a, unsigned slot, enum board_state state)
{
	word *w = &a->board[slot].role_state;

	word_store(w, (word_peek(w) & ~UINT64_C(0xffffffff)) |
	    (uint64_t)state);
}

void
board_beat(struct arena *a, unsigned slot, uint64_t now_ms)
{
	word_store(&a->board[slot].heartbeat, now_ms);
}

void
board_set_end(struct arena *a, unsigned slot, const struct board_end *end)
{
	struct board_slot *s = &a->board[slot];

	word_store(&s->end_at, end->at_ms);
	word_store(&s->end_address, end->address);
	word_store(&s->end_how, end->how);
}

void
board_set_fingerprint(struct arena *a, unsigned slot, uint64_t fingerprint)
{
	word_store(&a->board[slot].fingerprint, fingerprint);
}

void
board_add(struct arena *a, unsigned slot, enum board_counter c, uint64_t n)
{
	word *w = &a->board[slot].counters[c];

	word_store(w, word_peek(w) + n);
}

void
board_sub(struct arena *a, unsigned slot, enum board_counter c, uint64_t n)
{
	board_add(a, slot, c, -n);
}

void
board_add_expired(struct arena *a, unsigned slot)
{
	if (a->expired_keys != 0)
		board_add(a, slot, BOARD_EXPIRED_KEYS, a->expired_keys);
	if (a->expired_fields != 0)
		board_add(a, slot, BOARD_EXPIRED_FIELDS, a->expired_fields);
	a->expired_keys = a->expired_fields = 0;
}

void
board_leave(struct arena *a, unsigned slot)
{
	unsigned i;

	for (i = 0; i < BOARD_COUNTERS; i++)
		if (is_gauge((enum board_counter)i))
			word_store(&a->board[slot].counters[i], 0);
	word_store(&a->board[slot].pid, 0);
	board_set_state(a, slot, BOARD_STOPPED);
}

bool
board_read(const struct arena *a, unsigned slot, struct board_row *row)
{
	const struct board_slot *s = &a->board[slot];
	uint64_t role_state = word_load(&s->role_state);
	unsigned i;

	row->role = (enum board_role)(role_state >> 32);
	row->state = (enum board_state)(role_state & 0xffffffff);
	row->pid = (pid_t)word_load(&s->pid);
	row->started_ms = word_load(&s->started_ms);
	row->restarts = word_load(&s->restarts);
	row->heartbeat_ms = word_load(&s->heartbeat);
	row->fingerprint = word_load(&s->fingerprint);
	row->end.how = word_load(&s->end_how);
	row->end.at_ms = word_load(&s->end_at);
	row->end.address = word_load(&s->end_address);
	for (i = 0; i < BOARD_COUNTERS; i++)
		row->counters[i] = word_load(&s->counters[i]);
	return row->role != BOARD_FREE;
}

uint64_t
board_sum(const struct arena *a, enum board_counter c)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < BOARD_SLOTS; i++)
		sum += word_load(&a->board[i].counters[c]);
	return sum;
}

static const struct {
	const char	*name;
	const char	*help;
} counters[] = {
#define COUNTER(name, help) { #name, help },
#include "shm/counters.def"
#undef COUNTER
};

const char *
board_counter_name(enum board_counter c)
{
	return counters[c].name;
}

const char *
board_counter_help(enum board_counter c)
{
	return counters[c].help;
}

const char *
board_role_name(enum board_role role)
{
	switch (role) {
	case BOARD_FREE:
		return "free";
	case BOARD_MASTER:
		return "master";
	case BOARD_WORKER:
		return "worker";
	case BOARD_CLEANER:
		return "cleaner";
	case BOARD_OTHER:
		return "other";
	}
	return "unknown";
}

const char *
board_state_name(enum board_state state)
{
	switch (state) {
	case BOARD_STARTING:
		return "starting";
	case BOARD_SERVING:
		return "serving";
	case BOARD_DRAINING:
		return "draining";
	case BOARD_STOPPED:
		return "stopped";
	case BOARD_WAITING:
		return "waiting";
	}
	return "unknown";
}
