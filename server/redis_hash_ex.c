/*
 * Hashes: fields that are read, or set, and something is done to them in the
 * same moment: HGETEX, HGETDEL, HSETEX.
 */

#include <stdlib.h>

#include "server/event.h"
#include "server/redis_hash.h"

/* --- get --- */

struct value {
	bool		is_there;
	struct bytes	bytes;
};

struct get {
	const struct slice		*fields;
	size_t				 n;
	enum hash_then			 then;
	const struct hash_expiry	*expiry;	/* HASH_EXPIRE */
	struct value			*values;	/* n */
};

static enum shm_status
do_then(struct txn *t, struct bytes name, struct bytes field,
    const struct get *get, const struct txn_pair *found)
{
	static const struct hash_expiry never = { .is_given = false };

	switch (get->then) {
	case HASH_LEAVE:
		return SHM_OK;
	case HASH_DELETE:
		return txn_delete(t, name, field);
	case HASH_EXPIRE:
		return hash_expire_field(t, name, field, found, get->expiry);
	case HASH_PERSIST:
		return found->expires_ms == 0 ? SHM_OK :
		    hash_expire_field(t, name, field, found, &never);
	}
	return SHM_OK;
}

static enum shm_status
get_one(struct txn *t, struct bytes name, const struct get *get, size_t i)
{
	struct bytes field = redis_bytes(get->fields[i]);
	struct value *value = &get->values[i];
	enum shm_status status;
	struct txn_pair found;

	value->is_there = false;
	status = txn_get(t, name, field, &found);
	if (status == SHM_NO_KEY || status == SHM_NO_BUCKET)
		return SHM_OK;
	if (status != SHM_OK)
		return status;
	value->is_there = true;
	value->bytes.len = found.value.len;
	value->bytes.data = txn_keep(t, found.value.data, found.value.len);
	return value->bytes.data == NULL ? SHM_NO_ROOM :
	    do_then(t, name, field, get, &found);
}

static enum shm_status
get_each(struct txn *t, struct bytes name, void *arg)
{
	const struct get *get = arg;
	enum shm_status status = SHM_OK;
	size_t i;

	for (i = 0; i < get->n && status == SHM_OK; i++)
		status = get_one(t, name, get, i);
	return status;
}

static void
put_values(struct call *call, const struct get *get)
{
	enum resp_version v = redis_version(call);
	size_t i;

	resp_put_list(call->out, v, RESP_ARRAY, get->n);
	for (i = 0; i < get->n; i++)
		if (get->values[i].is_there)
			resp_put_bulk(call->out, (struct slice){
			    get->values[i].bytes.data,
			    get->values[i].bytes.len });
		else
			resp_put_null(call->out, v);
}

void
hash_get_fields(struct call *call, size_t first, enum hash_then then,
    const struct hash_expiry *expiry)
{
	struct get get = {
		.fields = call->req->argv + first,
		.n = call->req->argc - first,
		.then = then,
		.expiry = expiry
	};
	enum shm_status status;

	get.values = calloc(get.n, sizeof(*get.values));
	if (get.values == NULL)
		redis_store_error(call, SHM_FULL);
	else if (hash_change(call, get_each, &get, &status))
		put_values(call, &get);
	free(get.values);
}

void
redis_run_hgetdel(struct call *call)
{
	size_t first;

	if (!hash_is_string(call) &&
	    hash_fields(call, 2, HASH_BAD_NUMBER, &first))
		hash_get_fields(call, first, HASH_DELETE, NULL);
}

void
redis_run_hgetex(struct call *call)
{
	const struct slice *argv = call->req->argv;
	struct hash_expiry expiry = { .is_given = false };
	enum hash_then then = HASH_LEAVE;
	enum hash_clock clock;
	size_t at = 2, first;

	if (hash_is_string(call))
		return;
	if (hash_clock_of(argv[2], &clock)) {
		then = HASH_EXPIRE;
		at = 4;
		if (!hash_expiry_parse(call, argv[3], clock, &expiry))
			return;
	} else if (redis_is(argv[2], "PERSIST")) {
		then = HASH_PERSIST;
		at = 3;
	}
	if (hash_fields(call, at, HASH_BAD_NUMBER, &first))
		hash_get_fields(call, first, then, &expiry);
}

/* --- set --- */

struct set {			/* HSETEX */
	const struct slice	*words;		/* field, value, .. */
	size_t			 n;		/* of them */
	bool			 if_none;	/* FNX */
	bool			 if_all;	/* FXX */
	bool			 keeps_expiry;
	struct hash_expiry	 expiry;
	bool			 is_done;
};

