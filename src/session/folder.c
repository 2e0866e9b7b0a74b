/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "session/session.h"

/* Of both sockets: one monitor; a browser with its helpers. */
#define BACKLOG 16

static int listen_at(int dir, const char *name, int type, uid_t uid, gid_t gid)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, name);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dir, name, 0600, 0) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return FD_STEAL(fd);
}

/* Safe: the socket is root's alone, and the kernel says that it is root who connects. */
static int handle_waiting(int fd, uint32_t mask, void *data)
{
	struct session *session = data;
	_cleanup_fd_ int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int r;

	(void)mask;
	if (peer < 0)
		return 0;
	if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || cred.uid != 0)
		return 0;
	r = session_take_monitor(session, FD_STEAL(peer));
	if (r < 0)
		log_event(LOG_ERROR, "session.no-monitor", LOG_ERR(r));
	else
		log_event(LOG_INFO, "session.found", LOG_STR("session", session->record.id),
			  LOG_INT("monitor_pid", cred.pid));
	return 0;
}

static int wait_for_monitors(struct session *session)
{
	session->waiting_fd = listen_at(session->folder_fd, RECORD_SOCKET, SOCK_SEQPACKET, 0, 0);
	if (session->waiting_fd < 0)
		return session->waiting_fd;
	session->waiting_source = wl_event_loop_add_fd(session->loop, session->waiting_fd,
						       WL_EVENT_READABLE, handle_waiting, session);
	return session->waiting_source ? 0 : -ENOMEM;
}

int folder_update_record(struct session *session)
{
	return record_write(session->folder_fd, &session->record);
}

int folder_create(struct session *session, int *ret_wayland)
{
	const char *runtime = conf_str(session->conf, CONF_RUNTIME_DIR);
	const char *id = session->record.id;
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%s/sessions", runtime);
	session->sessions_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (session->sessions_fd < 0 || mkdirat(session->sessions_fd, id, 0711) < 0)
		return -errno;
	session->folder_fd = openat(session->sessions_fd, id,
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (session->folder_fd < 0 || fchmod(session->folder_fd, 0711) < 0)
		return -errno;
	/* Others may pass, to reach the one socket that is theirs. */
	r = wait_for_monitors(session);
	if (r == 0)
		r = folder_update_record(session);
	if (r < 0)
		return r;
	r = listen_at(session->folder_fd, RECORD_WAYLAND, SOCK_STREAM, session->cell_uid,
		      session->cell_gid);
	if (r < 0)
		return r;
	snprintf(session->wayland, sizeof(session->wayland), "%s/%s/" RECORD_WAYLAND, path, id);
	*ret_wayland = r;
	return 0;
}

void folder_remove(struct session *session)
{
	if (session->waiting_source)
		wl_event_source_remove(session->waiting_source);
	session->waiting_source = NULL;
	session->waiting_fd = fd_close(session->waiting_fd);
	if (session->folder_fd < 0)
		return;
	(void)unlinkat(session->folder_fd, RECORD_WAYLAND, 0);
	(void)unlinkat(session->folder_fd, RECORD_SOCKET, 0);
	(void)unlinkat(session->folder_fd, RECORD_FILE, 0);
	session->folder_fd = fd_close(session->folder_fd);
	if (unlinkat(session->sessions_fd, session->record.id, AT_REMOVEDIR) < 0)
		log_event(LOG_WARN, "session.folder-stays", LOG_STR("session", session->record.id),
			  LOG_ERR(-errno));
}
