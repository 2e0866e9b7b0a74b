/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prober.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum outcome prober_try(int (*filter)(void), const struct attempt *attempt)
{
	const long *a = attempt->args;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		long r;

		if (filter() < 0)
			syscall(SYS_exit_group, NO_FILTER);
		r = syscall(attempt->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		syscall(SYS_exit_group, r < 0 ? FAILS : WORKS);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : NO_FILTER;
	return (enum outcome)WEXITSTATUS(status);
}
