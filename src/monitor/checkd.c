/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/checkd.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "monitor/session.h"
#include "monitor/sibling.h"
#include "net/path.h"

struct checkd_sibling {
	struct sibling sibling;
	bool on;
};

static bool is_wanted(const struct monitor *monitor)
{
	size_t path;

	return conf_path_find(monitor->conf, path_row(PATH_SFTP)->name, &path) == 0 &&
	       conf_path_int(monitor->conf, path, CONF_PATH_ENABLED) == CONF_ENABLED_YES;
}

static void put_config(void *data, struct buf *config)
{
	struct checkd_sibling *checkd = data;

	conf_put(checkd->sibling.monitor->conf, CONF_FOR_CHECKD, config);
}

/* Its socket is its own to make; there is nothing to say to it or to clear after it. */
static void nothing(void *data)
{
	(void)data;
}

/* Safe: a sentence, made fit and drawn by a confined process, in one strip of one person's picture. */
static int handle_notice(void *data, struct ipc_message *message)
{
	struct sibling *sibling = data;
	uint32_t uid = cursor_u32(&message->body);
	_cleanup_free_ char *sentence = cursor_str(&message->body, REASON_MAX);
	uint32_t seconds = cursor_u32(&message->body);
	struct session *session;
	struct buf body;

	if (!cursor_done(&message->body))
		return -EPROTO;
	session = uid ? session_find_uid(sibling->monitor, uid) : NULL;
	if (!session || session->ending)
		return 0;
	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, sentence);
	buf_put_u32(&body, seconds);
	process_send(&session->process, IPC_SESSION_NOTICE, &body, NULL, 0);
	buf_finish(&body);
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct sibling *sibling = data;

	process_closed(&sibling->process, reason);
}

static const struct ipc_rule rules[] = {
	{IPC_CHECKD_NOTICE, IPC_ANY_STATE, 0, handle_notice},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_MONITOR,
	.peer = IPC_ROLE_CHECKD,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static void begin(struct checkd_sibling *checkd)
{
	struct monitor *monitor = checkd->sibling.monitor;

	checkd->sibling = (struct sibling){
		.name = "lazaret-checkd",
		.program = PROGRAM_CHECKD,
		.monitor = monitor,
		.table = &table,
		.own_log = true,
		.data = checkd,
		.put_config = put_config,
		.started = nothing,
		.lost = nothing,
	};
	checkd->on = true;
	/* What failed was logged. Sessions go on without files; the next reload tries again. */
	if (sibling_start(&checkd->sibling) < 0) {
		sibling_finish(&checkd->sibling);
		checkd->on = false;
	}
}

static void end(struct checkd_sibling *checkd)
{
	if (!checkd->on)
		return;
	checkd->sibling.stopping = true;
	sibling_finish(&checkd->sibling);
	checkd->on = false;
}

static void send_config(struct checkd_sibling *checkd)
{
	_cleanup_fd_ int fd = -1;
	struct buf copy;

	buf_init(&copy, SIBLING_CONFIG_MAX);
	put_config(checkd, &copy);
	fd = buf_error(&copy) ? buf_error(&copy)
			      : fd_memfd("config", buf_data(&copy), buf_len(&copy));
	buf_finish(&copy);
	if (fd < 0)
		log_event(LOG_ERROR, "lock.config-kept", LOG_ERR(fd));
	else
		process_send(&checkd->sibling.process, IPC_CHECKD_CONFIG, NULL, &fd, 1);
}

void checkd_configure(struct checkd_sibling *checkd)
{
	bool wanted = is_wanted(checkd->sibling.monitor);

	if (wanted && checkd->on)
		send_config(checkd);
	else if (wanted)
		begin(checkd);
	else
		end(checkd);
}

int checkd_create(struct monitor *monitor, struct checkd_sibling **ret_checkd)
{
	struct checkd_sibling *checkd = calloc(1, sizeof(*checkd));

	if (!checkd)
		return -ENOMEM;
	checkd->sibling.monitor = monitor;
	*ret_checkd = checkd;
	checkd_configure(checkd);
	return 0;
}

int checkd_save(const struct checkd_sibling *checkd, struct handover *handover)
{
	return checkd->on ? sibling_save(&checkd->sibling, &handover->checkd) : 0;
}

void checkd_destroy(struct checkd_sibling *checkd)
{
	if (!checkd)
		return;
	end(checkd);
	free(checkd);
}

const char *checkd_state(const struct checkd_sibling *checkd)
{
	if (!is_wanted(checkd->sibling.monitor))
		return "off";
	return checkd->on && process_running(&checkd->sibling.process) ? "running" : "failed";
}
