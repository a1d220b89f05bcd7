#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/understudy.h"

void
understudy_begin(struct understudy *u)
{
	cluster_prepare(&u->c, 2);
	u->listen_fd = cluster_listen(&u->c, 1);
	daemon_launch(&u->c.node[0], NULL);
	u->client = talk_open(&u->c.node[0]);
	talk(u->client, "CREATE apples\r\nPUT apples k v\r\n", "OK\r\nOK\r\n");
}

void
understudy_end(struct understudy *u)
{
	close(u->client);
	close(u->listen_fd);
	cluster_remove(&u->c);
}

void
understudy_take(struct understudy *u, struct frame *frame, const char *words)
{
	peer_accept(&u->p, &u->c, u->listen_fd, 1);
	peer_expect_request(&u->p, frame, words);
}

void
understudy_take_idle(struct understudy *u)
{
	struct frame frame;

	talk_send(u->client, "COUNT milk\r\n");
	understudy_take(u, &frame, "COUNT milk");
	peer_reply(&u->p, &frame, "0\r\nOK\r\n");
	talk_expect(u->client, "0\r\nOK\r\n");
}

void
understudy_expect_error(const struct understudy *u, int client,
    const char *class, const char *why)
{
	char line[512], expected[128];

	snprintf(expected, sizeof(expected), "ERROR %s: %s: ", class,
	    u->c.node[1].name);
	cr_assert(talk_line(client, line, sizeof(line)));
	cr_assert_eq(strncmp(line, expected, strlen(expected)), 0, "%s", line);
	cr_assert_not_null(strstr(line, why), "%s and not %s", line, why);
}

int
understudy_count_log(const struct understudy *u, const char *why)
{
	char line[512];

	snprintf(line, sizeof(line), "node %s: %s", u->c.node[1].name, why);
	return daemon_count_log(&u->c.node[0], line);
}

int
understudy_open(const struct understudy *u)
{
	return talk_open_worker(&u->c.node[0],
	    (unsigned)talk_info(u->client, "server", "worker"));
}
