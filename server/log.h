#ifndef KVD_SERVER_LOG_H
#define KVD_SERVER_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "server/config.h"

/*
 * One format everywhere: "role[pid]: message" with a time in front where
 * syslog does not add one, and "error: ", "warning: " or "debug: " in front
 * of what is not plain information.  Control bytes and bytes that are not
 * UTF-8 are escaped as \xHH, so that a client can never forge a line.  A
 * message names the thing, the reason and the remedy.
 *
 * Every function keeps errno.  Not for signal handlers, nor for two threads
 * at once; several processes may write to the same file.
 */
#define LOG_LINE_MAX	1024	/* bytes of a line; longer ones end in "..." */

/*
 * Say where lines go: to standard error if to_stderr, else where the
 * configuration says.  verbose > 0 lets debug through whatever the level.
 * May be called again, after a reload.  Until the first call lines go to
 * standard error as "kvd: message".  If the log file cannot be opened: a
 * start-up ends with EX_CANTCREAT (73); later the old log is kept, with a
 * warning in it.
 */
void log_open(const struct config *, bool to_stderr, int verbose);

/* Open the log file anew, after it was renamed (USR1).  Every process that
 * logs does so for itself. */
void log_reopen(void);

/*
 * Root is about to become this user, who shall be able to open it anew.  A
 * file that was there before stays whose it is: in a folder of others its
 * name may lead anywhere.
 */
void log_give_to(uid_t);

/* Who speaks: "master", "worker 0", ...  Each child says so after fork. */
void log_role(const char *role);

/*
 * Until this is called errors and warnings are also written to standard
 * error, as "kvd: message": the person who started us is still there.
 * Afterwards a log that should go to standard error goes to syslog, for
 * nobody reads the former any more.  daemon_ready() calls it.  Without it, in
 * the foreground, the copies go on, but for a standard error that is the
 * journal of systemd while the log goes to syslog, which is the same place.
 */
void log_detach(void);

void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Log and exit with a status of sysexits(3). */
_Noreturn void fatal(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
