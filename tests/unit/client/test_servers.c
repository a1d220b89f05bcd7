/* Lists of servers: which of them is taken, and what is said of the others. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/client/kv.h"
#include "tests/unit/client/peer.h"

static const struct kv_bytes bucket = { "shopping", 8 };

/* Names with commas in between; static, until the next. */
static const char *
list(const char *a, const char *b, const char *c)
{
	static char text[128];

	snprintf(text, sizeof(text), c != NULL ? "%s,%s,%s" : "%s,%s", a, b,
	    c);
	return text;
}

static struct kv *
open_list(const char *servers)
{
	struct kv_error error = { .message = "" };
	struct kv *kv = kv_open(servers, NULL, &error);

	cr_assert_not_null(kv, "%s", error.message);
	return kv;
}

static void
assert_bad_list(const char *servers, const char *part)
{
	struct kv_error error;

	cr_assert_null(kv_open(servers, NULL, &error), "%s", servers);
	cr_assert_eq(error.status, KV_BAD_ARGUMENT, "%s", servers);
	cr_assert_not_null(strstr(error.message, part), "%s: %s", servers,
	    error.message);
	cr_assert_eq(strncmp(error.message, servers, strlen(servers)), 0,
	    "%s", error.message);
}

Test(servers, a_list_that_is_none_is_refused_with_the_place)
{
	assert_bad_list(",", "server 1 of the list: the name is empty");
	assert_bad_list("a,", "server 2 of the list: the name is empty");
	assert_bad_list("a,,b", "server 2 of the list: the name is empty");
	assert_bad_list(",a", "server 1 of the list: the name is empty");
	assert_bad_list("a, b", "server 2 of the list: there is a space");
	assert_bad_list("a ,b", "server 1 of the list: there is a space");
	assert_bad_list("a,b, ", "server 3 of the list: there is a space");
	assert_bad_list("a,/tmp/a b", "server 2 of the list: there is a");
	assert_bad_list("a,b:x", "server 2 of the list: the port is not");
	assert_bad_list("a:1,::1", "server 2 of the list: an address with");
	assert_bad_list(" a", "there is a space in the name (a server is");
}

/* Not even the first, which is there. */
Test(servers, a_bad_name_is_found_before_anybody_is_connected_to)
{
	static const struct peer_step steps[] = { END };
	const char *server = peer_start(steps);

	assert_bad_list(list(server, "b:0", NULL),
	    "server 2 of the list: the port is not between");
	kv_close(open_list(server));
	cr_assert(peer_finish());
}

Test(servers, the_first_that_takes_us_is_talked_to)
{
	static const struct peer_step steps[] = {
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\n"), END
	};
	const char *server = peer_start(steps);
	struct kv *kv = open_list(list("/nonexistent/kvd.sock",
	    peer_nobody(), server));

	cr_assert_str_eq(kv_server(kv), server);
	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	peer_close(kv);
}

/* Who stands behind the first that takes us is not even asked. */
Test(servers, the_others_are_left_alone)
{
	static const struct peer_step steps[] = { END };
	const char *first = peer_start(steps), *second = peer_start(steps);
	struct kv *kv = open_list(list(first, second, NULL));

	cr_assert_str_eq(kv_server(kv), first);
	kv_close(kv);
	kv = open_list(second);
	peer_close(kv);
}

Test(servers, an_unknown_host_is_passed_over)
{
	static const struct peer_step steps[] = { END };
	const char *server = peer_start(steps);
	struct kv *kv = open_list(list("nobody.invalid", server, NULL));

	cr_assert_str_eq(kv_server(kv), server);
	peer_close(kv);
}

Test(servers, when_all_refuse_each_is_named_with_its_reason)
{
	const char *a = peer_nobody(), *b = peer_nobody();
	char expected[256];
	struct kv_error error;

	cr_assert_null(kv_open(list(a, "/nonexistent/sock", b), NULL,
	    &error));
	cr_assert_eq(error.status, KV_UNREACHABLE);
	snprintf(expected, sizeof(expected), "%s: Connection refused; "
	    "/nonexistent/sock: No such file or directory; "
	    "%s: Connection refused (is kvd running on any of them?)", a, b);
	cr_assert_str_eq(error.message, expected);
}

