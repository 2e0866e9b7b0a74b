/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starting a program of ours: by exec, with nothing inherited but what is named.
 *
 * By convention a child finds its ipc channel to the parent as descriptor 3, its configuration as
 * 4, and what else its role needs from 5 on, in the order of `fds`. Standard input and output are
 * /dev/null unless `stdin_fd`, `stdout_fd` are said; standard error is `stderr_fd`.
 */
#ifndef LAZARET_BASE_SPAWN_H
#define LAZARET_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"

#define SPAWN_FD_CHANNEL 3
#define SPAWN_FD_CONFIG 4
#define SPAWN_FD_FIRST 5
#define SPAWN_FDS_MAX 16

struct spawn {
	const char *path; /* absolute */
	int exec_fd; /* what is executed instead of what lies there now; 0: the path */
	const char *const *argv; /* NULL-terminated; NULL: just the path */
	const char *const *env; /* NULL-terminated "K=V"; NULL: PATH and LANG=C.UTF-8 only,
				 * and JOURNAL_STREAM for who writes into our own log */
	const int *fds; /* become 3, 4, …; stay the caller's */
	size_t n_fds; /* at most SPAWN_FDS_MAX */
	int stdin_fd, stdout_fd; /* 0: /dev/null */
	int stderr_fd; /* -1: the caller's own standard error */
	bool die_with_parent; /* SIGKILL when the spawning thread's process dies */
};

struct child {
	pid_t pid; /* 0: none */
	int pidfd; /* readable when the child has ended; -1: none */
};

/* 0 when the program was executed, or the negative errno of what failed, exec included. */
NODISCARD int spawn(const struct spawn *spec, struct child *ret_child);

/* Ends it with a signal; nothing if it has ended or there is none. */
void child_signal(const struct child *child, int sig);

/*
 * Collects a child whose pidfd is readable: *ret_status as waitpid(2) gives it. Closes the pidfd and
 * forgets the child. -EAGAIN when it still runs.
 */
NODISCARD int child_reap(struct child *child, int *ret_status);

/* SIGKILL, wait, forget. For clean-up paths. */
void child_kill(struct child *child);

/* "exit 1", "signal 11 (core dumped)": for logs; `size` >= 48. */
void child_describe(int status, char *out, size_t size);

#endif
