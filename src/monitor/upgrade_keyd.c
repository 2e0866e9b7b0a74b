/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Part of the trial: the new key holder takes the certificate and the key as they lie there now. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/confine.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "conf/conf.h"
#include "ipc/channel.h"
#include "ipc/message.h"
#include "monitor/limits.h"
#include "monitor/programs.h"
#include "monitor/upgrade_impl.h"

#define TIMEOUT_MS (UPGRADE_TRIAL_TIMEOUT * 1000 / 2)

static int start(const struct conf *conf, const struct programs *programs, int channel,
		 struct child *ret_child)
{
	_cleanup_fd_ int config = -1;
	struct buf text;
	uid_t uid;
	gid_t gid;
	int r = confine_lookup(conf_str(conf, CONF_KEYD_USER), &uid, &gid);

	if (r < 0)
		return r;
	buf_init(&text, 16);
	buf_put_u32(&text, uid);
	buf_put_u32(&text, gid);
	buf_put_u8(&text, (uint8_t)conf_int(conf, CONF_LOG_LEVEL));
	config = buf_error(&text) ? buf_error(&text)
				  : fd_memfd("config", buf_data(&text), buf_len(&text));
	buf_finish(&text);
	if (config < 0)
		return config;
	return spawn(&(const struct spawn){.path = "/lazaret-keyd",
					   .exec_fd = programs->fds[PROGRAM_KEYD],
					   .fds = (const int[]){channel, config},
					   .n_fds = 2,
					   .stderr_fd = -1,
					   .die_with_parent = true},
		     ret_child);
}

static int open_file(const char *path, FILE *errors)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0)
		return fd;
	fd = -errno;
	fprintf(errors, "%s cannot be read: %s\n", path, strerror(-fd));
	return fd;
}

/* What it answers; the reason is its own. */
static int take_answer(int channel, FILE *errors)
{
	_cleanup_free_ uint8_t *storage = malloc(IPC_BODY_MAX + 4);
	_cleanup_free_ char *reason = NULL;
	struct ipc_message message;
	bool ok;
	int r = storage ? ipc_recv_wait(channel, TIMEOUT_MS, storage, &message) : -ENOMEM;

	if (r < 0) {
		fprintf(errors, "lazaret-keyd does not answer: %s\n", strerror(-r));
		return r;
	}
	ok = message.type == IPC_KEYD_LOADED && cursor_u8(&message.body) == 1;
	reason = cursor_str(&message.body, REASON_MAX);
	if (!ok)
		fprintf(errors, "the certificate and its key cannot be used: %s\n",
			reason ? reason : "");
	ipc_message_finish(&message);
	return ok ? 0 : -EINVAL;
}

int upgrade_try_keyd(const struct conf *conf, const struct programs *programs, FILE *errors)
{
	_cleanup_fd_ int certificate = open_file(conf_str(conf, CONF_CERTIFICATE), errors);
	_cleanup_fd_ int key = -1, ours = -1, theirs = -1;
	struct child child = {.pidfd = -1};
	int pair[2], r;

	if (certificate < 0)
		return certificate;
	key = open_file(conf_str(conf, CONF_PRIVATE_KEY), errors);
	if (key < 0)
		return key;
	r = ipc_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	r = start(conf, programs, theirs, &child);
	theirs = fd_close(theirs);
	if (r < 0)
		fprintf(errors, "lazaret-keyd cannot be started: %s\n", strerror(-r));
	if (r == 0)
		r = ipc_send(ours, IPC_KEYD_LOAD, NULL, (const int[]){certificate, key}, 2);
	if (r == 0)
		r = take_answer(ours, errors);
	child_kill(&child);
	return r;
}
