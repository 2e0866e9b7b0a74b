/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A transfer folder comes into a cell that runs: by a tree of processes as bubblewrap makes it,
 * with the last one in a mount namespace of its own. Needs root.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cell/cell.h"
#include "cell/control.h"

#define OWNER 61234
#define CELL 61300
#define URL "http://www.example.net/"

static char top[] = "/var/tmp/test-assign-XXXXXX";

struct fixture {
	pid_t outer, launcher;
	struct cell cell;
	int inside; /* the other end of control */
};

static const char *at(const char *path)
{
	static char out[4][512];
	static unsigned int next;
	char *p = out[next++ % 4];

	snprintf(p, sizeof(out[0]), "%s/%s", top, path);
	return p;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void folder(const char *name, uid_t uid)
{
	assert_int_equal(mkdir(at(name), 0700), 0);
	assert_int_equal(chown(at(name), uid, uid), 0);
}

static void put(const char *path, uid_t uid)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, uid, uid), 0);
	close(fd);
}

/* The launcher: its working folder is the home, which nobody else's mounts reach. */
static void launcher(int ready)
{
	pid_t pid = getpid();

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    chdir(at("home")) < 0 || write(ready, &pid, sizeof(pid)) < 0)
		_exit(1);
	for (;;)
		pause();
}

static void start(struct fixture *f)
{
	int pair[2], ready[2];

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	f->outer = fork();
	if (f->outer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			if (fork() == 0)
				launcher(ready[1]);
			for (;;)
				pause();
		}
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &f->launcher, sizeof(f->launcher)), sizeof(f->launcher));
	close(ready[0]);
	close(ready[1]);
	f->cell = (struct cell){.pid = f->outer, .pidfd = -1, .control = pair[0]};
	f->inside = pair[1];
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || !mkdtemp(top))
		return -1;
	folder("home", CELL);
	folder("transfer", OWNER);
	put(at("transfer/letter"), OWNER);
	put(at("transfer/of-root"), 0);
	start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	kill(f->outer, SIGKILL);
	waitpid(f->outer, NULL, 0);
	close(f->inside);
	cell_close(&f->cell);
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	memcpy(top + sizeof(top) - 7, "XXXXXX", 6);
	free(f);
	return 0;
}

static int assign(struct fixture *f, const char *transfer, const char *url)
{
	return cell_assign(&f->cell, transfer, OWNER, OWNER, CELL, CELL, url);
}

/* What the launcher sees at a path: its uid, or a negative errno. */
static int uid_inside(const struct fixture *f, const char *path)
{
	char full[600];
	struct stat st;

	snprintf(full, sizeof(full), "/proc/%d/cwd/%s", (int)f->launcher, path);
	return stat(full, &st) < 0 ? -errno : (int)st.st_uid;
}

static bool asked_for(const struct fixture *f, const char *url)
{
	char message[CELL_URL_MAX + 2] = "";
	ssize_t n = recv(f->inside, message, sizeof(message) - 1, MSG_DONTWAIT);

	return n > 0 && message[0] == CONTROL_OPEN && strcmp(message + 1, url) == 0;
}

static void test_mapped(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(mkdir(at("home/transfer"), 0700), 0);
	assert_int_equal(assign(f, at("transfer"), URL), 0);
	/* Inside it is the cell's own; what belongs to anybody else is nobody's there. */
	assert_int_equal(uid_inside(f, "transfer"), CELL);
	assert_int_equal(uid_inside(f, "transfer/letter"), CELL);
	assert_int_equal(uid_inside(f, "transfer/of-root"), 65534);
	assert_true(asked_for(f, URL));
	/* Outside nothing is changed, and the mount is not to be seen. */
	assert_int_equal(stat(at("transfer/letter"), &st), 0);
	assert_int_equal(st.st_uid, OWNER);
	assert_int_equal(access(at("home/transfer/letter"), F_OK), -1);
}

static int write_as_cell(const struct fixture *f)
{
	char path[600];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)f->launcher);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, CLONE_NEWNS) < 0 || setresgid(CELL, CELL, CELL) < 0 ||
		    setresuid(CELL, CELL, CELL) < 0)
			_exit(100);
		/* The top of the tree is root's; the test may pass, as the cell's uid may. */
		snprintf(path, sizeof(path), "%s/home/transfer/new", top);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		_exit(fd < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static void test_written_is_the_owners(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(mkdir(at("home/transfer"), 0700), 0);
	assert_int_equal(chmod(top, 0711), 0);
	assert_int_equal(assign(f, at("transfer"), URL), 0);
	assert_int_equal(write_as_cell(f), 0);
	assert_int_equal(stat(at("transfer/new"), &st), 0);
	assert_int_equal(st.st_uid, OWNER);
	assert_int_equal(st.st_gid, OWNER);
}

/* The parked browser has run for hours and may have put anything in the mount's place. */
static void test_led_astray(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(assign(f, at("transfer"), URL), -ENOENT);
	folder("elsewhere", 0);
	assert_int_equal(symlink(at("elsewhere"), at("home/transfer")), 0);
	assert_true(assign(f, at("transfer"), URL) < 0);
	assert_int_equal(uid_inside(f, "../elsewhere"), 0);
	assert_int_equal(unlink(at("home/transfer")), 0);
	put(at("home/transfer"), CELL);
	assert_true(assign(f, at("transfer"), URL) < 0);
	assert_false(asked_for(f, URL));
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	const struct cell gone = {.pid = getpid(), .pidfd = -1, .control = -1};
	struct cell none = gone;

	assert_int_equal(mkdir(at("home/transfer"), 0700), 0);
	assert_int_equal(assign(f, at("nothing"), URL), -ENOENT);
	/* A file system that cannot be mapped, and a link in the place of the folder. */
	assert_int_equal(assign(f, "/proc", URL), -ENOTSUP);
	assert_int_equal(symlink(at("transfer"), at("link")), 0);
	assert_true(assign(f, at("link"), URL) < 0);
	assert_int_equal(uid_inside(f, "transfer"), 0);
	/* Somebody without the two processes of bubblewrap. */
	none.pid = f->launcher;
	assert_int_equal(cell_assign(&none, at("transfer"), OWNER, OWNER, CELL, CELL, URL), -ESRCH);
	assert_int_equal(assign(f, at("transfer"), "file:///etc/passwd"), -EINVAL);
	assert_false(asked_for(f, "file:///etc/passwd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mapped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_written_is_the_owners, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_led_astray, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	};

	umask(022);
	if (geteuid() != 0) {
		fputs("test_assign needs root\n", stderr);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
