/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A child of ours as its parent holds it: the program, the channel to it, what it writes to
 * standard error, and its end. What it said before it died is handled before its end is told.
 */
#ifndef LAZARET_IPC_PROCESS_H
#define LAZARET_IPC_PROCESS_H

#include <stdbool.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "base/spawn.h"
#include "ipc/channel.h"

/* After it closed its channel a child has so long to exit before it is killed; ms. */
#define PROCESS_EXIT_GRACE 10000

struct logpipe;

struct process {
	struct wl_event_loop *loop;
	struct child child;
	struct wl_event_source *exit_source, *grace_timer;
	struct logpipe *log;
	struct ipc_channel *channel; /* NULL once it is closed */
	bool condemned; /* it was killed because it does not listen */
	bool ended; /* it was reaped */
	int status; /* then: as waitpid(2) gives it; 0 for a process that is not our child */
	void (*gone)(void *data);
	void *data;
};

struct process_spec {
	const char *path; /* absolute */
	int exec_fd; /* as in spawn.h */
	const char *role; /* for the log; lives as long as the process */
	const struct buf *config; /* becomes descriptor 4 */
	const int *fds; /* become 5, 6, …; stay the caller's */
	size_t n_fds;
	bool own_log; /* privileged: writes to our standard error itself */
	bool outlives; /* may go on without us */
	const struct ipc_table *table; /* whose `closed` calls process_closed() */
	/* Channel closed and child reaped, in whatever order; may free the process. */
	void (*gone)(void *data);
	void *data; /* for the table's handlers and for gone */
};

/* `process` is zeroed or finished memory. On failure nothing is left. */
NODISCARD int process_start(struct process *process, struct wl_event_loop *loop,
			    const struct process_spec *spec);

/* A running process that somebody else started. Takes both descriptors, also on failure. */
NODISCARD int process_adopt(struct process *process, struct wl_event_loop *loop, pid_t pid,
			    int pidfd, int channel, const struct process_spec *spec);

/* A process on its way from one execution of its parent to the next. */
struct process_memory {
	pid_t pid;
	int pidfd, channel, log; /* -1: closed already, or there is none */
	struct ipc_channel_memory said;
};
/* The descriptors stay the process's. -EBUSY: not now, something of it is just being done. */
NODISCARD int process_save(const struct process *process, struct process_memory *ret_memory);
/* As process_start(), without starting; takes the descriptors, also on failure. */
NODISCARD int process_restore(struct process *process, struct wl_event_loop *loop,
			      const struct process_memory *memory, const struct process_spec *spec);

/* For the table's `closed`. -EPIPE lets the child exit by itself; other reasons kill it. */
void process_closed(struct process *process, int reason);

/* Sends; a child that cannot be told anything any more is killed. */
void process_send(struct process *process, enum ipc_type type, const struct buf *body,
		  const int *fds, size_t n_fds);

bool process_running(const struct process *process);
void process_signal(struct process *process, int sig);

/* Forgets it without calling gone: kills it if `kill_it`, otherwise just lets go of it. */
void process_finish(struct process *process, bool kill_it);

#endif
