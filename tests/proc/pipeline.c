/*
 * Two ways, one answer.  Requests are lines of a list; in RESP a line becomes
 * an array, unless it begins with a `!'.  "@12" is a word of 12 bytes.
 */

#include "tests/proc/pipeline.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_MOST		50U	/* requests in a pipeline */
#define BYTES_MAX	((size_t)4 * 1024 * 1024)
#define ANSWER_MAX	((size_t)16 * 1024 * 1024)

static const char *const arrays[] = {
	/* the short way, in all likelihood */
	"HGET h a", "HGET h b", "HGET h c", "HGET h nosuch", "hGet h @0",
	"HSET h a 1", "HSET h b 22", "hset h c @100", "HSET h @40 @40",
	"HSET h a @3000", "HSET h b 333", "HGET h @40", "HGET g a",
	"HSET g a 4", "HSET g b @0", "GET s", "GET t", "GET u", "SET s 1",
	"SET t @99", "set u @100", "SET u 5", "SET @0 6", "GET @0", "GET @300",
	"HGET h a", "HGET h b", "HGET g b", "GET s", "GET t", "SET s 22",
	/* only that far: no such bucket, another type, nothing, too long */
	"HGET none a", "HGET s a", "HSET s a 1", "HSET new a 1", "HGET new a",
	"GET h", "GET nosuch", "SET h x", "SET fresh 1", "GET fresh",
	"HSET h b @12000", "HGET h b", "SET t @70000", "GET t",
	"HGET @0 a", "HSET @0 a 1", "HGET @1025 a", "HGET h @9999",
	/* what cannot be right */
	"HGET h", "HSET h a", "GET", "SET s", "NOSUCH", "SET s 1 XX NX",
	/* another one */
	"HSET h a 1 b 2", "SET s 1 XX", "SET v 1 NX", "HDEL h a", "HDEL new a",
	"DEL h", "DEL s fresh v", "INCR n", "GET n", "INCR n", "INCR m",
	"INCR s", "INCR t", "INCR h", "INCR @0", "INCR nosuch x", "GET m",
	"SET m 9223372036854775806", "SET n -1", "SET s 1 EX 1000", "DEL m n",
	"HMGET h a b", "HLEN h",
	"PEXPIREAT h 1", "PEXPIREAT s 1", "HPEXPIREAT h 1 FIELDS 1 b",
	"!HGET h a", "!SET s 7", "!GET s", "!", "ECHO x", "PING",
	/* what changes how the next ones are answered, or when */
	"MULTI", "MULTI", "EXEC", "EXEC", "DISCARD", "WATCH h s", "UNWATCH",
	"CLIENT REPLY SKIP", "CLIENT REPLY OFF", "CLIENT REPLY ON",
	"CLIENT REPLY ON", "CLIENT TRACKING ON NOLOOP", "CLIENT TRACKING OFF",
	"SUBSCRIBE x", "UNSUBSCRIBE x", "UNSUBSCRIBE x", "RESET",
	"CLIENT PAUSE 1 ALL", "CLIENT PAUSE 1 WRITE"
};

static const char *const lines[] = {
	"GET b a", "GET b c", "get b d", "GET b nosuch", "PUT b a 1",
	"put b c @100", "PUT b d @3000", "PUT b a 22", "GET b a", "GET c a",
	"PUT c a 333", "PUT b caf\xc3\xa9 \x7f\x80\xff", "GET b caf\xc3\xa9",
	"GET b a", "PUT b e 4", "GET b e", "GET b @200", "PUT b @200 5",
	"GET none a", "PUT none a 1", "PUT b q \"two words\"", "GET b q",
	"PUT b e \"\"", "PUT b t \x01", "GET b t", "PUT b d @12000", "GET b d",
	"PUT b d @70000", "GET @1025 a", "GET b @9999",
	"GET b", "GET b a a", "PUT b a", "GET b \"a", "NOSUCH", "", " ",
	" GET b a", "GET  b  a", "GET b a ", "GET\tb\ta", "GET \"b\" \"a\"",
	"DELETE b a", "DELETE c a", "DROP c", "CREATE c", "COUNT b", "KEYS c",
	"MPUT b a 1 c 2", "MGET b a c q", "PING", "WHERE b", "HELP GET"
};

