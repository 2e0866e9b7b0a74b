/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/confine.h"
#include "lock/lockcheck.h"

/* What is open can be read, and one pipe be written to; nothing is opened, and nothing executable. */
static const struct confine_call calls[] = {
	{.nr = SYS_read},
	{.nr = SYS_pread64},
	{.nr = SYS_readv},
	{.nr = SYS_write},
	{.nr = SYS_lseek},
	{.nr = SYS_close},
	{.nr = SYS_fstat},
	/* fstat() of newer libraries; by name there is nothing to be found. */
	{.nr = SYS_newfstatat},
	{.nr = SYS_brk},
	{.nr = SYS_mmap, .n_args = 1, .args = {{2, PROT_EXEC, 0}}},
	{.nr = SYS_mprotect, .n_args = 1, .args = {{2, PROT_EXEC, 0}}},
	{.nr = SYS_mremap},
	{.nr = SYS_munmap},
	{.nr = SYS_madvise},
	{.nr = SYS_getrandom},
	{.nr = SYS_futex},
	{.nr = SYS_clock_gettime},
	{.nr = SYS_gettimeofday},
	{.nr = SYS_time},
	{.nr = SYS_sysinfo},
	{.nr = SYS_sched_getaffinity}, /* liblzma asks how many processors there are */
	{.nr = SYS_rt_sigprocmask},
	{.nr = SYS_rt_sigreturn},
	{.nr = SYS_getpid},
	{.nr = SYS_gettid},
	{.nr = SYS_exit_group},
	/* Libraries try these, and do without. */
	{.nr = SYS_fcntl, .action = CONFINE_EACCES},
	{.nr = SYS_ioctl, .action = CONFINE_EACCES},
	{.nr = SYS_openat, .action = CONFINE_EACCES},
	{.nr = SYS_access, .action = CONFINE_EACCES},
	{.nr = SYS_readlink, .action = CONFINE_EACCES},
	{.nr = SYS_readlinkat, .action = CONFINE_EACCES},
	{.nr = SYS_prlimit64, .action = CONFINE_EACCES},
};

int lockcheck_filter(void)
{
	return confine_filter(calls, ARRAY_LEN(calls));
}
