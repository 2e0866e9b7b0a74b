/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cell: one browser, its helpers and its files, shut off from everything else (DESIGN, section 2).
 *
 * cell_start() runs in lazaret-session as root. It hands a serialised spec to lazaret-cell, a
 * program of its own, which joins the control group and the network namespace, becomes the user
 * for good and executes bubblewrap with the mandatory system-call filter; in there lazaret-browser
 * prepares the profile and runs the browser. Nothing is read from a file that a cell can write.
 *
 * Seen from inside:
 *	/usr, pieces of /etc		read-only
 *	/home/<user>			spec.home, writable
 *	/home/<user>/transfer		spec.transfer, writable; downloads land here
 *	/tmp, /dev/shm, /run		empty, of its own, bounded in size
 *	/run/user/<uid>/wayland-0	spec.wayland
 *	/run/lazaret			launcher and start page, read-only
 * and nothing of the host besides: no /sys, no /var, no /root, no other home, no system bus, no
 * terminals.
 */
#ifndef LAZARET_CELL_CELL_H
#define LAZARET_CELL_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#define CELL_USER_MAX 32 /* bytes of a user's name */
#define CELL_URL_MAX 2048 /* bytes of a start page's address */
#define CELL_SPEC_MAX 65536 /* bytes of a serialised spec */
#define CELL_HOST_NAME "lazaret"
#define CELL_START_URL "file:///run/lazaret/start/index.html"

enum cell_browser {
	CELL_CHROMIUM,
	CELL_FIREFOX,
};

struct cell_limits {
	uint32_t nofile; /* RLIMIT_NOFILE; 0: 8192 */
	uint32_t
		nproc; /* RLIMIT_NPROC of the uid; 0: 2048. The group's pids_max is the real bound */
	uint64_t shm_size; /* bytes of /dev/shm; 0: 1 GiB. Counts as memory of the cell */
	uint64_t tmp_size; /* bytes of /tmp; 0: 512 MiB. Likewise */
};

/* Strings are borrowed for the call. Paths are absolute, without "..", as the host sees them. */
struct cell_spec {
	uid_t uid;
	gid_t gid;
	const char
		*user; /* name inside; 1 to CELL_USER_MAX of [a-z0-9_.-], not starting with '-' */
	const char
		*home; /* folder of the uid; NULL: a tmpfs of home_size (profile wiped, parked) */
	uint64_t home_size; /* bytes of that tmpfs; 0: 512 MiB; ignored with a home */
	const char *transfer; /* folder of the uid; NULL: none yet */
	const char *wayland; /* socket of the session's display; the uid must be able to connect */
	int netns; /* network namespace made by netd; -1: an empty one, without any way out */
	const char *resolv_conf; /* whole text; NULL: none */
	const char *proxy; /* "http://host:port", never with credentials; NULL: direct */
	bool webrtc_udp; /* the path "webrtc" is on */
	enum cell_browser browser;
	const char
		*start_url; /* http, https, about:blank or CELL_START_URL; NULL: CELL_START_URL */
	bool wipe_profile; /* remove the profile before the start */
	bool parked; /* nobody's yet: cell_assign() makes it somebody's */
	const char *lang; /* "de_DE.UTF-8"; NULL: C.UTF-8 */
	const char *tz; /* "Europe/Berlin"; NULL: UTC */
	const char *join; /* cgroup_join_text() of the cell's group; NULL: stays in the caller's */
	struct cell_limits limits;
	const char *const *command; /* instead of lazaret-browser: path inside and arguments, NULL
				     * at the end. For tests and the check of the sandbox */
	const char *libexec; /* folder of lazaret-cell and lazaret-browser; NULL: as installed */
	int program_fd; /* lazaret-cell, executed instead of what lies in libexec; 0: that */
	int launcher_fd; /* likewise lazaret-browser */
	const char *data; /* folder with start/, chromium.json, firefox.json; NULL: as installed */
	int stderr_fd; /* standard error of everything inside; -1: the caller's own. Standard input
			* and output are /dev/null */
};

struct cell {
	pid_t pid; /* outer bubblewrap, child of the caller, who reaps it by pidfd */
	int pidfd;
	int control; /* SOCK_SEQPACKET to lazaret-browser; see cell_read_event(). -1 with a command */
};

/*
 * Starts it and returns when the processes are on their way, which says nothing about success: a
 * cell that cannot be set up writes why to stderr_fd and exits with CELL_EXIT_SETUP. The caller
 * owns both descriptors and must reap the pid.
 * -EINVAL: the spec breaks a rule above. Others from pipes, memory and exec.
 */
NODISCARD int cell_start(const struct cell_spec *spec, struct cell *ret_cell);
#define CELL_EXIT_SETUP 125 /* lazaret-cell or lazaret-browser could not set things up */

/* Asks the browser to end in good order (SIGTERM through the launcher). Afterwards, or if that
 * takes too long, end the control group: some helpers linger. */
NODISCARD int cell_stop(struct cell *cell);
/* Closes the descriptors; the processes are not touched. */
void cell_close(struct cell *cell);

/* What lazaret-browser says on `control`. Everything inside the cell may forge these: they are
 * hints for timing and wording, never for a decision. */
enum cell_event {
	CELL_EVENT_NONE, /* not understood; ignore */
	CELL_EVENT_STARTED, /* the browser was executed */
	CELL_EVENT_OPENED, /* the address given by cell_assign() was handed to the browser */
};
/* One event; -EAGAIN if there is none (control is non-blocking), -EPIPE at the end. */
NODISCARD int cell_read_event(struct cell *cell, enum cell_event *ret_event);

/* Opens a page in the running browser (rules as for start_url). Only sends; see events. */
NODISCARD int cell_open_url(struct cell *cell, const char *url);

/*
 * Gives a parked cell to a user: mounts `transfer` (a folder that belongs to uid `owner` and
 * gid `owner_group`) into it as ~/transfer so that inside it belongs to the cell's own uid, by an
 * idmapped mount, and opens `url`, if it is not NULL. The profile stays the cell's own, in memory, and ends with it.
 * -ENOTSUP: the file system of `transfer` cannot be mapped.
 */
NODISCARD int cell_assign(struct cell *cell, const char *transfer, uid_t owner, gid_t owner_group,
			  uid_t cell_uid, gid_t cell_gid, const char *url);

/*
 * Proof that the browser's own sandbox is on, from outside: looks through the processes of the
 * cell (by its control group's members or as descendants of cell->pid) for a renderer that is in
 * another user and another network namespace than the launcher and carries more system-call
 * filters. -EAGAIN: there is no renderer yet. -EPERM: there is one and it is not confined.
 */
NODISCARD int cell_sandbox_check(const struct cell *cell);

#endif
