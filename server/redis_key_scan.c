/*
 * Walks over all names: SCAN, KEYS, RANDOMKEY.
 *
 * Each shard has two tables to walk, of buckets and of strings.  SCAN's cursor
 * tells which, and where in it, so that any worker can go on:
 *
 *	bit 0		strings, not buckets
 *	1 .. 10		the shard
 *	11 .. 52	the place in the table, see shm/scan.h, reversed
 *
 * A place is where the interval of a line ends, a multiple of a high power of
 * two: reversed it is less than twice the number of lines, of which a table
 * has less than 2^40.  So nothing of it is lost, and clients that keep cursors
 * as floating point numbers lose nothing either.
 */

#include "server/redis_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/glob.h"
#include "shm/hash.h"

#define SHARD_BITS	10
#define PLACE_SHIFT	(SHARD_BITS + 1)
#define CURSOR_DIGITS	20
#define COUNT_USUAL	10
#define PIECE_NAMES	((size_t)10000)
#define PIECE_BYTES	((size_t)1024 * 1024)
#define KEYS_BYTES	((size_t)64 * 1024 * 1024)

_Static_assert(ARENA_SHARDS_MAX == 1U << SHARD_BITS, "cursors name shards");

struct walk {
	struct store	*store;
	uint32_t	 shard;
	bool		 strings;
	struct scan	 scan;
	enum redis_type	 only;		/* REDIS_NONE: any */
	bool		 nothing;	/* a type that nothing is of */
	struct glob	*glob;		/* NULL: any */
};

static uint64_t
write_cursor(const struct walk *w)
{
	if (w->shard == arena_shards(w->store->arena))
		return 0;
	return hash_reverse(w->scan.cursor) << PLACE_SHIFT |
	    (uint64_t)w->shard << 1 | w->strings;
}

static void
read_cursor(struct walk *w, uint64_t cursor)
{
	uint32_t shards = arena_shards(w->store->arena);

	w->strings = (cursor & 1) != 0;
	w->shard = (uint32_t)(cursor >> 1 & (ARENA_SHARDS_MAX - 1));
	w->scan.cursor = hash_reverse(cursor >> PLACE_SHIFT);
	if (w->shard > shards)
		w->shard = shards;
}

static bool
is_over(const struct walk *w)
{
	return w->nothing || w->shard == arena_shards(w->store->arena);
}

static void
next_table(struct walk *w)
{
	memset(&w->scan, 0, sizeof(w->scan));
	if (w->strings)
		w->shard++;
	w->strings = !w->strings;
}

/* Names of one table, for store_next_name(): so many, or a few more. */
static enum shm_status
step(struct walk *w, size_t enough)
{
	struct store *store = w->store;
	enum shm_status status = SHM_NO_BUCKET;

	store->batch.used = 0;
	if (w->only == REDIS_NONE || (w->only == REDIS_STRING) == w->strings)
		status = w->strings ?
		    store_scan_strings(store, w->shard, &w->scan, enough) :
		    store_scan_buckets(store, w->shard, &w->scan, enough);
	if (status == SHM_NO_BUCKET || w->scan.done) {
		next_table(w);
		return SHM_OK;
	}
	return status;
}

static bool
matches(const struct walk *w, struct slice name)
{
	return w->glob == NULL || glob_match(w->glob, name);
}

struct found {			/* on its way to the client */
	struct outbuf	names;
	size_t		n;
};

/*
 * So many names, or fewer: nobody else is served meanwhile, so neither a
 * count nor a table that is all but empty makes it long.
 */
static enum shm_status
collect(struct walk *w, size_t count, struct found *found)
{
	size_t seen = 0, bytes = outbuf_len(&found->names) + PIECE_BYTES;
	enum shm_status status;
	struct slice name;
	bool idle = false;

	if (count > PIECE_NAMES)
		count = PIECE_NAMES;
	while (seen < count && !idle && !is_over(w) &&
	    outbuf_len(&found->names) < bytes) {
		if ((status = step(w, count - seen)) != SHM_OK)
			return status;
		idle = w->store->batch.used == 0 && w->scan.cursor != 0;
		for (; store_next_name(w->store, &name); seen++)
			if (matches(w, name)) {
				resp_put_bulk(&found->names, name);
				found->n++;
			}
	}
	return SHM_OK;
}

