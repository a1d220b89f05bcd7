/*
 * Going on with another configuration (HUP) or another program (USR2).
 *
 * Both are the same to a client: new workers are started beside the old ones,
 * on the same sockets and the same arena, and only when all of them serve are
 * the old ones told to leave.  If the new ones do not come to serve, they are
 * ended, and nothing has happened.
 *
 * An upgrade hands over what there is only one of, claim and pid file, after
 * the new program has said that it serves; see upgrade.h.  Until that one has
 * them, the old master can take them back.  Then it is RETIRED: it waits for
 * its workers, and ends at once if the new one does.
 */

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/agreed.h"
#include "server/clock.h"
#include "server/daemon.h"
#include "server/instance.h"
#include "server/log.h"
#include "server/master_state.h"
#include "server/notify.h"
#include "server/pidfile.h"
#include "server/reload.h"
#include "server/roster.h"
#include "server/route_publish.h"

static bool
is_changing(const struct master *m)
{
	return m->state != MASTER_SERVING || m->reloading ||
	    m->upgrade.pid != 0;
}

/* Reload. */

static void
end_reload(struct master *m)
{
	m->reloading = false;
	notify_ready();
}

static void
take_config(struct master *m, const struct config *next)
{
	*m->config = *next;
	log_open(m->config, m->options->debug > 0, m->options->debug);
}

void
master_reload(struct master *m)
{
	struct config next;

	if (is_changing(m)) {
		/* The file may have changed after it was read. */
		m->reload_again = m->reloading;
		if (!m->reloading)
			log_warn("not reloading: %s",
			    m->upgrade.pid != 0 ?
			    "an upgrade is under way" : "not serving");
		return;
	}
	notify_reloading();
	m->reloading = true;
	if (!reload_read(m->args, m->config,
	    arena_shards(m->common.arena), &next)) {
		log_err("reload failed, the old configuration stays");
		end_reload(m);
		return;
	}
	m->former = *m->config;
	take_config(m, &next);
	master_raise_files(m->config);
	if (children_begin(m->children, master_choose_workers(m->config)))
		return;
	log_err("reload failed, the old configuration stays: no room for new "
	    "workers beside those that still drain; try again later");
	config_free(m->config);
	take_config(m, &m->former);
	end_reload(m);
}

static void
go_on_reloading(struct master *m)
{
	switch (children_coming(m->children)) {
	case CHILDREN_NONE:
	case CHILDREN_COMING:
		return;
	case CHILDREN_SERVE:
		route_publish(m->common.arena, m->config);
		agreed_forget_settings(m->common.agreed);
		children_succeed(m->children);
		config_free(&m->former);
		m->workers = master_choose_workers(m->config);
		log_info("configuration reloaded, %zu new worker%s",
		    m->workers, m->workers == 1 ? "" : "s");
		notify_status("serving with %zu workers", m->workers);
		break;
	case CHILDREN_FAILED:
		children_abandon(m->children);
		config_free(m->config);
		take_config(m, &m->former);
		log_err("reload failed, the old configuration and its workers "
		    "stay");
		break;
	}
	end_reload(m);
	if (m->reload_again) {
		m->reload_again = false;
		master_reload(m);
	}
}

/* Upgrade, the old program. */

static void
pack(const struct master *m, struct upgrade_goods *goods)
{
	unsigned slot;

	*goods = (struct upgrade_goods){
		.arena_fd = arena_fd(m->common.arena),
		.pidfile_fd = pidfile_fd(),
		.roster_fd = roster_fd(m->common.roster),
		.listen_fds = m->listeners.fds,
		.listens = m->listeners.n,
		.peers = m->listeners.peers,
		.own_paths = !m->listeners.given,
	};
	for (slot = 0; slot < BOARD_SLOTS; slot++)
		goods->slots[slot] = children_have_slot(m->children, slot);
}

/* 0, or -1 with errno. */
static int
start_successor(struct master *m)
{
	struct upgrade_goods goods;
	int started = -1;

	pack(m, &goods);
	if ((goods.config_fd = reload_hand_on(m->config)) != -1) {
		started = upgrade_start(&m->upgrade, &goods,
		    !m->options->foreground, &m->common.signals);
		close(goods.config_fd);
	}
	return started;
}

void
master_upgrade(struct master *m)
{
	if (is_changing(m)) {
		log_warn("not upgrading: %s", m->upgrade.pid != 0 ||
		    m->state == MASTER_SERVING ?
		    "a reload or another upgrade is under way" :
		    "not serving");
		return;
	}
	/* A third program would know nothing of its children. */
	if (m->talk_fd != -1) {
		m->upgrade_later = true;
		return;
	}
	arena_show_change(m->common.arena, true);
	if (start_successor(m) == -1) {
		log_err("upgrade failed: %s", strerror(errno));
		m->upgrade.pid = 0;
		arena_show_change(m->common.arena, false);
		return;
	}
	m->talk_fd = m->upgrade.fd;
	m->patience_end_ms = clock_ms() + m->config->start_ms;
	log_info("upgrading: started the new program with pid %d",
	    (int)m->upgrade.pid);
}

static void
end_upgrade(struct master *m)
{
	upgrade_close(&m->upgrade);
	m->talk_fd = -1;
	arena_show_change(m->common.arena, false);
}

