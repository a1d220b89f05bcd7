/*
 * One request, its reply, and the wait between them.
 *
 * Lists are handed on line by line: the callback runs while the rest is
 * still with the server, and TCP tells the server to wait when it is slow.
 */

#include <string.h>

#include "proto/client/handle.h"

/*
 * A kv_mget() or kv_where() is cut into requests of this many words or bytes,
 * since a server takes no line of any length.
 */
#define SHARE_WORDS	4096
#define SHARE_BYTES	((size_t)64 << 10)

static const struct expect status_only = { .shape = SHAPE_STATUS };
static const struct expect one_value = { .shape = SHAPE_VALUES, .values = 1 };

static enum kv_status
begin(struct kv *kv, const char *verb, const struct kv_bytes *words, size_t n,
    struct expect expect)
{
	enum kv_status status = handle_begin(kv, expect);

	if (status != KV_OK)
		return status;
	return handle_compose(kv, verb, words, n);
}

/* A reply of one part, about the first word. */
static enum kv_status
finish(struct kv *kv, struct kv_bytes thing, struct answer_part *part)
{
	enum kv_status status = handle_read(kv, handle_deadline(kv), part);

	if (status != KV_OK)
		return status;
	return handle_verdict(kv, part, thing);
}

static enum kv_status
simple(struct kv *kv, const char *verb, const struct kv_bytes *words,
    size_t n)
{
	enum kv_status status = begin(kv, verb, words, n, status_only);
	struct answer_part part;

	if (status != KV_OK)
		return status;
	return finish(kv, words[0], &part);
}

enum kv_status
kv_create(struct kv *kv, struct kv_bytes bucket)
{
	return simple(kv, "CREATE", &bucket, 1);
}

enum kv_status
kv_drop(struct kv *kv, struct kv_bytes bucket)
{
	return simple(kv, "DROP", &bucket, 1);
}

enum kv_status
kv_put(struct kv *kv, struct kv_bytes bucket, struct kv_bytes key,
    struct kv_bytes value)
{
	const struct kv_bytes words[] = { bucket, key, value };

	return simple(kv, "PUT", words, 3);
}

enum kv_status
kv_delete(struct kv *kv, struct kv_bytes bucket, struct kv_bytes key)
{
	const struct kv_bytes words[] = { bucket, key };

	return simple(kv, "DELETE", words, 2);
}

enum kv_status
kv_mput(struct kv *kv, struct kv_bytes bucket, const struct kv_pair *pairs,
    size_t n)
{
	struct answer_part part;
	enum kv_status status;

	if (n == 0)
		return handle_check(kv, false);
	status = handle_begin(kv, status_only);
	if (status != KV_OK)
		return status;
	status = handle_compose_pairs(kv, "MPUT", bucket, pairs, n);
	if (status != KV_OK)
		return status;
	return finish(kv, bucket, &part);
}

enum kv_status
kv_get(struct kv *kv, struct kv_bytes bucket, struct kv_bytes key,
    struct kv_bytes *value)
{
	const struct kv_bytes words[] = { bucket, key };
	enum kv_status status = begin(kv, "GET", words, 2, one_value);
	struct answer_part part;

	if (status != KV_OK)
		return status;
	status = handle_read(kv, handle_deadline(kv), &part);
	if (status != KV_OK)
		return status;
	*value = part.text;
	return handle_verdict(kv, &part,
	    part.kind == ANSWER_MISSING ? key : bucket);
}

/* How many of n words go into one request. */
static size_t
share_of(const struct kv_bytes *words, size_t n)
{
	size_t bytes = 0, i;

	for (i = 0; i < n && i < SHARE_WORDS && bytes < SHARE_BYTES; i++)
		bytes += words[i].len;
	return i;
}

static enum kv_status
stopped(struct kv *kv)
{
	return handle_break(kv, KV_STOPPED, "%s: a list was stopped before "
	    "its end (connect again)", kv->server);
}

/* The values of keys[first .. first + n). */
static enum kv_status
mget_replies(struct kv *kv, struct kv_bytes bucket, size_t first, size_t n,
    kv_value_fn *fn, void *arg)
{
	struct answer_part part;
	enum kv_status status;
	size_t i;
	int stop;

	for (i = 0; i < n; i++) {
		status = handle_read(kv, handle_deadline(kv), &part);
		if (status != KV_OK)
			return status;
		if (part.kind == ANSWER_DONE)
			return handle_verdict(kv, &part, bucket);
		kv->mode = HANDLE_LIST;
		stop = fn(arg, first + i,
		    part.kind == ANSWER_ITEM ? &part.text : NULL);
		kv->mode = HANDLE_CALLS;
		if (stop != 0)
			return stopped(kv);
	}
	return KV_OK;
}

