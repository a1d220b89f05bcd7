/*
 * Random commands, each sent to a random node, against a plain table of what
 * every key should hold: the nodes together must be one store, byte for byte.
 * A failure names the seed and the step.
 *
 * Keys and values are kept as they are written on the wire, in the one form
 * that replies have, so nothing here quotes and the model has no opinion on
 * how that is done.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/cluster.h"

#define BUCKETS		9
#define KEYS		24
#define LONG		70000	/* more than a piece of a list */
#define BATCH_MAX	20	/* requests in a pipeline */
#define PAIRS_MAX	12

/* A run of text that grows. */
struct text {
	char	*data;
	size_t	 len, cap;
};

struct model {
	struct cluster	 c;
	int		 fd[CLUSTER_MAX];
	unsigned	 seed;
	uint64_t	 rng;
	unsigned	 step;
	bool		 exists[BUCKETS];
	char		*cells[BUCKETS][KEYS];	/* NULL: no such key */
	struct text	 requests;		/* of the batch */
	struct text	 expected;
	struct text	 got;
};

static struct model m;

static void
begin(void)
{
	size_t i;

	cluster_start(&m.c, 3);
	for (i = 0; i < m.c.n; i++)
		m.fd[i] = talk_open(&m.c.node[i]);
}

static void
forget_bucket(unsigned b)
{
	size_t k;

	for (k = 0; k < KEYS; k++) {
		free(m.cells[b][k]);
		m.cells[b][k] = NULL;
	}
	m.exists[b] = false;
}

static void
end(void)
{
	unsigned b;

	for (b = 0; b < BUCKETS; b++)
		forget_bucket(b);
	free(m.requests.data);
	free(m.expected.data);
	free(m.got.data);
	cluster_remove(&m.c);
}

TestSuite(nodes_model, .init = begin, .fini = end, .timeout = 120);

/* splitmix64 */
static unsigned
pick(unsigned n)
{
	uint64_t x = m.rng += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((x ^ (x >> 31)) % n);
}

static void
reserve(struct text *t, size_t n)
{
	if (t->len + n + 1 <= t->cap)
		return;
	t->cap = 2 * (t->len + n + 1);
	cr_assert_not_null(t->data = realloc(t->data, t->cap));
}

static void __attribute__((format(printf, 2, 3)))
add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	reserve(t, (size_t)n);
	va_start(ap, format);
	t->len += (size_t)vsnprintf(t->data + t->len, (size_t)n + 1, format,
	    ap);
	va_end(ap);
}

/* Three of each node's. */
static const char *
bucket(unsigned b)
{
	static const char *const names[BUCKETS] = {
		"a", "milk", "zebras", "\"bad bucket\"", "m\\x00",
		"\xff", "h{1}", "\"OK\"", "\"\\0\""
	};

	return names[b];
}

/* What a number is put into to be a word. */
struct form {
	const char	*before;
	const char	*after;
};

static const char *
key(unsigned k)
{
	static const struct form forms[] = {
		{ "k", "" }, { "\"k ", "\"" }, { "\"", "\\0\"" },
		{ "", "-\xc3\xa4" }, { "\"\\\"", "\\\\\"" },
		{ "keykeykeykeykeykeykeykeykeykeykey", "" }
	};
	static char texts[KEYS][64];
	const struct form *form = &forms[k % 6];

	if (k == 0)
		return "\"\"";
	snprintf(texts[k], sizeof(texts[k]), "%s%u%s", form->before, k,
	    form->after);
	return texts[k];
}

/* Some are longer than a piece of a list. */
static char *
long_value(void)
{
	size_t len = 1 + pick(LONG);
	char *value = malloc(len + 1);

	cr_assert_not_null(value);
	memset(value, 'a' + (int)pick(26), len);
	value[len] = '\0';
	return value;
}

static char *
new_value(void)
{
	static const struct form forms[] = {
		{ "v", "" }, { "\"v ", "\"" }, { "\"\\r\\n", "\\x7f\"" }
	};
	static const char *const words[] = {
		"\"\"", "\"NOT FOUND\"", "ERROR", "-1"
	};
	const struct form *form = &forms[pick(3)];
	char *value;
	int n;

	if (pick(50) == 0)
		return long_value();
	if (pick(5) == 0)
		n = asprintf(&value, "%s", words[pick(4)]);
	else
		n = asprintf(&value, "%s%u%s", form->before, pick(1000),
		    form->after);
	cr_assert_neq(n, -1);
	return value;
}

/* What each does, to the model and to both texts. */

