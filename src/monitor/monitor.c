/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/monitor.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/log.h"
#include "cell/cgroup.h"
#include "monitor/client.h"
#include "monitor/frontdoor.h"
#include "monitor/keyd.h"
#include "monitor/limits.h"
#include "monitor/login.h"
#include "monitor/netd.h"
#include "monitor/runtime.h"
#include "monitor/session.h"
#include "monitor/upgrade.h"

#define CLOSING "The system is being shut down. Please try again later."

/* All sessions together have END_TIMEOUT; then the siblings this long; ms. */
#define SHUTDOWN_TIMEOUT (END_TIMEOUT * 1000 + 15000)

const char *monitor_program(const struct monitor *monitor, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", conf_str(monitor->conf, CONF_LIBEXEC_DIR), name);
	return path;
}

void monitor_give_up(struct monitor *monitor, const char *event, const char *reason)
{
	if (monitor->phase != MONITOR_STARTING)
		return;
	log_event(LOG_ERROR, event, LOG_STR("reason", reason));
	monitor->exit_status = 1;
	monitor_shutdown(monitor);
}

void monitor_check_ready(struct monitor *monitor)
{
	int r;

	upgrade_proven(monitor);
	if (monitor->phase != MONITOR_STARTING || !keyd_ready(monitor->keyd) ||
	    !netd_ready(monitor->netd))
		return;
	/* The cells' network is there: the proof of the browser's sandbox can run. */
	if (!monitor->sandbox_proven) {
		if (monitor->n_parked == 0)
			login_park(monitor);
		return;
	}
	r = frontdoor_open(monitor->frontdoor);
	if (r < 0) {
		log_event(LOG_ERROR, "listen.failed", LOG_ERR(r));
		monitor_give_up(monitor, "listen.unusable", "see above");
		return;
	}
	monitor->phase = MONITOR_SERVING;
	runtime_say_ready(monitor);
	log_event(LOG_INFO, "monitor.ready", LOG_STR("version", LAZARET_VERSION),
		  LOG_INT("port", conf_int(monitor->conf, CONF_PORT)),
		  LOG_INT("sessions", session_count(monitor)));
	login_park(monitor);
}

static int handle_overdue(void *data)
{
	struct monitor *monitor = data;

	log_event(LOG_ERROR, "monitor.overdue",
		  LOG_INT("sessions", wl_list_length(&monitor->sessions)),
		  LOG_INT("remains", wl_list_length(&monitor->remains)));
	monitor->exit_status = 1;
	monitor->stop = true;
	return 0;
}

void monitor_shutdown(struct monitor *monitor)
{
	struct session *session, *next;
	struct client *client, *next_client;

	if (monitor->phase == MONITOR_ENDING)
		return;
	monitor->phase = MONITOR_ENDING;
	/* A service manager that is told of an end would wait for it. */
	if (!monitor->again)
		runtime_say_stopping(monitor);
	frontdoor_close(monitor->frontdoor);
	monitor->end_timer = wl_event_loop_add_timer(monitor->loop, handle_overdue, monitor);
	if (monitor->end_timer)
		wl_event_source_timer_update(monitor->end_timer, SHUTDOWN_TIMEOUT);
	wl_list_for_each_safe (client, next_client, &monitor->clients, link)
		client_refuse(client, CLOSING);
	wl_list_for_each_safe (session, next, &monitor->sessions, link)
		session_end(session, monitor->again ? "The system is being restarted."
						    : "The system is being shut down.");
	monitor_check_ended(monitor);
}

void monitor_check_ended(struct monitor *monitor)
{
	if (monitor->phase != MONITOR_ENDING)
		return;
	if (!wl_list_empty(&monitor->sessions) || !wl_list_empty(&monitor->remains))
		return;
	netd_stop(monitor->netd);
	keyd_stop(monitor->keyd);
	if (netd_stopped(monitor->netd) && keyd_stopped(monitor->keyd))
		monitor->stop = true;
}
