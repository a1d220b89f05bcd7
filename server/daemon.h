#ifndef KVD_SERVER_DAEMON_H
#define KVD_SERVER_DAEMON_H

/*
 * Becoming a daemon, in two halves, so that whoever typed `kvd' sees why it
 * did not start: daemon_detach() forks early, the terminal's process waits,
 * and it ends with 0 only when daemon_ready() says that the sockets listen.
 * If the daemon ends before, its message is on standard error, which both
 * share until then, and its exit status becomes the status of the command.
 */

/*
 * First thing in main(): see that descriptors 0, 1 and 2 are open (on
 * /dev/null if need be), or a socket would become somebody's standard error.
 */
void daemon_keep_stdio(void);

/*
 * Go to the background: fork, new session, fork again.  Returns in the
 * daemon only, with umask 027 and / as its directory.  fatal() on failure.
 */
void daemon_detach(void);

/*
 * The daemon serves: let the waiting process end with 0, give up the
 * terminal (standard input, output and error become /dev/null) and stop
 * copying the log to it.  To be called in the process that returned from
 * daemon_detach(); a child forked before gives up the terminal by itself, or
 * whoever reads the command's output would wait for the child.  Does nothing
 * if there was no daemon_detach().
 */
void daemon_ready(void);

/*
 * The second half alone, for a successor that was not started from a
 * terminal: standard input, output and error become /dev/null, and the log
 * is no longer copied there.
 */
void daemon_silence(void);

/* / becomes the directory; fatal() on failure. */
void daemon_leave_folder(void);

#endif