#define COUNT(v)	(sizeof(v) / sizeof((v)[0]))

struct pipeline {
	char	*bytes;
	size_t	 len;
};

static void
put(struct pipeline *p, const char *bytes, size_t len)
{
	cr_assert_lt(p->len + len, BYTES_MAX);
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

static void
put_text(struct pipeline *p, const char *text)
{
	put(p, text, strlen(text));
}

/* The length of a word that begins there, as it is meant. */
static size_t
word_len(const char *word)
{
	return word[0] == '@' ? (size_t)atoi(word + 1) : strcspn(word, " ");
}

static void
put_word(struct pipeline *p, const char *word)
{
	size_t len = word_len(word);

	if (word[0] != '@') {
		put(p, word, len);
		return;
	}
	cr_assert_lt(p->len + len, BYTES_MAX);
	memset(p->bytes + p->len, 'a' + (int)(len % 26), len);
	p->len += len;
}

static void
put_array(struct pipeline *p, const char *line)
{
	const char *word;
	char head[32];
	size_t words = 1;

	for (word = line; (word = strchr(word, ' ')) != NULL; word++)
		words++;
	snprintf(head, sizeof(head), "*%zu\r\n", words);
	put_text(p, head);
	for (word = line; words > 0; words--) {
		snprintf(head, sizeof(head), "$%zu\r\n", word_len(word));
		put_text(p, head);
		put_word(p, word);
		put_text(p, "\r\n");
		word += strcspn(word, " ") + 1;
	}
}

static void
put_line(struct pipeline *p, const char *line)
{
	const char *at;

	for (; (at = strchr(line, '@')) != NULL; line = at + strcspn(at, " ")) {
		put(p, line, (size_t)(at - line));
		put_word(p, at);
	}
	put_text(p, line);
	put_text(p, rand() % 4 == 0 ? "\n" : "\r\n");
}

static void
put_request(struct pipeline *p, enum pipeline_kind kind)
{
	const char *line;

	if (kind == PIPELINE_TEXT) {
		put_line(p, lines[(size_t)rand() % COUNT(lines)]);
		return;
	}
	line = arrays[(size_t)rand() % COUNT(arrays)];
	if (line[0] == '!')
		put_line(p, line + 1);
	else
		put_array(p, line);
}

/* What is always answered, and by nothing else. */
#define END	"the-end-of-the-pipeline"

static void
make(struct pipeline *p, enum pipeline_kind kind)
{
	unsigned i, n = 1 + (unsigned)rand() % AT_MOST;

	p->len = 0;
	for (i = 0; i < n; i++)
		put_request(p, kind);
	if (kind == PIPELINE_TEXT) {
		put_text(p, "GET b end\r\n");
		return;
	}
	put_array(p, "RESET");
	put_array(p, "ECHO " END);
}

/* The same each time that a pipeline is sent. */
static void
put_back(const struct daemon *d, enum pipeline_kind kind)
{
	int fd;

	if (kind == PIPELINE_TEXT) {
		talk_once(d, "CREATE c\r\nDROP c\r\nCREATE c\r\n"
		    "MPUT b a 1 c 22 d 333 end " END "\r\nDELETE b q\r\n"
		    "DELETE b e\r\nDELETE b t\r\n",
		    "OK\r\nOK\r\nOK\r\nOK\r\nOK\r\nOK\r\nOK\r\n");
		return;
	}
	fd = redis_open(d);
	redis_number(fd, "DEL h g s t u m n v new fresh none \"\"");
	redis_ask(fd, "HSET h a 1 b 2 c 3", ":3");
	redis_ask(fd, "HSET g a 1", ":1");
	redis_ask(fd, "MSET s 1 t 2 u 3", "+OK");
	close(fd);
}

static int
begin(const struct daemon *d, enum pipeline_kind kind)
{
	int fd;

	if (kind == PIPELINE_TEXT) {
		fd = talk_open(d);
		talk(fd, "GET b end\r\n", END "\r\nOK\r\n");
		return fd;
	}
	fd = redis_open(d);
	if (kind == PIPELINE_RESP3)
		redis_use_resp3(fd);
	return fd;
}

static bool
is_end(enum pipeline_kind kind, const char *answers, size_t len)
{
	const char *end = kind == PIPELINE_TEXT ? END "\r\nOK\r\n" :
	    END "\r\n";

	return len >= strlen(end) &&
	    memcmp(answers + len - strlen(end), end, strlen(end)) == 0;
}

/* Who only sends, and does not read, is not read from in the end. */
static ssize_t
send_some(int fd, const struct pipeline *p, size_t sent)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (sent == p->len)
		return 0;
	pollfd.events |= POLLOUT;
	cr_assert_eq(poll(&pollfd, 1, 20000), 1);
	n = send(fd, p->bytes + sent, p->len - sent, MSG_DONTWAIT);
	return n < 0 ? 0 : n;
}