/* Is it there?  If not, that is the answer. */
static bool
expect_bucket(unsigned b)
{
	if (!m.exists[b])
		add(&m.expected, "NOT FOUND\r\n");
	return m.exists[b];
}

static void
step_put(unsigned b, unsigned k)
{
	char *value = new_value();

	add(&m.requests, "PUT %s %s %s\r\n", bucket(b), key(k), value);
	if (!expect_bucket(b)) {
		free(value);
		return;
	}
	add(&m.expected, "OK\r\n");
	free(m.cells[b][k]);
	m.cells[b][k] = value;
}

static void
step_put_many(unsigned b)
{
	unsigned i, k, n = 1 + pick(PAIRS_MAX);
	char *value;

	add(&m.requests, "MPUT %s", bucket(b));
	for (i = 0; i < n; i++) {
		k = pick(KEYS);
		value = new_value();
		add(&m.requests, " %s %s", key(k), value);
		if (m.exists[b]) {
			free(m.cells[b][k]);
			m.cells[b][k] = value;
		} else {
			free(value);
		}
	}
	add(&m.requests, "\r\n");
	if (expect_bucket(b))
		add(&m.expected, "OK\r\n");
}

static void
step_get(unsigned b, unsigned k)
{
	add(&m.requests, "GET %s %s\r\n", bucket(b), key(k));
	if (expect_bucket(b))
		add(&m.expected, "%s\r\nOK\r\n",
		    m.cells[b][k] == NULL ? "" : m.cells[b][k]);
}

static void
step_get_many(unsigned b)
{
	unsigned i, k, n = 1 + pick(PAIRS_MAX);

	add(&m.requests, "MGET %s", bucket(b));
	for (i = 0; i < n; i++) {
		k = pick(KEYS);
		add(&m.requests, " %s", key(k));
		if (m.exists[b])
			add(&m.expected, "%s\r\n",
			    m.cells[b][k] == NULL ? "" : m.cells[b][k]);
	}
	add(&m.requests, "\r\n");
	if (expect_bucket(b))
		add(&m.expected, "OK\r\n");
}

static void
step_delete(unsigned b, unsigned k)
{
	add(&m.requests, "DELETE %s %s\r\n", bucket(b), key(k));
	if (!expect_bucket(b))
		return;
	add(&m.expected, "OK\r\n");
	free(m.cells[b][k]);
	m.cells[b][k] = NULL;
}

static unsigned
count(unsigned b)
{
	unsigned k, n = 0;

	for (k = 0; k < KEYS; k++)
		n += m.cells[b][k] != NULL;
	return n;
}

static void
step_count(unsigned b)
{
	add(&m.requests, "COUNT %s\r\n", bucket(b));
	if (expect_bucket(b))
		add(&m.expected, "%u\r\nOK\r\n", count(b));
}

static void
step_create(unsigned b)
{
	add(&m.requests, "CREATE %s\r\n", bucket(b));
	add(&m.expected, "OK\r\n");
	m.exists[b] = true;
}

static void
step_drop(unsigned b)
{
	add(&m.requests, "DROP %s\r\n", bucket(b));
	if (expect_bucket(b))
		add(&m.expected, "OK\r\n");
	forget_bucket(b);
}

static void
step_nonsense(unsigned b)
{
	switch (pick(3)) {
	case 0:
		add(&m.requests, "PUT %s\r\n", bucket(b));
		add(&m.expected, "UNKNOWN COMMAND\r\n");
		break;
	case 1:
		add(&m.requests, "GET %s \"k\r\n", bucket(b));
		add(&m.expected, "ERROR unbalanced quote at %zu\r\n",
		    strlen("GET  \"") + strlen(bucket(b)));
		break;
	case 2:
		add(&m.requests, "\r\n");
		break;
	}
}

static void
step(void)
{
	unsigned b = pick(BUCKETS), k = pick(KEYS), what = pick(100);

	m.step++;
	if (what < 30)
		step_put(b, k);
	else if (what < 55)
		step_get(b, k);
	else if (what < 65)
		step_delete(b, k);
	else if (what < 75)
		step_put_many(b);
	else if (what < 85)
		step_get_many(b);
	else if (what < 91)
		step_count(b);
	else if (what < 95)
		step_create(b);
	else if (what < 96)
		step_drop(b);
	else
		step_nonsense(b);
}

static void
receive(int fd, size_t len)
{
	ssize_t n;

	m.got.len = 0;
	reserve(&m.got, len);
	while (m.got.len < len) {
		n = recv(fd, m.got.data + m.got.len, len - m.got.len, 0);
		if (n <= 0)
			break;
		m.got.len += (size_t)n;
	}
	m.got.data[m.got.len] = '\0';
}

