/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/request.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/command.h"
#include "ipc/message.h"

#define ASK_TIMEOUT_MS 30000

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

int request_ask(const char *path, size_t n, const char *const *words, int *ret_status,
		char **ret_sentence)
{
	static uint8_t storage[IPC_BODY_MAX + 4];
	_cleanup_fd_ int fd = request_connect(path);
	struct ipc_message message;
	int status = ANSWER_STATUS_OK;
	uint8_t kind;
	int r;

	if (fd < 0)
		return fd;
	r = request_send(fd, n, words);
	if (r == 0)
		r = ipc_recv_wait(fd, ASK_TIMEOUT_MS, storage, &message);
	if (r < 0)
		return r;
	ipc_message_finish(&message);
	kind = cursor_u8(&message.body);
	if (kind == ANSWER_FAILED)
		status = cursor_u8(&message.body);
	else if (kind != ANSWER_DONE)
		return -EPROTO;
	*ret_sentence = cursor_str(&message.body, ANSWER_STR_MAX);
	if (!*ret_sentence)
		return -EPROTO;
	*ret_status = status;
	return 0;
}
