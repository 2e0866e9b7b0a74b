/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/netd.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "monitor/frontdoor.h"
#include "monitor/lent.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "monitor/session.h"
#include "monitor/sibling.h"

struct netd {
	struct sibling sibling;
	bool ready;
	bool was_ready;
	bool configuring; /* an answer to NETD_CONFIG is awaited */
	struct child resolver; /* lazaret-resolve, while it runs */
	struct wl_event_source *resolver_source;
};

static void put_config(void *data, struct buf *config)
{
	struct netd *netd = data;

	conf_put(netd->sibling.monitor->conf, CONF_FOR_NETD, config);
}

static void started(void *data)
{
	struct netd *netd = data;
	struct monitor *monitor = netd->sibling.monitor;
	struct session *session;
	uint32_t count = 0;
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, 0);
	wl_list_for_each (session, &monitor->sessions, link) {
		if (!session->has_slot)
			continue;
		buf_put_u32(&body, session->entry.slot);
		buf_put_u32(&body, session->paths);
		count++;
	}
	if (!buf_error(&body))
		buf_patch_u32(&body, 0, count);
	process_send(&netd->sibling.process, IPC_NETD_START, &body, NULL, 0);
	buf_finish(&body);
}

static void lost(void *data)
{
	struct netd *netd = data;

	netd->ready = false;
	if (netd->configuring)
		monitor_reload_end(netd->sibling.monitor, false, "lazaret-netd ended");
	netd->configuring = false;
}

/* Safe: says only whether it could; no data of it is used. */
static int handle_started(void *data, struct ipc_message *message)
{
	struct sibling *sibling = data;
	struct netd *netd = sibling->data;
	bool ok = cursor_u8(&message->body) != 0;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);
	struct session *session, *next;

	if (!cursor_done(&message->body))
		return -EPROTO;
	if (!ok) {
		if (!netd->was_ready)
			monitor_give_up(sibling->monitor, "network.unusable", reason);
		log_event(LOG_ERROR, "network.refused", LOG_STR("reason", reason));
		/* It is killed, and tried again after the pause. */
		return -EIO;
	}
	netd->ready = netd->was_ready = true;
	log_event(LOG_INFO, "network.ready");
	wl_list_for_each_safe (session, next, &sibling->monitor->sessions, link) {
		if (session->net_wanted)
			netd_create_cell(netd, session->entry.slot, session->paths);
	}
	monitor_check_ready(sibling->monitor);
	frontdoor_resume(sibling->monitor->frontdoor);
	return 0;
}

/*
 * Safe: the answer is only passed to the session, or to root's lazaretctl, that holds the slot and asked
 * for it; it enters what it gets as a cell's network and nothing else.
 */
static int handle_cell_created(void *data, struct ipc_message *message)
{
	struct sibling *sibling = data;
	uint32_t slot = cursor_u32(&message->body);
	bool ok = cursor_u8(&message->body) != 0;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);
	_cleanup_free_ char *resolv = cursor_str(&message->body, RESOLV_CONF_MAX);
	_cleanup_fd_ int netns = ipc_message_take_fd(message, 0);
	struct session *session;

	if (!cursor_done(&message->body) || (ok && netns < 0))
		return -EPROTO;
	if (lent_net(sibling->monitor, slot, ok, reason, resolv, netns))
		return 0;
	session = session_find_slot(sibling->monitor, slot);
	if (!session || !session->net_wanted) {
		log_event(LOG_DEBUG, "network.unwanted", LOG_INT("slot", slot));
		return 0;
	}
	session_net(session, ok, reason, resolv, netns);
	return 0;
}

/* Safe: it gets back what it, or one before it, made for that slot. */
static int handle_cell_wanted(void *data, struct ipc_message *message)
{
	struct sibling *sibling = data;
	uint32_t slot = cursor_u32(&message->body);
	struct session *session;
	struct buf body;

	if (!cursor_done(&message->body))
		return -EPROTO;
	session = session_find_slot(sibling->monitor, slot);
	buf_init(&body, 4);
	buf_put_u32(&body, slot);
	process_send(&sibling->process, IPC_NETD_CELL, &body, session ? &session->netns : NULL,
		     session && session->netns >= 0 ? 1 : 0);
	buf_finish(&body);
	return 0;
}

/* Safe: says only whether it took the configuration that it was given. */
static int handle_configured(void *data, struct ipc_message *message)
{
	struct sibling *sibling = data;
	struct netd *netd = sibling->data;
	bool ok = cursor_u8(&message->body) != 0;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);

	if (!cursor_done(&message->body) || !netd->configuring)
		return -EPROTO;
	netd->configuring = false;
	monitor_reload_end(sibling->monitor, ok, reason);
	return 0;
}

static void stop_resolver(struct netd *netd)
{
	if (netd->resolver_source)
		wl_event_source_remove(netd->resolver_source);
	netd->resolver_source = NULL;
	child_kill(&netd->resolver);
}

static int handle_resolved(int fd, uint32_t mask, void *data)
{
	struct netd *netd = data;
	char how[64];
	int status = 0;

	(void)fd;
	(void)mask;
	wl_event_source_remove(netd->resolver_source);
	netd->resolver_source = NULL;
	if (child_reap(&netd->resolver, &status) == 0 && status != 0) {
		child_describe(status, how, sizeof(how));
		log_event(LOG_ERROR, "network.resolver-failed", LOG_STR("how", how));
	}
	return 0;
}

