/*
 * The same requests go to kvd and to Redis, and the same replies come back.
 *
 * Requests go in batches, each on a connection of either version of the
 * protocol.  Where kvd differs on purpose the list of excuses says so; what
 * is left behind may differ then, so the keys of that request are looked at
 * no more before the batch is over, and are deleted at both.
 *
 * KVD_DIFFERENTIAL_COMMANDS says how many requests, KVD_DIFFERENTIAL_SEED
 * which.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/proc/talk.h"
#include "tests/redis/excuses.h"
#include "tests/redis/grammar.h"
#include "tests/redis/rival.h"
#include "tests/redis/table.h"

#define EXCUSES		"tests/data/redis-differences"
#define COMMANDS	200000
#define BATCH		150
#define TRANSACTION	10		/* requests, at most */
#define PATIENCE_MS	20000
#define SHOWN		40		/* differences; then it is enough */
#define KEYS_MAX	64
#define PRINTED		1024

/* One of the two servers. */
struct side {
	int	 fd[2];			/* RESP2, RESP3 */
	char	*in;
	size_t	 len, size;
};

struct duel {
	struct daemon	 kvd;
	struct rival	 redis;
	struct side	 sides[2];	/* Redis, kvd */
	struct random	 random;
	uint64_t	 seed;
	size_t		 said;		/* requests, in all */
	size_t		 compared;
	size_t		 differences;
	/* The batch. */
	size_t		 version;	/* index of fd */
	size_t		 n;
	struct words	 batch[BATCH];
	enum likeness	 likeness[BATCH];
	/* Keys that may differ. */
	size_t		 n_tainted;
	struct reply	 tainted[KEYS_MAX];
};

static struct duel duel;

static uint64_t
setting(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value == NULL ? otherwise : strtoull(value, NULL, 10);
}

/* --- the batch goes out, the replies come in --- */


static struct words *
add_request(struct duel *d, enum likeness likeness)
{
	cr_assert_lt(d->n, BATCH);
	d->likeness[d->n] = likeness;
	return &d->batch[d->n++];
}

static void
say(struct duel *d, enum likeness likeness, const char *text)
{
	words_say(add_request(d, likeness), text);
}

/* Each connection has its version, whatever was said on it before. */
static void
begin_batch(struct duel *d)
{
	d->n = 0;
	d->n_tainted = 0;
	d->version = !d->version;
	say(d, REPLY_SHAPE, d->version == 0 ? "HELLO 2" : "HELLO 3");
}

static _Noreturn void
fail(const struct duel *d, const struct side *s, size_t replies,
    const char *what)
{
	char text[PRINTED];

	words_print(&d->batch[replies], text, sizeof(text));
	fprintf(stderr, "%s %s, asked %s\n", s == d->sides ? "Redis" : "kvd",
	    what, text);
	cr_assert_fail("KVD_DIFFERENTIAL_SEED=%ju, after %zu requests",
	    (uintmax_t)d->seed, d->said + replies);
	abort();
}

static void
take_in(const struct duel *d, struct side *s, size_t replies)
{
	ssize_t n;

	if (s->size - s->len < 65536) {
		s->size += 1 << 20;
		cr_assert_not_null(s->in = realloc(s->in, s->size));
	}
	n = recv(s->fd[d->version], s->in + s->len, s->size - s->len - 1,
	    MSG_DONTWAIT);
	if (n == 0 || (n == -1 && errno != EAGAIN))
		fail(d, s, replies, "has closed");
	s->len += n > 0 ? (size_t)n : 0;
	s->in[s->len] = '\0';
}

/* Sends and receives at once, for neither side waits for the other. */
static void
exchange(struct duel *d, struct side *s, const char *out, size_t len)
{
	struct pollfd p = { .fd = s->fd[d->version] };
	size_t replies = 0, at = 0, whole;
	ssize_t n;

	s->len = 0;
	while (replies < d->n) {
		p.events = len > 0 ? POLLIN | POLLOUT : POLLIN;
		if (poll(&p, 1, PATIENCE_MS) <= 0)
			fail(d, s, replies, "is silent");
		if (p.revents & POLLOUT) {
			n = send(p.fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL);
			out += n > 0 ? n : 0;
			len -= n > 0 ? (size_t)n : 0;
		}
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			take_in(d, s, replies);
		while (at < s->len && (whole = reply_len(s->in + at,
		    s->len - at)) > 0) {
			at += whole;
			replies++;
		}
	}
	if (at != s->len)
		fail(d, s, d->n - 1, "says more than it was asked");
}

static void
exchange_batch(struct duel *d)
{
	static char out[BATCH * WORDS_ENCODED_MAX];
	size_t len = 0, i;

	for (i = 0; i < d->n; i++)
		len += words_encode(&d->batch[i], out + len);
	for (i = 0; i < 2; i++)
		exchange(d, &d->sides[i], out, len);
}

/* --- the replies are compared --- */

static bool
is_tainted_key(const struct duel *d, struct reply key)
{
	size_t i;

	for (i = 0; i < d->n_tainted; i++)
		if (reply_alike(REPLY_SAME, key, d->tainted[i]))
			return true;
	return false;
}