static void
reply_names(struct outbuf *out, enum resp_version version,
    const struct found *found)
{
	resp_put_list(out, version, RESP_ARRAY, found->n);
	if (found->n > 0)
		outbuf_append(out, found->names.data + found->names.head,
		    outbuf_len(&found->names));
	out->failed |= found->names.failed;
}

/* --- SCAN --- */

static void
reply_scan(struct call *call, const struct walk *w, const struct found *found)
{
	char cursor[CURSOR_DIGITS + 1];
	int len;

	len = snprintf(cursor, sizeof(cursor), "%ju",
	    (uintmax_t)(w->nothing ? 0 : write_cursor(w)));
	resp_put_list(call->out, redis_version(call), RESP_ARRAY, 2);
	resp_put_bulk(call->out, (struct slice){ (const uint8_t *)cursor,
	    (size_t)len });
	reply_names(call->out, redis_version(call), found);
}

static void
scan(struct call *call, struct walk *w, size_t count)
{
	struct found found = { .n = 0 };
	enum shm_status status;

	outbuf_init(&found.names);
	if ((status = collect(w, count, &found)) == SHM_OK)
		reply_scan(call, w, &found);
	else
		redis_store_error(call, status);
	outbuf_free(&found.names);
}

/* A word becomes a pattern; false: an error is the answer. */
static bool
read_pattern(struct call *call, struct slice word, struct glob **glob)
{
	glob_free(*glob);
	*glob = NULL;
	if (word.len == 1 && word.data[0] == '*')
		return true;
	if ((*glob = glob_new(word, false)) != NULL)
		return true;
	redis_error(call, "ERR", "pattern is too long");
	return false;
}

static void
read_type(struct walk *w, struct slice word)
{
	w->only = redis_is(word, "string") ? REDIS_STRING :
	    redis_is(word, "hash") ? REDIS_HASH : REDIS_NONE;
	w->nothing = w->only == REDIS_NONE;
}

static bool
read_count(struct call *call, struct slice word, int64_t *count)
{
	if (!redis_integer(call, word, count))
		return false;
	if (*count > 0)
		return true;
	redis_syntax_error(call);
	return false;
}

static bool
read_options(struct call *call, struct walk *w, int64_t *count)
{
	const struct slice *argv = call->req->argv;
	size_t i, argc = call->req->argc;

	for (i = 2; i + 1 < argc; i += 2) {
		if (redis_is(argv[i], "COUNT")) {
			if (!read_count(call, argv[i + 1], count))
				return false;
		} else if (redis_is(argv[i], "MATCH")) {
			if (!read_pattern(call, argv[i + 1], &w->glob))
				return false;
		} else if (redis_is(argv[i], "TYPE")) {
			read_type(w, argv[i + 1]);
		} else {
			break;
		}
	}
	if (i < argc)
		redis_syntax_error(call);
	return i >= argc;
}

/* In any form that strtoul(3) takes, as Redis does. */
static bool
read_number(struct slice word, uint64_t *number)
{
	char text[64], *end;

	if (word.len >= sizeof(text) || memchr(word.data, '\0', word.len) !=
	    NULL || (word.len > 0 && strchr(" \t\n\v\f\r", word.data[0]) !=
	    NULL))
		return false;
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno != ERANGE && *end == '\0';
}

void
redis_run_scan(struct call *call)
{
	struct walk w = { .store = call->env->store };
	int64_t count = COUNT_USUAL;
	uint64_t cursor;

	if (!read_number(call->req->argv[1], &cursor)) {
		redis_error(call, "ERR", "invalid cursor");
		return;
	}
	read_cursor(&w, cursor);
	if (read_options(call, &w, &count))
		scan(call, &w, (size_t)count);
	glob_free(w.glob);
}

/* --- KEYS --- */

