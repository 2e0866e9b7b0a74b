/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The network of a cell in which nobody lives, lent to lazaretctl for as long as its connection lasts:
 * `paths probe` tries from there what sessions use. It is made by netd like every other cell's, behind
 * the same rules.
 */
#ifndef LAZARET_MONITOR_LENT_H
#define LAZARET_MONITOR_LENT_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-util.h>

#include "base/attr.h"
#include "monitor/commands.h"

struct monitor;

struct lent_cell {
	struct wl_list link; /* monitor.lent */
	struct monitor *monitor;
	uint32_t slot;
	bool answered;
	struct command_call call; /* whom to tell */
};

/* Asks netd for it; `call` is answered when it is there, unless the cell is destroyed before. */
NODISCARD int lent_create(const struct command_call *call, struct lent_cell **ret_lent);
/* Has the network removed. NULL is allowed. */
void lent_destroy(struct lent_cell *lent);
/* What netd made; false if no lent cell has that slot. The namespace stays the caller's. */
bool lent_net(struct monitor *monitor, uint32_t slot, bool ok, const char *reason,
	      const char *resolv_conf, int netns);

#endif
