/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaretd becomes another version of itself, in place: same process, same sockets, same children.
 *
 *	1. The program that lies at our own path now is opened.
 *	2. A child executes it as `--check-upgrade`: it reads our configuration, the programs that belong
 *	   to it, and what we would hand over (handover.h). If it cannot, nothing has changed.
 *	3. We execute it, with the same file in memory. Until it is whole again it can, and on a crash
 *	   does, execute us once more with that very file: no event was taken from anywhere meanwhile.
 *	4. keyd and netd of the new version are started. If they do not come up within UPGRADE_PROOF, it
 *	   goes back to the version before, by the same way.
 *
 * Why so: docs/decisions/upgrade.md.
 */
#ifndef LAZARET_MONITOR_UPGRADE_H
#define LAZARET_MONITOR_UPGRADE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"

struct command_call;
struct monitor;
struct upgrade;

/* Answers when it is over, perhaps as another version. Access was checked. */
void upgrade_start(const struct command_call *call);
/* The end of the monitor. NULL is allowed. */
void upgrade_destroy(struct upgrade *upgrade);

/* What `--check-upgrade` does: 0, or a negative errno with a line for the person. */
NODISCARD int upgrade_check(struct monitor *monitor, int fd, FILE *errors);

/*
 * What `--upgraded` does instead of a start. On failure the version before is executed again; it
 * returns only if that cannot be done either.
 */
NODISCARD int upgrade_take(struct monitor *monitor, int fd, bool returned);
/* One that has just started dies: a version whose siblings do not live is no good. */
void upgrade_sibling_died(struct monitor *monitor);
/* keyd or netd has come up. */
void upgrade_proven(struct monitor *monitor);

#endif
