/* The loop, against a server of which we know when it answers, and what. */

#include <criterion/criterion.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load_report.h"

static struct load_options options;
static struct load_result result;
static char address[64];
static pid_t server;

/*
 * Answers one connection, so many requests; the stall comes once, after the
 * 50th.
 */
static void
serve(int listener, const char *reply, long stall_ms, unsigned answers)
{
	const struct timespec stall = { .tv_nsec = stall_ms * 1000000 };
	int fd = accept(listener, NULL, NULL);
	char request[FLOOR_REQUEST];
	unsigned n;

	for (n = 0; recv(fd, request, sizeof(request), MSG_WAITALL) > 0; n++) {
		if (n == 50)
			nanosleep(&stall, NULL);
		if (n < answers && write(fd, reply, FLOOR_REPLY) == -1)
			break;
	}
	_exit(0);
}

static void
start_server(const char *reply, long stall_ms, unsigned answers)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&sin, len), 0);
	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%d",
	    ntohs(sin.sin_port));
	server = fork();
	if (server == 0)
		serve(fd, reply, stall_ms, answers);
	close(fd);
	options = (struct load_options){
		.address = address, .dialect = LOAD_FLOOR, .keys = 1,
		.value_min = 1, .value_max = 1, .connections = 1, .depth = 4,
		.patience_s = 10, .servers = { server }, .servers_n = 1
	};
}

static void
stop_server(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

TestSuite(load_run, .fini = stop_server, .timeout = 60);

Test(load_run, a_stall_is_seen_by_all_that_were_due_while_it_lasted)
{
	start_server(FLOOR_SAYS, 400, UINT_MAX);
	options.rate = 1000;
	options.seconds = 0.6;
	load_run(&options, &result);
	cr_assert_eq(result.latency.n, 600);
	cr_assert_eq(result.wrong + result.missing, 0);
	cr_assert_gt(load_histogram_ns(&result.latency, 1), 390000000);
	/* Nearly 400 of 600 wait; evenly, so half of those 200 ms. */
	cr_assert_gt(load_histogram_ns(&result.latency, 0.7), 150000000);
}

Test(load_run, what_was_due_before_the_measurement_does_not_count)
{
	start_server(FLOOR_SAYS, 0, UINT_MAX);
	options.rate = 1000;
	options.warm_s = 0.1;
	options.seconds = 0.1;
	load_run(&options, &result);
	cr_assert_eq(result.latency.n, 100);
}

Test(load_run, a_number_of_requests_is_sent_and_answered)
{
	start_server(FLOOR_SAYS, 0, UINT_MAX);
	options.requests = 1001;
	load_run(&options, &result);
	cr_assert_eq(result.answered, 1001);
	cr_assert_eq(result.latency.n, 1001);
	cr_assert_eq(result.wrong + result.missing, 0);
	cr_assert_gt(result.server_s, 0);
}

Test(load_run, every_wrong_reply_is_counted)
{
	static const char wrong[] =
	    "another answer of the length of that one.";

	start_server(wrong, 0, UINT_MAX);
	options.requests = 100;
	load_run(&options, &result);
	cr_assert_eq(result.wrong, 100);
	cr_assert_eq(memcmp(result.first_wrong, wrong, FLOOR_REPLY), 0);
}

Test(load_run, what_is_not_answered_is_missing)
{
	start_server(FLOOR_SAYS, 0, 30);
	options.requests = 40;
	options.patience_s = 0.1;
	load_run(&options, &result);
	/* With four on their way, nobody asks again after these. */
	cr_assert_eq(result.missing, 4 - 30 % 4);
	stop_server();
	start_server(FLOOR_SAYS, 0, 30);
	options.requests = 40;
	options.patience_s = 0.1;
	options.rate = 10000;
	load_run(&options, &result);
	cr_assert_eq(result.missing - (4 - 30 % 4), 10);
}

Test(load_run, the_report_has_what_was_found)
{
	char text[1024];
	FILE *f = fmemopen(text, sizeof(text), "w");

	start_server(FLOOR_SAYS, 0, UINT_MAX);
	options.requests = 10;
	load_run(&options, &result);
	load_report_line(f, &options, &result);
	load_report_json(f, &options, &result);
	fclose(f);
	cr_assert_not_null(strstr(text, "floor, 1 x 4: "));
	cr_assert_not_null(strstr(text, " requests/s, server "));
	cr_assert_not_null(strstr(text, "\n{\"dialect\":\"floor\","));
	cr_assert_not_null(strstr(text, ",\"answered\":10,\"wrong\":0,"));
	cr_assert_not_null(strstr(text, "\"max_us\":"));
}
