/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Instead of a session: the view of a user's transfer folder that sshd shows him, served by
 * lazaret-lockd. It needs no cell; the home is mounted by whoever comes first.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/idmap.h"
#include "lock/checker.h"
#include "lock/mount.h"
#include "session/session.h"

#define MIB (UINT64_C(1) << 20)
#define GROUP_MAX 65536
#define STAT_MAX 4096
/* linux/sched.h is not exported. */
#define PF_EXITING 0x4
/* Until lazaret-checkd is asked again; ms. */
#define CHECKER_PAUSE 500

static const char *runtime(const struct session *session)
{
	return conf_str(session->conf, CONF_RUNTIME_DIR);
}

/* --- the end ---------------------------------------------------------------------------------------- */

static void close_home(struct session *session)
{
	const char *state = conf_str(session->conf, CONF_STATE_DIR);
	int r;

	if (!session->home_open)
		return;
	session->home_open = false;
	home_release(&session->home);
	r = home_close(state, session->cell_uid);
	if (r < 0)
		log_event(LOG_WARN, "lock.unclean", LOG_INT("uid", session->cell_uid), LOG_ERR(r));
}

static void handle_gone(void *data)
{
	struct session *session = data;

	if (session->lock.closing)
		log_event(LOG_INFO, "lock.ended", LOG_INT("uid", session->cell_uid));
	else
		log_event(LOG_ERROR, "lock.died", LOG_INT("uid", session->cell_uid),
			  LOG_INT("status", session->lock.process.status));
	process_finish(&session->lock.process, false);
	mount_drop_view(runtime(session), session->cell_uid);
	close_home(session);
	session->stop = true;
}

void lock_finish(struct session *session)
{
	if (session->lock.checker_timer)
		wl_event_source_remove(session->lock.checker_timer);
	if (session->phase != PHASE_LOCK)
		return;
	process_finish(&session->lock.process, true);
	mount_drop_view(runtime(session), session->cell_uid);
	close_home(session);
}

/* --- what lazaret-lockd may say ----------------------------------------------------------------------
 *
 * It serves one person and may be in the hands of his cell: what it says decides nothing for others.
 */

/* Safe: says that it serves; a lie only harms its own user. */
static int handle_ready(void *data, struct ipc_message *message)
{
	struct session *session = data;

	(void)message;
	session_tell(session, IPC_SESSION_LOCK_READY, NULL);
	log_event(LOG_INFO, "lock.ready", LOG_INT("uid", session->cell_uid));
	return 0;
}

/* The flags, in the ninth field; the second is a name in brackets with whatever in it. */
static bool is_exiting(uint32_t pid)
{
	_cleanup_free_ char *text = NULL;
	unsigned int flags = 0;
	char path[32], *at;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	/* One that is not there any more has not closed in order either. */
	if (fd_read_file(AT_FDCWD, path, STAT_MAX, &text, &len) < 0)
		return true;
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
		return false;
	return flags & PF_EXITING;
}

/* Safe: one bit about a process, which everybody on the host may know. */
static int handle_ask(void *data, struct ipc_message *message)
{
	struct session *session = data;
	uint32_t number = cursor_u32(&message->body);
	uint32_t pid = cursor_u32(&message->body);
	struct buf body;

	if (!cursor_done(&message->body))
		return -EPROTO;
	buf_init(&body, 8);
	buf_put_u32(&body, number);
	buf_put_u8(&body, is_exiting(pid));
	process_send(&session->lock.process, IPC_LOCKD_ANSWER, &body, NULL, 0);
	buf_finish(&body);
	return 0;
}

static int connect_checker(struct session *session);

static int handle_checker_timer(void *data)
{
	struct session *session = data;
	_cleanup_fd_ int fd = connect_checker(session);

	if (fd < 0)
		wl_event_source_timer_update(session->lock.checker_timer, CHECKER_PAUSE);
	else
		process_send(&session->lock.process, IPC_LOCKD_CHECKER, NULL, &fd, 1);
	return 0;
}

/* Safe: it gets a connection in its own user's name; not more often than the pause. */
static int handle_wants_checker(void *data, struct ipc_message *message)
{
	struct session *session = data;

	(void)message;
	wl_event_source_timer_update(session->lock.checker_timer, CHECKER_PAUSE);
	return 0;
}

static const struct ipc_rule rules[] = {
	{IPC_LOCKD_READY, IPC_ANY_STATE, 1, handle_ready},
	{IPC_LOCKD_ASK, IPC_ANY_STATE, 0, handle_ask},
	{IPC_LOCKD_WANTS_CHECKER, IPC_ANY_STATE, 0, handle_wants_checker},
};

static void handle_closed(void *data, int reason)
{
	struct session *session = data;

	process_closed(&session->lock.process, reason);
}

