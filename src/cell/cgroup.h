/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Control groups: one for each session, in it one for the cell and one for the display.
 *
 *	<base>/s-<id>/cell	<base>/s-<id>/display
 *
 * Version 2 where the host runs it (production: in a unit with Delegate=), version 1
 * (memory, pids, cpu, freezer) where a host still has that. Which one is found out at run time.
 * Names are the only state: whoever knows the base's name and a session's id can open, read, kill
 * and remove the group, so a restarted process needs nothing else.
 */
#ifndef LAZARET_CELL_CGROUP_H
#define LAZARET_CELL_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#define CGROUP_NAME_MAX 63 /* bytes of one component of a name */
#define CGROUP_PATH_MAX 512

struct cgroup_base;
struct cgroup;

/* Where the hierarchies are, for tests: a tree of plain files in the place of the kernel's. */
struct cgroup_host {
	const char *mount_point; /* "/sys/fs/cgroup" */
	const char *self; /* "/proc/self/cgroup" */
	int version; /* of all that is below the mount point; 0: ask the kernel */
};
/* Borrowed until the next call; NULL: the real one again. */
void cgroup_use_host(const struct cgroup_host *host);

struct cgroup_limits {
	uint64_t memory_max; /* bytes, memory and tmpfs together; swap is always 0. 0: no limit */
	uint32_t pids_max; /* processes and threads; 0: no limit */
	uint32_t cpu_weight; /* 1 to 10000, 100 is everybody's default; 0: leave */
	uint32_t cpu_max_percent; /* of one core: 150 is one and a half; 0: no limit */
};

struct cgroup_usage {
	uint64_t memory; /* bytes now */
	uint64_t memory_peak; /* bytes; 0 where the kernel does not say */
	uint64_t pids;
	uint64_t oom_kills; /* processes that the memory limit has ended, since creation */
	uint64_t pids_refused; /* forks that the process limit has refused */
};

/*
 * Finds the base. Version 2: the group of the systemd unit "<name>-cells.service" in the slice that
 * this process is in, when `delegated`; otherwise, and always in version 1, "/<name>".
 * `name` is one component, "lazaret" in production; another instance takes another.
 *
 * `setup` (the monitor, once at its start): makes the base, unless it is a unit's, which must be
 * there; moves the processes which are in it to its leaf "hold" and enables the controllers. Without,
 * the base must be there.
 * -ENOTSUP: neither version offers memory, pids and cpu. -ENOENT, -EACCES, -EINVAL (name).
 */
NODISCARD int cgroup_base_open(const char *name, bool delegated, bool setup,
			       struct cgroup_base **ret_base);
void cgroup_base_close(struct cgroup_base *base);
static inline void cgroup_base_closep(struct cgroup_base **base)
{
	cgroup_base_close(*base);
}
/* 1 or 2. */
int cgroup_base_version(const struct cgroup_base *base);
/* Removes the base's leaf and the base, if no session is left (-EBUSY). For the end of a demo;
 * this process moves itself to the root group first. Not for a delegated base. */
NODISCARD int cgroup_base_remove(struct cgroup_base *base);

/*
 * Calls `visit` with the name ("s-<id>") of each session group that exists; what visit does with
 * the group is its own affair (removing it is fine). Stops at the first non-zero, which is returned.
 */
NODISCARD int cgroup_base_list(const struct cgroup_base *base,
			       int (*visit)(const char *name, void *data), void *data);

/*
 * Makes "<name>" or "<name>/<sub>" (sub may be NULL), which may exist already, and sets the limits
 * (NULL: none). A group with subs holds no processes of its own. The caller closes *ret_cgroup.
 */
NODISCARD int cgroup_create(const struct cgroup_base *base, const char *name, const char *sub,
			    const struct cgroup_limits *limits, struct cgroup **ret_cgroup);
/* The same group again, without making it: -ENOENT if it is not there. */
NODISCARD int cgroup_open(const struct cgroup_base *base, const char *name, const char *sub,
			  struct cgroup **ret_cgroup);
/* Forgets the handle; the group itself stays. NULL is allowed. */
void cgroup_close(struct cgroup *cgroup);
static inline void cgroup_closep(struct cgroup **cgroup)
{
	cgroup_close(*cgroup);
}

NODISCARD int cgroup_set_limits(struct cgroup *cgroup, const struct cgroup_limits *limits);

/*
 * The files that a process writes "0" to in order to join: one (v2) to four (v1) absolute paths,
 * separated by newlines, borrowed until close. cgroup_join_files() is the other half, for a child
 * that was given the text.
 */
const char *cgroup_join_text(const struct cgroup *cgroup);
NODISCARD int cgroup_join_files(const char *text);
/* Moves a process into the group; 0 is the caller. */
NODISCARD int cgroup_add(const struct cgroup *cgroup, pid_t pid);

NODISCARD int cgroup_usage(const struct cgroup *cgroup, struct cgroup_usage *ret_usage);
/* True while a process is in the group or below it. */
bool cgroup_populated(const struct cgroup *cgroup);

/*
 * SIGKILL to everything in the group and below it; a group that forks at full speed has no
 * survivors. Returns as soon as the signals are sent; the processes may take a moment to go.
 */
NODISCARD int cgroup_kill(const struct cgroup *cgroup);
/* Waits until nothing is left in it; -ETIMEDOUT after `timeout` microseconds. Blocks. */
NODISCARD int cgroup_wait_empty(const struct cgroup *cgroup, uint64_t timeout);
/* Removes the group and its subs: -EBUSY while a process is in it (kill, and call again when the
 * processes are reaped, for instance from a timer). 0 if it is already gone. */
NODISCARD int cgroup_remove(const struct cgroup *cgroup);

#endif
