/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drives a lazaret-netd as the monitor does, in the network namespace that it is run in:
 *
 *	netd_drive NETD CONFIG
 *
 * Prints "started" or "failed REASON", then does what lines on standard input say:
 *
 *	cell SLOT FILE		make a cell's network and bind its namespace to FILE (an empty file,
 *				as in /run/netns). Answer: "cell SLOT" or "failed REASON"
 *	remove SLOT		forget a cell. Answer: "removed"
 *	stop			take everything away and end; so does the end of input
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ipc/channel.h"

#define ANSWER_MS 30000

static uint8_t storage[IPC_BODY_MAX + 4];

static void __attribute__((noreturn)) die(const char *what, int error)
{
	fprintf(stderr, "netd_drive: %s: %s\n", what, strerror(-error));
	exit(2);
}

static int start(const char *netd, const char *config, struct child *ret_child)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	_cleanup_buf_ struct buf copy;
	int pair[2], fds[2], r;
	struct spawn spec = {
		.path = netd, .fds = fds, .n_fds = 2, .stderr_fd = -1, .die_with_parent = true};

	buf_init(&copy, 1 << 20);
	if (!conf || conf_read_file(conf, config, stderr) < 0 || conf_check(conf, stderr) < 0)
		exit(2);
	conf_put(conf, CONF_FOR_NETD, &copy);
	r = ipc_pair(pair);
	if (r < 0)
		die("channel", r);
	fds[0] = pair[1];
	fds[1] = fd_memfd("netd-config", buf_data(&copy), buf_len(&copy));
	r = buf_error(&copy) ? buf_error(&copy) : fds[1] < 0 ? fds[1] : spawn(&spec, ret_child);
	if (r < 0)
		die(netd, r);
	close(fds[0]);
	close(fds[1]);
	return pair[0];
}

static struct ipc_message ask(int channel, enum ipc_type type, const uint32_t *number,
			      enum ipc_type answer)
{
	_cleanup_buf_ struct buf body;
	struct ipc_message message;
	int r;

	buf_init(&body, 16);
	buf_put_u32(&body, *number);
	r = ipc_send(channel, type, &body, NULL, 0);
	if (r == 0)
		r = ipc_recv_wait(channel, ANSWER_MS, storage, &message);
	if (r == 0 && message.type != answer)
		r = -EPROTO;
	if (r < 0)
		die(ipc_type_name(type), r);
	return message;
}

static void print_failure(struct cursor *body)
{
	_cleanup_free_ char *reason = cursor_str(body, 4096);

	printf("failed %s\n", reason ? reason : "");
}

static void make_cell(int channel, uint32_t slot, const char *file)
{
	struct ipc_message message = ask(channel, IPC_NETD_CELL_CREATE, &slot,
					 IPC_NETD_CELL_CREATED);
	_cleanup_fd_ int netns = ipc_message_take_fd(&message, 0);
	char path[64];

	if (cursor_u32(&message.body) != slot)
		die("slot", -EPROTO);
	if (!cursor_u8(&message.body)) {
		print_failure(&message.body);
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", netns);
	if (mount(path, file, NULL, MS_BIND, NULL) < 0)
		die(file, -errno);
	printf("cell %u\n", slot);
}

static void obey(int channel, char *line)
{
	char *rest = line;
	const char *command = strsep(&rest, " ");
	const char *slot = strsep(&rest, " ");
	int64_t number;

	if (!slot || str_to_int(slot, 0, UINT32_MAX, &number) < 0)
		die(line, -EINVAL);
	if (str_eq(command, "cell") && rest) {
		make_cell(channel, (uint32_t)number, rest);
	} else if (str_eq(command, "remove")) {
		_cleanup_buf_ struct buf body;

		buf_init(&body, 16);
		buf_put_u32(&body, (uint32_t)number);
		if (ipc_send(channel, IPC_NETD_CELL_REMOVE, &body, NULL, 0) < 0)
			die("remove", -EPIPE);
		puts("removed");
	} else {
		die(line, -EINVAL);
	}
}

int main(int argc, char **argv)
{
	struct ipc_message message;
	struct child child;
	uint32_t none = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int channel, status;

	if (argc != 3) {
		fprintf(stderr, "usage: netd_drive NETD CONFIG\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	channel = start(argv[1], argv[2], &child);
	message = ask(channel, IPC_NETD_START, &none, IPC_NETD_STARTED);
	if (cursor_u8(&message.body))
		puts("started");
	else
		print_failure(&message.body);
	while ((n = getline(&line, &room, stdin)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (str_eq(line, "stop"))
			break;
		obey(channel, line);
	}
	free(line);
	if (ipc_send(channel, IPC_NETD_STOP, NULL, NULL, 0) < 0)
		die("stop", -EPIPE);
	waitpid(child.pid, &status, 0);
	close(channel);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