static const struct ipc_table table = {
	.self = IPC_ROLE_SESSION,
	.peer = IPC_ROLE_LOCKD,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

/* --- start ------------------------------------------------------------------------------------------ */

/* The names of the person's groups, for the policy. The strings live in one allocation. */
struct names {
	char **items;
	size_t n;
};

static void names_finish(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
}

static int name_groups(const struct account *account, struct names *ret_names)
{
	_cleanup_free_ char *buffer = malloc(GROUP_MAX);
	struct names names = {calloc(account->n_groups + 1, sizeof(char *)), 0};

	if (!buffer || !names.items) {
		free(names.items);
		return -ENOMEM;
	}
	for (size_t i = 0; i < account->n_groups; i++) {
		struct group entry, *found = NULL;
		char *name;

		/* A group without a name has no section in the configuration. */
		if (getgrgid_r(account->groups[i], &entry, buffer, GROUP_MAX, &found) != 0 ||
		    !found)
			continue;
		name = strdup(found->gr_name);
		if (!name) {
			names_finish(&names);
			return -ENOMEM;
		}
		names.items[names.n++] = name;
	}
	*ret_names = names;
	return 0;
}

static int connect_checker(struct session *session)
{
	const struct account *account = login_account(session->login);
	CLEANUP(names_finish) struct names names = {0};
	char path[PATH_MAX];
	int r = name_groups(account, &names);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/" CHECKER_SOCKET, runtime(session));
	return checker_connect(
		path, &(const struct checker_identity){.user = account->name,
						       .uid = account->uid,
						       .groups = (const char *const *)names.items,
						       .n_groups = names.n});
}

static int open_or_make(int parent, const char *name, mode_t mode)
{
	int fd;

	if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Below the state directory, on the host's own disk: of copies only, which have no names. */
static int open_copies(struct session *session)
{
	_cleanup_fd_ int state = open(conf_str(session->conf, CONF_STATE_DIR),
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int all = -1, copies = -1;
	uid_t uid = session->lock.uid;
	char name[16];

	snprintf(name, sizeof(name), "%u", (unsigned int)session->cell_uid);
	all = state < 0 ? -errno : open_or_make(state, "copies", 0711);
	copies = all < 0 ? all : open_or_make(all, name, 0700);
	if (copies < 0)
		return copies;
	if (fchown(copies, uid, (gid_t)uid) < 0)
		return -errno;
	return FD_STEAL(copies);
}

static void put_config(const struct session *session, struct buf *config)
{
	const struct conf *conf = session->conf;

	buf_put_u32(config, session->lock.uid);
	buf_put_u32(config, session->lock.uid);
	buf_put_u32(config, session->cell_uid);
	buf_put_u32(config, session->cell_gid);
	buf_put_u8(config, (uint8_t)conf_int(conf, CONF_LOG_LEVEL));
	buf_put_u8(config, conf_int(conf, CONF_SFTP_SYNC) != 0);
	buf_put_u64(config, (uint64_t)conf_int(conf, CONF_SFTP_STAGING) * MIB);
}

static int execute(struct session *session, const int fds[4])
{
	char path[PATH_MAX];
	struct buf config;
	int r;

	snprintf(path, sizeof(path), "%s/lazaret-lockd", conf_str(session->conf, CONF_LIBEXEC_DIR));
	buf_init(&config, 256);
	put_config(session, &config);
	r = process_start(&session->lock.process, session->loop,
			  &(const struct process_spec){.path = path,
						       .exec_fd = SESSION_FD_LOCKD,
						       .role = "lazaret-lockd",
						       .config = &config,
						       .fds = fds,
						       .n_fds = 4,
						       .table = &table,
						       .gone = handle_gone,
						       .data = session});
	buf_finish(&config);
	return r;
}

static int start(struct session *session, const char **ret_part)
{
	_cleanup_fd_ int folder = -1, copies = -1, checker = -1, view = -1;
	uid_t uid = session->lock.uid;
	int r = session_open_home(session);

	*ret_part = "home";
	if (r < 0)
		return r;
	*ret_part = "transfer folder";
	folder = idmap_tree(session->home.lock, session->cell_uid, session->cell_gid, uid,
			    (gid_t)uid);
	if (folder < 0)
		return folder;
	*ret_part = "copies";
	copies = open_copies(session);
	if (copies < 0)
		return copies;
	*ret_part = "checks";
	checker = connect_checker(session);
	if (checker < 0)
		return checker;
	*ret_part = "mount";
	view = mount_view(runtime(session), session->cell_uid);
	if (view < 0)
		return view;
	*ret_part = "lazaret-lockd";
	return execute(session, (const int[]){view, folder, copies, checker});
}

static void tell_address(struct session *session, const char *address)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, address);
	process_send(&session->lock.process, IPC_LOCKD_ADDRESS, &body, NULL, 0);
	buf_finish(&body);
}

void lock_start(struct session *session, uid_t uid)
{
	const char *part = "timer";
	int r = -ENOMEM;

	session->lock.process.child.pidfd = -1;
	session->lock.uid = uid;
	session->cell_uid = login_account(session->login)->uid;
	session->cell_gid = login_account(session->login)->gid;
	session->lock.checker_timer = wl_event_loop_add_timer(session->loop, handle_checker_timer,
							      session);
	if (session->lock.checker_timer)
		r = start(session, &part);
	if (r < 0) {
		log_event(LOG_ERROR, "lock.part-failed", LOG_INT("uid", session->cell_uid),
			  LOG_STR("part", part), LOG_ERR(r));
		session->stop = true;
		return;
	}
	tell_address(session, session->address);
}

/* --- what the monitor says ---------------------------------------------------------------------------- */

void lock_login(struct session *session, const char *address)
{
	tell_address(session, address);
}

/* The kernel knows best whether somebody is in it. */
void lock_close(struct session *session)
{
	session->lock.closing = true;
	if (mount_close_view(runtime(session), session->cell_uid) == 0)
		return;
	session->lock.closing = false;
	session_tell(session, IPC_SESSION_LOCK_BUSY, NULL);
}
