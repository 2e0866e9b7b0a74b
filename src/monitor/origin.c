/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/origin.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

/* Since Linux 6.5; our C library does not know it. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define PARENTS_MAX 64
#define STATUS_MAX 8192
/* Descriptors of an sshd among which its connection is. */
#define SSHD_FDS_MAX 64

/* The one process that serves a connection, as OpenSSH has it up to and from version 9.8. */
static const char *const sshd_programs[] = {"/usr/sbin/sshd", "/usr/lib/openssh/sshd-session"};

struct process {
	pid_t pid, parent;
	uid_t real, effective;
};

static int read_number(const char *status, const char *key, int index, int64_t *ret_value)
{
	const char *at = strstr(status, key);
	char word[24];

	if (!at)
		return -EPROTO;
	at += strlen(key);
	for (int i = 0; i <= index; i++) {
		size_t len;

		at += strspn(at, "\t ");
		len = strcspn(at, "\t \n");
		if (len >= sizeof(word))
			return -EPROTO;
		memcpy(word, at, len);
		word[len] = '\0';
		at += len;
	}
	return str_to_int(word, 0, UINT32_MAX, ret_value);
}

static int read_process(pid_t pid, struct process *ret_process)
{
	_cleanup_free_ char *status = NULL;
	int64_t parent, real, effective;
	char path[64];
	size_t len;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	r = fd_read_file(AT_FDCWD, path, STATUS_MAX, &status, &len);
	/* The name stands before, but its line breaks are escaped. */
	if (r == 0)
		r = read_number(status, "\nPPid:", 0, &parent);
	if (r == 0)
		r = read_number(status, "\nUid:", 0, &real);
	if (r == 0)
		r = read_number(status, "\nUid:", 1, &effective);
	if (r < 0)
		return r;
	*ret_process = (struct process){pid, (pid_t)parent, (uid_t)real, (uid_t)effective};
	return 0;
}

static bool is_sshd(const struct process *process)
{
	static const char deleted[] = " (deleted)"; /* replaced by an update while it runs */
	char path[64], program[128];
	ssize_t len;

	if (process->real != 0 || process->effective != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", process->pid);
	len = readlink(path, program, sizeof(program) - 1);
	if (len < 0)
		return false;
	program[len] = '\0';
	if ((size_t)len >= sizeof(deleted) && str_eq(program + len - sizeof(deleted) + 1, deleted))
		program[(size_t)len - sizeof(deleted) + 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(sshd_programs); i++) {
		if (str_eq(program, sshd_programs[i]))
			return true;
	}
	return false;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
	/* At the same place in both families. */
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

static int describe(int socket, struct origin *ret_origin)
{
	struct sockaddr_storage peer, own;
	socklen_t peer_len = sizeof(peer), own_len = sizeof(own);

	if (getpeername(socket, (struct sockaddr *)&peer, &peer_len) < 0 ||
	    getsockname(socket, (struct sockaddr *)&own, &own_len) < 0)
		return -errno;
	if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	address_text((const struct sockaddr *)&peer, ret_origin->address);
	address_text((const struct sockaddr *)&own, ret_origin->local_address);
	ret_origin->port = port_of(&peer);
	ret_origin->local_port = port_of(&own);
	return 0;
}

/* -ENOTCONN: it is the one that listens. */
static int find_connection(const struct process *sshd, struct origin *ret_origin)
{
	_cleanup_fd_ int pidfd = fd_pidfd_open(sshd->pid);
	int r = -ENOTCONN;

	if (pidfd < 0)
		return pidfd;
	for (int i = 0; i < SSHD_FDS_MAX; i++) {
		_cleanup_fd_ int fd = (int)syscall(SYS_pidfd_getfd, pidfd, i, 0);

		if (fd < 0 && errno != EBADF)
			r = -errno;
		if (fd >= 0 && describe(fd, ret_origin) == 0)
			return 0;
	}
	return r;
}

/* The parents are still those that they were, so each of them has been there all the time. */
static bool unchanged(const struct process *chain, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct process now;

		if (read_process(chain[i].pid, &now) < 0 || now.parent != chain[i].parent)
			return false;
	}
	return true;
}

static int climb(pid_t pid, struct origin *ret_origin)
{
	struct process chain[PARENTS_MAX];
	size_t n = 0;
	int r;

	while (n < PARENTS_MAX && pid > 1) {
		struct process *process = &chain[n];

		if (read_process(pid, process) < 0)
			return -ESRCH;
		if (is_sshd(process)) {
			r = find_connection(process, ret_origin);
			if (!unchanged(chain, n))
				return -ESRCH;
			if (r != -ENOTCONN)
				return r;
		}
		pid = process->parent;
		n++;
	}
	return -ENOENT;
}

static int hold_peer(int socket, const struct ucred *peer)
{
	struct process process;
	socklen_t len = sizeof(int);
	int pidfd = -1;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0)
		return pidfd;
	if (errno != ENOPROTOOPT)
		return -errno;
	/* An older kernel: should the number be another one's by now, then at most another process of
	 * the same person. */
	pidfd = fd_pidfd_open(peer->pid);
	if (pidfd >= 0 && (read_process(peer->pid, &process) < 0 || process.real != peer->uid))
		return fd_close(pidfd), -ESRCH;
	return pidfd;
}

static bool has_ended(int pidfd)
{
	struct pollfd event = {.fd = pidfd, .events = POLLIN};

	return poll(&event, 1, 0) != 0;
}

int origin_find(int socket, struct origin *ret_origin)
{
	_cleanup_fd_ int pidfd = -1;
	struct origin origin = {0};
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int r;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	pidfd = hold_peer(socket, &peer);
	if (pidfd < 0)
		return -ESRCH;
	r = climb(peer.pid, &origin);
	/* Only while it lives is its number its own. */
	if (has_ended(pidfd))
		return -ESRCH;
	if (r == 0)
		*ret_origin = origin;
	return r;
}

void origin_format(const struct origin *origin, int found, char out[ORIGIN_TEXT_MAX])
{
	if (found == 0)
		snprintf(out, ORIGIN_TEXT_MAX, "%s port %u", origin->address, origin->port);
	else
		str_copy(out, ORIGIN_TEXT_MAX,
			 found == -ENOENT  ? "local"
			 : found == -ESRCH ? "gone"
					   : "ssh");
}
