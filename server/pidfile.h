#ifndef KVD_SERVER_PIDFILE_H
#define KVD_SERVER_PIDFILE_H

/*
 * The pid file: made and locked with the pidfile family of libbsd, so that a
 * file left by a crash is simply taken over and a second daemon is told who
 * holds it.  At most one per process; NULL as path means none is wanted and
 * makes every call do nothing.
 */

/*
 * Create and lock it, and write our pid.  To be called in the process that
 * stays, after daemon_detach(), and before privileges are dropped if only
 * root may write there.
 * fatal(): EX_TEMPFAIL (75) with the holder's pid if another process has it,
 * EX_CANTCREAT (73) if it cannot be made.
 */
void pidfile_take(const char *path);

/* In a child after fork(2): let go of it without touching the master's. */
void pidfile_forget(void);

/* When the master ends: remove and unlock it. */
void pidfile_drop(void);

/*
 * Its descriptor, locked, for a successor, which shares the lock; -1: none.
 * It remains ours to close.
 */
int pidfile_fd(void);

/*
 * Go on with the pid file of a predecessor, open and locked on fd (-1: there
 * is none), at this path.  It says the predecessor's pid until
 * pidfile_rewrite().
 */
void pidfile_inherit(int fd, const char *path);
/*
 * Our pid instead of the predecessor's, or of a successor that has failed.  A
 * failure is logged.
 */
void pidfile_rewrite(void);

#endif
