#ifndef KVD_SERVER_CONFIG_H
#define KVD_SERVER_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * The configuration: what kvd.conf(5), the environment and the command line
 * say together.  The settings are listed once, in options.def, with type,
 * default, bounds, whether a reload may change them, and help text; the
 * parser, the flags that set something, kvd -T, the comparison after a
 * reload and the table of the manual all follow that list.
 *
 * A setting given on the command line wins over the environment (PORT), that
 * over the file, that over the default.  For `listen', which may be given
 * several times, the strongest source that names any address names them all;
 * and NODES is all there is to say of the nodes.
 */

#define CONFIG_FILE		"/etc/kvd/kvd.conf"
#define CONFIG_PORT		"4040"	/* where an address names none */
#define CONFIG_NAME_MAX		200	/* bytes of an instance's name */
#define CONFIG_WORKERS_MAX	256

enum config_log { CONFIG_LOG_SYSLOG, CONFIG_LOG_STDERR, CONFIG_LOG_FILE };

struct config_listen {
	char	*text;		/* host:port, :port, [v6]:port, or a path */
	char	*host;		/* NULL for a path; "": every address */
	char	*port;		/* digits */
	char	*path;		/* NULL for host and port; absolute */
};

#define CONFIG_NODES_MAX	256
#define CONFIG_COOKIE_MAX	255	/* bytes */

struct config_node {
	char			*name;		/* of the instance there */
	struct config_listen	 address;	/* for clients */
	struct config_listen	 peer;		/* for the other nodes */
};

/* By what a bucket finds its node. */
enum config_route {
	CONFIG_ROUTE_EVEN, CONFIG_ROUTE_SLOTS, CONFIG_ROUTE_BUCKETS
};

/*
 * Who owns what is said of pieces: 1024 runs of slots, none of which can be
 * divided by shards, or the 256 first bytes of a name.
 */
#define CONFIG_PIECES		1024U
#define CONFIG_PIECE_SLOTS	16U

/* Every node has the same, see route.h. */
struct config_nodes {
	struct config_node	*node;		/* none: there is only us */
	size_t			 count;
	enum config_route	 route;
	uint16_t		 owner[CONFIG_PIECES]; /* node + 1, or 0 */
};

/* Every field is valid after config_load(); pointers are its own. */
struct config {
	char		*name;		/* of the instance */
	struct config_listen *listen;	/* at least one */
	size_t		 listens;
	struct config_nodes nodes;
	uint64_t	 table_version;
	char		*cookie;	/* as the file has it, or NULL */
	char		*cookie_file;	/* NULL: the default one */
	char		*secret;	/* of config_cookie_load() */
	char		*password;	/* as the file has it, or NULL */
	char		*password_file;	/* or NULL */
	char		*client_secret;	/* of config_password_load(), or
					 * NULL: clients need none */
	char		*cluster_protocol;	/* "off", "single", "map" */
	uint64_t	 memory_bytes;
	uint64_t	 value_max_bytes; /* 0: what the arena chooses */
	uint64_t	 shards;	/* 0: what the arena chooses */
	uint64_t	 workers;	/* 0: one per CPU */
	char		*user;		/* NULL: stay who we are */
	char		*readers;	/* a group; NULL: nobody else */
	char		*pidfile;	/* NULL: none */
	uint64_t	 clients_max;	/* per instance */
	uint64_t	 idle_ms;	/* close an idle client; 0: never */
	uint64_t	 send_ms;	/* close one that does not read */
	uint64_t	 output_max_bytes; /* waiting for one subscriber */
	uint64_t	 tracked_max;	/* names, for each client */
	uint64_t	 max_restarts;	/* more in max_seconds_ms: give up */
	uint64_t	 max_seconds_ms;
	uint64_t	 restart_delay_max_ms; /* 0: restart at once */
	uint64_t	 heartbeat_ms;	/* kill who stands still; 0: never */
	uint64_t	 start_ms;	/* for all of them to serve */
	uint64_t	 drain_ms;	/* for a replaced worker's clients */
	uint64_t	 refuse_ms;	/* a request that crashes workers */
	enum config_log	 log_to;
	char		*log_file;	/* NULL but for CONFIG_LOG_FILE */
	char		*log_facility;	/* "daemon" */
	char		*log_level;	/* err, warning, info, debug */
};

/*
 * Receives one complaint, a line without its end: "file:12: what is wrong",
 * "-m banana: ...", "PORT: ...".  kvd.c gives a function that writes to
 * standard error, the master one that logs.
 */
struct config_report {
	void	(*line)(void *arg, const char *message);
	void	*arg;
};

#define CONFIG_ARGS_MAX		64	/* flags with a value, or macros */

struct config_flag {
	int		 letter;
	const char	*value;
};

/*
 * What the command line and the environment contribute.  It is kept for the
 * life of the master: a reload reads the file again and puts the same flags
 * over it.  It owns nothing: values point into argv and the environment.
 */
struct config_args {
	char		 file[PATH_MAX];	/* absolute */
	bool		 file_required;	/* named with -c: it must be there */
	const char	*port;		/* PORT, or NULL */
	const char	*nodes;		/* NODES, or NULL */
	size_t		 flags;
	struct config_flag flag[CONFIG_ARGS_MAX];
	size_t		 macros;
	const char	*macro[CONFIG_ARGS_MAX];	/* "name=value" */
};

/* The default file, optional; PORT and NODES from the environment. */
void config_args_init(struct config_args *);

/*
 * A flag of the command line as getopt(3) delivers it.  Takes -c file, -D
 * name=value and the flags that stand for a setting: -l -m -w -N -p -u.
 * value is kept, not copied (argv lives long enough); it is looked at by
 * config_load(), but for the form of -D.  A relative file is made absolute
 * at once, for a daemon does not stay where it was started.
 * Returns 0; EX_USAGE (64) if the flag is none of these, given too often or
 * malformed; EX_OSERR (71).  Reports what is wrong.
 */
int config_args_flag(struct config_args *, int letter, const char *value,
    const struct config_report *);

/*
 * Everything at once: defaults, file, environment, flags, checks.  On
 * success *config is filled and the caller's, to be given to config_free().
 * Otherwise *config is empty, every complaint has been reported, and the
 * answer is a status of sysexits(3): EX_NOINPUT (66) a file cannot be read,
 * EX_CONFIG (78) a bad keyword or value in the file or in PORT, EX_USAGE
 * (64) a bad value on the command line or in NODES, EX_OSERR (71) out of
 * memory.  The cookie is not read: see config_cookie.h.
 * Neither logs nor exits, so a running master may call it.
 */
int config_load(struct config *config, const struct config_args *,
    const struct config_report *);

/* Free what it holds and clear it; a cleared struct is allowed. */
void config_free(struct config *);

/*
 * The effective configuration as a kvd.conf that means the same (kvd -T), but
 * for a cookie, which is never shown.
 */
void config_print(const struct config *, FILE *);

/*
 * After a reload: each setting that differs in next but cannot be changed
 * while running is reported by name and put back to what is running, so that
 * next tells the truth afterwards.  Returns how many there were, or -1 when
 * memory ran out (then next must not be used).
 */
int config_keep_fixed(struct config *next, const struct config *running,
    const struct config_report *);

/* Where the other nodes find this one; NULL if there are none. */
const struct config_listen *config_own_peer(const struct config *);

/*
 * How many settings differ; all about the nodes is one.  0: a reload has
 * nothing to do.
 */
unsigned config_differences(const struct config *, const struct config *);

#endif
