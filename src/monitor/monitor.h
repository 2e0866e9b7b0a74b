/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The monitor: listens, decides, starts and ends the other processes. It runs as root and parses no
 * byte that came over the network.
 *
 *	frontdoor.c	listening sockets; who may connect at all
 *	client.c	one gateway: a connection from accept to its end
 *	session.c	one lazaret-session: a login attempt, a session or a parked cell
 *	login.c		what joins the two: who gets which session
 *	remains.c	what a dead session leaves behind
 *	adopt.c		the sessions of an earlier monitor
 *	age.c		sessions of an earlier version
 *	upgrade.c	becomes another version of itself: handover.c, upgrade_take.c, retired.c
 *	keyd.c netd.c	the siblings, restarted when they die (sibling.c)
 *	sshd.c		the OpenSSH server for administration
 *	checkd.c	what decides about the files of the lock
 *	sftp.c lock.c	logins over SFTP, and the views of users that are served to them
 *	control.c	lazaretctl's socket; commands.c what it can ask for, tool.c what a lazaretctl of our own
 *			does for him
 *	caller.c	who asks, and the record of it; origin.c where he comes from, who.c his name
 */
#ifndef LAZARET_MONITOR_MONITOR_H
#define LAZARET_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "conf/role.h"
#include "monitor/handover.h"
#include "monitor/programs.h"
#include "monitor/registry.h"

enum monitor_phase {
	MONITOR_STARTING, /* not everything is up: nobody is let in */
	MONITOR_SERVING,
	MONITOR_ENDING, /* sessions are being ended; then we exit */
};

struct age;
struct buf;
struct checkd_sibling;
struct cgroup_base;
struct control;
struct frontdoor;
struct keyd;
struct maintenance;
struct netd;
struct sftp;
struct sshd;
struct throttle;
struct upgrade;
struct who;

/* What came of a reload: 0, or a negative errno with a sentence. */
struct monitor;
typedef void (*monitor_reloaded)(struct monitor *monitor, int error, const char *reason);

struct monitor_account {
	uid_t uid;
	gid_t gid;
};

struct monitor {
	struct wl_event_loop *loop;
	struct conf *conf;
	const char *const *files; /* of the configuration, as named on the command line */
	size_t n_files;
	const char *ready_file; /* or NULL */
	char self[4096]; /* where our own program lies */
	int daemon_fd; /* and what we are of it */
	enum monitor_phase phase;
	bool stop; /* leave the loop */
	int exit_status;
	bool again; /* after the end of all sessions it begins anew, in the same process */
	uint64_t started; /* wall us */

	int runtime_fd, sessions_fd, lock_fd;
	struct monitor_account gateway_account, keyd_account;
	gid_t role_gids[ROLE_COUNT]; /* (gid_t)-1: nobody has the role */

	char cgroup_name[64];
	bool cgroup_delegated;
	struct cgroup_base *cgroups;

	struct programs programs;
	struct registry registry;
	struct throttle *throttle;
	struct wl_list clients; /* client.link */
	struct wl_list sessions; /* session.link, all phases */
	struct wl_list remains; /* remains.link */
	struct wl_list lent; /* lent_cell.link */
	struct wl_list tools; /* tool.link */
	struct wl_list retired; /* retired.link */
	unsigned int n_parked; /* parked or on the way there */
	struct wl_event_source *park_timer;
	unsigned int park_failures; /* in a row */
	bool sandbox_proven; /* a browser ran in a cell with its own sandbox on */

	struct conf *next_conf; /* read, and not in force before netd has taken it; or NULL */
	monitor_reloaded reload_done; /* or NULL */
	struct { /* who waits for it at the control socket; data NULL: nobody */
		void (*answer)(void *data, const struct buf *body);
		void *data;
	} reload_caller;

	struct age *age;
	struct upgrade *upgrade; /* that is being done, or NULL */
	struct { /* whose place we have taken, until it is proven that we can fill it */
		char version[64];
		int daemon; /* -1: nobody's */
		uint32_t n; /* its programs, of which there may be more or fewer than of ours */
		int fds[HANDOVER_PROGRAMS_MAX];
		struct wl_event_source *timer;
		unsigned int deaths; /* of siblings, meanwhile */
	} before;

	struct keyd *keyd;
	struct maintenance *maintenance; /* NULL: not there yet */
	struct netd *netd;
	struct frontdoor *frontdoor;
	struct control *control;
	struct who *who;
	struct sshd *sshd, *sftp_sshd; /* for administration; for SFTP */
	struct sftp *sftp;
	struct checkd_sibling *checkd;
	struct wl_event_source *signals[4];
	struct wl_event_source *end_timer;
};

/* Something came up: begins to serve when it was the last thing missing. */
void monitor_check_ready(struct monitor *monitor);
/* Says why, and leaves with status 1: for what makes serving impossible at the start. */
void monitor_give_up(struct monitor *monitor, const char *event, const char *reason);

/*
 * Reads the configuration again and has it take effect, or leaves the old one in force. `done`, which
 * may be NULL, is called once, perhaps before this returns.
 */
void monitor_reload(struct monitor *monitor, monitor_reloaded done);
/* lazaret-netd has, or has not, taken the configuration. */
void monitor_reload_end(struct monitor *monitor, bool ok, const char *reason);
/* Ends all sessions, the siblings and, when they are gone, us. */
void monitor_shutdown(struct monitor *monitor);
/* During shutdown: a session is gone. */
void monitor_check_ended(struct monitor *monitor);

/* Where a program of ours lies, as it is named to it; valid until the next call. */
const char *monitor_program(const struct monitor *monitor, const char *name);

#endif