static void
compare(int fd)
{
	size_t i = 0;

	receive(fd, m.expected.len);
	while (i < m.expected.len && m.got.data[i] == m.expected.data[i])
		i++;
	cr_assert_eq(i, m.expected.len, "seed %u, up to step %u, byte %zu: "
	    "\"%.100s\" and not \"%.100s\", asked was %.300s", m.seed, m.step,
	    i, m.got.data + i, m.expected.data + i, m.requests.data);
}

static void
forget_texts(void)
{
	add(&m.requests, "%s", "");
	add(&m.expected, "%s", "");
	m.requests.len = m.expected.len = 0;
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A list has no order: the same lines, if these `wanted' ones are sorted. */
static void
compare_list(int fd, const char *request, const char **wanted, size_t n)
{
	char lines[KEYS][128];
	const char *sorted[KEYS];
	size_t i = 0;

	talk_send(fd, request);
	while (i < KEYS && talk_line(fd, lines[i], sizeof(lines[i])) &&
	    strcmp(lines[i], "OK") != 0) {
		sorted[i] = lines[i];
		i++;
	}
	if (i == KEYS)
		talk_expect(fd, "OK\r\n");
	cr_assert_eq(i, n, "seed %u, step %u: %zu lines and not %zu: %s",
	    m.seed, m.step, i, n, request);
	qsort(sorted, n, sizeof(sorted[0]), compare_lines);
	qsort(wanted, n, sizeof(wanted[0]), compare_lines);
	for (i = 0; i < n; i++)
		cr_assert_str_eq(sorted[i], wanted[i], "seed %u, step %u: "
		    "%s and not %s: %s", m.seed, m.step, sorted[i],
		    wanted[i], request);
}

static void
compare_keys(int fd, unsigned b)
{
	const char *wanted[KEYS];
	char request[64];
	size_t n = 0;
	unsigned k;

	if (!m.exists[b])
		return;
	for (k = 0; k < KEYS; k++)
		if (m.cells[b][k] != NULL)
			wanted[n++] = key(k);
	snprintf(request, sizeof(request), "KEYS %s\r\n", bucket(b));
	compare_list(fd, request, wanted, n);
}

static void
compare_buckets(int fd)
{
	const char *wanted[BUCKETS];
	size_t n = 0;
	unsigned b;

	for (b = 0; b < BUCKETS; b++)
		if (m.exists[b])
			wanted[n++] = bucket(b);
	compare_list(fd, "BUCKETS\r\n", wanted, n);
}

/* Some requests to some node; mostly one, or a pipeline. */
static void
batch(void)
{
	unsigned i, n = pick(2) == 0 ? 1 : 1 + pick(BATCH_MAX);
	int fd = m.fd[pick((unsigned)m.c.n)];

	forget_texts();
	for (i = 0; i < n; i++)
		step();
	talk_send_bytes(fd, m.requests.data, m.requests.len);
	compare(fd);
	if (pick(20) == 0)
		compare_keys(fd, pick(BUCKETS));
	if (pick(50) == 0)
		compare_buckets(fd);
}

static void
compare_all(void)
{
	unsigned b, k;
	size_t i;

	for (i = 0; i < m.c.n; i++) {
		compare_buckets(m.fd[i]);
		for (b = 0; b < BUCKETS; b++) {
			compare_keys(m.fd[i], b);
			forget_texts();
			step_count(b);
			for (k = 0; k < KEYS; k++)
				step_get(b, k);
			talk_send_bytes(m.fd[i], m.requests.data,
			    m.requests.len);
			compare(m.fd[i]);
		}
	}
}

Test(nodes_model, holds_whichever_node_is_asked)
{
	m.seed = 1;
	m.rng = m.seed;
	while (m.step < 12000)
		batch();
	compare_all();
}

/* A client of a worker that retires asks another one from the next batch. */
static void
open_anew(size_t node)
{
	close(m.fd[node]);
	m.fd[node] = talk_open(&m.c.node[node]);
}

Test(nodes_model, holds_while_nodes_are_reloaded)
{
	int reloads[CLUSTER_MAX] = { 0 };
	size_t node;
	int i;

	m.seed = 2;
	m.rng = m.seed;
	for (i = 0; i < 12; i++) {
		node = pick((unsigned)m.c.n);
		daemon_kill(&m.c.node[node], SIGHUP);
		reloads[node]++;
		/* While it goes on. */
		while (daemon_count_log(&m.c.node[node],
		    "configuration reloaded") < reloads[node])
			batch();
		batch();
		open_anew(node);
	}
	compare_all();
}
