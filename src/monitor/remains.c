/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/remains.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "cell/home.h"
#include "conf/conf.h"
#include "monitor/handover.h"
#include "monitor/login.h"
#include "monitor/monitor.h"
#include "monitor/netd.h"
#include "session/record.h"

/* Pause between tries; ms. */
#define RETRY 50
/* After so many it is said that something will not go, and tried more slowly. */
#define TRIES_LOUD 100
#define RETRY_SLOW 5000

struct remains {
	struct wl_list link;
	struct monitor *monitor;
	struct wl_event_source *timer;
	char id[RECORD_ID_MAX + 1];
	bool has_slot;
	uint32_t slot;
	uid_t uid;
	unsigned int tries;
	const char *stuck; /* what did not go, at the last try */
};

static int clear_cgroup(struct remains *remains)
{
	CLEANUP(cgroup_closep) struct cgroup *group = NULL;
	char name[CGROUP_NAME_MAX + 1];
	int r;

	if (!remains->monitor->cgroups)
		return 0;
	snprintf(name, sizeof(name), "s-%.40s", remains->id);
	r = cgroup_open(remains->monitor->cgroups, name, NULL, &group);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = cgroup_kill(group);
	return r == 0 ? cgroup_remove(group) : r;
}

static int clear_folder(struct remains *remains)
{
	static const char *const names[] = {RECORD_FILE, RECORD_SOCKET, RECORD_WAYLAND};
	_cleanup_fd_ int dir = openat(remains->monitor->sessions_fd, remains->id,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0)
		return errno == ENOENT ? 0 : -errno;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlinkat(dir, names[i], 0);
	if (unlinkat(remains->monitor->sessions_fd, remains->id, AT_REMOVEDIR) < 0)
		return -errno;
	return 0;
}

static int clear_home(struct remains *remains)
{
	if (remains->uid == 0)
		return 0;
	return home_close(conf_str(remains->monitor->conf, CONF_STATE_DIR), remains->uid);
}

/* 0 when nothing is left. In this order: processes hold the rest. */
static int clear(struct remains *remains)
{
	static const struct {
		const char *what;
		int (*clear)(struct remains *remains);
	} steps[] = {
		{"control group", clear_cgroup},
		{"home", clear_home},
		{"folder", clear_folder},
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int r = steps[i].clear(remains);

		if (r < 0) {
			remains->stuck = steps[i].what;
			return r;
		}
	}
	return 0;
}

static void forget(struct remains *remains)
{
	if (remains->timer)
		wl_event_source_remove(remains->timer);
	wl_list_remove(&remains->link);
	free(remains);
}

static void done(struct remains *remains)
{
	struct monitor *monitor = remains->monitor;

	if (remains->has_slot) {
		netd_remove_cell(monitor->netd, remains->slot);
		registry_give_slot(&monitor->registry, remains->slot);
	}
	log_event(LOG_DEBUG, "session.cleared", LOG_STR("session", remains->id),
		  LOG_INT("tries", remains->tries));
	forget(remains);
	login_retry(monitor);
	monitor_check_ended(monitor);
}

static int handle_timer(void *data)
{
	struct remains *remains = data;
	int r = clear(remains);

	remains->tries++;
	if (r == 0) {
		done(remains);
		return 0;
	}
	if (remains->tries % TRIES_LOUD == 0)
		log_event(LOG_ERROR, "session.uncleared", LOG_STR("session", remains->id),
			  LOG_STR("what", remains->stuck), LOG_ERR(r));
	wl_event_source_timer_update(remains->timer,
				     remains->tries < TRIES_LOUD ? RETRY : RETRY_SLOW);
	return 0;
}

void remains_clear(struct monitor *monitor, const char *id, bool has_slot, uint32_t slot, uid_t uid)
{
	struct remains *remains = calloc(1, sizeof(*remains));

	if (remains)
		remains->timer = wl_event_loop_add_timer(monitor->loop, handle_timer, remains);
	if (!remains || !remains->timer) {
		/* The next start of the monitor finds it; the slot stays taken until then. */
		log_event(LOG_ERROR, "session.uncleared", LOG_STR("session", id), LOG_ERR(-ENOMEM));
		free(remains);
		return;
	}
	remains->monitor = monitor;
	str_copy(remains->id, sizeof(remains->id), id);
	remains->has_slot = has_slot;
	remains->slot = slot;
	remains->uid = uid;
	wl_list_insert(monitor->remains.prev, &remains->link);
	handle_timer(remains);
}

bool remains_pending(const struct monitor *monitor, uid_t uid)
{
	struct remains *remains;

	wl_list_for_each (remains, &monitor->remains, link) {
		if (remains->uid == uid)
			return true;
	}
	return false;
}

int remains_save(const struct monitor *monitor, struct handover *handover)
{
	const struct remains *remains;

	wl_list_for_each (remains, &monitor->remains, link) {
		struct handover_remains *part = handover_add(&handover->remains,
							     &handover->n_remains, sizeof(*part));

		if (!part)
			return -ENOMEM;
		part->has_slot = remains->has_slot;
		part->slot = remains->slot;
		part->uid = remains->uid;
		if (handover_text(&part->id, remains->id) < 0)
			return -ENOMEM;
	}
	return 0;
}

void remains_forget_all(struct monitor *monitor)
{
	struct remains *remains, *next;

	wl_list_for_each_safe (remains, next, &monitor->remains, link)
		forget(remains);
}
