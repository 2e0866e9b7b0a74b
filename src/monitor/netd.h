/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monitor's side of lazaret-netd. */
#ifndef LAZARET_MONITOR_NETD_H
#define LAZARET_MONITOR_NETD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct handover;
struct conf;
struct monitor;
struct netd;

/* Tells it the slots of the sessions that are in the registry now. */
NODISCARD int netd_create(struct monitor *monitor, struct netd **ret_netd);
/* Across an execution of ourselves, which starts another one. */
NODISCARD int netd_save(const struct netd *netd, struct handover *handover);
void netd_destroy(struct netd *netd);
/* Has everything removed that it made. */
void netd_stop(struct netd *netd);
bool netd_stopped(const struct netd *netd);

bool netd_ready(const struct netd *netd);
/* Nothing happens while it is down: a restarted netd is told what is alive and what is wanted. */
void netd_create_cell(struct netd *netd, uint32_t slot, uint32_t paths);
/* The cell is another user's now, whose groups open other paths. */
void netd_set_paths(struct netd *netd, uint32_t slot, uint32_t paths);
void netd_remove_cell(struct netd *netd, uint32_t slot);

/*
 * Has the rules of all cells, those that run too, follow from a configuration; monitor_reload_end()
 * is called with the outcome. -EAGAIN: it is down and will start with the one that is in force then.
 */
NODISCARD int netd_configure(struct netd *netd, const struct conf *conf);

#endif
