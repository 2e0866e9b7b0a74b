/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of accounts for the log. Name services may ask a directory and wait for it, so a program of its
 * own (lazaret-who) asks them; what it found is remembered for a while.
 */
#ifndef LAZARET_MONITOR_WHO_H
#define LAZARET_MONITOR_WHO_H

#include <sys/types.h>

#include "base/attr.h"

struct handover;
struct monitor;
struct who;

NODISCARD int who_create(struct monitor *monitor, struct who **ret_who);
void who_destroy(struct who *who);

/*
 * Calls `found` with the account's name once, perhaps before it returns: "" when there is none, or when
 * nobody said within WHO_TIMEOUT. The name lives until `found` returns.
 */
void who_ask(struct who *who, uid_t uid, void (*found)(void *data, const char *name), void *data);
/* Across an execution of ourselves: who asked asks again. */
NODISCARD int who_save(const struct who *who, struct handover *handover);
/* `data` must not be used any more. */
void who_forget(struct who *who, const void *data);

#endif
