/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/sibling.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "monitor/upgrade.h"

static void handle_gone(void *data);

static int start(struct sibling *sibling)
{
	struct buf config;
	struct process_spec spec = {
		.path = monitor_program(sibling->monitor, sibling->name),
		.exec_fd = sibling->monitor->programs.fds[sibling->program],
		.role = sibling->name,
		.config = &config,
		.own_log = sibling->own_log,
		.table = sibling->table,
		.gone = handle_gone,
		.data = sibling,
	};
	int r;

	buf_init(&config, SIBLING_CONFIG_MAX);
	sibling->put_config(sibling->data, &config);
	r = process_start(&sibling->process, sibling->monitor->loop, &spec);
	buf_finish(&config);
	if (r < 0) {
		log_event(LOG_ERROR, "sibling.unstartable", LOG_STR("program", spec.path),
			  LOG_ERR(r));
		return r;
	}
	sibling->since = clock_now();
	log_event(LOG_DEBUG, "sibling.started", LOG_STR("program", sibling->name),
		  LOG_INT("pid", sibling->process.child.pid));
	sibling->started(sibling->data);
	return 0;
}

static void start_later(struct sibling *sibling)
{
	if (clock_now() - sibling->since > SIBLING_STEADY * USEC_PER_SEC)
		sibling->pause = SIBLING_PAUSE_MIN;
	wl_event_source_timer_update(sibling->timer, sibling->pause);
	sibling->pause = MIN(sibling->pause * 2, SIBLING_PAUSE_MAX);
}

static int handle_timer(void *data)
{
	struct sibling *sibling = data;

	if (start(sibling) < 0)
		start_later(sibling);
	return 0;
}

static void handle_gone(void *data)
{
	struct sibling *sibling = data;
	char how[64];

	child_describe(sibling->process.status, how, sizeof(how));
	process_finish(&sibling->process, false);
	if (sibling->stopping) {
		sibling->lost(sibling->data);
		monitor_check_ended(sibling->monitor);
		return;
	}
	log_event(LOG_ERROR, "sibling.died", LOG_STR("program", sibling->name), LOG_STR("how", how),
		  LOG_INT("restart_ms", sibling->pause));
	sibling->lost(sibling->data);
	upgrade_sibling_died(sibling->monitor);
	start_later(sibling);
}

int sibling_start(struct sibling *sibling)
{
	sibling->pause = SIBLING_PAUSE_MIN;
	sibling->process.child.pidfd = -1;
	sibling->timer = wl_event_loop_add_timer(sibling->monitor->loop, handle_timer, sibling);
	if (!sibling->timer)
		return -ENOMEM;
	return start(sibling);
}

int sibling_save(const struct sibling *sibling, struct process_memory *ret_memory)
{
	return process_running(&sibling->process) ? process_save(&sibling->process, ret_memory) : 0;
}

void sibling_stop(struct sibling *sibling, enum ipc_type how)
{
	sibling->stopping = true;
	if (sibling->timer)
		wl_event_source_timer_update(sibling->timer, 0);
	if (how < IPC_TYPE_COUNT)
		process_send(&sibling->process, how, NULL, NULL, 0);
}

void sibling_finish(struct sibling *sibling)
{
	if (sibling->timer)
		wl_event_source_remove(sibling->timer);
	sibling->timer = NULL;
	if (sibling->process.child.pid > 0 || sibling->process.channel)
		process_finish(&sibling->process, true);
}