/* Its children end with it.  Not if it was reaped: another may have its pid. */
static void
end_successor(const struct master *m)
{
	if (waitpid(m->upgrade.pid, NULL, WNOHANG) == 0)
		kill(m->upgrade.pid, SIGKILL);
}

/*
 * From here to its answer nobody has the claim; that the change is shown
 * keeps others off.
 */
static void
hand_over(struct master *m)
{
	log_info("the new program, pid %d, serves; leaving to it",
	    (int)m->upgrade.pid);
	m->state = MASTER_HANDING;
	m->in_charge = false;
	m->patience_end_ms = clock_ms() + m->config->start_ms;
	arena_unclaim(m->common.arena);
	upgrade_say(m->talk_fd);
}

/* Claim, pid file and place on the board: there is one of each. */
static void
take_charge(struct master *m)
{
	instance_claim_next(m->config, m->common.arena);
	route_publish(m->common.arena, m->config);
	pidfile_rewrite();
	board_enter(m->common.arena, BOARD_MASTER_SLOT, BOARD_MASTER,
	    m->began_ms, 0);
	m->in_charge = true;
}

/* Whatever the new program does, it ends now. */
static void
take_back(struct master *m)
{
	end_successor(m);
	if (m->state == MASTER_HANDING) {
		take_charge(m);
		m->state = MASTER_SERVING;
		board_set_state(m->common.arena, BOARD_MASTER_SLOT,
		    BOARD_SERVING);
	}
	end_upgrade(m);
}

static void
upgrade_failed(struct master *m, const char *why)
{
	upgrade_log_words(&m->upgrade);
	log_err("upgrade failed: the new program, pid %d, %s; the old one "
	    "goes on", (int)m->upgrade.pid, why);
	take_back(m);
}

static void
retire(struct master *m)
{
	/* It may have died since. */
	if (upgrade_heard(m->talk_fd) == UPGRADE_GONE) {
		upgrade_failed(m, "ended before it took over");
		return;
	}
	m->state = MASTER_RETIRED;
	master_title(m, "retired");
	listen_leave_paths(&m->listeners);
	pidfile_forget();
	notify_successor(m->upgrade.pid);
	upgrade_say(m->talk_fd);
	children_leave(m->children, CHILDREN_RETIRE);
	arena_show_change(m->common.arena, false);
}

static void
go_on_upgrading(struct master *m)
{
	switch (upgrade_heard(m->talk_fd)) {
	case UPGRADE_NOTHING:
		if (clock_ms() > m->patience_end_ms)
			upgrade_failed(m, m->state == MASTER_HANDING ?
			    "does not take over" : "does not come to serve");
		break;
	case UPGRADE_GO:
		if (m->state == MASTER_HANDING)
			retire(m);
		else
			hand_over(m);
		break;
	case UPGRADE_GONE:
		upgrade_failed(m, m->state == MASTER_HANDING ?
		    "ended before it took over" : "ended before it served");
		break;
	}
}

/* Upgrade, the new program. */

static void
take_over(struct master *m)
{
	take_charge(m);
	upgrade_say(m->talk_fd);
	master_serve(m);
}

static void
forget_predecessor(struct master *m)
{
	close(m->talk_fd);
	m->talk_fd = -1;
	children_free_slots(m->children);
	if (m->state == MASTER_SERVING)
		log_info("the old program has ended");
	if (m->upgrade_later) {
		m->upgrade_later = false;
		master_upgrade(m);
	}
}

void
master_is_ready(struct master *m)
{
	if (!m->options->foreground)
		daemon_silence();
	m->state = MASTER_READY;
	log_info("ready to take over");
	upgrade_say(m->talk_fd);
}

/* If it dies before we serve, we are the ones to be found all the same. */
static void
listen_to_predecessor(struct master *m)
{
	enum upgrade_word word = upgrade_heard(m->talk_fd);

	if (word == UPGRADE_NOTHING)
		return;
	if (m->state == MASTER_READY)
		take_over(m);
	else if (m->state == MASTER_STARTING)
		take_charge(m);
	else if (word == UPGRADE_GO && m->state == MASTER_SERVING)
		master_tell_manager(m);
	if (word == UPGRADE_GONE)
		forget_predecessor(m);
}

/*
 * Its children end with it, and ours have been told to.  Somebody who watches
 * us, as a service manager does, is to start anew.
 */
static void
outlive_successor(struct master *m)
{
	log_err("the new program, pid %d, has died; stopping",
	    (int)m->upgrade.pid);
	m->status = EX_SOFTWARE;
	notify_successor(getpid());
	end_upgrade(m);
	children_leave(m->children, CHILDREN_STOP);
}

/* Both. */

void
master_go_on_changing(struct master *m)
{
	if (m->reloading)
		go_on_reloading(m);
	if (m->talk_fd == -1)
		return;
	if (m->upgrade.pid == 0)
		listen_to_predecessor(m);
	else if (m->state != MASTER_RETIRED)
		go_on_upgrading(m);
	else if (upgrade_heard(m->talk_fd) == UPGRADE_GONE)
		outlive_successor(m);
}

void
master_forget_change(struct master *m)
{
	if (m->reloading)
		config_free(&m->former);
	m->reloading = false;
	if (m->upgrade.pid != 0)
		take_back(m);
}
