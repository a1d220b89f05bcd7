#ifndef KVD_TESTS_PROC_DAEMON_H
#define KVD_TESTS_PROC_DAEMON_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A kvd for one test: the program named by KVD_BIN, in the foreground, on a
 * port of its own, with its own instance name, configuration and folder.
 * Whatever happens to the test, nothing of it stays behind: a guardian
 * process waits for the test's end and then kills and removes all there is.
 * Everything here fails the test (cr_assert) when it cannot be done.
 */
struct daemon {
	pid_t	 pid;		/* of the master; 0 when it has been reaped */
	uint16_t port;		/* on 127.0.0.1 */
	char	 name[64];	/* of the instance */
	char	 dir[64];	/* folder of this daemon; kvd.conf, log, .. */
	char	 conf[96];	/* dir/kvd.conf */
	char	 log[96];	/* dir/log: standard error of -d */
	char	 hold[96];	/* dir/hold: see daemon_hold() */
	int	 net_fd;	/* the network that it is in; 0: ours */
	int	 guard_fd;	/* its closing wakes the guardian */
	pid_t	 guard;
};

/*
 * Make name, folder and guardian, and write the configuration: conf, or a
 * small default if NULL.  Starts nothing.
 */
void daemon_prepare(struct daemon *, const char *conf);
/* Write another configuration, for a reload. */
void daemon_configure(const struct daemon *, const char *conf);

/* A list of flags, ended by NULL. */
#define FLAGS(...)	((const char *const[]){ __VA_ARGS__, NULL })
/* daemon_run() with these flags, by a test that has `d' and `out'. */
#define RUN(...)							      \
	daemon_run(&d, FLAGS(__VA_ARGS__), out, sizeof(out))

/*
 * Start it with these further flags (a list ended by NULL, or NULL) and wait
 * until it serves.  May be called again after it has ended: same name and
 * folder, and the data that is still there, but another port.
 */
void daemon_launch(struct daemon *, const char *const *flags);

/* prepare and launch with two workers. */
void daemon_start(struct daemon *);

/*
 * From now on, or no more: workers that start wait before they serve.  It
 * needs a kvd with debug commands.
 */
void daemon_hold(const struct daemon *);
void daemon_release(const struct daemon *);

/* Send a signal to the master. */
void daemon_kill(const struct daemon *, int signal);
/* Wait for its end; returns the exit status, or 1000 + signal. */
int daemon_wait(struct daemon *);
/* TERM, wait, expect 0; then remove everything. */
void daemon_stop(struct daemon *);
/* Only remove everything; the daemon has ended already or is killed. */
void daemon_remove(struct daemon *);

/* Wait for the end of a process that is not the test's child. */
void daemon_await_end(pid_t);

/* In how many lines the log has this text; or wait until it is n or more. */
int daemon_count_log(const struct daemon *, const char *text);
void daemon_await_log(const struct daemon *, const char *text, int n);

/*
 * Run kvd with these arguments after "-c its-configuration -N its-name" to
 * the end; returns its exit status.  What it writes to standard output and
 * error goes to out.
 */
int daemon_run(const struct daemon *, const char *const *flags, char *out,
    size_t size);

/* A port nobody listens to just now. */
uint16_t daemon_free_port(void);

#endif
