/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The session's folder: what lies in it, for whom, and that nothing of it stays. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "session/session.h"

#define ID "0123456789abcdef0123"
#define CELL_UID 54321

static char runtime[] = "/tmp/lazaret-test-folder-XXXXXX";
static unsigned int monitors;

int session_take_monitor(struct session *session, int fd)
{
	assert_non_null(session);
	fd_close(fd);
	monitors++;
	return 0;
}

static const char *path_of(const char *name)
{
	static char path[108];

	snprintf(path, sizeof(path), "%s/sessions/" ID "%s%s", runtime, name[0] ? "/" : "", name);
	return path;
}

static int set_up(void **state)
{
	struct session *session = calloc(1, sizeof(*session));
	char text[256];

	assert_non_null(session);
	session->loop = wl_event_loop_create();
	session->conf = conf_create();
	session->sessions_fd = session->folder_fd = session->waiting_fd = -1;
	session->cell_uid = session->cell_gid = CELL_UID;
	session->record = (struct session_record){
		.id = ID, .name = "alice", .slot = 3, .uid = 1000, .pid = 77, .start = 5};
	snprintf(text, sizeof(text), "runtime-directory = \"%s\"\n", runtime);
	assert_int_equal(conf_read_text(session->conf, "test", text, stderr), 0);
	monitors = 0;
	*state = session;
	return 0;
}

static int tear_down(void **state)
{
	struct session *session = *state;

	folder_remove(session);
	fd_close(session->sessions_fd);
	conf_destroy(session->conf);
	wl_event_loop_destroy(session->loop);
	free(session);
	return 0;
}

static void assert_mode(const char *name, mode_t type, mode_t mode, uid_t uid)
{
	struct stat st;

	assert_int_equal(lstat(path_of(name), &st), 0);
	assert_int_equal(st.st_mode & S_IFMT, type);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_uid, uid);
}

static void test_what_lies_there(void **state)
{
	struct session *session = *state;
	struct session_record record;
	mode_t mask = umask(0077);
	int wayland;

	assert_int_equal(folder_create(session, &wayland), 0);
	umask(mask);
	assert_mode("", S_IFDIR, 0711, 0);
	assert_mode(RECORD_FILE, S_IFREG, 0600, 0);
	assert_mode(RECORD_SOCKET, S_IFSOCK, 0600, 0);
	assert_mode(RECORD_WAYLAND, S_IFSOCK, 0600, CELL_UID);
	assert_string_equal(session->wayland, path_of(RECORD_WAYLAND));
	assert_int_equal(record_read(session->folder_fd, &record), 0);
	assert_string_equal(record.name, "alice");
	session->record.slot = 4;
	assert_int_equal(folder_update_record(session), 0);
	assert_int_equal(record_read(session->folder_fd, &record), 0);
	assert_int_equal(record.slot, 4);
	fd_close(wayland);
	folder_remove(session);
	assert_int_equal(access(path_of(""), F_OK), -1);
	/* Once more does no harm. */
	folder_remove(session);
}

/* An id that is taken is nobody else's: the folder that is there stays as it is. */
static void test_taken(void **state)
{
	struct session *session = *state;
	int wayland;

	assert_int_equal(mkdir(path_of(""), 0700), 0);
	assert_int_equal(folder_create(session, &wayland), -EEXIST);
	assert_int_equal(session->folder_fd, -1);
	assert_mode("", S_IFDIR, 0700, 0);
	assert_int_equal(rmdir(path_of("")), 0);
}

/* As `uid`, in a child; returns its exit status: 0 connected, 1 not. */
static int connect_as(uid_t uid, const char *name, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int status;
	pid_t pid;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of(name));
	pid = fork();
	if (pid == 0) {
		int fd = socket(AF_UNIX, type, 0);

		if (uid != 0 && (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
			_exit(2);
		_exit(connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status);
}

static void test_who_may_connect(void **state)
{
	struct session *session = *state;
	int wayland;

	assert_int_equal(folder_create(session, &wayland), 0);
	/* The cell reaches its display, and nobody else does. */
	assert_int_equal(connect_as(CELL_UID, RECORD_WAYLAND, SOCK_STREAM), 0);
	assert_int_equal(connect_as(CELL_UID + 1, RECORD_WAYLAND, SOCK_STREAM), 1);
	/* A monitor is root. */
	assert_int_equal(connect_as(CELL_UID, RECORD_SOCKET, SOCK_SEQPACKET), 1);
	assert_int_equal(connect_as(0, RECORD_SOCKET, SOCK_SEQPACKET), 0);
	wl_event_loop_dispatch(session->loop, 1000);
	assert_int_equal(monitors, 1);
	/* Though the file let him: the kernel's word for who it is counts. */
	assert_int_equal(chmod(path_of(RECORD_SOCKET), 0666), 0);
	assert_int_equal(connect_as(CELL_UID, RECORD_SOCKET, SOCK_SEQPACKET), 0);
	wl_event_loop_dispatch(session->loop, 1000);
	assert_int_equal(monitors, 1);
	fd_close(wayland);
}

static int make_runtime(void **state)
{
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(runtime));
	assert_int_equal(chmod(runtime, 0711), 0);
	snprintf(path, sizeof(path), "%s/sessions", runtime);
	assert_int_equal(mkdir(path, 0711), 0);
	return 0;
}

static int drop_runtime(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/sessions", runtime);
	/* Empty, or a test has left something. */
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(runtime), 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_lies_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_may_connect, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, make_runtime, drop_runtime);
}