static enum shm_status
check_fields(struct txn *t, struct bytes name, const struct set *set,
    bool *is_met)
{
	enum shm_status status;
	struct txn_pair found;
	size_t i;

	*is_met = true;
	if (!set->if_none && !set->if_all)
		return SHM_OK;
	for (i = 0; i < set->n && *is_met; i += 2) {
		status = txn_get(t, name, redis_bytes(set->words[i]), &found);
		if (status != SHM_OK && status != SHM_NO_KEY &&
		    status != SHM_NO_BUCKET)
			return status;
		*is_met = (status == SHM_OK) == set->if_all;
	}
	return SHM_OK;
}

static enum shm_status
set_one(struct txn *t, struct bytes name, const struct set *set, size_t i)
{
	struct pair pair = {
		.key = redis_bytes(set->words[i]),
		.value = redis_bytes(set->words[i + 1]),
		.expires_ms = set->expiry.at_ms
	};
	enum shm_status status;
	struct txn_pair found;

	if (set->keeps_expiry &&
	    txn_get(t, name, pair.key, &found) == SHM_OK)
		pair.expires_ms = found.expires_ms;
	if (!hash_is_past(&set->expiry))
		return txn_put(t, name, &pair);
	status = txn_delete(t, name, pair.key);
	return status == SHM_NO_KEY ? SHM_OK : status;
}

static enum shm_status
set_each(struct txn *t, struct bytes name, void *arg)
{
	struct set *set = arg;
	enum shm_status status;
	size_t i;

	status = check_fields(t, name, set, &set->is_done);
	if (status != SHM_OK || !set->is_done)
		return status;
	status = txn_create(t, name, true);
	txn_because(t, set->expiry.is_given ? EVENT_SET_EXPIRE : EVENT_SET);
	for (i = 0; i < set->n && status == SHM_OK; i += 2)
		status = set_one(t, name, set, i);
	return status;
}

static bool
is_twice(struct call *call, bool before, const char *options)
{
	if (before)
		redis_error(call, "ERR", "Only one of %s arguments can be "
		    "specified", options);
	return before;
}

static bool
parse_condition(struct call *call, struct slice word, struct set *set)
{
	if (is_twice(call, set->if_none || set->if_all, "FXX or FNX"))
		return false;
	set->if_all = redis_is(word, "FXX");
	set->if_none = !set->if_all;
	return true;
}

/* *at is its last word. */
static bool
parse_expiry(struct call *call, size_t *at, struct set *set)
{
	const struct request *req = call->req;
	enum hash_clock clock;

	if (is_twice(call, set->keeps_expiry || set->expiry.is_given,
	    "EX, PX, EXAT, PXAT or KEEPTTL"))
		return false;
	if (!hash_clock_of(req->argv[*at], &clock)) {
		set->keeps_expiry = true;
		return true;
	}
	if (*at + 1 < req->argc)
		return hash_expiry_parse(call, req->argv[++*at], clock,
		    &set->expiry);
	redis_error(call, "ERR", "missing expire time");
	return false;
}

/* n and the pairs, after FIELDS. */
static bool
parse_pairs(struct call *call, size_t at, struct set *set)
{
	const struct request *req = call->req;
	int64_t n;

	if (at + 2 >= req->argc) {
		redis_wrong_arity(call);
		return false;
	}
	if (!number_parse_int(req->argv[at], &n) || n < 1 || n > INT32_MAX) {
		redis_error(call, "ERR", "invalid number of fields");
		return false;
	}
	set->words = req->argv + at + 1;
	set->n = req->argc - at - 1;
	if (set->n == 2 * (uint64_t)n)
		return true;
	redis_wrong_arity(call);
	return false;
}

static bool
parse_set(struct call *call, struct set *set)
{
	const struct request *req = call->req;
	enum hash_clock clock;
	size_t i;

	for (i = 2; i < req->argc; i++) {
		if (redis_is(req->argv[i], "FIELDS"))
			return parse_pairs(call, i + 1, set);
		if (redis_is(req->argv[i], "FNX") ||
		    redis_is(req->argv[i], "FXX")) {
			if (!parse_condition(call, req->argv[i], set))
				return false;
		} else if (redis_is(req->argv[i], "KEEPTTL") ||
		    hash_clock_of(req->argv[i], &clock)) {
			if (!parse_expiry(call, &i, set))
				return false;
		} else {
			redis_error(call, "ERR", "unknown argument: %.*s",
			    (int)req->argv[i].len, req->argv[i].data);
			return false;
		}
	}
	redis_wrong_arity(call);
	return false;
}

void
redis_run_hsetex(struct call *call)
{
	struct set set = { .expiry.is_given = false };
	enum shm_status status;

	if (parse_set(call, &set) &&
	    hash_change(call, set_each, &set, &status))
		resp_put_integer(call->out, set.is_done);
}
