/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/netd_filter.h"

#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/confine.h"

/*
 * Network namespaces, netlink to route and netfilter, files of /proc/sys and the state directory. No
 * other socket, no other namespace, no exec, no fork, no signal to anybody, no mount; memory is never
 * made executable.
 */
static const struct confine_call calls[] = {
	{.nr = SYS_epoll_wait},
	{.nr = SYS_epoll_pwait},
	{.nr = SYS_epoll_ctl},
	{.nr = SYS_timerfd_settime},
	{.nr = SYS_poll},
	{.nr = SYS_select},
	{.nr = SYS_pselect6},
	/* the monitor */
	{.nr = SYS_recvmsg},
	{.nr = SYS_sendmsg},
	/* the kernel */
	{.nr = SYS_socket,
	 .n_args = 2,
	 .args = {{0, UINT64_MAX, AF_NETLINK}, {2, UINT64_MAX, NETLINK_ROUTE}}},
	{.nr = SYS_socket,
	 .n_args = 2,
	 .args = {{0, UINT64_MAX, AF_NETLINK}, {2, UINT64_MAX, NETLINK_NETFILTER}}},
	/* if_nametoindex(3) asks through one that is connected to nothing. */
	{.nr = SYS_socket,
	 .n_args = 2,
	 .args = {{0, UINT64_MAX, AF_UNIX}, {1, ~(uint64_t)SOCK_CLOEXEC, SOCK_DGRAM}}},
	{.nr = SYS_ioctl, .n_args = 1, .args = {{1, UINT64_MAX, SIOCGIFINDEX}}},
	{.nr = SYS_bind},
	{.nr = SYS_sendto},
	{.nr = SYS_recvfrom},
	{.nr = SYS_getsockname},
	{.nr = SYS_setsockopt},
	{.nr = SYS_getsockopt},
	{.nr = SYS_setns, .n_args = 1, .args = {{1, UINT64_MAX, CLONE_NEWNET}}},
	{.nr = SYS_unshare, .n_args = 1, .args = {{0, UINT64_MAX, CLONE_NEWNET}}},
	/* files */
	{.nr = SYS_openat},
	{.nr = SYS_read},
	{.nr = SYS_readv},
	{.nr = SYS_pread64},
	{.nr = SYS_write},
	{.nr = SYS_writev},
	{.nr = SYS_lseek},
	{.nr = SYS_close},
	{.nr = SYS_fcntl},
	{.nr = SYS_fstat},
	{.nr = SYS_newfstatat},
	{.nr = SYS_readlinkat},
	{.nr = SYS_fchmod},
	{.nr = SYS_fsync},
	{.nr = SYS_renameat},
	{.nr = SYS_unlinkat},
	{.nr = SYS_pipe2},
	{.nr = SYS_memfd_create},
	/* memory, time, itself */
	{.nr = SYS_brk},
	{.nr = SYS_mmap, .n_args = 1, .args = {{2, PROT_EXEC, 0}}},
	{.nr = SYS_mprotect, .n_args = 1, .args = {{2, PROT_EXEC, 0}}},
	{.nr = SYS_mremap},
	{.nr = SYS_munmap},
	{.nr = SYS_madvise},
	{.nr = SYS_getrandom},
	{.nr = SYS_getpid},
	{.nr = SYS_gettid},
	{.nr = SYS_getuid},
	{.nr = SYS_geteuid},
	{.nr = SYS_sysinfo}, /* how much qsort(3) may take */
	{.nr = SYS_futex},
	{.nr = SYS_clock_gettime},
	{.nr = SYS_gettimeofday},
	{.nr = SYS_time},
	{.nr = SYS_rt_sigprocmask},
	{.nr = SYS_rt_sigaction},
	{.nr = SYS_rt_sigreturn},
	{.nr = SYS_restart_syscall},
	{.nr = SYS_exit_group},
};

int netd_filter(void)
{
	return confine_filter(calls, ARRAY_LEN(calls));
}