enum kv_status
kv_mget(struct kv *kv, struct kv_bytes bucket, const struct kv_bytes *keys,
    size_t n, kv_value_fn *fn, void *arg)
{
	struct expect expect = { .shape = SHAPE_VALUES };
	enum kv_status status;
	size_t done;

	if (n == 0)
		return handle_check(kv, false);
	status = handle_begin(kv, expect);
	for (done = 0; done < n && status == KV_OK; done += expect.values) {
		expect.values = share_of(keys + done, n - done);
		handle_expect(kv, expect);
		status = handle_compose_keys(kv, "MGET", bucket, keys + done,
		    expect.values);
		if (status == KV_OK)
			status = mget_replies(kv, bucket, done,
			    expect.values, fn, arg);
	}
	return status;
}

static enum kv_status
list(struct kv *kv, const char *verb, const struct kv_bytes *words, size_t n,
    enum answer_shape shape, kv_item_fn *fn, void *arg)
{
	struct expect expect = { .shape = shape };
	enum kv_status status = begin(kv, verb, words, n, expect);
	struct answer_part part;
	int stop;

	while (status == KV_OK) {
		status = handle_read(kv, handle_deadline(kv), &part);
		if (status != KV_OK)
			break;
		if (part.kind == ANSWER_DONE)
			return handle_verdict(kv, &part,
			    n > 0 ? words[0] : kv_str(kv->server));
		kv->mode = HANDLE_LIST;
		stop = fn(arg, part.text);
		kv->mode = HANDLE_CALLS;
		if (stop != 0)
			status = stopped(kv);
	}
	return status;
}

enum kv_status
kv_keys(struct kv *kv, struct kv_bytes bucket, kv_item_fn *fn, void *arg)
{
	return list(kv, "KEYS", &bucket, 1, SHAPE_WORDS, fn, arg);
}

enum kv_status
kv_buckets(struct kv *kv, kv_item_fn *fn, void *arg)
{
	return list(kv, "BUCKETS", NULL, 0, SHAPE_WORDS, fn, arg);
}

enum kv_status
kv_info(struct kv *kv, const char *section, kv_item_fn *fn, void *arg)
{
	struct kv_bytes word = kv_str(section != NULL ? section : "");

	return list(kv, "INFO", &word, section != NULL, SHAPE_TEXT, fn, arg);
}

enum kv_status
kv_where(struct kv *kv, const struct kv_bytes *buckets, size_t n,
    kv_item_fn *fn, void *arg)
{
	enum kv_status status = handle_check(kv, false);
	size_t share;

	for (; n > 0 && status == KV_OK; buckets += share, n -= share) {
		share = share_of(buckets, n);
		status = list(kv, "WHERE", buckets, share, SHAPE_TEXT, fn,
		    arg);
	}
	return status;
}

enum kv_status
kv_audit(struct kv *kv, kv_item_fn *fn, void *arg)
{
	return list(kv, "AUDIT", NULL, 0, SHAPE_TEXT, fn, arg);
}

enum kv_status
kv_help(struct kv *kv, const char *command, kv_item_fn *fn, void *arg)
{
	struct kv_bytes word = kv_str(command != NULL ? command : "");

	return list(kv, "HELP", &word, command != NULL, SHAPE_TEXT, fn, arg);
}

static enum kv_status
unexpected(struct kv *kv, const char *what)
{
	return handle_break(kv, KV_GARBAGE, "%s: the reply is not of the kvd "
	    "protocol: expected %s (is it kvd that listens there?)",
	    kv->server, what);
}

/* Decimal digits and nothing else. */
static bool
parse_number(struct kv_bytes text, uint64_t *number)
{
	const char *digits = text.data;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (digits[i] < '0' || digits[i] > '9' ||
		    n > (UINT64_MAX - (uint64_t)(digits[i] - '0')) / 10)
			return false;
		n = n * 10 + (uint64_t)(digits[i] - '0');
	}
	*number = n;
	return text.len > 0;
}

enum kv_status
kv_count(struct kv *kv, struct kv_bytes bucket, uint64_t *count)
{
	enum kv_status status = begin(kv, "COUNT", &bucket, 1, one_value);
	struct answer_part part;

	if (status != KV_OK)
		return status;
	status = finish(kv, bucket, &part);
	if (status != KV_OK && status != KV_NO_KEY)
		return status;
	if (status == KV_NO_KEY || !parse_number(part.text, count))
		return unexpected(kv, "a number");
	return KV_OK;
}

static int
ignore_line(void *arg, struct kv_bytes line)
{
	(void)arg;
	(void)line;
	return 0;
}

/*
 * A connection whose very first line is PING is taken for a benchmark tool
 * that speaks another protocol, so something else is said first.
 */
enum kv_status
kv_ping(struct kv *kv)
{
	struct answer_part part;
	enum kv_status status;

	status = handle_check(kv, false);
	if (status == KV_OK && !kv->asked)
		status = kv_help(kv, "PING", ignore_line, NULL);
	if (status != KV_OK && status != KV_REFUSED &&
	    status != KV_UNKNOWN_COMMAND)
		return status;
	status = begin(kv, "PING", NULL, 0, one_value);
	if (status != KV_OK)
		return status;
	status = finish(kv, kv_str(kv->server), &part);
	if (status != KV_OK && status != KV_NO_KEY)
		return status;
	if (part.text.len != 4 || memcmp(part.text.data, "PONG", 4) != 0)
		return unexpected(kv, "PONG");
	return KV_OK;
}
