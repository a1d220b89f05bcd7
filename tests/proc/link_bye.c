/*
 * The other node takes no more requests on this link, at any moment: what it
 * has got it answers, what it has not got it gets on another one, and each
 * request once.
 */

#include <sys/socket.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/understudy.h"

static struct understudy u;

static void
begin(void)
{
	understudy_begin(&u);
}

static void
end(void)
{
	understudy_end(&u);
}

TestSuite(link_bye, .init = begin, .fini = end, .timeout = 60);

static void
say_bye(void)
{
	const struct frame bye = peer_frame(&u.p, FRAME_BYE, 0, "");

	peer_send(&u.p, &bye);
}

Test(link_bye, with_nothing_in_flight_ends_the_link_until_it_is_needed)
{
	int i;

	for (i = 0; i < 20; i++) {
		understudy_take_idle(&u);
		say_bye();
		peer_expect_end(&u.p);
		peer_close(&u.p);
	}
	cr_assert_eq(understudy_count_log(&u, "left"), 20);
	cr_assert_eq(daemon_count_log(&u.c.node[0], "is down"), 0);
}

Test(link_bye, as_the_first_word_is_no_reason_to_give_up)
{
	struct frame frame;

	talk_send(u.client, "PUT milk k v\r\n");
	understudy_take(&u, &frame, "PUT milk k v");
	say_bye();
	peer_reply(&u.p, &frame, "OK\r\n");
	talk_expect(u.client, "OK\r\n");
	peer_expect_end(&u.p);
	peer_close(&u.p);
	understudy_take_idle(&u);
	peer_close(&u.p);
}

static void
expect_put(struct frame *frame, int i)
{
	char words[64];

	snprintf(words, sizeof(words), "PUT milk k %d", i);
	peer_expect_request(&u.p, frame, words);
}

Test(link_bye, between_answers_has_the_rest_answered_and_new_ones_elsewhere)
{
	enum { MANY = 10 };
	struct frame frame[MANY], other;
	char line[64];
	int i, late;

	understudy_take_idle(&u);
	late = understudy_open(&u);
	for (i = 0; i < MANY; i++) {
		snprintf(line, sizeof(line), "PUT milk k %d\r\n", i);
		talk_send(u.client, line);
		expect_put(&frame[i], i);
	}
	for (i = 0; i < MANY; i++) {
		if (i == 3)
			say_bye();
		if (i == 5)
			talk_send(late, "GET milk k\r\n");
		peer_reply(&u.p, &frame[i], "OK\r\n");
		talk_expect(u.client, "OK\r\n");
	}
	peer_expect_end(&u.p);
	peer_close(&u.p);
	understudy_take(&u, &other, "GET milk k");
	peer_reply(&u.p, &other, "9\r\nOK\r\n");
	talk_expect(late, "9\r\nOK\r\n");
	peer_close(&u.p);
	close(late);
}

enum { VALUE = 500000, FRAMES = 16 };	/* more than all sockets take */

static void
ask_all(int fd)
{
	char *value = malloc(VALUE + 1), line[64];
	int i;

	memset(value, 'v', VALUE);
	value[VALUE] = '\0';
	for (i = 0; i < FRAMES; i++) {
		snprintf(line, sizeof(line), "PUT milk k%d ", i);
		talk_send(fd, line);
		talk_send(fd, value);
		talk_send(fd, "\r\n");
	}
	free(value);
}

/* Answer all whole requests on this link; returns how many those were. */
static int
answer_all(int first)
{
	static struct request req;
	struct frame frame;
	const char *reason;
	char key[16];
	int i;

	for (i = 0; first + i < FRAMES && peer_next(&u.p, &frame); i++) {
		cr_assert(frame_words(&frame, &req, &reason));
		snprintf(key, sizeof(key), "k%d", first + i);
		cr_assert(req.argc == 4 && req.argv[2].len == strlen(key) &&
		    memcmp(req.argv[2].data, key, strlen(key)) == 0,
		    "another request than that of %s", key);
		cr_assert_eq(req.argv[3].len, VALUE);
		peer_reply(&u.p, &frame, "OK\r\n");
	}
	return i;
}

/*
 * The client sends from another process, for it has to wait.  Of the frame
 * that is half under way the other node knows nothing.
 */
Test(link_bye, in_the_middle_of_a_large_frame_has_it_asked_elsewhere)
{
	int small = 256 * 1024, done, i;
	struct frame frame;
	pid_t pid;

	cr_assert_eq(setsockopt(u.listen_fd, SOL_SOCKET, SO_RCVBUF, &small,
	    sizeof(small)), 0);
	understudy_take_idle(&u);
	if ((pid = fork()) == 0) {
		ask_all(u.client);
		_exit(0);
	}
	cr_assert_neq(pid, -1);
	cr_assert(peer_next(&u.p, &frame));
	say_bye();
	peer_reply(&u.p, &frame, "OK\r\n");
	done = 1 + answer_all(1);
	cr_assert_lt(done, FRAMES);
	peer_close(&u.p);
	peer_accept(&u.p, &u.c, u.listen_fd, 1);
	cr_assert_eq(done + answer_all(done), FRAMES);
	peer_close(&u.p);
	for (i = 0; i < FRAMES; i++)
		talk_expect(u.client, "OK\r\n");
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}
