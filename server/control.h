#ifndef KVD_SERVER_CONTROL_H
#define KVD_SERVER_CONTROL_H

/*
 * kvd -s: tell the running master of an instance to reload, stop, quit or
 * reopen, and wait for the end of stop and quit.
 * Returns an exit status: EX_OK; EX_USAGE (64) no such verb; EX_UNAVAILABLE
 * (69) nothing runs; EX_NOPERM (77); EX_TEMPFAIL (75) it is still busy
 * stopping; EX_OSERR (71).
 */
int control_signal(const char *instance, const char *verb);

#endif
