/*
 * Hashes: a hash is a bucket, its fields are the bucket's keys.  A bucket that
 * one of these commands makes goes with its last field.  This file has what
 * they share, and those that set and delete.
 *
 * Each change is one transaction, whatever the number of fields.
 */

#include "server/clock.h"
#include "server/redis_hash.h"
#include "shm/board.h"

bool
hash_is_string(struct call *call)
{
	if (redis_type_of(call, call->req->argv[1]) != REDIS_STRING)
		return false;
	redis_wrong_type(call);
	return true;
}

void
hash_beat(const struct call *call)
{
	const struct inherit *in = call->env->inherit;

	board_beat(in->arena, in->slot, clock_ms());
}

void
hash_too_long(struct call *call)
{
	redis_error(call, "ERR", "reply is too long");
}

bool
hash_lacks(struct call *call, enum shm_status status)
{
	switch (status) {
	case SHM_NO_BUCKET:
		return !hash_is_string(call);
	case SHM_NO_KEY:
		return true;
	default:
		redis_store_error(call, status);
		return false;
	}
}

/* --- look --- */

/*
 * A name that was a string's may be a hash's before it is asked whether it is:
 * to who looks again.  One that goes to and fro in these microseconds may still
 * seem to be free.
 */
static bool
hash_is_back(const struct call *call, enum shm_status status, unsigned *tries)
{
	return status == SHM_NO_BUCKET && ++*tries < HASH_TRIES &&
	    redis_type_of(call, call->req->argv[1]) == REDIS_HASH;
}

enum shm_status
hash_stat(const struct call *call, struct bucket_stat *stat)
{
	enum shm_status status;
	unsigned tries = 0;

	do
		status = store_stat(call->env->store, call->req->argv[1],
		    stat);
	while (hash_is_back(call, status, &tries));
	return status;
}

struct ghost {			/* a field that has expired */
	struct bytes	name;
	struct bytes	field;
};

/* Unless somebody has set it meanwhile. */
static enum shm_status
lay_ghost(struct txn *t, void *arg)
{
	const struct ghost *ghost = arg;
	enum shm_status status;
	struct txn_pair found;

	status = txn_get(t, ghost->name, ghost->field, &found);
	if (status == SHM_NO_KEY)
		(void)txn_delete(t, ghost->name, ghost->field);
	return status == SHM_NO_KEY ? SHM_OK : status;
}

/*
 * The cleaner may be long in coming by, and a hash shall not seem to be there
 * for a field that is not: so who meets one that has expired deletes it.
 */
static void
forget(const struct call *call, struct bytes field)
{
	struct slice name = call->req->argv[1];
	struct ghost ghost = { redis_bytes(name), field };

	(void)store_change(call->env->store, redis_shard(call, name),
	    lay_ghost, &ghost);
}

static enum shm_status
look(const struct call *call, struct slice field, void *buf, size_t cap,
    struct pair_facts *facts)
{
	struct slice name = call->req->argv[1];
	enum shm_status status;
	unsigned tries = 0;

	do {
		facts->expires_ms = 0;
		status = store_look(call->env->store, redis_shard(call, name),
		    redis_bytes(name), redis_bytes(field), buf, cap, facts);
	} while (hash_is_back(call, status, &tries));
	if (status == SHM_NO_KEY && facts->expires_ms != 0)
		forget(call, redis_bytes(field));
	return status;
}

enum shm_status
hash_look(const struct call *call, struct slice field,
    struct pair_facts *facts)
{
	enum shm_status status = look(call, field, NULL, 0, facts);

	return status == SHM_NO_ROOM ? SHM_OK : status;
}

enum shm_status
hash_get(const struct call *call, struct slice field, struct slice *value)
{
	struct store *store = call->env->store;
	struct pair_facts facts = { .len = 0 };
	enum shm_status status;

	status = look(call, field, store->value, store_value_max(store),
	    &facts);
	*value = (struct slice){ store->value, facts.len };
	return status;
}

bool
hash_next_pair(const struct call *call, struct pair *pair)
{
	while (store_next_pair(call->env->store, pair)) {
		if (pair->expires_ms == 0 ||
		    pair->expires_ms > clock_wall_ms())
			return true;
		forget(call, pair->key);
	}
	return false;
}

/* --- change --- */

struct change {			/* of a hash, by hash_change() */
	enum shm_status	(*op)(struct txn *, struct bytes, void *);
	void		*arg;
	struct bytes	 name;
	bool		 is_string;
};

static enum shm_status
change_hash(struct txn *t, void *arg)
{
	struct change *change = arg;

	change->is_string = redis_type_in(t, change->name) == REDIS_STRING;
	return change->is_string ? SHM_NO_BUCKET :
	    change->op(t, change->name, change->arg);
}

bool
hash_change(struct call *call,
    enum shm_status (*op)(struct txn *, struct bytes, void *), void *arg,
    enum shm_status *status)
{
	struct slice name = call->req->argv[1];
	struct change change = {
		.op = op, .arg = arg, .name = redis_bytes(name)
	};

	if (!redis_change(call, name, change_hash, &change, status))
		return false;
	if (change.is_string)
		redis_wrong_type(call);
	return !change.is_string;
}

struct attempt {		/* as a transaction, by hash_edit() */
	struct pair_edit	*edit;
	struct bytes		 field;
};

static enum shm_status
put_field(struct txn *t, struct bytes name, struct bytes field,
    const struct pair_new *new)
{
	const struct pair pair = { field, new->value, new->expires_ms };
	enum shm_status status = txn_create(t, name, true);

	if (status != SHM_OK)
		return status;
	txn_because(t, new->why);
	return txn_put(t, name, &pair);
}

