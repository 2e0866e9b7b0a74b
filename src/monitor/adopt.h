/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sessions of a monitor that is no more: each has a folder below the runtime directory with a
 * record and a socket on which its process waits for us.
 */
#ifndef LAZARET_MONITOR_ADOPT_H
#define LAZARET_MONITOR_ADOPT_H

#include "base/attr.h"

struct monitor;

/* Blocks for at most ADOPT_TIMEOUT. What cannot be adopted is ended and cleared away. */
NODISCARD int adopt_sessions(struct monitor *monitor);

#endif
