/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/confine.h"
#include "net/resolve.h"

/*
 * What the C library's resolver needs: files that it reads (resolv.conf, hosts), sockets to name
 * servers, and one to the kernel for the order of addresses. No exec, no clone, no write to a file,
 * nothing executable.
 */
static const struct confine_call calls[] = {
	{.nr = SYS_openat, .n_args = 1, .args = {{2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY}}},
	{.nr = SYS_socket, .n_args = 1, .args = {{0, UINT64_MAX, AF_INET}}},
	{.nr = SYS_socket, .n_args = 1, .args = {{0, UINT64_MAX, AF_INET6}}},
	{.nr = SYS_socket, .n_args = 1, .args = {{0, UINT64_MAX, AF_NETLINK}}},
	/* nscd, which is not there or answers from outside of our confinement */
	{.nr = SYS_socket, .n_args = 1, .args = {{0, UINT64_MAX, AF_UNIX}}},
	{.nr = SYS_connect},
	{.nr = SYS_bind}, /* netlink */
	{.nr = SYS_getsockname},
	{.nr = SYS_getpeername},
	{.nr = SYS_setsockopt},
	{.nr = SYS_getsockopt},
	{.nr = SYS_sendto},
	{.nr = SYS_sendmsg},
	{.nr = SYS_sendmmsg},
	{.nr = SYS_recvfrom},
	{.nr = SYS_recvmsg},
	{.nr = SYS_poll},
	{.nr = SYS_ppoll},
	{.nr = SYS_ioctl, .n_args = 1, .args = {{1, UINT64_MAX, 0x541b}}}, /* FIONREAD */
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
	{.nr = SYS_statx},
	{.nr = SYS_access},
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
	{.nr = SYS_uname},
	{.nr = SYS_sysinfo}, /* how much qsort(3) may take, for names with many addresses */
	{.nr = SYS_futex},
	{.nr = SYS_clock_gettime},
	{.nr = SYS_gettimeofday},
	{.nr = SYS_time},
	{.nr = SYS_rt_sigaction},
	{.nr = SYS_rt_sigprocmask},
	{.nr = SYS_rt_sigreturn},
	{.nr = SYS_restart_syscall},
	{.nr = SYS_exit_group},
};

int resolve_filter(void)
{
	return confine_filter(calls, ARRAY_LEN(calls));
}