static enum shm_status
change_field(struct txn *t, struct bytes name, void *arg)
{
	const struct attempt *attempt = arg;
	struct pair_old old = { .is_there = false };
	struct pair_new new = { .why = 0 };
	enum shm_status status;
	struct txn_pair found;

	status = txn_get(t, name, attempt->field, &found);
	if (status == SHM_OK)
		old = (struct pair_old){
			true, found.value, found.expires_ms
		};
	else if (status != SHM_NO_KEY && status != SHM_NO_BUCKET)
		return status;
	switch (attempt->edit->decide(attempt->edit->arg, &old, &new)) {
	case PAIR_LEAVE:
		break;
	case PAIR_PUT:
		return put_field(t, name, attempt->field, &new);
	case PAIR_DELETE:
		txn_because(t, new.why);
		return txn_delete(t, name, attempt->field);
	}
	return SHM_NO_KEY;
}

bool
hash_edit(struct call *call, struct slice field, struct pair_edit *edit)
{
	struct slice name = call->req->argv[1];
	struct attempt attempt = { edit, redis_bytes(field) };
	enum shm_status status;

	status = store_edit(call->env->store, redis_shard(call, name),
	    redis_bytes(name), attempt.field, edit);
	return status == SHM_NO_BUCKET ?
	    hash_change(call, change_field, &attempt, &status) :
	    redis_is_well(call, status);
}

/* --- set --- */

struct set {			/* HSET, HMSET */
	const struct request	*req;
	int64_t			 added;
};

static enum shm_status
set_fields(struct txn *t, struct bytes name, void *arg)
{
	struct set *set = arg;
	const struct slice *argv = set->req->argv;
	struct pair pair = { .expires_ms = 0 };
	enum shm_status status;
	struct txn_pair old;
	bool is_new;
	size_t i;

	set->added = 0;
	if ((status = txn_create(t, name, true)) != SHM_OK)
		return status;
	for (i = 2; i < set->req->argc; i += 2) {
		pair.key = redis_bytes(argv[i]);
		pair.value = redis_bytes(argv[i + 1]);
		is_new = txn_get(t, name, pair.key, &old) == SHM_NO_KEY;
		if ((status = txn_put(t, name, &pair)) != SHM_OK)
			return status;
		set->added += is_new;
	}
	return SHM_OK;
}

/*
 * One field of a hash that is there.  What goes wrong goes wrong again, and is
 * answered, when it is done as a transaction.
 */
static bool
set_one(struct call *call, struct set *set)
{
	const struct slice *argv = call->req->argv;
	const struct pair pair = {
		.key = redis_bytes(argv[2]), .value = redis_bytes(argv[3])
	};
	struct pair_set one = { .replace = false };

	if (call->req->argc != 4 || store_set(call->env->store,
	    redis_shard(call, argv[1]), redis_bytes(argv[1]), &pair, &one) !=
	    SHM_OK)
		return false;
	set->added = one.is_new;
	return true;
}

static bool
set_all(struct call *call, struct set *set)
{
	enum shm_status status;

	if (set_one(call, set))
		return true;
	if (call->req->argc % 2 == 0)
		return hash_change(call, set_fields, set, &status);
	redis_wrong_arity(call);
	return false;
}

void
redis_run_hset(struct call *call)
{
	struct set set = { .req = call->req };

	if (set_all(call, &set))
		resp_put_integer(call->out, set.added);
}

void
redis_run_hmset(struct call *call)
{
	struct set set = { .req = call->req };

	if (set_all(call, &set))
		redis_ok(call);
}

struct set_new {		/* HSETNX */
	struct bytes	value;
	bool		done;
};

static enum pair_verdict
set_new(void *arg, const struct pair_old *old, struct pair_new *new)
{
	struct set_new *set = arg;

	set->done = !old->is_there;
	new->value = set->value;
	return set->done ? PAIR_PUT : PAIR_LEAVE;
}

void
redis_run_hsetnx(struct call *call)
{
	const struct slice *argv = call->req->argv;
	struct set_new set = { .value = redis_bytes(argv[3]) };
	struct pair_edit edit = { .decide = set_new, .arg = &set };

	if (hash_edit(call, argv[2], &edit))
		resp_put_integer(call->out, set.done);
}

/* --- delete --- */

struct deletion {
	const struct request	*req;
	int64_t			 deleted;
};

static enum shm_status
delete_fields(struct txn *t, struct bytes name, void *arg)
{
	struct deletion *d = arg;
	enum shm_status status;
	size_t i;

	d->deleted = 0;
	for (i = 2; i < d->req->argc; i++) {
		status = txn_delete(t, name, redis_bytes(d->req->argv[i]));
		if (status != SHM_OK && status != SHM_NO_KEY)
			return status;
		d->deleted += status == SHM_OK;
	}
	return SHM_OK;
}

/* One field of a hash that is there; else as set_one(). */
static bool
delete_one(struct call *call, struct deletion *d)
{
	const struct slice *argv = call->req->argv;

	return call->req->argc == 3 && redis_remove_pair(call,
	    redis_shard(call, argv[1]), redis_bytes(argv[1]), argv[2],
	    &d->deleted);
}

void
redis_run_hdel(struct call *call)
{
	struct deletion d = { .req = call->req };
	enum shm_status status;

	if (delete_one(call, &d) ||
	    hash_change(call, delete_fields, &d, &status))
		resp_put_integer(call->out, d.deleted);
}
