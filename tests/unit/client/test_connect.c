/* Names of servers, and what happens before the first request. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/client/address.h"
#include "proto/client/kv.h"
#include "tests/unit/client/peer.h"

static void
assert_bad_name(const char *server, const char *part)
{
	struct kv_error error;

	cr_assert_null(kv_open(server, NULL, &error), "%s", server);
	cr_assert_eq(error.status, KV_BAD_ARGUMENT, "%s", server);
	cr_assert_not_null(strstr(error.message, part), "%s: %s", server,
	    error.message);
}

Test(connect, a_malformed_name_is_refused_with_what_is_wrong)
{
	char path[200];

	assert_bad_name("", "empty");
	assert_bad_name("host:", "port is not a number");
	assert_bad_name("host:http", "port is not a number");
	assert_bad_name("host:0", "between 1 and 65535");
	assert_bad_name("host:65536", "between 1 and 65535");
	assert_bad_name("host:1234567", "port is not a number");
	assert_bad_name("::1", "[address]:port");
	assert_bad_name("[::1", "[address]:port");
	assert_bad_name("[::1]4040", "[address]:port");
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_bad_name(path, "too long");
}

Test(connect, an_overlong_host_name_is_refused)
{
	char host[400];

	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	assert_bad_name(host, "too long");
	host[0] = '[';
	host[sizeof(host) - 2] = ']';
	assert_bad_name(host, "too long");
}

static void
assert_port(const char *server, int family, int port)
{
	struct address_list list;
	const char *why;
	char host[64], service[16];

	cr_assert_eq(address_find(server, "4040", &list, &why), ADDRESS_OK,
	    "%s: %s", server, why);
	cr_assert_gt(list.n, 0);
	cr_assert_eq(getnameinfo((struct sockaddr *)&list.items[0].sockaddr,
	    list.items[0].len, host, sizeof(host), service, sizeof(service),
	    NI_NUMERICHOST | NI_NUMERICSERV), 0);
	cr_assert_eq(atoi(service), port, "%s", server);
	if (family != AF_UNSPEC)
		cr_assert_eq(list.items[0].sockaddr.ss_family, family);
	address_free(&list);
}

Test(connect, a_name_without_a_port_means_4040)
{
	assert_port("127.0.0.1", AF_INET, 4040);
	assert_port("[::1]", AF_INET6, 4040);
}

Test(connect, a_port_may_be_given_with_or_without_a_host)
{
	assert_port("127.0.0.1:4041", AF_INET, 4041);
	assert_port("[::1]:4042", AF_INET6, 4042);
	assert_port(":4043", AF_UNSPEC, 4043);
}

Test(connect, an_unknown_host_is_unreachable)
{
	struct kv_error error;

	cr_assert_null(kv_open("nobody.invalid:4040", NULL, &error));
	cr_assert_eq(error.status, KV_UNREACHABLE);
	cr_assert_not_null(strstr(error.message, "nobody.invalid"));
}

Test(connect, a_refused_connection_names_server_reason_and_remedy)
{
	const char *server = peer_nobody();
	struct kv_error error;

	cr_assert_null(kv_open(server, NULL, &error));
	cr_assert_eq(error.status, KV_UNREACHABLE);
	cr_assert_not_null(strstr(error.message, server));
	cr_assert_not_null(strstr(error.message, "refused"));
	cr_assert_not_null(strstr(error.message, "(is kvd running there?)"));
}

Test(connect, a_path_that_is_no_socket_is_unreachable)
{
	struct kv_error error;

	cr_assert_null(kv_open("/nonexistent/kvd.sock", NULL, &error));
	cr_assert_eq(error.status, KV_UNREACHABLE);
	cr_assert_null(kv_open("/nonexistent/kvd.sock", NULL, NULL));
}

/* The queue of a listener that never accepts is full after a connection. */
static void
assert_connection_times_out(const char *server)
{
	struct kv_options options = { .connect_ms = 50 };
	struct kv_error error = { .status = KV_OK };
	struct kv *kv[4] = { NULL };
	int i;

	for (i = 0; i < 4 && error.status == KV_OK; i++)
		kv[i] = kv_open(server, &options, &error);
	cr_assert_eq(error.status, KV_UNREACHABLE);
	cr_assert_not_null(strstr(error.message,
	    "no connection within 50 ms"), "%s", error.message);
	for (i = 0; i < 4; i++)
		kv_close(kv[i]);
}

Test(connect, a_deadline_ends_a_connection_that_nobody_accepts)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/kv-test-XXXXXX";
	int fd;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/sock", folder);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	cr_assert_eq(listen(fd, 0), 0);
	assert_connection_times_out(un.sun_path);
	close(fd);
	unlink(un.sun_path);
	rmdir(folder);
}

Test(connect, a_deadline_ends_a_connection_that_is_never_confirmed)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	char server[32];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sin, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	cr_assert_eq(listen(fd, 0), 0);
	snprintf(server, sizeof(server), "127.0.0.1:%d", ntohs(sin.sin_port));
	assert_connection_times_out(server);
	close(fd);
}

Test(connect, a_closed_handle_leaves_no_descriptor)
{
	static const struct peer_step steps[] = { END };
	int before = open("/dev/null", O_RDONLY), after;
	struct kv *kv;

	close(before);
	kv = peer_open(steps, NULL);
	cr_assert(kv_usable(kv));
	cr_assert_geq(kv_fd(kv), 0);
	cr_assert_eq(strncmp(kv_server(kv), "127.0.0.1:", 10), 0);
	peer_close(kv);
	after = open("/dev/null", O_RDONLY);
	cr_assert_eq(before, after);
	kv_close(NULL);
}
