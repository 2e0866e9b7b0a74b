/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-checkd: see checkd.h for what is where. */
#include "lock/checkd.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>

#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "ipc/channel.h"
#include "lock/check_limits.h"

#define FILES_MAX 8192
/* What it takes to start confined children, and to keep files of others. */
#define CAP(name) (UINT64_C(1) << CAP_##name)
#define CAPS                                                                                  \
	(CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) | CAP(SYS_ADMIN) | CAP(KILL) | CAP(CHOWN) | \
	 CAP(FOWNER) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH))

void checkd_notify(struct checkd *checkd, uid_t uid, const char *sentence)
{
	struct buf body;
	int r;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, (uint32_t)uid);
	buf_put_str(&body, sentence);
	r = ipc_channel_send(checkd->monitor, IPC_CHECKD_NOTICE, &body, NULL, 0);
	if (r < 0)
		log_event(LOG_WARN, "lock.notice-lost", LOG_INT("uid", uid), LOG_ERR(r));
	buf_finish(&body);
}

static int read_config(int fd, struct conf **ret_conf)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_free_ char *data = NULL;
	struct cursor c;
	size_t len;
	int r = fd_read_all(fd, CHECK_CONFIG_MAX, &data, &len);

	if (r < 0)
		return r;
	c = cursor_over(data, len);
	r = conf_get(&c, &conf);
	if (r == 0 && !cursor_done(&c))
		r = -EPROTO;
	if (r == 0)
		*ret_conf = STEAL(conf);
	return r;
}

static void take_config(struct checkd *checkd, struct conf *conf)
{
	conf_destroy(checkd->conf);
	checkd->conf = conf;
	log_set_level((enum log_level)conf_int(conf, CONF_LOG_LEVEL));
	check_connection_refresh(checkd);
}

/* Safe: lazaretd's configuration. */
static int handle_config(void *data, struct ipc_message *message)
{
	struct checkd *checkd = data;
	_cleanup_fd_ int fd = ipc_message_take_fd(message, 0);
	struct conf *conf = NULL;
	int r = cursor_done(&message->body) && fd >= 0 ? read_config(fd, &conf) : -EPROTO;

	if (r == 0)
		take_config(checkd, conf);
	return r;
}

static void handle_closed(void *data, int reason)
{
	struct checkd *checkd = data;

	(void)reason;
	checkd->running = false;
}

static const struct ipc_rule rules[] = {
	{IPC_CHECKD_CONFIG, IPC_ANY_STATE, 0, handle_config},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_CHECKD,
	.peer = IPC_ROLE_MONITOR,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static int set_up(struct checkd *checkd, const char **ret_step)
{
	const struct confine spec = {
		.keep_caps = CAPS,
		.own_ipc = true,
		.max_files = FILES_MAX,
	};
	int r;

	*ret_step = "configuration";
	r = read_config(SPAWN_FD_CONFIG, &checkd->conf);
	if (r < 0)
		return r;
	log_set_level((enum log_level)conf_int(checkd->conf, CONF_LOG_LEVEL));
	r = confine(&spec, ret_step);
	if (r < 0)
		return r;
	*ret_step = "socket";
	checkd->loop = wl_event_loop_create();
	r = checkd->loop ? check_connection_listen(checkd) : -ENOMEM;
	if (r < 0)
		return r;
	*ret_step = "channel";
	return ipc_channel_create(checkd->loop, SPAWN_FD_CHANNEL, &table, checkd, &checkd->monitor);
}

int main(void)
{
	struct checkd checkd = {.running = true, .socket = -1};
	const char *step;
	int r;

	log_init("lazaret-checkd");
	(void)signal(SIGPIPE, SIG_IGN);
	/* Ctrl-C at a terminal is for the monitor. */
	(void)signal(SIGINT, SIG_IGN);
	r = set_up(&checkd, &step);
	if (r < 0) {
		log_event(LOG_ERROR, "checkd.start-failed", LOG_STR("step", step), LOG_ERR(r));
		return 1;
	}
	while (checkd.running)
		wl_event_loop_dispatch(checkd.loop, -1);
	check_connection_finish(&checkd);
	ipc_channel_destroy(checkd.monitor);
	wl_event_loop_destroy(checkd.loop);
	conf_destroy(checkd.conf);
	return 0;
}
