/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/keyd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "monitor/expiry.h"
#include "monitor/frontdoor.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "monitor/sibling.h"

/* What a clock can show: the end of the year 9999 (RFC 5280 4.1.2.5). */
#define UNTIL_MAX 253402300799

struct keyd {
	struct sibling sibling;
	bool loaded;
	char *chain;
	struct expiry expiry;
};

/*
 * Safe: keyd can only say whether it took what we gave it; the chain goes to gateways, which show
 * it to clients anyway.
 */
static int handle_loaded(void *data, struct ipc_message *message)
{
	struct sibling *sibling = data;
	struct keyd *keyd = sibling->data;
	bool ok = cursor_u8(&message->body) != 0;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);
	_cleanup_free_ char *chain = cursor_str(&message->body, CERTIFICATE_MAX);
	uint64_t until = cursor_u64(&message->body);

	if (!cursor_done(&message->body))
		return -EPROTO;
	if (!ok) {
		log_event(LOG_ERROR, keyd->loaded ? "certificate.kept" : "certificate.refused",
			  LOG_STR("reason", reason));
		if (!keyd->loaded)
			monitor_give_up(sibling->monitor, "certificate.unusable", reason);
		return 0;
	}
	log_event(LOG_INFO, "certificate.loaded",
		  LOG_STR("file", conf_str(sibling->monitor->conf, CONF_CERTIFICATE)));
	free(keyd->chain);
	keyd->chain = STEAL(chain);
	keyd->loaded = true;
	expiry_set(&keyd->expiry, (int64_t)MIN(until, (uint64_t)UNTIL_MAX));
	monitor_check_ready(sibling->monitor);
	frontdoor_resume(sibling->monitor->frontdoor);
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct sibling *sibling = data;

	process_closed(&sibling->process, reason);
}

static const struct ipc_rule rules[] = {
	{IPC_KEYD_LOADED, IPC_ANY_STATE, 0, handle_loaded},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_MONITOR,
	.peer = IPC_ROLE_KEYD,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static void put_config(void *data, struct buf *config)
{
	struct keyd *keyd = data;
	struct monitor *monitor = keyd->sibling.monitor;

	buf_put_u32(config, monitor->keyd_account.uid);
	buf_put_u32(config, monitor->keyd_account.gid);
	buf_put_u8(config, (uint8_t)conf_int(monitor->conf, CONF_LOG_LEVEL));
}

static void started(void *data)
{
	struct keyd *keyd = data;

	/* What is wrong with the files was logged; a restarted keyd waits for a reload. */
	(void)!keyd_load(keyd);
}

static void lost(void *data)
{
	struct keyd *keyd = data;

	keyd->loaded = false;
}

static int open_readable(const char *path, bool secret)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int r = -errno;

		log_event(LOG_ERROR, "certificate.unreadable", LOG_STR("file", path), LOG_ERR(r));
		return r;
	}
	if (!S_ISREG(st.st_mode)) {
		log_event(LOG_ERROR, "certificate.unreadable", LOG_STR("file", path),
			  LOG_STR("reason", "not a regular file"));
		return -EINVAL;
	}
	if (secret && (st.st_mode & (S_IRWXO | S_IWGRP)))
		log_event(LOG_WARN, "key.exposed", LOG_STR("file", path),
			  LOG_STR("remedy", "chmod o-rwx,g-w"));
	return FD_STEAL(fd);
}

int keyd_load(struct keyd *keyd)
{
	const struct conf *conf = keyd->sibling.monitor->conf;
	_cleanup_fd_ int certificate = open_readable(conf_str(conf, CONF_CERTIFICATE), false);
	_cleanup_fd_ int key = -1;

	if (certificate < 0)
		return certificate;
	key = open_readable(conf_str(conf, CONF_PRIVATE_KEY), true);
	if (key < 0)
		return key;
	process_send(&keyd->sibling.process, IPC_KEYD_LOAD, NULL, (int[]){certificate, key}, 2);
	return 0;
}

bool keyd_ready(const struct keyd *keyd)
{
	return keyd && keyd->loaded;
}

const char *keyd_chain(const struct keyd *keyd)
{
	return keyd->chain;
}

bool keyd_days(const struct keyd *keyd, int64_t *ret_days)
{
	if (!keyd || !keyd->expiry.until)
		return false;
	*ret_days = expiry_days(&keyd->expiry);
	return true;
}

int keyd_open_channel(struct keyd *keyd)
{
	_cleanup_fd_ int ours = -1;
	_cleanup_fd_ int theirs = -1;
	int pair[2];
	int r;

	if (!keyd->loaded)
		return -EAGAIN;
	r = ipc_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	process_send(&keyd->sibling.process, IPC_KEYD_CHANNEL, NULL, &theirs, 1);
	return FD_STEAL(ours);
}

int keyd_create(struct monitor *monitor, struct keyd **ret_keyd)
{
	struct keyd *keyd = calloc(1, sizeof(*keyd));
	int r;

	if (!keyd)
		return -ENOMEM;
	keyd->sibling = (struct sibling){
		.name = "lazaret-keyd",
		.program = PROGRAM_KEYD,
		.monitor = monitor,
		.table = &table,
		.data = keyd,
		.put_config = put_config,
		.started = started,
		.lost = lost,
	};
	*ret_keyd = keyd;
	r = expiry_init(&keyd->expiry, monitor->loop);
	if (r < 0)
		return r;
	r = sibling_start(&keyd->sibling);
	return r;
}

void keyd_stop(struct keyd *keyd)
{
	if (!keyd || keyd->sibling.stopping)
		return;
	sibling_stop(&keyd->sibling, IPC_TYPE_COUNT);
	process_signal(&keyd->sibling.process, SIGTERM);
}

bool keyd_stopped(const struct keyd *keyd)
{
	return !keyd || !process_running(&keyd->sibling.process);
}

int keyd_save(const struct keyd *keyd, struct handover *handover)
{
	return sibling_save(&keyd->sibling, &handover->keyd);
}

void keyd_destroy(struct keyd *keyd)
{
	if (!keyd)
		return;
	sibling_finish(&keyd->sibling);
	expiry_finish(&keyd->expiry);
	free(keyd->chain);
	free(keyd);
}
