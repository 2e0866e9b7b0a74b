/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-session: one login attempt, then that session. Root, because it starts what drops
 * privileges and cleans up after it; what it hears from display and cell decides nothing.
 *
 *	main.c		start, the monitor's messages
 *	lifecycle.c	start, limits and end of a session
 *	login.c account.c	who it is
 *	folder.c	the folder below the runtime directory; waits for a new monitor
 *	display.c	the display process
 *	browser.c	the cell
 *	lock.c		instead of a session: the view of the transfer folder for SFTP
 *	notice.c	texts for the display, drawn by lazaret-text
 */
#ifndef LAZARET_SESSION_SESSION_H
#define LAZARET_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <wayland-server-core.h>

#include "cell/cell.h"
#include "cell/home.h"
#include "conf/conf.h"
#include "ipc/process.h"
#include "session/limits.h"
#include "session/login.h"
#include "session/record.h"

/* What the monitor may say in each phase stands in main.c. */
enum phase {
	PHASE_LOGIN = 1 << 0, /* a password is awaited, or an id to park under */
	PHASE_IDENTIFIED = 1 << 1, /* told who it is; awaits what to do */
	PHASE_RUNNING = 1 << 2, /* a session, or a parked cell */
	PHASE_ENDING = 1 << 3,
	PHASE_LOCK = 1 << 4, /* no session: the file lock of a user */
};

struct cgroup;
struct cgroup_base;
struct logpipe;

/* What it starts, held since its own start: they are of its version, whatever is installed since. */
#define SESSION_FD_DISPLAY (SPAWN_FD_FIRST + 0)
#define SESSION_FD_TEXT (SPAWN_FD_FIRST + 1)
#define SESSION_FD_CELL (SPAWN_FD_FIRST + 2)
#define SESSION_FD_BROWSER (SPAWN_FD_FIRST + 3)
#define SESSION_FD_LOCKD (SPAWN_FD_FIRST + 4)
#define SESSION_FDS 4

/* A browser in its cell. */
struct browser {
	struct cell cell;
	bool running;
	struct wl_event_source *exit_source, *control_source, *sandbox_timer;
	struct logpipe *log;
	uint64_t since; /* monotonic us */
	uint64_t open_since; /* since when a renderer was seen unconfined; 0: none was */
	bool proven; /* its sandbox is on */
	bool restarted; /* once already, after a crash */
};

struct text_job;

struct session {
	struct wl_event_loop *loop;
	struct conf *conf;
	bool stop; /* leave the loop */
	enum phase phase;
	struct ipc_channel *monitor; /* NULL while there is none */
	uint64_t born; /* monotonic us: when START, PARK came */

	char *cgroup_name;
	bool cgroup_delegated;
	struct cgroup_base *cgroups;
	struct cgroup *group, *cell_group, *display_group;

	/* whose */
	struct login *login; /* NULL for a parked cell */
	char address[ADDRESS_MAX + 1]; /* from where the login came */
	enum conf_clipboard clipboard;
	uint32_t paths; /* of the network that its groups open */
	bool parked; /* nobody's yet */
	bool inherited; /* was parked: the cell runs under a uid of its own */
	uid_t cell_uid;
	gid_t cell_gid;
	uid_t display_uid;
	uint32_t n_attaches; /* DISPLAY_ATTACH that were sent */

	/* where */
	struct session_record record;
	int sessions_fd, folder_fd;
	int waiting_fd; /* listens on monitor.sock */
	struct wl_event_source *waiting_source;
	char wayland[256];
	bool home_open;
	struct home home;

	/* how */
	struct process display;
	bool display_ready;
	struct browser browser;
	bool net_asked, net_there;
	int netns;
	char *resolv_conf;
	enum session_state state;
	bool told_ready;
	uint64_t started, since; /* wall us */
	char viewer[ADDRESS_MAX + 1];
	struct wl_event_source *idle_timer, *limit_timer;
	bool warned; /* of the session limit */
	struct wl_list texts; /* text_job.link */

	struct wl_event_source *notice_timer; /* removes the strip above the window */

	struct {
		struct process process; /* lazaret-lockd */
		uid_t uid; /* it runs under */
		bool closing; /* its end is wanted */
		struct wl_event_source *checker_timer;
	} lock;

	/* the end */
	char *end_reason;
	struct wl_event_source *end_timer;
	int end_tries;
};

/* --- main.c: to the monitor; nothing happens while there is none ------------------------------- */
void session_tell(struct session *session, enum ipc_type type, const struct buf *body);
void session_tell_str(struct session *session, enum ipc_type type, const char *text);
void session_tell_state(struct session *session);
/* Takes the descriptor. */
NODISCARD int session_take_monitor(struct session *session, int fd);

/* --- lifecycle.c --------------------------------------------------------------------------------- */
void session_start(struct session *session);
void session_assign(struct session *session, uid_t uid, const char *account);
/* Goes on when display, network and home are there. */
void session_check_parts(struct session *session);
/* Starts the end, in order; the person sees `reason`. More calls change nothing. */
void session_end(struct session *session, const char *reason);
/* While ending: something of it is gone. */
void session_check_end(struct session *session);
void session_set_state(struct session *session, enum session_state state);
void session_attached(struct session *session, const char *address);
void session_detached(struct session *session, const char *reason);
/* A line for who wants to know where the time goes. */
void session_milestone(const struct session *session, const char *step);

/* Of login's account; a folder of somebody else's of that uid is moved aside. */
NODISCARD int session_open_home(struct session *session);

/* --- lock.c -------------------------------------------------------------------------------------- */
/* lazaret-lockd is to run under `uid`. If it fails, the process ends. */
void lock_start(struct session *session, uid_t uid);
void lock_login(struct session *session, const char *address);
void lock_close(struct session *session);
void lock_finish(struct session *session);

/* --- folder.c ------------------------------------------------------------------------------------ */
/* Makes the folder with the record and the socket for a new monitor, and the Wayland socket. */
NODISCARD int folder_create(struct session *session, int *ret_wayland);
NODISCARD int folder_update_record(struct session *session);
void folder_remove(struct session *session);

/* --- display.c ----------------------------------------------------------------------------------- */
/* `wayland` listens; it stays the caller's. */
NODISCARD int display_start(struct session *session, int wayland);
void display_attach(struct session *session, const char *address, int stream);
void display_detach(struct session *session, const char *reason);
void display_stop(struct session *session);

/* --- browser.c ----------------------------------------------------------------------------------- */
NODISCARD int browser_start(struct session *session);
void browser_stop(struct session *session);
void browser_forget(struct session *session);

/* --- notice.c ------------------------------------------------------------------------------------ */
/* Has a text drawn and shown. Empty text with STRIP: removes the strip. */
void notice_show(struct session *session, const char *text, uint32_t width, uint8_t where);
/* A strip that goes after so many seconds, unless another one takes its place; 0: it stays. */
void notice_show_for(struct session *session, const char *text, uint32_t seconds);
void notice_finish(struct session *session);

#endif
