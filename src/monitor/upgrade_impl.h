/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of an upgrade share: upgrade.c goes away, upgrade_take.c comes. */
#ifndef LAZARET_MONITOR_UPGRADE_IMPL_H
#define LAZARET_MONITOR_UPGRADE_IMPL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"

struct conf;
struct handover;
struct monitor;
struct programs;

/* Everything that there is, for handover_put(); always to be finished. -EBUSY: not now. */
NODISCARD int upgrade_describe(const struct monitor *monitor, bool back,
			       struct handover *ret_handover);
/* As a sealed file; its descriptor. */
NODISCARD int upgrade_seal(struct handover *handover);
/* Executes lazaretd by descriptor; returns only when that fails. */
NODISCARD int upgrade_execute(const struct monitor *monitor, int program, int state, bool returned);
/* Whether the key holder among the programs takes what the configuration names; else a line for why. */
NODISCARD int upgrade_try_keyd(const struct conf *conf, const struct programs *programs,
			       FILE *errors);
/* The version before is executed again, when all can be handed over. */
void upgrade_go_back(struct monitor *monitor);

#endif
