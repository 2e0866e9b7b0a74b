/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads for what waits for the disk: a copy of a large file, the moment when a file has reached the
 * disk. Everything else happens in the event loop; a job's memory is the thread's alone until it is done.
 */
#ifndef LAZARET_LOCK_WORKER_H
#define LAZARET_LOCK_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <wayland-server-core.h>

#include "base/attr.h"

struct job {
	struct wl_list link;
	/* In a thread. Looks at `cancelled` now and then. */
	void (*run)(struct job *job);
	/* In the loop, afterwards; may free the job. */
	void (*done)(struct job *job);
	atomic_bool cancelled;
};

struct worker;

NODISCARD int worker_create(struct wl_event_loop *loop, unsigned int threads,
			    struct worker **ret_worker);
/* Cancels what there is and waits for it; `done` is called of none. NULL is allowed. */
void worker_destroy(struct worker *worker);

void worker_add(struct worker *worker, struct job *job);

#endif
