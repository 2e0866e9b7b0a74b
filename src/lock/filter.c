/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/filter.h"

#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/confine.h"

#define ALLOW(name)                                         \
	{                                                   \
		.nr = __NR_##name, .action = CONFINE_ALLOW, \
	}
#define ONLY(name, i, m, v)                                              \
	{                                                                \
		.nr = __NR_##name, .action = CONFINE_ALLOW, .n_args = 1, \
		.args = {{.index = (i), .mask = (m), .value = (v)}},     \
	}

static const struct confine_call calls[] = {
	/* the loop, the channels */
	ALLOW(epoll_wait),
	ALLOW(epoll_ctl),
	ALLOW(timerfd_create),
	ALLOW(timerfd_settime),
	ALLOW(clock_gettime),
	ALLOW(restart_syscall),
	ALLOW(recvmsg),
	ALLOW(sendmsg),
	ONLY(sendto, 4, UINT64_MAX, 0),
	/* the kernel's requests and our answers */
	ALLOW(read),
	ALLOW(readv),
	ALLOW(write),
	ALLOW(writev),
	ALLOW(splice),
	ALLOW(vmsplice),
	ALLOW(pipe2),
	/* files: all there is lies below the descriptors that we were given */
	ALLOW(openat),
	ALLOW(openat2),
	ALLOW(memfd_create),
	ALLOW(close),
	ALLOW(fcntl),
	ALLOW(fstat),
	ALLOW(newfstatat),
	ALLOW(fstatfs),
	ALLOW(pread64),
	ALLOW(pwrite64),
	ALLOW(lseek),
	ALLOW(getdents64),
	ALLOW(ftruncate),
	ALLOW(unlinkat),
	ALLOW(renameat),
	ALLOW(renameat2),
	ALLOW(mkdirat),
	ALLOW(utimensat),
	ALLOW(fsync),
	ALLOW(fdatasync),
	ALLOW(sync_file_range),
	ALLOW(copy_file_range),
	ONLY(ioctl, 1, UINT64_MAX, FICLONE),
	/* memory, none of it executable */
	ONLY(mmap, 2, PROT_EXEC, 0),
	ONLY(mprotect, 2, PROT_EXEC, 0),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(brk),
	ALLOW(futex),
	ALLOW(getrandom),
	/* a thread that has just been started */
	ALLOW(set_robust_list),
	ALLOW(rseq),
	ALLOW(sched_yield),
	/* the end */
	ALLOW(rt_sigaction),
	ALLOW(rt_sigprocmask),
	ALLOW(rt_sigreturn),
	ALLOW(getpid),
	ALLOW(gettid),
	ALLOW(tgkill),
	ALLOW(exit),
	ALLOW(exit_group),
};

int filter_apply(void)
{
	return confine_filter_threads(calls, ARRAY_LEN(calls));
}
