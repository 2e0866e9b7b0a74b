/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many attempts, each in a process of its own, some at a time. */
#ifndef LAZARET_NET_PROBE_RUN_H
#define LAZARET_NET_PROBE_RUN_H

#include "base/spawn.h"
#include "net/probe.h"

struct probe_task {
	struct probe_job job;
	int netns; /* of the cell when job.in_cell; stays the caller's */
	struct probe_result result; /* out */

	/* while it runs */
	struct child child;
	int fd;
	uint64_t started, deadline;
	uint8_t data[PROBE_RESULT_MAX];
	size_t n_data;
};

/*
 * Runs `program` (lazaret-pathprobe, absolute) for each task, at most `parallel` at once. Every task
 * has a result afterwards; one whose process failed is PROBE_UNTRIED and says why. Needs root.
 */
void probe_run(const char *program, struct probe_task *tasks, size_t n, unsigned int parallel);

#endif
