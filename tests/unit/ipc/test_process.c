/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A child as its parent holds it: started, heard, ended. argv[1] is the child's program. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/log.h"
#include "ipc/process.h"

static const char *program;

struct owner {
	struct wl_event_loop *loop;
	struct process process;
	char said[64];
	unsigned int ready, gone;
};

static int handle_ready(void *data, struct ipc_message *message)
{
	(void)message;
	((struct owner *)data)->ready++;
	return 0;
}

static int handle_detached(void *data, struct ipc_message *message)
{
	_cleanup_free_ char *text = cursor_str(&message->body, 63);
	struct owner *owner = data;

	if (!text)
		return -EPROTO;
	/* Nothing is said after the end was told. */
	assert_int_equal(owner->gone, 0);
	snprintf(owner->said, sizeof(owner->said), "%s", text);
	return 0;
}

static void handle_closed(void *data, int reason)
{
	process_closed(&((struct owner *)data)->process, reason);
}

static void handle_gone(void *data)
{
	struct owner *owner = data;

	assert_true(owner->process.ended);
	assert_null(owner->process.channel);
	owner->gone++;
}

static const struct ipc_rule rules[] = {
	{IPC_DISPLAY_READY, IPC_ANY_STATE, 1, handle_ready},
	{IPC_DISPLAY_DETACHED, IPC_ANY_STATE, 0, handle_detached},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_SESSION,
	.peer = IPC_ROLE_DISPLAY,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static unsigned int open_fds(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int handle_nothing(void *data)
{
	(void)data;
	return 0;
}

static int set_up(void **state)
{
	struct owner *owner = calloc(1, sizeof(*owner));
	struct wl_event_source *timer;

	assert_non_null(owner);
	owner->loop = wl_event_loop_create();
	/* The loop opens a descriptor for its first timer and keeps it: before any is counted. */
	timer = wl_event_loop_add_timer(owner->loop, handle_nothing, NULL);
	wl_event_source_timer_update(timer, 60000);
	wl_event_source_remove(timer);
	*state = owner;
	return 0;
}

static int tear_down(void **state)
{
	struct owner *owner = *state;

	process_finish(&owner->process, true);
	wl_event_loop_destroy(owner->loop);
	free(owner);
	return 0;
}

static int start(struct owner *owner, const char *path, const char *word, int fd)
{
	struct buf config;
	struct process_spec spec = {
		.path = path,
		.role = "the-child",
		.config = &config,
		.fds = &fd,
		.n_fds = fd >= 0 ? 1 : 0,
		.table = &table,
		.gone = handle_gone,
		.data = owner,
	};
	int r;

	buf_init(&config, 256);
	buf_put(&config, word, strlen(word));
	r = process_start(&owner->process, owner->loop, &spec);
	buf_finish(&config);
	return r;
}

/* Turns the loop until `*flag` is set; fails the test after ten seconds of silence. */
static void run_until(struct owner *owner, const unsigned int *flag)
{
	int timer = 10;

	while (*flag == 0 && timer-- > 0)
		assert_int_equal(wl_event_loop_dispatch(owner->loop, 1000), 0);
	assert_int_equal(*flag, 1);
}

/* Standard error into a file while a child speaks. */
static int divert_stderr(int *ret_saved)
{
	int file = memfd_create("stderr", MFD_CLOEXEC);

	*ret_saved = dup(STDERR_FILENO);
	assert_true(file >= 0 && *ret_saved >= 0);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	return file;
}

static void test_last_words_before_the_end(void **state)
{
	int fd = fd_memfd("extra", "by hand", 7);
	unsigned int before = open_fds();
	struct owner *owner = *state;
	char log[512] = "";
	int saved, file;

	file = divert_stderr(&saved);
	assert_int_equal(start(owner, program, "speak", fd), 0);
	run_until(owner, &owner->gone);
	dup2(saved, STDERR_FILENO);
	assert_string_equal(owner->said, "by hand");
	assert_true(WIFEXITED(owner->process.status));
	assert_int_equal(WEXITSTATUS(owner->process.status), 7);
	/* What it wrote was logged under the name that we gave it. */
	assert_true(pread(file, log, sizeof(log) - 1, 0) > 0);
	assert_non_null(strstr(log, "the-child["));
	assert_non_null(strstr(log, "grumble"));
	fd_close(saved);
	fd_close(file);
	process_finish(&owner->process, false);
	assert_int_equal(open_fds(), before);
	fd_close(fd);
}

static void test_is_told(void **state)
{
	struct owner *owner = *state;
	struct buf body;

	assert_int_equal(start(owner, program, "repeat", -1), 0);
	assert_true(process_running(&owner->process));
	buf_init(&body, 64);
	buf_put_str(&body, "hello");
	process_send(&owner->process, IPC_DISPLAY_DETACH, &body, NULL, 0);
	buf_finish(&body);
	for (int i = 0; i < 10 && owner->said[0] == '\0'; i++)
		wl_event_loop_dispatch(owner->loop, 1000);
	assert_string_equal(owner->said, "hello");
	process_signal(&owner->process, SIGTERM);
	run_until(owner, &owner->gone);
	assert_true(WIFSIGNALED(owner->process.status));
	assert_int_equal(WTERMSIG(owner->process.status), SIGTERM);
	assert_false(process_running(&owner->process));
}

static void test_nonsense_is_death(void **state)
{
	struct owner *owner = *state;

	assert_int_equal(start(owner, program, "misbehave", -1), 0);
	run_until(owner, &owner->gone);
	assert_true(WIFSIGNALED(owner->process.status));
	assert_int_equal(WTERMSIG(owner->process.status), SIGKILL);
}

/* A child that listens no more but is told and told is killed, not waited for. */
static void test_deaf(void **state)
{
	struct owner *owner = *state;
	struct buf body;

	assert_int_equal(start(owner, program, "be deaf", -1), 0);
	buf_init(&body, IPC_BODY_MAX);
	buf_put_zero(&body, 32768);
	for (int i = 0; i < 2 * IPC_QUEUE_MAX; i++)
		process_send(&owner->process, IPC_DISPLAY_DETACH, &body, NULL, 0);
	buf_finish(&body);
	run_until(owner, &owner->gone);
	assert_int_equal(WTERMSIG(owner->process.status), SIGKILL);
}

/* It hung up and stays: not gone before it has ended, which the grace sees to. */
static void test_hangs_up(void **state)
{
	struct owner *owner = *state;

	assert_int_equal(start(owner, program, "hang up", -1), 0);
	for (int i = 0; i < 10 && owner->process.channel; i++)
		wl_event_loop_dispatch(owner->loop, 1000);
	assert_null(owner->process.channel);
	assert_int_equal(owner->gone, 0);
	assert_true(process_running(&owner->process));
	/* Nothing to say it to; no harm. */
	process_send(&owner->process, IPC_DISPLAY_DETACH, NULL, NULL, 0);
	process_signal(&owner->process, SIGKILL);
	run_until(owner, &owner->gone);
}

static void test_no_such_program(void **state)
{
	struct owner *owner = *state;
	unsigned int before = open_fds();

	assert_int_equal(start(owner, "/nonexistent/program", "", -1), -ENOENT);
	wl_event_loop_dispatch(owner->loop, 0);
	assert_int_equal(open_fds(), before);
	assert_int_equal(owner->gone, 0);
	assert_false(process_running(&owner->process));
}

/* Let go of, it lives; held again by its number and its channel, its end is told as ever. */
static void test_adopted(void **state)
{
	struct owner *owner = *state;
	struct process_spec spec = {
		.role = "the-child", .table = &table, .gone = handle_gone, .data = owner};
	int channel, pidfd;
	pid_t pid;

	assert_int_equal(start(owner, program, "repeat", -1), 0);
	pid = owner->process.child.pid;
	channel = fcntl(ipc_channel_fd(owner->process.channel), F_DUPFD_CLOEXEC, 3);
	pidfd = fd_pidfd_open(pid);
	process_finish(&owner->process, false);
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(process_adopt(&owner->process, owner->loop, pid, pidfd, channel, &spec),
			 0);
	assert_int_equal(owner->gone, 0);
	process_signal(&owner->process, SIGKILL);
	run_until(owner, &owner->gone);
}

#define PROCESS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		PROCESS_TEST(test_last_words_before_the_end),
		PROCESS_TEST(test_is_told),
		PROCESS_TEST(test_nonsense_is_death),
		PROCESS_TEST(test_deaf),
		PROCESS_TEST(test_hangs_up),
		PROCESS_TEST(test_no_such_program),
		PROCESS_TEST(test_adopted),
	};

	if (argc != 2)
		return 2;
	program = argv[1];
	log_init("test-process");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
