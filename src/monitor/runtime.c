/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "monitor/control.h"
#include "monitor/monitor.h"

#define LOCK_FILE "lock"
#define SESSIONS "sessions"

static int complain(const char *path, const char *problem, int error)
{
	log_event(LOG_ERROR, "runtime.unusable", LOG_STR("path", path), LOG_STR("reason", problem),
		  LOG_ERR(error));
	return error;
}

/* A folder of root's that nobody else can change; others may pass through to what is theirs. */
static int open_folder(int parent, const char *name, int *ret_fd)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (mkdirat(parent, name, 0711) < 0 && errno != EEXIST)
		return complain(name, "cannot be made", -errno);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return complain(name, "cannot be opened", -errno);
	if (st.st_uid != geteuid())
		return complain(name, "belongs to another account; remove it", -EPERM);
	if (fchmod(fd, 0711) < 0)
		return complain(name, "cannot be protected", -errno);
	*ret_fd = FD_STEAL(fd);
	return 0;
}

static int take_lock(struct monitor *monitor)
{
	_cleanup_fd_ int fd = openat(monitor->runtime_fd, LOCK_FILE,
				     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	const char *path = conf_str(monitor->conf, CONF_RUNTIME_DIR);

	if (fd < 0)
		return complain(path, "cannot be locked", -errno);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return complain(path, "another lazaretd is running in it", -errno);
	monitor->lock_fd = FD_STEAL(fd);
	return 0;
}

int runtime_open(struct monitor *monitor)
{
	const char *state = conf_str(monitor->conf, CONF_STATE_DIR);
	int r = open_folder(AT_FDCWD, conf_str(monitor->conf, CONF_RUNTIME_DIR),
			    &monitor->runtime_fd);

	if (r == 0)
		r = take_lock(monitor);
	if (r == 0)
		r = open_folder(monitor->runtime_fd, SESSIONS, &monitor->sessions_fd);
	if (r == 0 && mkdir(state, 0711) < 0 && errno != EEXIST)
		r = complain(state, "cannot be made", -errno);
	return r;
}

int runtime_reopen(struct monitor *monitor, int lock)
{
	int r = open_folder(AT_FDCWD, conf_str(monitor->conf, CONF_RUNTIME_DIR),
			    &monitor->runtime_fd);

	monitor->lock_fd = lock;
	return r < 0 ? r : open_folder(monitor->runtime_fd, SESSIONS, &monitor->sessions_fd);
}

void runtime_remove(struct monitor *monitor)
{
	(void)unlinkat(monitor->runtime_fd, CONTROL_SOCKET, 0);
	(void)unlinkat(monitor->runtime_fd, SESSIONS, AT_REMOVEDIR);
	(void)unlinkat(monitor->runtime_fd, LOCK_FILE, 0);
	/* Under systemd it is RuntimeDirectory=, which systemd looks after. */
	if (!monitor->cgroup_delegated)
		(void)rmdir(conf_str(monitor->conf, CONF_RUNTIME_DIR));
}

void runtime_close(struct monitor *monitor)
{
	monitor->sessions_fd = fd_close(monitor->sessions_fd);
	monitor->lock_fd = fd_close(monitor->lock_fd);
	monitor->runtime_fd = fd_close(monitor->runtime_fd);
}

static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_fd_ int fd = -1;
	size_t len = path ? strlen(path) : 0;

	if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_event(LOG_WARN, "monitor.unnotified", LOG_ERR(-errno));
}

static void write_ready_file(const char *path)
{
	_cleanup_free_ char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	_cleanup_fd_ int dir = -1;
	char text[32];
	int n, r;

	if (!folder)
		return;
	if (slash)
		*slash = '\0';
	dir = open(!slash            ? "."
		   : slash == folder ? "/"
				     : folder,
		   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	r = dir < 0 ? -errno
		    : fd_write_file_atomic(dir, slash ? slash + 1 : path, 0644, text, (size_t)n);
	if (r < 0)
		log_event(LOG_ERROR, "monitor.ready-file", LOG_STR("file", path), LOG_ERR(r));
}

void runtime_say_ready(struct monitor *monitor)
{
	if (monitor->ready_file)
		write_ready_file(monitor->ready_file);
	notify("READY=1");
}

void runtime_say_stopping(struct monitor *monitor)
{
	if (monitor->ready_file)
		(void)unlink(monitor->ready_file);
	notify("STOPPING=1");
}
