/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process of which there is always one: started again when it dies, with growing pauses. */
#ifndef LAZARET_MONITOR_SIBLING_H
#define LAZARET_MONITOR_SIBLING_H

#include <stdint.h>

#include "ipc/process.h"
#include "monitor/programs.h"

struct sibling {
	const char *name; /* "lazaret-keyd" */
	enum program program;
	struct monitor *monitor;
	const struct ipc_table *table;
	bool own_log; /* what it logs is a record, of which no line may be dropped */
	void *data; /* for the three below; the table's handlers get the sibling itself */
	/* Writes what the program finds on descriptor 4. */
	void (*put_config)(void *data, struct buf *config);
	/* It runs: greet it. */
	void (*started)(void *data);
	/* It died; it will be started again. */
	void (*lost)(void *data);
	struct process process;
	struct wl_event_source *timer;
	uint64_t since; /* monotonic us */
	int pause; /* ms, of the next restart */
	bool stopping; /* its end is wanted */
};

/* Its process, if one runs, for an execution of ourselves. -EBUSY: not now. */
NODISCARD int sibling_save(const struct sibling *sibling, struct process_memory *ret_memory);
/* First start: a failure is returned, not retried. */
NODISCARD int sibling_start(struct sibling *sibling);
/* Its end is awaited from now on; with `how` (a message, or IPC_TYPE_COUNT) it is told. */
void sibling_stop(struct sibling *sibling, enum ipc_type how);
void sibling_finish(struct sibling *sibling);

#endif
