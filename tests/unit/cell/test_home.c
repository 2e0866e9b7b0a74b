/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Volumes of users, with real file systems: needs root, and a mount namespace of its own. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cell/home.h"

#define MIB (UINT64_C(1) << 20)
#define SIZE (64 * MIB)
#define UID 61234
#define GID 61235

/* Not below /tmp, which may be in memory and cannot hold a volume then. */
static char state[] = "/var/tmp/test-home-XXXXXX";

static const char *at(const char *path)
{
	static char out[4][512];
	static unsigned int next;
	char *p = out[next++ % 4];

	snprintf(p, sizeof(out[0]), "%s/users/%d/%s", state, UID, path);
	return p;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int set_up(void **unused)
{
	(void)unused;
	return mkdtemp(state) ? 0 : -1;
}

static int tear_down(void **unused)
{
	(void)unused;
	(void)!umount2(at("data"), MNT_DETACH);
	nftw(state, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	memcpy(state + sizeof(state) - 7, "XXXXXX", 6);
	return 0;
}

static int leave(struct home *home)
{
	home_release(home);
	return home_close(state, UID);
}

static void assert_is(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_gid, gid);
}

static void test_made(void **unused)
{
	struct home home = {.use = -1}, other;
	struct statvfs fs;

	(void)unused;
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE - 1, &home), -ERANGE);
	assert_int_equal(access(at("owner"), F_OK), -1);
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	assert_string_equal(home.home, at("data/home"));
	assert_string_equal(home.transfer, at("data/lock/transfer"));
	assert_is(home.home, 0700, UID, GID);
	assert_is(home.transfer, 0700, UID, GID);
	assert_is(at("data"), 0711, 0, 0);
	assert_is(at("volume"), 0600, 0, 0);
	assert_is(at("owner"), 0600, 0, 0);
	assert_int_equal(statvfs(home.home, &fs), 0);
	assert_true(fs.f_flag & ST_NOSUID);
	assert_true(fs.f_flag & ST_NODEV);
	assert_true(fs.f_blocks * fs.f_frsize <= SIZE);
	/* Again, while it is there: whoever is the last to leave closes it. */
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &other), 0);
	assert_int_equal(leave(&home), 0);
	assert_int_equal(access(home.home, F_OK), 0);
	assert_int_equal(leave(&other), 0);
	assert_int_equal(access(home.home, F_OK), -1);
	assert_int_equal(leave(&home), 0);
	assert_int_equal(home_close(state, UID + 1), 0);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Mounted in another namespace still: not a second file system in the same blocks. */
static void test_never_twice(void **unused)
{
	struct home home = {.use = -1};
	char path[600];
	int tree;

	(void)unused;
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, at("data"),
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	assert_true(tree >= 0);
	assert_int_equal(leave(&home), 0);
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	snprintf(path, sizeof(path), "%s/letter", home.transfer);
	put(path, "content");
	assert_int_equal(faccessat(tree, "lock/transfer/letter", F_OK, 0), 0);
	close(tree);
	assert_int_equal(leave(&home), 0);
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(leave(&home), 0);
}

/* The layout of earlier versions: what is there stays the user's. */
static void test_older_layout(void **unused)
{
	struct home home = {.use = -1};
	char path[600];

	(void)unused;
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	snprintf(path, sizeof(path), "%s/letter", home.transfer);
	put(path, "content");
	assert_int_equal(rename(home.transfer, at("data/transfer")), 0);
	assert_int_equal(leave(&home), 0);
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(access(at("data/transfer"), F_OK), -1);
	assert_int_equal(leave(&home), 0);
}

static void test_kept_and_whose(void **unused)
{
	struct home home = {.use = -1};
	char path[600];

	(void)unused;
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	snprintf(path, sizeof(path), "%s/letter", home.home);
	put(path, "content");
	assert_int_equal(leave(&home), 0);
	/* The uid was given to somebody else: he does not get what is there. */
	assert_int_equal(home_open(state, UID, GID, "mallory", SIZE, &home), -ESTALE);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	assert_int_equal(access(path, F_OK), 0);
	/* In use. */
	assert_int_equal(chdir(home.home), 0);
	assert_int_equal(leave(&home), -EBUSY);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(leave(&home), 0);
}

