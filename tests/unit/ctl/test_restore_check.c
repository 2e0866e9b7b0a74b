/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/answer.h"
#include "ctl/backup_impl.h"

static char folder[] = "/tmp/lazaret-restore-XXXXXX";
static char said[512];
static int top;

int backup_refuse(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
	return ANSWER_STATUS_FAILED;
}

static void file(const char *path)
{
	int fd = openat(top, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static int set_up(void **state)
{
	static const char *const folders[] = {"config",   "tls",      "ssh",
					      "ssh/keys", "settings", "homes"};
	static const char *const files[] = {
		"manifest.json",   "accounts.json",    "config/0",         "tls/key",
		"tls/certificate", "ssh/host_ed25519", "ssh/keys/ann-b.c", "settings/12"};

	(void)state;
	assert_non_null(mkdtemp(folder));
	top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		assert_int_equal(mkdirat(top, folders[i], 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		file(files[i]);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	close(top);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void assert_refused(const char *why)
{
	said[0] = '\0';
	assert_int_equal(restore_check_tree(top), ANSWER_STATUS_FAILED);
	if (!strstr(said, why))
		fail_msg("\"%s\" is not in \"%s\"", why, said);
}

static void test_good(void **state)
{
	(void)state;
	assert_int_equal(restore_check_tree(top), ANSWER_STATUS_OK);
}

static void test_strangers(void **state)
{
	static const char *const files[] = {"crontab",        "config/x",         "tls/server.pem",
					    "ssh/authorized", "ssh/keys/.hidden", "settings/1a",
					    "homes/7001",     "ssh/keys/a b"};
	static const char *const dirs[] = {"etc", "config/1", "ssh/keys/x", "tls/key.d", "homes/1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		file(files[i]);
		assert_refused("does not belong there");
		assert_int_equal(unlinkat(top, files[i], 0), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		assert_int_equal(mkdirat(top, dirs[i], 0700), 0);
		assert_refused("is a folder that does not belong there");
		assert_int_equal(unlinkat(top, dirs[i], AT_REMOVEDIR), 0);
	}
	assert_int_equal(restore_check_tree(top), ANSWER_STATUS_OK);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(symlinkat("/etc/shadow", top, "ssh/keys/bob"), 0);
	assert_refused("neither a file nor a folder");
	assert_int_equal(unlinkat(top, "ssh/keys/bob", 0), 0);
	assert_int_equal(mkfifoat(top, "config/1", 0600), 0);
	assert_refused("neither a file nor a folder");
	assert_int_equal(unlinkat(top, "config/1", 0), 0);
	assert_int_equal(linkat(top, "tls/key", top, "config/1", 0), 0);
	assert_refused("another name elsewhere");
	assert_int_equal(unlinkat(top, "config/1", 0), 0);
	assert_int_equal(fchmodat(top, "tls/key", 04600, 0), 0);
	assert_refused("its owner's rights");
	assert_int_equal(fchmodat(top, "tls/key", 0600, 0), 0);
}

static void test_limits(void **state)
{
	int fd = openat(top, "config/0", O_WRONLY | O_CLOEXEC);
	char path[32];

	(void)state;
	assert_int_equal(ftruncate(fd, BACKUP_FILE_MAX), 0);
	assert_int_equal(restore_check_tree(top), ANSWER_STATUS_OK);
	assert_int_equal(ftruncate(fd, BACKUP_FILE_MAX + 1), 0);
	assert_refused("larger than any");
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	/* There are 14 files and folders already. */
	for (int i = 0; i < BACKUP_FILES_MAX - 14; i++) {
		snprintf(path, sizeof(path), "settings/1%05d", i);
		file(path);
	}
	assert_int_equal(restore_check_tree(top), ANSWER_STATUS_OK);
	file("settings/999");
	assert_refused("one file too many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
