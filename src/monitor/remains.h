/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a session leaves behind when its process is gone, however it went: control group with what
 * runs in it, folder below the runtime directory, mounted home, network, slot. Cleared in the
 * background, tried again until nothing is left.
 */
#ifndef LAZARET_MONITOR_REMAINS_H
#define LAZARET_MONITOR_REMAINS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

struct handover;
struct monitor;

/* Takes the slot over (if it has one), and gives it back when all is cleared. uid 0: no home. */
void remains_clear(struct monitor *monitor, const char *id, bool has_slot, uint32_t slot,
		   uid_t uid);
/* Something of this user is still being cleared: a new session must wait. */
bool remains_pending(const struct monitor *monitor, uid_t uid);
/* Across an execution of ourselves, which begins them anew with remains_clear(). */
NODISCARD int remains_save(const struct monitor *monitor, struct handover *handover);
void remains_forget_all(struct monitor *monitor);

#endif
