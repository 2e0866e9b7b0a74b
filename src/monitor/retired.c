/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/retired.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"

struct retired {
	struct wl_list link; /* monitor.retired */
	struct process process;
	struct wl_event_source *timer;
	struct ipc_table table;
};

static void retired_destroy(struct retired *retired)
{
	if (retired->timer)
		wl_event_source_remove(retired->timer);
	process_finish(&retired->process, true);
	wl_list_remove(&retired->link);
	free(retired);
}

static int handle_timer(void *data)
{
	retired_destroy(data);
	return 0;
}

static void handle_gone(void *data)
{
	struct retired *retired = data;

	retired_destroy(retired);
}

/* Nothing that it says has an effect any more: the channel knows no rule, and ends with the first word.
 * The process goes on until its time has come. */
static void handle_closed(void *data, int reason)
{
	struct retired *retired = data;

	(void)reason;
	process_closed(&retired->process, -EPIPE);
}

int retired_add(struct monitor *monitor, const char *role, enum ipc_role peer,
		const struct process_memory *memory)
{
	struct retired *retired;
	struct process_spec spec;
	int r;

	if (memory->pid <= 0)
		return 0;
	retired = calloc(1, sizeof(*retired));
	if (!retired)
		return -ENOMEM;
	retired->table = (struct ipc_table){
		.self = IPC_ROLE_MONITOR, .peer = peer, .closed = handle_closed};
	wl_list_insert(&monitor->retired, &retired->link);
	spec = (struct process_spec){
		.role = role, .table = &retired->table, .gone = handle_gone, .data = retired};
	r = process_restore(&retired->process, monitor->loop, memory, &spec);
	if (r == 0)
		retired->timer = wl_event_loop_add_timer(monitor->loop, handle_timer, retired);
	if (r < 0 || !retired->timer) {
		retired_destroy(retired);
		return -ENOMEM;
	}
	wl_event_source_timer_update(retired->timer, RETIRED_TIMEOUT * 1000);
	return 0;
}

void retired_end_all(struct monitor *monitor)
{
	struct retired *retired, *next;

	wl_list_for_each_safe (retired, next, &monitor->retired, link)
		retired_destroy(retired);
}

int retired_save(const struct monitor *monitor, struct handover *handover)
{
	const struct retired *retired;
	int r = 0;

	wl_list_for_each (retired, &monitor->retired, link) {
		r = handover_add_leftover(handover, &retired->process.child);
		if (r < 0)
			break;
	}
	return r;
}
