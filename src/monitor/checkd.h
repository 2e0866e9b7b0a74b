/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monitor's side of lazaret-checkd, which runs while path "sftp" is open. */
#ifndef LAZARET_MONITOR_CHECKD_H
#define LAZARET_MONITOR_CHECKD_H

#include <stdbool.h>

#include "base/attr.h"

struct handover;
struct checkd_sibling;
struct monitor;

/* Starts it if the configuration wants it; a failure to start is logged and tried again. */
NODISCARD int checkd_create(struct monitor *monitor, struct checkd_sibling **ret_checkd);
/* The configuration in force is another one: it starts, ends, or is told. */
void checkd_configure(struct checkd_sibling *checkd);
/* Across an execution of ourselves, which starts another one. */
NODISCARD int checkd_save(const struct checkd_sibling *checkd, struct handover *handover);
void checkd_destroy(struct checkd_sibling *checkd);

/* "off", "running", "failed". */
const char *checkd_state(const struct checkd_sibling *checkd);

#endif