/* All that is answered to it, on a connection of its own. */
static size_t
answer(const struct daemon *d, enum pipeline_kind kind,
    const struct pipeline *p, char *answers)
{
	int fd = begin(d, kind);
	size_t sent = 0, len = 0;
	ssize_t n;

	while (sent < p->len || !is_end(kind, answers, len)) {
		sent += (size_t)send_some(fd, p, sent);
		n = recv(fd, answers + len, ANSWER_MAX - len,
		    sent < p->len ? MSG_DONTWAIT : 0);
		cr_assert(n > 0 || (sent < p->len && n == -1),
		    "after %zu bytes: %.*s", len, (int)p->len, p->bytes);
		len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return len;
}

/* The bytes before the first that differs, as far as they help. */
static void
check_same(const struct pipeline *p, const char *one, size_t one_len,
    const char *other, size_t other_len)
{
	size_t i = 0, from;

	while (i < one_len && i < other_len && one[i] == other[i])
		i++;
	if (i == one_len && i == other_len)
		return;
	from = i > 40 ? i - 40 : 0;
	cr_assert_fail("%.*s\nis answered, one by one and together:\n"
	    "%.*s\n---\n%.*s", (int)p->len, p->bytes,
	    (int)(one_len - from < 80 ? one_len - from : 80), one + from,
	    (int)(other_len - from < 80 ? other_len - from : 80),
	    other + from);
}

/* From 0 microseconds on a request is noted: so each is timed. */
static void
time_each(const struct daemon *d, bool each)
{
	int fd = redis_open(d);

	redis_ask(fd, each ? "CONFIG SET slowlog-log-slower-than 0" :
	    "CONFIG SET slowlog-log-slower-than 10000000", "+OK");
	close(fd);
}

void
pipeline_compare(const struct daemon *d, enum pipeline_kind kind,
    unsigned pipelines)
{
	struct pipeline p = { .bytes = malloc(BYTES_MAX) };
	char *one = malloc(ANSWER_MAX), *other = malloc(ANSWER_MAX);
	size_t one_len, other_len;

	srand(kind + 1);
	while (pipelines-- > 0) {
		make(&p, kind);
		time_each(d, true);
		put_back(d, kind);
		one_len = answer(d, kind, &p, one);
		time_each(d, false);
		put_back(d, kind);
		other_len = answer(d, kind, &p, other);
		check_same(&p, one, one_len, other, other_len);
	}
	free(p.bytes);
	free(one);
	free(other);
}