/* May the replies differ, because something before did?  */
static bool
is_tainted(const struct duel *d, const struct words *w)
{
	static const char *const walks[] = {
		"KEYS", "DBSIZE", "SCAN", "RANDOMKEY", "EXEC"
	};
	size_t word = table_next_key(w, 0), i;

	for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
		if (d->n_tainted > 0 && words_is(w, 0, walks[i]))
			return true;
	for (; word != 0; word = table_next_key(w, word))
		if (is_tainted_key(d, words_at(w, word)))
			return true;
	return false;
}

static void
taint_keys(struct duel *d, const struct words *w)
{
	size_t word;

	for (word = table_next_key(w, 0); word != 0;
	    word = table_next_key(w, word))
		if (!is_tainted_key(d, words_at(w, word))) {
			cr_assert_lt(d->n_tainted, KEYS_MAX);
			d->tainted[d->n_tainted++] = words_at(w, word);
		}
}

/* What a transaction has done, its steps have. */
static void
taint(struct duel *d, size_t i)
{
	taint_keys(d, &d->batch[i]);
	if (words_is(&d->batch[i], 0, "EXEC"))
		while (i > 0 && !words_is(&d->batch[i], 0, "MULTI"))
			taint_keys(d, &d->batch[--i]);
}

static void
show(const struct words *w)
{
	char text[200];

	words_print(w, text, sizeof(text));
	fprintf(stderr, "    before: %s\n", text);
}

/* The last requests before this one that have to do with its first key. */
static void
show_history(const struct duel *d, size_t i)
{
	size_t word = table_next_key(&d->batch[i], 0), w, j, n = 0;
	struct reply key;

	for (j = i; words_is(&d->batch[i], 0, "EXEC") && j > 0 &&
	    !words_is(&d->batch[j], 0, "UNWATCH"); j--)
		show(&d->batch[j - 1]);
	if (word == 0)
		return;
	key = words_at(&d->batch[i], word);
	for (j = i; j > 0 && n < 8; j--)
		for (w = table_next_key(&d->batch[j - 1], 0); w != 0;
		    w = table_next_key(&d->batch[j - 1], w))
			if (reply_alike(REPLY_SAME, key,
			    words_at(&d->batch[j - 1], w))) {
				show(&d->batch[j - 1]);
				n++;
				break;
			}
}

/* With EXEC, what was done to what is watched: that decides. */
static void
print_command(const struct duel *d, size_t i, char text[PRINTED])
{
	size_t len;

	words_print(&d->batch[i], text, PRINTED);
	if (!words_is(&d->batch[i], 0, "EXEC"))
		return;
	while (i > 0 && !words_is(&d->batch[i], 0, "MULTI"))
		i--;
	if (i < 2 || !words_is(&d->batch[i - 2], 0, "WATCH"))
		return;
	len = strlcat(text, " after ", PRINTED);
	words_print(&d->batch[i - 1], text + len, PRINTED - len);
}

static void
differ(struct duel *d, size_t i, struct reply a, struct reply b)
{
	char command[PRINTED], redis[PRINTED], kvd[PRINTED];

	print_command(d, i, command);
	reply_print(a, redis, sizeof(redis));
	reply_print(b, kvd, sizeof(kvd));
	taint(d, i);
	if (excuses_have(command, redis, kvd))
		return;
	fprintf(stderr, "RESP%zu: %s\n    Redis: %s\n    kvd:   %s\n",
	    d->version + 2, command, redis, kvd);
	show_history(d, i);
	cr_assert_lt(++d->differences, SHOWN, "too many differences: "
	    "KVD_DIFFERENTIAL_SEED=%ju", (uintmax_t)d->seed);
}

static void
compare_batch(struct duel *d)
{
	struct side *s = d->sides;
	struct reply a = { s[0].in, 0 }, b = { s[1].in, 0 };
	size_t i;

	for (i = 0; i < d->n; i++) {
		a.len = reply_len(a.bytes, (size_t)(s[0].in + s[0].len -
		    a.bytes));
		b.len = reply_len(b.bytes, (size_t)(s[1].in + s[1].len -
		    b.bytes));
		if (is_tainted(d, &d->batch[i]))
			taint(d, i);
		else if (d->compared++, !reply_alike(d->likeness[i], a, b))
			differ(d, i, a, b);
		a.bytes += a.len;
		b.bytes += b.len;
	}
	d->said += d->n;
}

/* What may differ is forgotten on both sides. */
static void
clean(struct duel *d)
{
	struct words w = { .n = 0 };
	size_t i;

	if (d->n_tainted == 0)
		return;
	words_say(&w, "DEL");
	for (i = 0; i < d->n_tainted; i++)
		words_add(&w, d->tainted[i].bytes, d->tainted[i].len);
	d->n = 0;
	*add_request(d, REPLY_KIND) = w;
	exchange_batch(d);
}

static void
finish_batch(struct duel *d)
{
	exchange_batch(d);
	compare_batch(d);
	clean(d);
}

/* --- what is said --- */

