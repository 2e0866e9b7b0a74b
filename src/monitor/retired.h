/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sibling of the version before (upgrade.h): another one does its work already, but some have a
 * connection to it that they still use. It is let go in peace, and ended after RETIRED_TIMEOUT.
 */
#ifndef LAZARET_MONITOR_RETIRED_H
#define LAZARET_MONITOR_RETIRED_H

#include "base/attr.h"
#include "ipc/process.h"

struct monitor;

/* `role` lives for ever; nothing if no process is described. Takes the descriptors, also on failure. */
NODISCARD int retired_add(struct monitor *monitor, const char *role, enum ipc_role peer,
			  const struct process_memory *memory);
void retired_end_all(struct monitor *monitor);
/* Their processes, if we execute ourselves once more before they are gone. */
struct handover;
NODISCARD int retired_save(const struct monitor *monitor, struct handover *handover);

#endif