/*
 * The length of a list comes first, so it is made aside, in pieces between
 * which others have their turns.
 */
struct keys {
	struct walk		walk;
	struct found		found;
	enum resp_version	version;
};

static void
end_keys(void *own)
{
	struct keys *keys = own;

	glob_free(keys->walk.glob);
	outbuf_free(&keys->found.names);
	free(keys);
}

static bool
next_keys(struct stream *stream, struct store *store, struct outbuf *out)
{
	struct keys *keys = stream->own;
	enum shm_status status;

	(void)store;
	status = collect(&keys->walk, SIZE_MAX, &keys->found);
	if (status == SHM_OK && outbuf_len(&keys->found.names) <= KEYS_BYTES &&
	    !is_over(&keys->walk))
		return true;
	if (status != SHM_OK)
		resp_put_error(out, "ERR", "%s", shm_strstatus(status));
	else if (outbuf_len(&keys->found.names) > KEYS_BYTES)
		resp_put_error(out, "ERR", "too many keys for one reply, use "
		    "SCAN");
	else
		reply_names(out, keys->version, &keys->found);
	return false;
}

void
redis_run_keys(struct call *call)
{
	struct keys *keys = calloc(1, sizeof(*keys));

	if (keys == NULL) {
		redis_store_error(call, SHM_FULL);
		return;
	}
	keys->walk.store = call->env->store;
	keys->version = redis_version(call);
	outbuf_init(&keys->found.names);
	if (!read_pattern(call, call->req->argv[1], &keys->walk.glob)) {
		end_keys(keys);
		return;
	}
	stream_begin(call->stream, call->req, next_keys);
	call->stream->own = keys;
	call->stream->release = end_keys;
	call->stream->slow = true;
	call->next = CALL_STREAM;
}

/* --- RANDOMKEY --- */

/*
 * Names to choose from: of one alone, one behind a gap in the space of hashes
 * would be far likelier than others; and of a table with few names all, for
 * those at its beginning have nobody before them.
 */
#define RANDOM_OF	16
#define RANDOM_FEW	256
#define RANDOM_STEPS	(2 * ARENA_SHARDS_MAX)	/* there are so many tables */

static uint64_t
random_number(void)
{
	uint64_t n;

	arc4random_buf(&n, sizeof(n));
	return n;
}

static void
go_into(struct walk *w, uint64_t names)
{
	if (names > RANDOM_FEW)
		w->scan.cursor = random_number();
}

/* Of all names, as many as are counted, the n-th is in this table. */
static void
go_to(struct walk *w, uint64_t n)
{
	uint64_t buckets, strings;

	for (; w->shard < arena_shards(w->store->arena); w->shard++) {
		store_count_names(w->store, w->shard, &buckets, &strings);
		w->strings = n >= buckets;
		if (n < buckets + strings) {
			go_into(w, w->strings ? strings : buckets);
			return;
		}
		n -= buckets + strings;
	}
}

static bool
take_any(struct walk *w, struct slice *name)
{
	size_t enough = w->scan.cursor == 0 ? RANDOM_FEW : RANDOM_OF;
	struct slice next;
	uint64_t n = 0;
	int steps;

	for (steps = 0; n == 0 && !is_over(w) && steps < RANDOM_STEPS &&
	    step(w, enough) == SHM_OK; steps++)
		while (store_next_name(w->store, &next))
			if (random_number() % ++n == 0)
				*name = next;
	return n > 0;
}

/*
 * One of a few at a random place of a table that is chosen by how many names
 * are in it.  What is found there may have expired: then the next that has
 * not, and if there is none, the first of all.
 */
void
redis_run_randomkey(struct call *call)
{
	struct walk w = { .store = call->env->store };
	struct walk all = w;
	uint64_t buckets, strings;
	struct slice name;

	store_count_all(w.store, &buckets, &strings);
	if (buckets + strings > 0)
		go_to(&w, random_number() % (buckets + strings));
	if (take_any(&w, &name) || take_any(&all, &name))
		resp_put_bulk(call->out, name);
	else
		resp_put_null(call->out, redis_version(call));
}
