/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drives a lazaret-netd as the monitor does, in the network namespace that it is run in:
 *
 *	netd_drive NETD CONFIG
 *
 * Prints "started" or "failed REASON", then does what lines on standard input say:
 *
 *	cell SLOT FILE [PATH]...	make a cell's network and bind its namespace to FILE (an empty
 *				file, as in /run/netns). The paths are those for some groups that
 *				its user is in one of. Answer: "cell" or "failed REASON"
 *	paths SLOT [PATH]...	it is another user's now. Answer: "paths"
 *	resolve PROGRAM		wait until netd wants names resolved and have PROGRAM do it, to its
 *				end. Answer: "resolved"
 *	remove SLOT		forget a cell. Answer: "removed"
 *	config CONFIG		another configuration. Answer: "configured" or "failed REASON"
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
#include "net/path.h"

#define ANSWER_MS 30000

static uint8_t storage[IPC_BODY_MAX + 4];

static void __attribute__((noreturn)) die(const char *what, int error)
{
	fprintf(stderr, "netd_drive: %s: %s\n", what, strerror(-error));
	exit(2);
}

/* A sealed file with what a netd gets of a configuration. */
static int copy_config(const char *config)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	_cleanup_buf_ struct buf copy;
	int fd;

	buf_init(&copy, 4 << 20);
	if (!conf || conf_read_file(conf, config, stderr) < 0 || conf_check(conf, stderr) < 0)
		exit(2);
	conf_put(conf, CONF_FOR_NETD, &copy);
	if (buf_error(&copy))
		die(config, buf_error(&copy));
	fd = fd_memfd("netd-config", buf_data(&copy), buf_len(&copy));
	if (fd < 0)
		die(config, fd);
	return fd;
}

static int start(const char *netd, const char *config, struct child *ret_child)
{
	int pair[2], fds[2], r = ipc_pair(pair);
	struct spawn spec = {
		.path = netd,
		.fds = fds,
		.n_fds = 2,
		.stderr_fd = -1,
		.die_with_parent = true,
	};

	if (r < 0)
		die("channel", r);
	fds[0] = pair[1];
	fds[1] = copy_config(config);
	r = spawn(&spec, ret_child);
	if (r < 0)
		die(netd, r);
	close(fds[0]);
	close(fds[1]);
	return pair[0];
}

static void tell(int channel, enum ipc_type type, const struct buf *body, int fd)
{
	int r = ipc_send(channel, type, body, &fd, fd >= 0 ? 1 : 0);

	if (r < 0)
		die(ipc_type_name(type), r);
}

/* A NETD_RESOLVE that came while something else was awaited: where to write, the names. */
static int kept[2] = {-1, -1};

static bool keep(struct ipc_message *message)
{
	if (message->type != IPC_NETD_RESOLVE)
		return false;
	kept[0] = ipc_message_take_fd(message, 0);
	kept[1] = ipc_message_take_fd(message, 1);
	return true;
}

static struct ipc_message hear(int channel, enum ipc_type type)
{
	struct ipc_message message;
	int r;

	do
		r = ipc_recv_wait(channel, ANSWER_MS, storage, &message);
	while (r == 0 && message.type != type && keep(&message));
	if (r == 0 && message.type != type)
		r = -EPROTO;
	if (r < 0)
		die(ipc_type_name(type), r);
	return message;
}

