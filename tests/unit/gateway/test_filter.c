/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prober: inside the gateway's filter, what must fail, fails, and what it needs, works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/gateway.h"

enum outcome { WORKS = 0, FAILS_SOFTLY = 1, NO_FILTER = 2, KILLED = 100 };

struct attempt {
	const char *name;
	long nr;
	long args[6];
};

static int socket_pair[2];
static char path[] = "/etc/passwd";

static enum outcome try_it(const struct attempt *attempt)
{
	const long *a = attempt->args;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		long r;

		if (gateway_filter() < 0)
			syscall(SYS_exit_group, NO_FILTER);
		r = syscall(attempt->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		syscall(SYS_exit_group, r < 0 ? FAILS_SOFTLY : WORKS);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : NO_FILTER;
	return (enum outcome)WEXITSTATUS(status);
}

static void test_what_must_fail(void **state)
{
	const struct attempt attempts[] = {
		{"open", SYS_open, {(long)path, O_RDONLY}},
		{"openat", SYS_openat, {AT_FDCWD, (long)path, O_RDONLY}},
		{"openat2", SYS_openat2, {AT_FDCWD, (long)path}},
		{"socket inet", SYS_socket, {AF_INET, SOCK_STREAM, 0}},
		{"socket unix", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
		{"socket netlink", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}},
		{"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, (long)socket_pair}},
		{"connect", SYS_connect, {socket_pair[0], (long)path, 16}},
		{"bind", SYS_bind, {socket_pair[0], (long)path, 16}},
		{"listen", SYS_listen, {socket_pair[0], 1}},
		{"accept4", SYS_accept4, {socket_pair[0]}},
		{"sendto an address",
		 SYS_sendto,
		 {socket_pair[0], (long)path, 1, 0, (long)path, 16}},
		{"setsockopt", SYS_setsockopt, {socket_pair[0], SOL_SOCKET, SO_REUSEADDR}},
		{"execve", SYS_execve, {(long)path}},
		{"execveat", SYS_execveat, {AT_FDCWD, (long)path}},
		{"fork", SYS_fork, {0}},
		{"vfork", SYS_vfork, {0}},
		{"clone", SYS_clone, {SIGCHLD}},
		{"clone3", SYS_clone3, {0}},
		{"unshare", SYS_unshare, {0}},
		{"setns", SYS_setns, {0}},
		{"ptrace", SYS_ptrace, {PTRACE_TRACEME}},
		{"process_vm_readv", SYS_process_vm_readv, {1}},
		{"kill", SYS_kill, {1, 0}},
		{"tgkill", SYS_tgkill, {1, 1, 0}},
		{"pidfd_open", SYS_pidfd_open, {1}},
		{"setuid", SYS_setuid, {0}},
		{"capset", SYS_capset, {0}},
		{"prctl", SYS_prctl, {4, 1}},
		{"seccomp", SYS_seccomp, {0}},
		{"mprotect to code", SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}},
		{"mmap of code",
		 SYS_mmap,
		 {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
		{"memfd_create", SYS_memfd_create, {(long)path, 0}},
		{"mount", SYS_mount, {0}},
		{"pivot_root", SYS_pivot_root, {0}},
		{"chroot", SYS_chroot, {(long)path}},
		{"bpf", SYS_bpf, {0}},
		{"io_uring_setup", SYS_io_uring_setup, {1}},
		{"perf_event_open", SYS_perf_event_open, {0}},
		{"keyctl", SYS_keyctl, {0}},
		{"userfaultfd", SYS_userfaultfd, {0}},
		{"ioctl", SYS_ioctl, {0, 0x5412}},
		{"unlink", SYS_unlink, {(long)path}},
		{"rename", SYS_rename, {(long)path, (long)path}},
		{"chmod", SYS_chmod, {(long)path, 0777}},
		{"stat", SYS_stat, {(long)path}},
		{"readlink", SYS_readlink, {(long)path}},
		{"getdents64", SYS_getdents64, {0}},
		{"init_module", SYS_init_module, {0}},
		{"reboot", SYS_reboot, {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		enum outcome outcome = try_it(&attempts[i]);

		if (outcome != KILLED && !(outcome == FAILS_SOFTLY && attempts[i].nr == SYS_openat))
			fail_msg("%s: outcome %d", attempts[i].name, outcome);
	}
}

static void test_what_must_work(void **state)
{
	static char byte;
	const struct attempt attempts[] = {
		{"getpid", SYS_getpid, {0}},
		{"send", SYS_sendto, {socket_pair[0], (long)&byte, 1, MSG_DONTWAIT, 0, 0}},
		{"write", SYS_write, {socket_pair[0], (long)&byte, 1}},
		{"mmap of data",
		 SYS_mmap,
		 {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
		{"getrandom", SYS_getrandom, {(long)&byte, 1, 0}},
		{"shutdown", SYS_shutdown, {socket_pair[0], SHUT_WR}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		if (try_it(&attempts[i]) != WORKS)
			fail_msg("%s", attempts[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_must_fail),
		cmocka_unit_test(test_what_must_work),
	};

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socket_pair) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
