/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/filter.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/attr.h"

#define ALLOW(name)                                         \
	{                                                   \
		.nr = __NR_##name, .action = CONFINE_ALLOW, \
	}
#define NEVER_EXECUTABLE(name)                                           \
	{                                                                \
		.nr = __NR_##name, .action = CONFINE_ALLOW, .n_args = 1, \
		.args = {{                                               \
			.index = 2,                                      \
			.mask = PROT_EXEC,                               \
			.value = 0,                                      \
		}},                                                      \
	}
#define SOFTLY(name)                                         \
	{                                                    \
		.nr = __NR_##name, .action = CONFINE_EACCES, \
	}

const struct confine_call filter_calls[] = {
	/* the loop */
	ALLOW(epoll_wait),
	ALLOW(epoll_ctl),
	ALLOW(timerfd_create),
	ALLOW(timerfd_settime),
	ALLOW(clock_gettime),
	ALLOW(restart_syscall),
	/* the browser and the channel: messages with descriptors, shared memory, clipboard pipes */
	ALLOW(accept4),
	ALLOW(recvmsg),
	ALLOW(sendmsg),
	/* only to where the socket is connected */
	{.nr = __NR_sendto,
	 .action = CONFINE_ALLOW,
	 .n_args = 1,
	 .args = {{.index = 4, .mask = UINT64_MAX, .value = 0}}},
	ALLOW(getsockopt),
	ALLOW(setsockopt),
	ALLOW(read),
	ALLOW(write),
	ALLOW(pread64),
	ALLOW(close),
	ALLOW(dup),
	ALLOW(fcntl),
	ALLOW(fstat),
	ALLOW(newfstatat),
	ALLOW(pipe2),
	ALLOW(memfd_create),
	ALLOW(ftruncate),
	ALLOW(lseek),
	/* memory, none of it executable */
	NEVER_EXECUTABLE(mmap),
	NEVER_EXECUTABLE(mprotect),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(brk),
	ALLOW(futex),
	ALLOW(getrandom),
	/* SIGBUS of a truncated buffer, and the end */
	ALLOW(rt_sigaction),
	ALLOW(rt_sigprocmask),
	ALLOW(rt_sigreturn),
	ALLOW(getpid),
	ALLOW(gettid),
	ALLOW(tgkill),
	ALLOW(exit),
	ALLOW(exit_group),
	/* libraries look for files and can do without */
	SOFTLY(openat),
	SOFTLY(access),
	SOFTLY(readlink),
	SOFTLY(ioctl),
};

const size_t filter_n_calls = ARRAY_LEN(filter_calls);
