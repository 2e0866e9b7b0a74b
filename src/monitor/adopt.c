/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/adopt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "ipc/message.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "monitor/remains.h"
#include "monitor/session.h"
#include "session/record.h"

/* The process of the record, if it is still that one. Returns a pidfd. */
static int hold_process(const struct session_record *record)
{
	_cleanup_fd_ int pidfd = fd_pidfd_open(record->pid);
	uint64_t start;
	int r;

	if (pidfd < 0)
		return pidfd;
	/* Held by the descriptor now, so what /proc says of the number is said of this process. */
	r = record_process_start(record->pid, &start);
	if (r < 0)
		return r;
	return start == record->start ? FD_STEAL(pidfd) : -ESRCH;
}

static int connect_session(int dir, const struct session_record *record)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" RECORD_SOCKET,
		 dir);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	/* Of whom has called listen(2): root, and the process of the record. */
	if (peer.uid != 0 || peer.pid != record->pid)
		return -EPERM;
	return FD_STEAL(fd);
}

struct greeting {
	uint8_t state; /* enum session_state */
	uint32_t paths;
	bool proven;
	int netns; /* of its cell; -1: there is none yet */
};

/* What a session says first: SESSION_STATE. Only whether it does, and the above, are used here. */
static int greet(int channel, const struct session_record *record, uint64_t deadline,
		 struct greeting *ret_greeting)
{
	_cleanup_free_ uint8_t *storage = malloc(IPC_BODY_MAX + 4);
	uint64_t now = clock_now();
	struct ipc_message message;
	int r;

	if (!storage)
		return -ENOMEM;
	r = ipc_recv_wait(channel, now < deadline ? (int)((deadline - now) / USEC_PER_MSEC) : 0,
			  storage, &message);
	if (r < 0)
		return r;
	if (message.type == IPC_SESSION_STATE) {
		_cleanup_free_ char *id = cursor_str(&message.body, RECORD_ID_MAX);
		uint32_t slot = cursor_u32(&message.body);
		uint32_t uid = cursor_u32(&message.body);
		_cleanup_free_ char *name = cursor_str(&message.body, RECORD_NAME_MAX);
		uint8_t state = cursor_u8(&message.body);

		/* Two times, the viewer's address, the clipboard policy: it says them again. */
		cursor_skip(&message.body, 16);
		free(cursor_str(&message.body, ADDRESS_TEXT_MAX - 1));
		(void)cursor_u8(&message.body);
		ret_greeting->state = state;
		ret_greeting->paths = cursor_u32(&message.body);
		ret_greeting->proven = cursor_u8(&message.body) == 1;
		r = !cursor_failed(&message.body) && str_eq(id, record->id) &&
				    slot == record->slot && uid == record->uid
			    ? 0
			    : -EPROTO;
		if (r == 0)
			ret_greeting->netns = ipc_message_take_fd(&message, 0);
	} else {
		r = -EPROTO;
	}
	ipc_message_finish(&message);
	return r;
}

static int adopt_one(struct monitor *monitor, int dir, const struct session_record *record,
		     uint64_t deadline)
{
	_cleanup_fd_ int pidfd = hold_process(record);
	_cleanup_fd_ int channel = -1;
	struct greeting greeting = {.netns = -1};
	struct session *session;
	int r;

	if (pidfd < 0)
		return pidfd;
	channel = connect_session(dir, record);
	r = channel < 0 ? channel : greet(channel, record, deadline, &greeting);
	if (r == 0)
		r = session_adopt(monitor, record, FD_STEAL(pidfd), FD_STEAL(channel), &session);
	if (r < 0) {
		/* It cannot be ruled any more: its user must be able to begin anew. */
		if (pidfd >= 0)
			(void)fd_pidfd_signal(pidfd, SIGKILL);
		fd_close(greeting.netns);
		return r;
	}
	session->paths = greeting.paths;
	session->netns = greeting.netns;
	session->state = greeting.state;
	session->ready = greeting.state != SESSION_STATE_STARTING;
	session->ending = greeting.state == SESSION_STATE_ENDING;
	/* Cells work here, and somebody may be waiting to get back to his: no trial cell first. */
	if (greeting.proven)
		monitor->sandbox_proven = true;
	return 0;
}

static void look_at(struct monitor *monitor, const char *name, uint64_t deadline)
{
	struct session_record record = {0};
	_cleanup_fd_ int dir = openat(monitor->sessions_fd, name,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (dir < 0)
		return;
	r = record_read(dir, &record);
	if (r == 0 && !str_eq(record.id, name))
		r = -EINVAL;
	if (r == 0)
		r = adopt_one(monitor, dir, &record, deadline);
	if (r == 0) {
		log_event(LOG_INFO, "session.adopted", LOG_STR("session", record.id),
			  LOG_STR("user", record.name), LOG_INT("pid", record.pid));
		return;
	}
	log_event(LOG_WARN, "session.unadopted", LOG_STR("session", name),
		  LOG_STR("user", record.name), LOG_ERR(r));
	remains_clear(monitor, name,
		      record.pid != 0 && registry_claim_slot(&monitor->registry, record.slot) == 0,
		      record.slot, record.uid);
}

/* A group without a folder: the folder is made first and removed last, so nobody owns it. */
static int clear_group(const char *name, void *data)
{
	struct monitor *monitor = data;
	struct session *session;

	if (strncmp(name, "s-", 2) != 0)
		return 0;
	wl_list_for_each (session, &monitor->sessions, link) {
		if (str_eq(session->entry.id, name + 2))
			return 0;
	}
	remains_clear(monitor, name + 2, false, 0, 0);
	return 0;
}

int adopt_sessions(struct monitor *monitor)
{
	uint64_t deadline = clock_now() + ADOPT_TIMEOUT * USEC_PER_MSEC;
	int fd = openat(monitor->sessions_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			look_at(monitor, entry->d_name, deadline);
	}
	closedir(dir);
	return cgroup_base_list(monitor->cgroups, clear_group, monitor);
}
