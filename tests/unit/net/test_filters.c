/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prober: in the filters of netd and of the resolver what must fail, fails, and the rest works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/netd_filter.h"
#include "net/resolve.h"
#include "prober.h"

static char path[] = "/etc/passwd";
static char byte;

/* What neither of them has any use for. */
static const struct attempt never[] = {
	{"execve", SYS_execve, {(long)path}},
	{"execveat", SYS_execveat, {AT_FDCWD, (long)path}},
	{"fork", SYS_fork, {0}},
	{"vfork", SYS_vfork, {0}},
	{"clone", SYS_clone, {SIGCHLD}},
	{"clone3", SYS_clone3, {0}},
	{"ptrace", SYS_ptrace, {PTRACE_TRACEME}},
	{"process_vm_readv", SYS_process_vm_readv, {1}},
	{"kill", SYS_kill, {1, 0}},
	{"tgkill", SYS_tgkill, {1, 1, 0}},
	{"pidfd_open", SYS_pidfd_open, {1}},
	{"pidfd_getfd", SYS_pidfd_getfd, {1}},
	{"setuid", SYS_setuid, {0}},
	{"setresuid", SYS_setresuid, {0}},
	{"capset", SYS_capset, {0}},
	{"prctl", SYS_prctl, {4, 1}},
	{"seccomp", SYS_seccomp, {0}},
	{"listen", SYS_listen, {0, 1}},
	{"accept4", SYS_accept4, {0}},
	{"mprotect to code", SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}},
	{"mmap of code",
	 SYS_mmap,
	 {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
	{"mount", SYS_mount, {0}},
	{"umount2", SYS_umount2, {0}},
	{"pivot_root", SYS_pivot_root, {0}},
	{"chroot", SYS_chroot, {(long)path}},
	{"bpf", SYS_bpf, {0}},
	{"io_uring_setup", SYS_io_uring_setup, {1}},
	{"perf_event_open", SYS_perf_event_open, {0}},
	{"keyctl", SYS_keyctl, {0}},
	{"userfaultfd", SYS_userfaultfd, {0}},
	{"init_module", SYS_init_module, {0}},
	{"finit_module", SYS_finit_module, {0}},
	{"reboot", SYS_reboot, {0}},
	{"socket packet", SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
	{"socket vsock", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}},
	{"terminal input", SYS_ioctl, {0, 0x5412}},
	{"open", SYS_open, {(long)path, O_RDONLY}},
	{"openat2", SYS_openat2, {AT_FDCWD, (long)path}},
	{"chmod", SYS_chmod, {(long)path, 0777}},
	{"link", SYS_linkat, {AT_FDCWD, (long)path, AT_FDCWD, (long)path}},
	{"mknodat", SYS_mknodat, {AT_FDCWD, (long)path}},
	{"unshare mounts", SYS_unshare, {CLONE_NEWNS}},
	{"unshare users", SYS_unshare, {CLONE_NEWUSER}},
	{"setns anything", SYS_setns, {0, 0}},
};

static void must_be_killed(int (*filter)(void), const struct attempt *attempts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum outcome outcome = prober_try(filter, &attempts[i]);

		if (outcome != KILLED)
			fail_msg("%s: outcome %d", attempts[i].name, outcome);
	}
}

static void must_get_through(int (*filter)(void), const struct attempt *attempts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum outcome outcome = prober_try(filter, &attempts[i]);

		if (outcome != WORKS)
			fail_msg("%s: outcome %d", attempts[i].name, outcome);
	}
}

static void test_netd_must_fail(void **state)
{
	static const struct attempt own[] = {
		{"socket inet", SYS_socket, {AF_INET, SOCK_DGRAM, 0}},
		{"socket inet6", SYS_socket, {AF_INET6, SOCK_STREAM, 0}},
		{"socket unix stream", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
		{"socket audit", SYS_socket, {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT}},
		{"socket uevent", SYS_socket, {AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT}},
		{"connect", SYS_connect, {0, (long)path, 16}},
	};

	(void)state;
	must_be_killed(netd_filter, never, ARRAY_LEN(never));
	must_be_killed(netd_filter, own, ARRAY_LEN(own));
}

static void test_netd_must_work(void **state)
{
	static const struct attempt own[] = {
		{"netlink route", SYS_socket, {AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE}},
		{"netlink netfilter", SYS_socket, {AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER}},
		{"unix datagram", SYS_socket, {AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0}},
		{"read a file", SYS_openat, {AT_FDCWD, (long)path, O_RDONLY}},
		{"getrandom", SYS_getrandom, {(long)&byte, 1, 0}},
		{"memfd", SYS_memfd_create, {(long)path, MFD_CLOEXEC}},
	};

	(void)state;
	must_get_through(netd_filter, own, ARRAY_LEN(own));
}

static void test_resolver_must_fail(void **state)
{
	static const struct attempt own[] = {
		{"write a file", SYS_openat, {AT_FDCWD, (long)path, O_WRONLY}},
		{"change a file", SYS_openat, {AT_FDCWD, (long)path, O_RDWR}},
		{"make a file", SYS_openat, {AT_FDCWD, (long)path, O_RDONLY | O_CREAT}},
		{"netns", SYS_unshare, {CLONE_NEWNET}},
		{"setns", SYS_setns, {0, CLONE_NEWNET}},
		{"rename", SYS_renameat, {AT_FDCWD, (long)path, AT_FDCWD, (long)path}},
		{"unlink", SYS_unlinkat, {AT_FDCWD, (long)path}},
		{"fchmod", SYS_fchmod, {0, 0777}},
		{"memfd", SYS_memfd_create, {(long)path, 0}},
		{"interface", SYS_ioctl, {0, 0x8914}},
	};

	(void)state;
	must_be_killed(resolve_filter, never, ARRAY_LEN(never));
	must_be_killed(resolve_filter, own, ARRAY_LEN(own));
}

static void test_resolver_must_work(void **state)
{
	static const struct attempt own[] = {
		{"socket inet", SYS_socket, {AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0}},
		{"socket inet6", SYS_socket, {AF_INET6, SOCK_STREAM, 0}},
		{"read a file", SYS_openat, {AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC}},
	};

	(void)state;
	must_get_through(resolve_filter, own, ARRAY_LEN(own));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_netd_must_fail),
		cmocka_unit_test(test_netd_must_work),
		cmocka_unit_test(test_resolver_must_fail),
		cmocka_unit_test(test_resolver_must_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
