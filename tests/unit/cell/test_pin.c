/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a browser's folder is mounted, and what is left out. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cell/limits.h"
#include "cell/pin.h"

static char folder[] = "/tmp/lazaret-test-pin-XXXXXX";
static char seen[1 << 16];
static size_t n_seen;

/* "F name", "L name target": with the folder's own path cut off. */
static void note(void *data, enum pin_kind kind, const char *path, const char *target)
{
	size_t at = strlen(seen);

	(void)data;
	n_seen++;
	assert_memory_equal(path, folder, strlen(folder));
	snprintf(seen + at, sizeof(seen) - at, "%c%s%s%s\n", "RDFL"[kind], path + strlen(folder),
		 target ? " " : "", target ? target : "");
}

static void make(const char *name, mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (S_ISDIR(mode)) {
		assert_int_equal(mkdir(path, 0700), 0);
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
	assert_int_equal(chmod(path, mode & 07777), 0);
}

static void drop(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(remove(path), 0);
}

static int walk(void)
{
	seen[0] = '\0';
	n_seen = 0;
	return pin_walk(folder, note, NULL);
}

static void test_kinds(void **state)
{
	char link[256];

	(void)state;
	make("program", S_IFREG | 0755);
	make("program.dpkg-new", S_IFREG | 0755);
	make("secret", S_IFREG | 0640);
	make("below", S_IFDIR | 0755);
	make("below/data", S_IFREG | 0644);
	make("closed", S_IFDIR | 0700);
	make("closed/inside", S_IFREG | 0644);
	snprintf(link, sizeof(link), "%s/alias", folder);
	assert_int_equal(symlink("../elsewhere", link), 0);
	assert_int_equal(walk(), 0);
	assert_memory_equal(seen, "R\n", 2);
	assert_non_null(strstr(seen, "F/program\n"));
	assert_non_null(strstr(seen, "D/below\nF/below/data\n"));
	assert_non_null(strstr(seen, "L/alias ../elsewhere\n"));
	/* What the user may not read anyway, and what dpkg is just about to put in place. */
	assert_int_equal(n_seen, 5);
	for (size_t i = 0; i < 7; i++)
		drop((const char *[]){"program", "program.dpkg-new", "secret", "below/data",
				      "closed/inside", "alias", "below"}[i]);
	drop("closed");
}

static void test_bounds(void **state)
{
	char name[256] = "d";

	(void)state;
	assert_int_equal(pin_walk("/nonexistent/folder", note, NULL), -ENOENT);
	for (int i = 0; i < CELL_PINS_MAX; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		make(name, S_IFREG | 0644);
	}
	assert_int_equal(walk(), 0);
	make("one-more", S_IFREG | 0644);
	assert_int_equal(walk(), -E2BIG);
	drop("one-more");
	for (int i = 0; i < CELL_PINS_MAX; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		drop(name);
	}
}

static void test_depth(void **state)
{
	char name[64] = "";

	(void)state;
	for (int i = 0; i < CELL_PIN_DEPTH; i++) {
		snprintf(name + strlen(name), sizeof(name) - strlen(name), "%sd", i ? "/" : "");
		make(name, S_IFDIR | 0755);
		assert_int_equal(walk(), i < CELL_PIN_DEPTH - 1 ? 0 : -ELOOP);
	}
	for (; name[0]; *(strlen(name) > 1 ? strrchr(name, '/') : name) = '\0')
		drop(name);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
