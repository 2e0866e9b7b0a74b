/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/confine.h"
#include "gateway/gateway.h"

/*
 * What a connection needs after its start. No open, no socket, no exec, no clone, no kill; memory
 * is never made executable; options of the socket are set before.
 */
static const struct confine_call calls[] = {
	{.nr = SYS_epoll_wait},
	{.nr = SYS_epoll_pwait},
	{.nr = SYS_epoll_ctl},
	{.nr = SYS_poll},
	{.nr = SYS_timerfd_settime},
	{.nr = SYS_read},
	{.nr = SYS_write},
	{.nr = SYS_recvfrom},
	{.nr = SYS_sendto, .n_args = 1, .args = {{4, UINT64_MAX, 0}}}, /* no address */
	{.nr = SYS_recvmsg},
	{.nr = SYS_sendmsg},
	{.nr = SYS_shutdown},
	{.nr = SYS_close},
	{.nr = SYS_fcntl},
	{.nr = SYS_brk},
	{.nr = SYS_mmap, .n_args = 1, .args = {{2, PROT_EXEC, 0}}},
	{.nr = SYS_mremap},
	{.nr = SYS_munmap},
	{.nr = SYS_getrandom},
	{.nr = SYS_getpid},
	{.nr = SYS_getrusage}, /* GnuTLS, when it stirs its random state */
	{.nr = SYS_futex},
	{.nr = SYS_clock_gettime},
	{.nr = SYS_gettimeofday},
	{.nr = SYS_rt_sigreturn},
	{.nr = SYS_restart_syscall},
	{.nr = SYS_exit_group},
	/* Tried by the C library for the time zone; it can do without. */
	{.nr = SYS_openat, .action = CONFINE_EACCES},
};

int gateway_confine(uint32_t uid, uint32_t gid, const char **ret_step)
{
	const struct confine spec = {
		.uid = uid,
		.gid = gid,
		.empty_root = true,
		.no_network = true,
		.own_ipc = true,
		.max_files = GATEWAY_FILES_MAX,
		.max_memory = GATEWAY_MEMORY_MAX,
		.no_processes = true,
		.calls = calls,
		.n_calls = ARRAY_LEN(calls),
	};

	*ret_step = "filter";
	return uid ? confine(&spec, ret_step) : gateway_filter();
}

int gateway_filter(void)
{
	return confine_filter(calls, ARRAY_LEN(calls));
}
