/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the monitor is made of at its start. What is wrong is logged. */
#ifndef LAZARET_MONITOR_SETUP_H
#define LAZARET_MONITOR_SETUP_H

#include "base/attr.h"

struct monitor;

/* All of it. */
NODISCARD int set_up(struct monitor *monitor);

/* Parts of it, for who takes the rest from the version before. */
NODISCARD int set_up_accounts(struct monitor *monitor);
NODISCARD int set_up_programs(struct monitor *monitor);
NODISCARD int set_up_cgroups(struct monitor *monitor);

#endif
