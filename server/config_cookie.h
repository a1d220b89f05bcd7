#ifndef KVD_SERVER_CONFIG_COOKIE_H
#define KVD_SERVER_CONFIG_COOKIE_H

#include "server/config.h"

/*
 * The cookie that nodes know each other by.  It is read when kvd starts, in
 * a reload and by kvd -n, and not by config_load(): whoever prints the
 * configuration or sends a signal need not be allowed to see it.
 */

#define CONFIG_COOKIE_FILE	".kvd.cookie"	/* in a home folder */

/*
 * With more than one node, find the cookie and put it into config->secret.
 * Returns 0, EX_CONFIG (78) or EX_OSERR (71), and reports what is wrong:
 * none there, or a file that is not its owner's alone.
 */
int config_cookie_load(struct config *, const struct config_report *);

/*
 * The same of the password that clients are to say, into config->client_secret;
 * that stays NULL if none is configured.
 */
int config_password_load(struct config *, const struct config_report *);

#endif
