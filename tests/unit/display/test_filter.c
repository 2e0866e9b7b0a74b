/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a display that was taken over can still ask the kernel: each probe in a child of its own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "display/filter.h"

struct probe {
	const char *name;
	long nr;
	long args[5];
};

/* -1: killed by the filter; else the errno of the call, 0 if it worked. */
static int try(const struct probe *probe)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		long r;

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    confine_filter(filter_calls, filter_n_calls) < 0)
			_exit(255);
		r = syscall(probe->nr, probe->args[0], probe->args[1], probe->args[2],
			    probe->args[3], probe->args[4], 0);
		_exit(r < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return -1;
	}
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static const struct probe deadly[] = {
	{"execve", __NR_execve, {0}},
	{"execveat", __NR_execveat, {0}},
	{"fork", __NR_fork, {0}},
	{"vfork", __NR_vfork, {0}},
	{"clone", __NR_clone, {SIGCHLD}},
	{"clone3", __NR_clone3, {0}},
	{"socket unix", __NR_socket, {AF_UNIX, SOCK_STREAM}},
	{"socket inet", __NR_socket, {AF_INET, SOCK_STREAM}},
	{"socket netlink", __NR_socket, {AF_NETLINK, SOCK_RAW}},
	{"connect", __NR_connect, {0}},
	{"bind", __NR_bind, {0}},
	{"listen", __NR_listen, {5}},
	{"sendto elsewhere", __NR_sendto, {2, 0, 0, 0, 4096}},
	{"ptrace", __NR_ptrace, {0}},
	{"process_vm_readv", __NR_process_vm_readv, {1}},
	{"process_vm_writev", __NR_process_vm_writev, {1}},
	{"kill", __NR_kill, {1, 0}},
	{"pidfd_open", __NR_pidfd_open, {1}},
	{"mount", __NR_mount, {0}},
	{"umount2", __NR_umount2, {0}},
	{"pivot_root", __NR_pivot_root, {0}},
	{"chroot", __NR_chroot, {0}},
	{"unshare", __NR_unshare, {0}},
	{"setns", __NR_setns, {0}},
	{"setuid", __NR_setuid, {0}},
	{"setresuid", __NR_setresuid, {0}},
	{"capset", __NR_capset, {0}},
	{"prctl", __NR_prctl, {PR_GET_DUMPABLE}},
	{"seccomp", __NR_seccomp, {0}},
	{"bpf", __NR_bpf, {0}},
	{"io_uring_setup", __NR_io_uring_setup, {1}},
	{"keyctl", __NR_keyctl, {0}},
	{"add_key", __NR_add_key, {0}},
	{"perf_event_open", __NR_perf_event_open, {0}},
	{"userfaultfd", __NR_userfaultfd, {0}},
	{"open", __NR_open, {0}},
	{"creat", __NR_creat, {0}},
	{"unlink", __NR_unlink, {0}},
	{"rename", __NR_rename, {0}},
	{"mkdir", __NR_mkdir, {0}},
	{"symlink", __NR_symlink, {0}},
	{"init_module", __NR_init_module, {0}},
	{"finit_module", __NR_finit_module, {0}},
	{"kexec_load", __NR_kexec_load, {0}},
	{"reboot", __NR_reboot, {0}},
	{"personality", __NR_personality, {0xffffffff}},
	{"mmap executable", __NR_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE}},
	{"mprotect executable", __NR_mprotect, {0, 4096, PROT_EXEC}},
	{"shmget", __NR_shmget, {0, 4096}},
	{"splice", __NR_splice, {0}},
};

static void forbidden_calls_kill(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
		int result = try(&deadly[i]);

		if (result != -1)
			fail_msg("%s was let through: %d", deadly[i].name, result);
	}
}

static void files_cannot_be_opened(void **state)
{
	const struct probe probes[] = {
		{"openat", __NR_openat, {AT_FDCWD, (long)"/dev/null", O_RDONLY}},
		{"access", __NR_access, {(long)"/", F_OK}},
		{"ioctl", __NR_ioctl, {0, 0x5401}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(probes); i++)
		assert_int_equal(try(&probes[i]), EACCES);
}

static void daily_work_goes_on(void **state)
{
	const struct probe probes[] = {
		{"write", __NR_write, {2, (long)"", 0}},
		{"mmap", __NR_mmap, {0, 0, PROT_READ}},
		{"memfd_create", __NR_memfd_create, {(long)"x", 0}},
		{"close", __NR_close, {0}},
		{"sendto", __NR_sendto, {-1}},
	};

	(void)state;
	assert_int_equal(try(&probes[0]), 0);
	assert_int_equal(try(&probes[1]), EINVAL);
	assert_int_equal(try(&probes[2]), 0);
	assert_int_equal(try(&probes[3]), 0);
	assert_int_equal(try(&probes[4]), EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_kill),
		cmocka_unit_test(files_cannot_be_opened),
		cmocka_unit_test(daily_work_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
