/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/request.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/str.h"
#include "ctl/command.h"
#include "ipc/message.h"

int request_connect(const char *path)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0)
		return -errno;
	if (!str_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return FD_STEAL(fd);
}

int request_send(int fd, size_t n, const char *const *words)
{
	struct buf body;
	int r;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, CONTROL_VERSION);
	buf_put_u32(&body, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		buf_put_str(&body, words[i]);
	r = ipc_send(fd, IPC_CONTROL_REQUEST, &body, NULL, 0);
	buf_finish(&body);
	return r;
}