Test(servers, those_that_a_message_has_no_room_for_are_counted)
{
	char servers[1024], *p = servers;
	struct kv_error error;
	int i;

	for (i = 0; i < 20; i++)
		p += sprintf(p, "%s/nonexistent/%d", i > 0 ? "," : "", i);
	cr_assert_null(kv_open(servers, NULL, &error));
	cr_assert_eq(error.status, KV_UNREACHABLE);
	cr_assert_not_null(strstr(error.message, "/nonexistent/0: No such"));
	cr_assert_not_null(strstr(error.message, "/nonexistent/9: No such "
	    "file or directory; and 10 more (is kvd running on any of them?)"),
	    "%s", error.message);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A listener that never accepts, with its queue filled. */
struct deaf {
	int		fd;
	char		name[32];
	struct kv	*queued[4];
};

static void
deaf_start(struct deaf *deaf)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct kv_options options = { .connect_ms = 50 };
	socklen_t len = sizeof(sin);
	int i = 0;

	memset(deaf, 0, sizeof(*deaf));
	deaf->fd = socket(AF_INET, SOCK_STREAM, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(deaf->fd, (struct sockaddr *)&sin, len), 0);
	cr_assert_eq(getsockname(deaf->fd, (struct sockaddr *)&sin, &len), 0);
	cr_assert_eq(listen(deaf->fd, 0), 0);
	snprintf(deaf->name, sizeof(deaf->name), "127.0.0.1:%d",
	    ntohs(sin.sin_port));
	while (i < 4 && (deaf->queued[i] = kv_open(deaf->name, &options,
	    NULL)) != NULL)
		i++;
	cr_assert_lt(i, 4);
}

static void
deaf_stop(struct deaf *deaf)
{
	int i;

	for (i = 0; i < 4; i++)
		kv_close(deaf->queued[i]);
	close(deaf->fd);
}

Test(servers, the_deadline_is_one_for_all_and_a_silent_one_leaves_time)
{
	static const struct peer_step steps[] = { END };
	struct kv_options options = { .connect_ms = 400 };
	const char *server = peer_start(steps);
	struct kv_error error = { .message = "" };
	int64_t begun_ms;
	struct deaf deaf;
	struct kv *kv;

	deaf_start(&deaf);
	begun_ms = now_ms();
	cr_assert_null(kv_open(list(deaf.name, deaf.name, NULL), &options,
	    &error));
	cr_assert_geq(now_ms() - begun_ms, 390);
	cr_assert_not_null(strstr(error.message,
	    "no connection within 200 ms; 127."), "%s", error.message);
	kv = kv_open(list(deaf.name, deaf.name, server), &options, &error);
	cr_assert_not_null(kv, "%s", error.message);
	cr_assert_str_eq(kv_server(kv), server);
	peer_close(kv);
	deaf_stop(&deaf);
}

/* Connecting anew. */

Test(servers, a_handle_goes_on_with_the_next_one_when_told)
{
	static const struct peer_step hasty[] = { CLOSE };
	static const struct peer_step steps[] = {
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\n"), END
	};
	const char *first = peer_start(hasty), *second = peer_start(steps);
	struct kv *kv = open_list(list(first, second, NULL));

	cr_assert_eq(kv_create(kv, bucket), KV_CLOSED);
	cr_assert_eq(strncmp(kv_message(kv), first, strlen(first)), 0);
	cr_assert_eq(kv_create(kv, bucket), KV_BROKEN);
	cr_assert_eq(kv_reopen(kv), KV_OK);
	cr_assert_str_eq(kv_message(kv), "");
	cr_assert_str_eq(kv_server(kv), second);
	cr_assert(kv_usable(kv));
	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	peer_close(kv);
}