/* In front of it sometimes a key is watched, and perhaps changed. */
static void
say_transaction(struct duel *d)
{
	size_t steps = random_below(&d->random, 6);
	struct words *w;

	say(d, REPLY_SAME, "UNWATCH");
	if (random_percent(&d->random, 30)) {
		say(d, REPLY_SAME, "WATCH h3{t} s3{t}");
		w = add_request(d, REPLY_SAME);
		do
			grammar_draw_step(&d->random, w);
		while (grammar_is_fleeting(w));
	}
	say(d, REPLY_SAME, "MULTI");
	for (; steps > 0; steps--)
		grammar_draw_step(&d->random, add_request(d, REPLY_SAME));
	say(d, REPLY_SAME, random_percent(&d->random, 90) ? "EXEC" :
	    "DISCARD");
}

static void
say_at_random(struct duel *d)
{
	struct words *w;
	enum likeness likeness;

	begin_batch(d);
	while (d->n + TRANSACTION < BATCH) {
		if (random_percent(&d->random, 2)) {
			say_transaction(d);
			continue;
		}
		w = add_request(d, REPLY_SAME);
		likeness = grammar_draw(&d->random, w);
		d->likeness[d->n - 1] = likeness;
	}
	finish_batch(d);
}

/*
 * What takes long is no matter here, and not to be listed.  And what differs
 * too seldom to be met each time by chance.
 */
static void
say_by_plan(struct duel *d)
{
	static const char *const plan[] = {
		"CONFIG SET slowlog-log-slower-than -1", "SLOWLOG RESET",
		"DEL s5{t}", "WATCH s5{t}", "SET s5{t} v PXAT 90000000",
		"MULTI", "EXISTS s5{t}", "EXEC"
	};
	size_t i;

	begin_batch(d);
	for (i = 0; i < sizeof(plan) / sizeof(plan[0]); i++)
		say(d, REPLY_SAME, plan[i]);
	finish_batch(d);
}

static void
say_once(struct duel *d)
{
	for (begin_batch(d); grammar_draw_once(&d->random,
	    add_request(d, REPLY_SAME)); begin_batch(d))
		finish_batch(d);
}

/* Everything there is, so that what went wrong unseen is seen. */
static void
look_at_all(struct duel *d)
{
	static const struct {
		const char	*verb;
		enum likeness	 likeness;
	} looks[] = {
		{ "TYPE", REPLY_SAME }, { "GET", REPLY_SAME },
		{ "HGETALL", REPLY_MAP }, { "PTTL", REPLY_TIME }
	};
	char text[32];
	size_t i, j;

	begin_batch(d);
	say(d, REPLY_SET, "KEYS *");
	for (i = 0; i < 12; i++)
		for (j = 0; j < sizeof(looks) / sizeof(looks[0]); j++) {
			snprintf(text, sizeof(text), i % 6 < 3 ? "%s %c%zu" :
			    "%s %c%zu{t}", looks[j].verb, i < 6 ? 'h' : 's',
			    i % 6);
			say(d, looks[j].likeness, text);
		}
	finish_batch(d);
}

/* Some keys really expire: nothing is said in the moment of it. */
static void
let_expire(struct duel *d)
{
	char text[32];
	size_t i;

	begin_batch(d);
	for (i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "PEXPIRE %c%zu 1", "hs"[i],
		    random_below(&d->random, 3));
		say(d, REPLY_SAME, text);
	}
	finish_batch(d);
	usleep(20000);
	look_at_all(d);
}

static void
greet(struct duel *d)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		d->sides[0].fd[i] = talk_open_path(d->redis.path);
		d->sides[1].fd[i] = talk_open(&d->kvd);
	}
}

Test(grammar, has_a_line_for_each_command_of_kvd)
{
	cr_assert_null(table_lacks(), "none for %s", table_lacks());
}

Test(differential, requests_are_answered_as_redis_answers_them,
    .timeout = 3600)
{
	struct duel *d = &duel;
	size_t commands = setting("KVD_DIFFERENTIAL_COMMANDS", COMMANDS), i;

	if (!rival_exists())
		cr_skip_test();
	/* The same each time, unless it is to find something new. */
	d->seed = setting("KVD_DIFFERENTIAL_SEED",
	    getenv("KVD_DIFFERENTIAL_COMMANDS") == NULL ? 29639 :
	    (uint64_t)getpid());
	fprintf(stderr, "KVD_DIFFERENTIAL_SEED=%ju\n", (uintmax_t)d->seed);
	d->random.state = d->seed;
	excuses_load(EXCUSES);
	daemon_start(&d->kvd);
	rival_start(&d->redis, d->kvd.dir);
	greet(d);
	say_by_plan(d);
	say_once(d);
	for (i = 0; d->compared < commands; i++) {
		say_at_random(d);
		if (i % 20 == 0)
			let_expire(d);
	}
	fprintf(stderr, "%zu of %zu requests compared\n", d->compared,
	    d->said);
	cr_assert_eq(d->differences, 0, "%zu differences", d->differences);
	cr_assert_null(excuses_unused(), "%s: never applies: %s", EXCUSES,
	    excuses_unused());
	rival_stop(&d->redis);
	daemon_stop(&d->kvd);
}
