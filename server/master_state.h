#ifndef KVD_SERVER_MASTER_STATE_H
#define KVD_SERVER_MASTER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/children.h"
#include "server/listen.h"
#include "server/master.h"
#include "server/role.h"
#include "server/upgrade.h"

/* What the files master*.c share, and nobody else sees. */

enum master_state {			/* drawn in master.c */
	MASTER_STARTING, MASTER_READY, MASTER_SERVING, MASTER_HANDING,
	MASTER_STOPPING, MASTER_RETIRED
};

struct master {
	enum master_state	 state;
	bool			 is_next;	/* started by another one */
	bool			 in_charge;	/* has claim and pid file */
	const struct master_options *options;
	const struct config_args *args;		/* to read it again on HUP */
	struct config		*config;
	struct config		 former;	/* during a reload */
	bool			 reloading;
	bool			 reload_again;	/* once more, after that */
	struct listeners	 listeners;
	struct children		*children;
	size_t			 workers;	/* of a generation */
	struct inherit		 common;	/* to all children */
	int			 alive_fd;	/* the write end */
	int			 signal_fd;
	int			 talk_fd;	/* with the other program; -1 */
	struct upgrade		 upgrade;	/* ours, if pid is not 0 */
	bool			 upgrade_later;	/* when the one before ends */
	uint64_t		 patience_end_ms; /* ours with it */
	uint64_t		 fed_ms;	/* the manager's watchdog */
	uint64_t		 began_ms;	/* wall clock */
	int			 status;
};

/* master_start.c: open everything and begin the first generation. */
void master_start(struct master *);
/* As many workers as the configuration wants, on this machine. */
size_t master_choose_workers(const struct config *);
/* Raise the limit of open files to what the configuration needs. */
void master_raise_files(const struct config *);

/* master.c */
void master_title(const struct master *, const char *state);
/* Every child serves, and nobody else is in charge: say so in the log ... */
void master_serve(struct master *);
/* ... and to a service manager, who listens to its main process only. */
void master_tell_manager(const struct master *);

/* master_change.c: HUP, USR2, what comes of them, and giving up on them. */
void master_reload(struct master *);
void master_upgrade(struct master *);
void master_go_on_changing(struct master *);
void master_forget_change(struct master *);
/* We are the new program and serve: say so to the old one. */
void master_is_ready(struct master *);

#endif
