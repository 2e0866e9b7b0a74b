/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listening sockets, and who may connect: bounded in number, by address and in rate. */
#ifndef LAZARET_MONITOR_FRONTDOOR_H
#define LAZARET_MONITOR_FRONTDOOR_H

#include <stdint.h>

#include "base/attr.h"

struct frontdoor;
struct handover;
struct monitor;

/* Binds all addresses of the configuration; nobody can connect yet. Errors are logged. */
NODISCARD int frontdoor_create(struct monitor *monitor, struct frontdoor **ret_frontdoor);
/* Across an execution of ourselves: who waits to be accepted goes on waiting. */
NODISCARD int frontdoor_save(const struct frontdoor *frontdoor, struct handover *handover);
NODISCARD int frontdoor_restore(struct monitor *monitor, const struct handover *handover,
				struct frontdoor **ret_frontdoor);
void frontdoor_destroy(struct frontdoor *frontdoor);
/* Starts to listen. */
NODISCARD int frontdoor_open(struct frontdoor *frontdoor);
/* Listens no more; connections that are there stay. */
void frontdoor_close(struct frontdoor *frontdoor);
/* Something that was missing is there again (key, descriptors, a place): accept what waits. */
void frontdoor_resume(struct frontdoor *frontdoor);

/* Counted since the start. */
uint64_t frontdoor_accepted(const struct frontdoor *frontdoor);
uint64_t frontdoor_refused(const struct frontdoor *frontdoor);

#endif