/*
 * Safe: a program of ours, without privilege, gets two descriptors that netd made; what it writes
 * goes to netd, which checks it. One at a time.
 */
static int handle_resolve(void *data, struct ipc_message *message)
{
	struct sibling *sibling = data;
	struct netd *netd = sibling->data;
	_cleanup_fd_ int out = ipc_message_take_fd(message, 0);
	_cleanup_fd_ int names = ipc_message_take_fd(message, 1);
	int r;

	if (!cursor_done(&message->body) || out < 0 || names < 0)
		return -EPROTO;
	stop_resolver(netd);
	r = spawn(
		&(const struct spawn){.path = monitor_program(sibling->monitor, "lazaret-resolve"),
				      .exec_fd = sibling->monitor->programs.fds[PROGRAM_RESOLVE],
				      .fds = (const int[]){out, names},
				      .n_fds = 2,
				      .stderr_fd = -1,
				      .die_with_parent = true},
		&netd->resolver);
	if (r == 0)
		netd->resolver_source = wl_event_loop_add_fd(
			sibling->monitor->loop, netd->resolver.pidfd, WL_EVENT_READABLE,
			handle_resolved, netd);
	/* netd sees the end of its pipe, and counts the names as unanswered. */
	if (r < 0)
		log_event(LOG_ERROR, "network.resolver-unstartable", LOG_ERR(r));
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct sibling *sibling = data;

	process_closed(&sibling->process, reason);
}

static const struct ipc_rule rules[] = {
	{IPC_NETD_STARTED, IPC_ANY_STATE, 0, handle_started},
	{IPC_NETD_CELL_CREATED, IPC_ANY_STATE, 0, handle_cell_created},
	{IPC_NETD_CELL_WANTED, IPC_ANY_STATE, 0, handle_cell_wanted},
	{IPC_NETD_CONFIGURED, IPC_ANY_STATE, 0, handle_configured},
	{IPC_NETD_RESOLVE, IPC_ANY_STATE, 0, handle_resolve},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_MONITOR,
	.peer = IPC_ROLE_NETD,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static void say(struct netd *netd, enum ipc_type type, const uint32_t *words, size_t n_words)
{
	struct buf body;

	if (!netd || !netd->ready)
		return;
	buf_init(&body, 16);
	for (size_t i = 0; i < n_words; i++)
		buf_put_u32(&body, words[i]);
	process_send(&netd->sibling.process, type, &body, NULL, 0);
	buf_finish(&body);
}

void netd_create_cell(struct netd *netd, uint32_t slot, uint32_t paths)
{
	say(netd, IPC_NETD_CELL_CREATE, (uint32_t[]){slot, paths}, 2);
}

void netd_set_paths(struct netd *netd, uint32_t slot, uint32_t paths)
{
	say(netd, IPC_NETD_CELL_PATHS, (uint32_t[]){slot, paths}, 2);
}

void netd_remove_cell(struct netd *netd, uint32_t slot)
{
	say(netd, IPC_NETD_CELL_REMOVE, &slot, 1);
}

int netd_configure(struct netd *netd, const struct conf *conf)
{
	_cleanup_fd_ int fd = -1;
	struct buf copy;

	if (!netd || !netd->ready)
		return -EAGAIN;
	if (netd->configuring)
		return -EBUSY;
	buf_init(&copy, SIBLING_CONFIG_MAX);
	conf_put(conf, CONF_FOR_NETD, &copy);
	fd = buf_error(&copy) ? buf_error(&copy)
			      : fd_memfd("config", buf_data(&copy), buf_len(&copy));
	buf_finish(&copy);
	if (fd < 0)
		return fd;
	process_send(&netd->sibling.process, IPC_NETD_CONFIG, NULL, &fd, 1);
	netd->configuring = true;
	return 0;
}

bool netd_ready(const struct netd *netd)
{
	return netd && netd->ready;
}

int netd_create(struct monitor *monitor, struct netd **ret_netd)
{
	struct netd *netd = calloc(1, sizeof(*netd));

	if (!netd)
		return -ENOMEM;
	netd->resolver.pidfd = -1;
	netd->sibling = (struct sibling){
		.name = "lazaret-netd",
		.program = PROGRAM_NETD,
		.monitor = monitor,
		.table = &table,
		.data = netd,
		.put_config = put_config,
		.started = started,
		.lost = lost,
	};
	*ret_netd = netd;
	return sibling_start(&netd->sibling);
}

void netd_stop(struct netd *netd)
{
	if (netd && !netd->sibling.stopping)
		sibling_stop(&netd->sibling, IPC_NETD_STOP);
}

bool netd_stopped(const struct netd *netd)
{
	return !netd || !process_running(&netd->sibling.process);
}

int netd_save(const struct netd *netd, struct handover *handover)
{
	int r = sibling_save(&netd->sibling, &handover->netd);

	return r < 0 ? r : handover_add_leftover(handover, &netd->resolver);
}

void netd_destroy(struct netd *netd)
{
	if (!netd)
		return;
	stop_resolver(netd);
	sibling_finish(&netd->sibling);
	free(netd);
}
