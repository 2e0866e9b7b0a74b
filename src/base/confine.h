/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fixed order in which a child of ours gives up what it does not need: limits, empty root, ids,
 * capabilities, no_new_privs, non-dumpable, system-call filter. All of it happens after the child
 * has taken its descriptors and configuration and before it looks at a byte from outside.
 */
#ifndef LAZARET_BASE_CONFINE_H
#define LAZARET_BASE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

enum confine_action {
	CONFINE_ALLOW,
	CONFINE_EACCES, /* fails softly: for calls that libraries try and can do without */
	CONFINE_ENOSYS,
};

/* One system call. `n_args` conditions (argument index, mask, value) must all hold for ALLOW. */
struct confine_call {
	int nr; /* __NR_… */
	enum confine_action action;
	unsigned int n_args;
	struct {
		unsigned int index;
		uint64_t mask;
		uint64_t value;
	} args[2];
};

struct confine {
	uid_t uid; /* 0: stay who we are (netd keeps root's uid without its power) */
	gid_t gid;
	uint64_t keep_caps; /* bits 1 << CAP_…; everything else is dropped, bounding set too */
	bool empty_root; /* an empty, read-only root by pivot_root */
	bool no_network; /* a fresh network namespace without any interface */
	bool own_ipc; /* fresh IPC and UTS namespaces */
	uint64_t max_files; /* RLIMIT_NOFILE; 0: leave */
	uint64_t max_memory; /* RLIMIT_AS in bytes; 0: leave */
	bool no_processes; /* RLIMIT_NPROC 0: no fork for an unprivileged uid */
	const struct confine_call *calls; /* NULL: no filter */
	size_t n_calls;
};

/*
 * 0 or the negative errno of the first step that failed; *ret_step then names it ("empty root",
 * "filter", …) for the log. A process whose confinement failed must exit.
 * What is not in `calls` kills the process (SECCOMP_RET_KILL_PROCESS); foreign ABIs too.
 */
NODISCARD int confine(const struct confine *spec, const char **ret_step);

/* Only the last step, for a process that needs a wider set during its start. */
NODISCARD int confine_filter(const struct confine_call *calls, size_t n_calls);
/* The same for threads that run already, too. */
NODISCARD int confine_filter_threads(const struct confine_call *calls, size_t n_calls);

/* An account of the local system: -ENOENT when there is none of that name. */
NODISCARD int confine_lookup(const char *account, uid_t *ret_uid, gid_t *ret_gid);

#endif
