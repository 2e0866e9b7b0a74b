/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting programs, confining them, and reading what they say. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/confine.h"
#include "base/fd.h"
#include "base/logpipe.h"
#include "base/spawn.h"

static int wait_for(struct child *child)
{
	struct pollfd pollfd = {.fd = child->pidfd, .events = POLLIN};
	int status = -1;

	assert_int_equal(poll(&pollfd, 1, 10000), 1);
	assert_int_equal(child_reap(child, &status), 0);
	assert_int_equal(child->pid, 0);
	return status;
}

static int run_shell(const char *script, const int *fds, size_t n_fds, int stderr_fd)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct spawn spec = {
		.path = "/bin/sh",
		.argv = argv,
		.fds = fds,
		.n_fds = n_fds,
		.stderr_fd = stderr_fd,
	};
	struct child child;

	assert_int_equal(spawn(&spec, &child), 0);
	return WEXITSTATUS(wait_for(&child));
}

static void test_only_named_fds(void **state)
{
	int leak = open("/dev/null", O_RDONLY); /* without close-on-exec, on purpose */
	int fds[2], pair[2];
	char text[8] = "";

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pair[0] = fds[1];
	pair[1] = fds[0];
	assert_int_equal(run_shell("echo ok >&3; ls /proc/self/fd | tr '\\n' ' ' | "
				   "grep -qx '0 1 2 3 4 5 '",
				   pair, 2, -1),
			 0);
	assert_int_equal(read(fds[0], text, 3), 3);
	assert_string_equal(text, "ok\n");
	close(leak);
	close(fds[0]);
	close(fds[1]);
}

static void test_exec_failure(void **state)
{
	struct spawn spec = {.path = "/nonexistent/program", .stderr_fd = -1};
	struct child child;

	(void)state;
	assert_int_equal(spawn(&spec, &child), -ENOENT);
}

static void test_environment(void **state)
{
	/* Nothing of ours, but how the lines of our log look for who writes into it. */
	static const char alone[] =
		"[ \"$(env | grep -v '^PWD=\\|^SHLVL=\\|^_=\\|^OLDPWD=' | sort | "
		"tr '\\n' ' ')\" = 'LANG=C.UTF-8 "
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin ' ]";
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(null >= 0);
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_int_equal(run_shell(alone, NULL, 0, -1), 0);
	assert_int_equal(setenv("JOURNAL_STREAM", "8:1234", 1), 0);
	assert_int_equal(run_shell(alone, NULL, 0, null), 0);
	assert_int_equal(run_shell("[ \"$JOURNAL_STREAM\" = 8:1234 ]", NULL, 0, -1), 0);
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	close(null);
}

static void test_signal_and_kill(void **state)
{
	const char *const argv[] = {"sleep", "100", NULL};
	struct spawn spec = {.path = "/bin/sleep", .argv = argv, .stderr_fd = -1};
	struct child child;
	int status;

	(void)state;
	assert_int_equal(spawn(&spec, &child), 0);
	assert_int_equal(child_reap(&child, &status), -EAGAIN);
	child_signal(&child, SIGTERM);
	status = wait_for(&child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(spawn(&spec, &child), 0);
	child_kill(&child);
	assert_int_equal(child.pid, 0);
	child_kill(&child);
}

static void test_logpipe(void **state)
{
	struct wl_event_loop *loop = wl_event_loop_create();
	char path[] = "/tmp/lazaret-test-XXXXXX";
	char text[4096] = "";
	int saved = dup(2), log = mkstemp(path);
	struct logpipe *pipe;
	int child_fd;

	(void)state;
	assert_int_equal(logpipe_create(loop, "gateway", LOG_WARN, &pipe, &child_fd), 0);
	logpipe_set_pid(pipe, 4711);
	assert_int_equal(run_shell("printf 'one\\ntw\\033o\\nT x[1] info a.b c=1\\nT x[1] "
				   "debug a.d\\nlast' >&2",
				   NULL, 0, child_fd),
			 0);
	close(child_fd);
	assert_true(dup2(log, 2) == 2);
	wl_event_loop_dispatch(loop, 1000);
	logpipe_destroy(pipe);
	dup2(saved, 2);
	assert_true(pread(log, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, " gateway[4711] warn process.output text=\"one\"\n"));
	assert_non_null(strstr(text, "text=\"tw o\"\n"));
	assert_non_null(strstr(text, "Z gateway[4711] info a.b c=1\n"));
	assert_null(strstr(text, "a.d"));
	assert_non_null(strstr(text, "text=\"last\"\n"));
	wl_event_loop_destroy(loop);
	unlink(path);
	close(log);
	close(saved);
}

/* --- confinement: in a forked child, since there is no way back ------------------------------ */

static const struct confine_call calls[] = {
	{.nr = __NR_exit_group},
	{.nr = __NR_write},
	{.nr = __NR_getuid},
	{.nr = __NR_setuid},
	{.nr = __NR_openat, .action = CONFINE_EACCES},
	{.nr = __NR_socket, .n_args = 1, .args = {{0, UINT64_MAX, AF_UNIX}}},
};

static int in_child(int (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		const char *step;
		struct confine spec = {
			.uid = 65534,
			.gid = 65534,
			.empty_root = true,
			.no_network = true,
			.own_ipc = true,
			.max_files = 16,
			.no_processes = true,
			.calls = calls,
			.n_calls = ARRAY_LEN(calls),
		};

		if (confine(&spec, &step) < 0)
			_exit(99);
		_exit(run());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int try_allowed(void)
{
	return getuid() == 65534 && socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : 1;
}

static int try_open(void)
{
	return open("/", O_RDONLY) < 0 && errno == EACCES ? 0 : 1;
}

static int try_root(void)
{
	return setuid(0) < 0 ? 0 : 1;
}

static int try_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int try_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static void test_confine(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_allowed), 0);
	assert_int_equal(in_child(try_open), 0);
	assert_int_equal(in_child(try_root), 0);
	assert_int_equal(WTERMSIG(in_child(try_inet)), SIGSYS);
	assert_int_equal(WTERMSIG(in_child(try_exec)), SIGSYS);
}

static int empty_root_without_filter(void)
{
	struct confine spec = {.uid = 65534, .gid = 65534, .empty_root = true};
	const char *step;

	if (confine(&spec, &step) < 0)
		return 99;
	if (access("/etc/passwd", F_OK) == 0 || access("/tmp", F_OK) == 0 || chdir("..") < 0)
		return 1;
	if (access("etc", F_OK) == 0 || open("/x", O_CREAT | O_WRONLY, 0600) >= 0)
		return 2;
	return 0;
}

static void test_empty_root(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(empty_root_without_filter());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_named_fds), cmocka_unit_test(test_exec_failure),
		cmocka_unit_test(test_environment),    cmocka_unit_test(test_signal_and_kill),
		cmocka_unit_test(test_logpipe),        cmocka_unit_test(test_confine),
		cmocka_unit_test(test_empty_root),
	};

	if (geteuid() != 0) {
		print_error("must run as root\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
