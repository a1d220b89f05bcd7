#ifndef KVD_SERVER_PRIVILEGES_H
#define KVD_SERVER_PRIVILEGES_H

#include <stdint.h>
#include <sys/types.h>

/* Giving up what a server does not need, once its sockets are open. */

/* fatal(EX_NOUSER, 67) unless the user exists; NULL is nobody in question. */
void privileges_require_user(const char *user);

/* The same of a group. */
void privileges_require_group(const char *group);

/* The number of a group that was there; fatal() if it is not any more. */
gid_t privileges_group(const char *group);

/*
 * Root, who is about to become this user: the log that was made is the
 * user's, see log_give_to().  Before anything can fail; NULL: nobody.
 */
void privileges_give_log(const char *user);

/*
 * Become the user for good: groups, group, user, and a check that root
 * cannot be regained.  NULL, or the user we are already, changes nothing.
 * fatal(): EX_NOUSER (67), EX_NOPERM (77) if we are not root.
 * To be called before the arena is made, which belongs to its maker.
 */
void privileges_drop(const char *user);

/*
 * No new privileges by exec, no core files: a dump of the arena would hold
 * the dead process's lock for seconds.  Inherited by children.
 */
void privileges_confine(void);

/*
 * Raise the limit of open files to `files' as far as we may, while we are
 * still root.  Returns what it is now; warns if that is less.
 */
uint64_t privileges_raise_files(uint64_t files);

#endif
