#ifndef KVD_SERVER_NOTIFY_H
#define KVD_SERVER_NOTIFY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What systemd(1) tells a daemon and wants to hear from it, by hand after
 * sd_notify(3) and sd_listen_fds(3): a datagram to $NOTIFY_SOCKET, sockets
 * from descriptor 3 on.  Without such a manager every call does nothing.
 */

/*
 * First of all: remember $NOTIFY_SOCKET and $WATCHDOG_USEC and take them out
 * of the environment.
 */
void notify_open(void);

/* The daemon serves.  The pid is ours: call it in the master. */
void notify_ready(void);

/* One line for systemctl status. */
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A reload begins; notify_ready() ends it, also when it failed. */
void notify_reloading(void);

void notify_stopping(void);

/* From now on another process, our successor, is the one to listen to. */
void notify_successor(pid_t);

/* We are alive, and so is what we supervise; if the manager wants to know. */
void notify_watchdog(void);
/* Within how many ms it wants to hear that again; 0: it does not. */
uint64_t notify_watchdog_ms(void);

/* Give $NOTIFY_SOCKET back to the environment, for a program we start. */
void notify_pass_on(void);

/*
 * Listening sockets that were opened for us.  *fds becomes an array for the
 * caller to free, of descriptors marked close-on-exec, or NULL.  The
 * variables LISTEN_* are taken out of the environment in any case.  To be
 * called before daemon_detach(), for they are addressed to our pid.
 * Returns how many.  A descriptor that is no listening stream socket, or a
 * variable that is no number, is fatal(EX_CONFIG, 78).
 */
size_t notify_listeners(int **fds);

#endif
