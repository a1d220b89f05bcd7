#ifndef KVD_SERVER_UPGRADE_H
#define KVD_SERVER_UPGRADE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shm/board.h"

/*
 * One program handing over to the next: the way of what is handed over, and
 * of the few words that the two masters exchange.  What they do about them is
 * the master's business.
 *
 *	old						new
 *	upgrade_start(goods) ---- fork, exec ----->	upgrade_inherit(goods)
 *							... starts children
 *	upgrade_heard(): GO <----------------------	upgrade_say(): I serve
 *	lets go of the claim
 *	upgrade_say(): take over ----------------->	upgrade_heard(): GO
 *							takes claim, pid file
 *	upgrade_heard(): GO <----------------------	upgrade_say(): I have
 *	upgrade_say(): all know ----------------->	upgrade_heard(): GO
 *	its workers drain
 *	ends ------------------------------------->	upgrade_heard(): GONE
 *
 * Whoever dies on the way is GONE to the other: then the old one takes back
 * what it had and goes on, or the new one takes over all the same.
 */

/* What goes over exec(3).  Descriptors are the giver's; -1: none. */
struct upgrade_goods {
	int		 arena_fd;
	int		 pidfile_fd;
	int		 config_fd;	/* see reload.h */
	int		 roster_fd;	/* -1: the old program has none */
	int		*listen_fds;
	size_t		 listens;
	size_t		 peers;		/* the last of them, see listen.h */
	bool		 own_paths;	/* socket files are kvd's to remove */
	bool		 slots[BOARD_SLOTS];	/* of the board, taken */
};

enum upgrade_word { UPGRADE_NOTHING, UPGRADE_GO, UPGRADE_GONE };

/*
 * First thing in main(), before the arguments are changed by anybody: how
 * this program was called, to call the next one alike.  argv is kept.
 */
void upgrade_remember(char **argv);

/* A successor that has been started, until it serves or has failed. */
struct upgrade {
	pid_t	pid;
	int	fd;		/* to talk with it; non-blocking */
	int	words_fd;	/* what it writes to standard error; -1 */
};

/*
 * Start the program again with these goods.  quiet: nobody reads our standard
 * error, so keep what is written there for upgrade_log_words().  mask: of
 * the signals that it shall not have blocked.  Returns 0, or -1 with errno.
 */
int upgrade_start(struct upgrade *, const struct upgrade_goods *, bool quiet,
    const sigset_t *mask);

/* Log the last words of one that failed, a line each. */
void upgrade_log_words(const struct upgrade *);

/* Close what is open of it. */
void upgrade_close(struct upgrade *);

/*
 * In the new program, before anything is opened: what was handed over, if
 * anything was.  The descriptors are ours now, and so is listen_fds, for
 * free(3).  *fd is the one to talk with the old one.  Returns false if this
 * is an ordinary start; fatal(EX_CONFIG, 78) if what was handed over makes no
 * sense.
 */
bool upgrade_inherit(struct upgrade_goods *, int *fd);

/* The next of the four words. */
void upgrade_say(int fd);
/* What the other has said, without waiting. */
enum upgrade_word upgrade_heard(int fd);

#endif