static uint64_t fill(const char *path)
{
	static char block[1 << 20];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	uint64_t had = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = write(fd, block, sizeof(block))) > 0)
		had += (uint64_t)n;
	assert_int_equal(errno, ENOSPC);
	close(fd);
	return had;
}

static void test_bounded_and_growing(void **unused)
{
	struct home home = {.use = -1};
	struct stat st;
	char path[600];
	uint64_t had;

	(void)unused;
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	snprintf(path, sizeof(path), "%s/filler", home.home);
	had = fill(path);
	assert_true(had > SIZE / 2 && had < SIZE);
	/* Both folders share the bound. */
	snprintf(path, sizeof(path), "%s/filler", home.transfer);
	assert_true(fill(path) < MIB);
	assert_int_equal(stat(at("volume"), &st), 0);
	assert_int_equal(st.st_size, SIZE);
	/* A full one is opened as any other, and grows when the operator allows more. */
	assert_int_equal(leave(&home), 0);
	assert_int_equal(home_open(state, UID, GID, "alice", 2 * SIZE, &home), 0);
	had = fill(path);
	assert_true(had > SIZE / 2 && had <= SIZE + MIB);
	assert_int_equal(leave(&home), 0);
	/* Less leaves it as it is. */
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	assert_int_equal(stat(at("volume"), &st), 0);
	assert_int_equal(st.st_size, 2 * SIZE);
	assert_int_equal(leave(&home), 0);
}

/* The file was made larger, and then the machine went down: the next start goes on with it. */
static void test_growing_broke_off(void **unused)
{
	struct home home = {.use = -1};
	struct statvfs fs;

	(void)unused;
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	assert_int_equal(leave(&home), 0);
	assert_int_equal(truncate(at("volume"), 2 * SIZE), 0);
	assert_int_equal(home_open(state, UID, GID, "alice", 2 * SIZE, &home), 0);
	assert_int_equal(statvfs(home.home, &fs), 0);
	assert_true(fs.f_blocks * fs.f_frsize > SIZE + SIZE / 2);
	assert_int_equal(leave(&home), 0);
}

/* Links where folders should be: root follows none of them. */
static void test_links(void **unused)
{
	struct home home = {.use = -1};
	char path[600], elsewhere[512];

	(void)unused;
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", state);
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	snprintf(path, sizeof(path), "%s/users", state);
	assert_int_equal(mkdir(path, 0711), 0);
	snprintf(path, sizeof(path), "%s/users/%d", state, UID);
	assert_int_equal(symlink(elsewhere, path), 0);
	assert_true(home_open(state, UID, GID, "alice", SIZE, &home) < 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	assert_int_equal(rmdir(home.home), 0);
	assert_int_equal(symlink(elsewhere, home.home), 0);
	assert_true(home_open(state, UID, GID, "alice", SIZE, &home) < 0);
	assert_is(elsewhere, 0700, 0, 0);
}

static void test_damaged(void **unused)
{
	struct home home = {.use = -1};
	int fd;

	(void)unused;
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	assert_int_equal(leave(&home), 0);
	/* The first superblock is gone: e2fsck -p finds no file system that it dares to mend. */
	fd = open(at("volume"), O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, (char[1024]){0}, 1024, 1024), 1024);
	close(fd);
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), -EUCLEAN);
	assert_int_equal(leave(&home), 0);
}

/* A half-made volume of a start that was killed is made anew, and never taken for a whole one. */
static void test_half_made(void **unused)
{
	struct home home = {.use = -1};
	char path[600];

	(void)unused;
	snprintf(path, sizeof(path), "%s/users", state);
	assert_int_equal(mkdir(path, 0711), 0);
	snprintf(path, sizeof(path), "%s/users/%d", state, UID);
	assert_int_equal(mkdir(path, 0711), 0);
	put(at("volume.new"), "half");
	assert_int_equal(home_open(state, UID, GID, "alice", SIZE, &home), 0);
	assert_int_equal(access(at("volume.new"), F_OK), -1);
	assert_int_equal(leave(&home), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_never_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_older_layout, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kept_and_whose, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounded_and_growing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_growing_broke_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_half_made, set_up, tear_down),
	};

	umask(022);
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		perror("test_home needs root");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