/* "u8 ok, str reason" */
static void report(struct cursor *body, const char *ok)
{
	_cleanup_free_ char *reason = NULL;

	if (cursor_u8(body)) {
		puts(ok);
		return;
	}
	reason = cursor_str(body, 4096);
	for (char *c = reason; c && *c; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	printf("failed %s\n", reason ? reason : "");
}

static void make_cell(int channel, uint32_t slot, const char *file, const struct buf *body)
{
	struct ipc_message message;
	_cleanup_fd_ int netns = -1;
	char path[64];

	tell(channel, IPC_NETD_CELL_CREATE, body, -1);
	message = hear(channel, IPC_NETD_CELL_CREATED);
	netns = ipc_message_take_fd(&message, 0);
	if (cursor_u32(&message.body) != slot)
		die("slot", -EPROTO);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", netns);
	if (netns >= 0 && mount(path, file, NULL, MS_BIND, NULL) < 0)
		die(file, -errno);
	report(&message.body, "cell");
}

static uint32_t path_bits(char *names)
{
	uint32_t bits = 0;
	const char *name;
	enum path_id id;

	while ((name = strsep(&names, " "))) {
		if (path_find(name, &id) < 0)
			die(name, -ENOENT);
		bits |= UINT32_C(1) << id;
	}
	return bits;
}

static void obey_of_cell(int channel, const char *command, char *rest)
{
	const char *slot = strsep(&rest, " ");
	const char *file = str_eq(command, "cell") ? strsep(&rest, " ") : NULL;
	_cleanup_buf_ struct buf body;
	int64_t number;

	buf_init(&body, 16);
	if (!slot || str_to_int(slot, 0, UINT32_MAX, &number) < 0)
		die(command, -EINVAL);
	buf_put_u32(&body, (uint32_t)number);
	if (str_eq(command, "remove")) {
		tell(channel, IPC_NETD_CELL_REMOVE, &body, -1);
		puts("removed");
		return;
	}
	buf_put_u32(&body, path_bits(rest));
	if (file) {
		make_cell(channel, (uint32_t)number, file, &body);
	} else if (str_eq(command, "paths")) {
		tell(channel, IPC_NETD_CELL_PATHS, &body, -1);
		puts("paths");
	} else {
		die(command, -EINVAL);
	}
}

static void resolve(int channel, const char *program)
{
	_cleanup_fd_ int out = -1;
	_cleanup_fd_ int names = -1;
	struct child child;
	int status, r;

	if (kept[0] < 0) {
		struct ipc_message message = hear(channel, IPC_NETD_RESOLVE);

		keep(&message);
	}
	out = FD_STEAL(kept[0]);
	names = FD_STEAL(kept[1]);
	r = spawn(&(const struct spawn){.path = program,
					.fds = (const int[]){out, names},
					.n_fds = 2,
					.stderr_fd = -1,
					.die_with_parent = true},
		  &child);
	if (r < 0)
		die(program, r);
	out = fd_close(out);
	waitpid(child.pid, &status, 0);
	puts("resolved");
}

static void obey(int channel, char *line)
{
	char *rest = line;
	const char *command = strsep(&rest, " ");
	_cleanup_fd_ int fd = -1;
	struct ipc_message message;

	if (str_eq(command, "resolve") && rest) {
		resolve(channel, rest);
		return;
	}
	if (!str_eq(command, "config") || !rest) {
		obey_of_cell(channel, command, rest);
		return;
	}
	fd = copy_config(rest);
	tell(channel, IPC_NETD_CONFIG, NULL, fd);
	message = hear(channel, IPC_NETD_CONFIGURED);
	report(&message.body, "configured");
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct buf none;
	struct ipc_message message;
	struct child child;
	char *line = NULL;
	size_t room = 0;
	int channel, status;

	if (argc != 3) {
		fprintf(stderr, "usage: netd_drive NETD CONFIG\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	channel = start(argv[1], argv[2], &child);
	buf_init(&none, 16);
	buf_put_u32(&none, 0);
	tell(channel, IPC_NETD_START, &none, -1);
	message = hear(channel, IPC_NETD_STARTED);
	report(&message.body, "started");
	while (getline(&line, &room, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (str_eq(line, "stop"))
			break;
		obey(channel, line);
	}
	free(line);
	tell(channel, IPC_NETD_STOP, NULL, -1);
	waitpid(child.pid, &status, 0);
	close(channel);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