/* From the last of the list, past two that refuse, to nobody but itself. */
Test(servers, behind_the_last_comes_the_first)
{
	static const struct peer_step steps[] = { CLOSE };
	const char *a = peer_nobody(), *b = peer_nobody();
	const char *last = peer_start(steps);
	struct kv *kv = open_list(list(a, b, last));
	char expected[256];

	cr_assert_str_eq(kv_server(kv), last);
	cr_assert(peer_finish());
	cr_assert_eq(kv_reopen(kv), KV_UNREACHABLE);
	snprintf(expected, sizeof(expected), "%s: Connection refused; %s: "
	    "Connection refused; %s: Connection refused (is kvd running on "
	    "any of them?)", a, b, last);
	cr_assert_str_eq(kv_message(kv), expected);
	cr_assert_not(kv_usable(kv));
	cr_assert_eq(kv_fd(kv), -1);
	cr_assert_eq(kv_create(kv, bucket), KV_BROKEN);
	kv_close(kv);
}

Test(servers, a_single_server_is_connected_to_again)
{
	static const struct peer_step steps[] = { CLOSE };
	const char *server = peer_start(steps);
	struct kv *kv = open_list(server);

	cr_assert(peer_finish());
	cr_assert_eq(kv_reopen(kv), KV_UNREACHABLE);
	cr_assert_not_null(strstr(kv_message(kv), "(is kvd running there?)"));
	cr_assert_eq(kv_reopen(kv), KV_UNREACHABLE);
	kv_close(kv);
}

Test(servers, what_was_under_way_is_forgotten_with_the_connection)
{
	static const struct peer_step half[] = {
		EXPECT("GET shopping k\r\nGET shopping k\r\n"),
		SEND("1\r\nOK\r\nhal"), END
	};
	static const struct peer_step events[] = {
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\n"),
		EXPECT("SUBSCRIBE shopping\r\n"), SEND("milk SET"), END
	};
	static const struct peer_step steps[] = {
		EXPECT("HELP PING\r\n"), SEND("PING: hello\r\nOK\r\n"),
		EXPECT("PING\r\n"), SEND("PONG\r\nOK\r\n"), END
	};
	const char *a = peer_start(half), *b = peer_start(events);
	struct kv *kv = open_list(list(a, b, peer_start(steps)));
	struct kv_event event;
	struct kv_reply reply;

	cr_assert_eq(kv_pipe_get(kv, bucket, kv_str("k")), KV_OK);
	cr_assert_eq(kv_pipe_get(kv, bucket, kv_str("k")), KV_OK);
	cr_assert_eq(kv_pipe_reply(kv, &reply), KV_OK);
	kv_set_deadline(kv, 20);
	cr_assert_eq(kv_pipe_reply(kv, &reply), KV_TIMEOUT);
	kv_set_deadline(kv, 0);
	cr_assert_eq(kv_reopen(kv), KV_OK);
	cr_assert_eq(kv_pipe_pending(kv), 0);
	cr_assert_eq(kv_pipe_create(kv, bucket), KV_OK);
	cr_assert_eq(kv_pipe_reply(kv, &reply), KV_OK);
	cr_assert_eq(reply.status, KV_OK);
	cr_assert_eq(kv_subscribe(kv, bucket), KV_OK);
	cr_assert_eq(kv_event(kv, &event, 20), KV_TIMEOUT);
	cr_assert_eq(kv_reopen(kv), KV_OK);
	cr_assert_eq(kv_event(kv, &event, 0), KV_BAD_ARGUMENT);
	/* It knows that nothing was ever said on this one. */
	cr_assert_eq(kv_ping(kv), KV_OK);
	peer_close(kv);
}

static int
reopen(void *kv, struct kv_bytes item)
{
	(void)item;
	cr_assert_eq(kv_reopen(kv), KV_BUSY);
	return 0;
}

Test(servers, a_callback_cannot_take_its_connection_away)
{
	static const struct peer_step steps[] = {
		EXPECT("KEYS shopping\r\n"), SEND("a\r\nOK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_keys(kv, bucket, reopen, kv), KV_OK);
	peer_close(kv);
}
