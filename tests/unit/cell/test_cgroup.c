/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both versions of control groups, over a tree of plain files in the place of the kernel's. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/clock.h"
#include "cell/cgroup.h"

static char top[] = "/tmp/test-cgroup-XXXXXX";
static char self[64];
static struct cgroup_host fake;

static const char *at(const char *path)
{
	static char out[4][1024];
	static unsigned int next;
	char *p = out[next++ % 4];

	snprintf(p, sizeof(out[0]), "%s/%s", top, path);
	return p;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(at(path), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static const char *get(const char *path)
{
	static char text[4096];
	FILE *file = fopen(at(path), "re");
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static void dir(const char *path)
{
	assert_int_equal(mkdir(at(path), 0755), 0);
}

static bool there(const char *path)
{
	return access(at(path), F_OK) == 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	cgroup_use_host(NULL);
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	memcpy(top + sizeof(top) - 7, "XXXXXX", 6);
	return 0;
}

static int set_up(int version)
{
	if (!mkdtemp(top))
		return -1;
	snprintf(self, sizeof(self), "%s/self", top);
	fake = (struct cgroup_host){top, self, version};
	cgroup_use_host(&fake);
	return 0;
}

static int set_up_v1(void **state)
{
	static const char *const names[] = {"memory", "pids", "cpu", "freezer"};

	(void)state;
	if (set_up(1) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		dir(names[i]);
	return 0;
}

static int set_up_v2(void **state)
{
	(void)state;
	if (set_up(2) < 0)
		return -1;
	put("cgroup.subtree_control", "");
	put("cgroup.procs", "");
	return 0;
}

/* What the kernel puts into a group that is made. */
static void furnish(const char *group, const char *const *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", group, files[i]);
		put(path, "");
	}
}

/* --- names ---------------------------------------------------------------------------------------- */

static void test_names(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		".x",
		"-x",
		"a/b",
		"../x",
		"a b",
		"a\n",
		"\xc3\xa4",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	struct cgroup_base *base = NULL;
	struct cgroup *group = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(cgroup_base_open(bad[i], false, true, &base), -EINVAL);
	assert_int_equal(cgroup_base_open("lz", false, true, &base), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(cgroup_create(base, bad[i], NULL, NULL, &group), -EINVAL);
		assert_int_equal(cgroup_create(base, "s-1", bad[i], NULL, &group), -EINVAL);
	}
	assert_null(group);
	assert_false(there("memory/lz/s-1"));
	/* 63 bytes are the most. */
	assert_int_equal(
		cgroup_create(base,
			      "012345678901234567890123456789012345678901234567890123456789012",
			      NULL, NULL, &group),
		0);
	cgroup_close(group);
	cgroup_base_close(base);
}

/* --- version 1 -------------------------------------------------------------------------------------- */

static void test_v1_base(void **state)
{
	struct cgroup_base *base = NULL;

	(void)state;
	/* Without the set-up it must be there already. */
	assert_int_equal(cgroup_base_open("lz", false, false, &base), -ENOENT);
	assert_int_equal(cgroup_base_open("lz", false, true, &base), 0);
	assert_int_equal(cgroup_base_version(base), 1);
	assert_true(there("memory/lz") && there("pids/lz") && there("cpu/lz") &&
		    there("freezer/lz"));
	assert_int_equal(cgroup_base_remove(base), 0);
	assert_false(there("memory/lz") || there("freezer/lz"));
	cgroup_base_close(base);
	/* A host that lacks one of the four. */
	assert_int_equal(rmdir(at("pids")), 0);
	assert_int_equal(cgroup_base_open("lz", false, true, &base), -ENOTSUP);
}

static void test_v1_limits(void **state)
{
	static const char *const memory[] = {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes",
					     "memory.swappiness"};
	static const char *const pids[] = {"pids.max"};
	static const char *const cpu[] = {"cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us"};
	struct cgroup_limits limits = {
		.memory_max = 3 << 20, .pids_max = 64, .cpu_weight = 50, .cpu_max_percent = 150};
	struct cgroup_base *base = NULL;
	struct cgroup *group = NULL;

	(void)state;
	assert_int_equal(cgroup_base_open("lz", false, true, &base), 0);
	assert_int_equal(cgroup_create(base, "s-1", "cell", NULL, &group), 0);
	furnish("memory/lz/s-1/cell", memory, ARRAY_LEN(memory));
	furnish("pids/lz/s-1/cell", pids, ARRAY_LEN(pids));
	furnish("cpu/lz/s-1/cell", cpu, ARRAY_LEN(cpu));
	assert_int_equal(cgroup_set_limits(group, &limits), 0);
	assert_string_equal(get("memory/lz/s-1/cell/memory.limit_in_bytes"), "3145728");
	assert_string_equal(get("memory/lz/s-1/cell/memory.memsw.limit_in_bytes"), "3145728");
	assert_string_equal(get("memory/lz/s-1/cell/memory.swappiness"), "");
	assert_string_equal(get("pids/lz/s-1/cell/pids.max"), "64");
	assert_string_equal(get("cpu/lz/s-1/cell/cpu.shares"), "512");
	assert_string_equal(get("cpu/lz/s-1/cell/cpu.cfs_period_us"), "100000");
	assert_string_equal(get("cpu/lz/s-1/cell/cpu.cfs_quota_us"), "150000");
	/* Without the account of swap the group must not swap at all. */
	assert_int_equal(unlink(at("memory/lz/s-1/cell/memory.memsw.limit_in_bytes")), 0);
	assert_int_equal(cgroup_set_limits(group, &limits), 0);
	assert_string_equal(get("memory/lz/s-1/cell/memory.swappiness"), "0");
	/* A limit that cannot be set is an error, never forgotten. */
	assert_int_equal(rename(at("memory/lz/s-1/cell/memory.limit_in_bytes"),
				at("memory/lz/s-1/cell/away")),
			 0);
	assert_int_equal(cgroup_set_limits(group, &limits), -ENOENT);
	assert_int_equal(rename(at("memory/lz/s-1/cell/away"),
				at("memory/lz/s-1/cell/memory.limit_in_bytes")),
			 0);
	assert_int_equal(unlink(at("pids/lz/s-1/cell/pids.max")), 0);
	assert_int_equal(cgroup_set_limits(group, &limits), -ENOENT);
	limits.cpu_weight = 10001;
	assert_int_equal(cgroup_set_limits(group, &limits), -EINVAL);
	cgroup_close(group);
	cgroup_base_close(base);
}

static void test_v1_join(void **state)
{
	static const char *const places[] = {"memory", "pids", "cpu", "freezer"};
	struct cgroup_base *base = NULL;
	struct cgroup *group = NULL;
	char expected[1024] = "", line[256];

	(void)state;
	assert_int_equal(cgroup_base_open("lz", false, true, &base), 0);
	assert_int_equal(cgroup_open(base, "s-1", "cell", &group), -ENOENT);
	assert_int_equal(cgroup_create(base, "s-1", "cell", NULL, &group), 0);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(line, sizeof(line), "%s/lz/s-1/cell/cgroup.procs", places[i]);
		put(line, "");
		strncat(expected, i ? "\n" : "", sizeof(expected) - strlen(expected) - 1);
		strncat(expected, at(line), sizeof(expected) - strlen(expected) - 1);
	}
	assert_string_equal(cgroup_join_text(group), expected);
	assert_int_equal(cgroup_join_files(cgroup_join_text(group)), 0);
	assert_string_equal(get("memory/lz/s-1/cell/cgroup.procs"), "0");
	assert_string_equal(get("freezer/lz/s-1/cell/cgroup.procs"), "0");
	assert_int_equal(cgroup_add(group, 12345), 0);
	assert_string_equal(get("cpu/lz/s-1/cell/cgroup.procs"), "12345");
	/* One hierarchy that cannot be joined: the whole is an error. */
	assert_int_equal(unlink(at("cpu/lz/s-1/cell/cgroup.procs")), 0);
	assert_int_equal(cgroup_join_files(cgroup_join_text(group)), -ENOENT);
	assert_int_equal(cgroup_join_files("memory/cgroup.procs"), -EINVAL);
	snprintf(expected, sizeof(expected), "%s\n\n/y", at("memory/lz/s-1/cell/cgroup.procs"));
	assert_int_equal(cgroup_join_files(expected), -EINVAL);
	cgroup_close(group);
	cgroup_base_close(base);
}

static void test_v1_usage(void **state)
{
	struct cgroup_base *base = NULL;
	struct cgroup *group = NULL;
	struct cgroup_usage usage;

	(void)state;
	assert_int_equal(cgroup_base_open("lz", false, true, &base), 0);
	assert_int_equal(cgroup_create(base, "s-1", "cell", NULL, &group), 0);
	/* What is not there counts as nothing. */
	assert_int_equal(cgroup_usage(group, &usage), 0);
	assert_int_equal(usage.memory, 0);
	put("memory/lz/s-1/cell/memory.usage_in_bytes", "12345678901\n");
	put("memory/lz/s-1/cell/memory.max_usage_in_bytes", "22345678901\n");
	put("memory/lz/s-1/cell/memory.oom_control",
	    "oom_kill_disable 1\nunder_oom 2\noom_kill 3\n");
	put("pids/lz/s-1/cell/pids.current", "17\n");
	put("pids/lz/s-1/cell/pids.events", "max 5\n");
	assert_int_equal(cgroup_usage(group, &usage), 0);
	assert_int_equal(usage.memory, 12345678901);
	assert_int_equal(usage.memory_peak, 22345678901);
	assert_int_equal(usage.oom_kills, 3);
	assert_int_equal(usage.pids, 17);
	assert_int_equal(usage.pids_refused, 5);
	cgroup_close(group);
	cgroup_base_close(base);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static void test_v1_kill(void **state)
{
	struct cgroup_base *base = NULL;
	struct cgroup *group = NULL, *whole = NULL;
	pid_t pid = sleeper(), other = sleeper();
	char text[64];
	int status;

	(void)state;
	assert_int_equal(cgroup_base_open("lz", false, true, &base), 0);
	assert_int_equal(cgroup_create(base, "s-1", "cell", NULL, &group), 0);
	assert_int_equal(cgroup_open(base, "s-1", NULL, &whole), 0);
	put("memory/lz/s-1/cgroup.procs", "");
	put("memory/lz/s-1/cell/cgroup.procs", "");
	put("freezer/lz/s-1/freezer.state", "FROZEN\n");
	assert_false(cgroup_populated(whole));
	assert_int_equal(cgroup_wait_empty(whole, 0), 0);
	/* One is listed in one hierarchy only, as after a join that broke off. */
	snprintf(text, sizeof(text), "%d\n", (int)pid);
	put("memory/lz/s-1/cell/cgroup.procs", text);
	snprintf(text, sizeof(text), "%d\n", (int)other);
	put("pids/lz/s-1/cell/cgroup.procs", text);
	assert_true(cgroup_populated(whole));
	assert_int_equal(cgroup_wait_empty(whole, 50 * USEC_PER_MSEC), -ETIMEDOUT);
	assert_int_equal(cgroup_kill(whole), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_true(WIFSIGNALED(status));
	/* What was frozen would never take the signal. */
	assert_string_equal(get("freezer/lz/s-1/freezer.state"), "THAWED\n");
	cgroup_close(group);
	cgroup_close(whole);
	cgroup_base_close(base);
}

static int collect(const char *name, void *data)
{
	char *names = data;

	strncat(names, name, 255 - strlen(names));
	strncat(names, " ", 255 - strlen(names));
	return strcmp(name, "s-stop") == 0 ? 42 : 0;
}

static void test_v1_list_and_remove(void **state)
{
	struct cgroup_base *base = NULL;
	struct cgroup *group = NULL;
	char names[256] = "";

	(void)state;
	assert_int_equal(cgroup_base_open("lz", false, true, &base), 0);
	assert_int_equal(cgroup_create(base, "s-1", "cell", NULL, &group), 0);
	put("memory/lz/s-file", "");
	dir("memory/lz/other");
	/* Half removed: in one hierarchy only, and not the first. */
	dir("freezer/lz/s-half");
	assert_int_equal(cgroup_base_list(base, collect, names), 0);
	assert_non_null(strstr(names, "s-1 "));
	assert_non_null(strstr(names, "s-half "));
	assert_null(strstr(names, "other"));
	assert_null(strstr(names, "s-file"));
	cgroup_close(group);
	assert_int_equal(cgroup_open(base, "s-1", NULL, &group), 0);
	assert_int_equal(cgroup_remove(group), 0);
	assert_false(there("memory/lz/s-1") || there("pids/lz/s-1") || there("freezer/lz/s-1"));
	assert_int_equal(cgroup_remove(group), 0);
	cgroup_close(group);
	dir("memory/lz/s-stop");
	assert_int_equal(cgroup_base_list(base, collect, names), 42);
	cgroup_base_close(base);
}

/* --- version 2 ---------------------------------------------------------------------------------------- */

static void test_v2_base(void **state)
{
	struct cgroup_base *base = NULL;

	(void)state;
	dir("lz");
	put("lz/cgroup.procs", "");
	put("lz/cgroup.subtree_control", "");
	assert_int_equal(cgroup_base_open("lz", false, true, &base), 0);
	assert_int_equal(cgroup_base_version(base), 2);
	/* The last of the three that were asked for one by one lies over the others here. */
	assert_non_null(strstr(get("cgroup.subtree_control"), "+cpu"));
	assert_non_null(strstr(get("lz/cgroup.subtree_control"), "+cpu"));
	cgroup_base_close(base);
	assert_int_equal(cgroup_base_open("none", false, false, &base), -ENOENT);
	/* A host that gives us no controllers. */
	assert_int_equal(unlink(at("lz/cgroup.subtree_control")), 0);
	assert_int_equal(cgroup_base_open("lz", false, true, &base), -ENOENT);
}

/* Below a unit of the service manager: found from where this process is. */
static void test_v2_delegated(void **state)
{
	struct cgroup_base *base = NULL;
	struct cgroup *group = NULL;

	(void)state;
	dir("system.slice");
	dir("system.slice/lz-cells.service");
	put("system.slice/lz-cells.service/cgroup.procs", "");
	put("system.slice/lz-cells.service/cgroup.subtree_control", "");
	put("self", "1:name=systemd:/wrong\n0::/system.slice/lazaretd.service\n");
	assert_int_equal(cgroup_base_open("lz", true, true, &base), 0);
	assert_int_equal(cgroup_create(base, "s-1", NULL, NULL, &group), 0);
	assert_true(there("system.slice/lz-cells.service/s-1"));
	cgroup_close(group);
	cgroup_base_close(base);
	put("self", "1:name=systemd:/only/version/one\n");
	assert_int_equal(cgroup_base_open("lz", true, true, &base), -ENOTSUP);
	put("self", "0::/elsewhere.slice/lazaretd.service\n");
	assert_int_equal(cgroup_base_open("lz", true, true, &base), -ENOENT);
}

static struct cgroup_base *v2_base(void)
{
	struct cgroup_base *base = NULL;

	dir("lz");
	dir("lz/s-1");
	put("lz/s-1/cgroup.subtree_control", "");
	assert_int_equal(cgroup_base_open("lz", false, false, &base), 0);
	return base;
}

static void test_v2_limits(void **state)
{
	static const char *const files[] = {"memory.max", "memory.swap.max", "pids.max",
					    "cpu.weight", "cpu.max"};
	const struct cgroup_limits limits = {.memory_max = UINT64_C(3) << 32,
					     .pids_max = 64,
					     .cpu_weight = 50,
					     .cpu_max_percent = 150};
	struct cgroup_base *base = v2_base();
	struct cgroup *group = NULL;

	(void)state;
	assert_int_equal(cgroup_create(base, "s-1", "cell", NULL, &group), 0);
	assert_non_null(strstr(get("lz/s-1/cgroup.subtree_control"), "+cpu"));
	furnish("lz/s-1/cell", files, ARRAY_LEN(files));
	assert_int_equal(cgroup_set_limits(group, &limits), 0);
	assert_string_equal(get("lz/s-1/cell/memory.max"), "12884901888");
	assert_string_equal(get("lz/s-1/cell/memory.swap.max"), "0");
	assert_string_equal(get("lz/s-1/cell/pids.max"), "64");
	assert_string_equal(get("lz/s-1/cell/cpu.weight"), "50");
	assert_string_equal(get("lz/s-1/cell/cpu.max"), "150000 100000");
	/* A kernel without swap accounting is fine, one without the limit itself is not. */
	assert_int_equal(unlink(at("lz/s-1/cell/memory.swap.max")), 0);
	assert_int_equal(cgroup_set_limits(group, &limits), 0);
	assert_int_equal(unlink(at("lz/s-1/cell/memory.max")), 0);
	assert_int_equal(cgroup_set_limits(group, &limits), -ENOENT);
	cgroup_close(group);
	cgroup_base_close(base);
}

static void test_v2_join_usage_kill(void **state)
{
	struct cgroup_base *base = v2_base();
	struct cgroup *group = NULL, *whole = NULL;
	struct cgroup_usage usage;

	(void)state;
	assert_int_equal(cgroup_create(base, "s-1", "cell", NULL, &group), 0);
	assert_string_equal(cgroup_join_text(group), at("lz/s-1/cell/cgroup.procs"));
	put("lz/s-1/cell/cgroup.procs", "");
	put("lz/s-1/cgroup.procs", "");
	assert_int_equal(cgroup_join_files(cgroup_join_text(group)), 0);
	assert_string_equal(get("lz/s-1/cell/cgroup.procs"), "0");
	put("lz/s-1/cell/memory.current", "111\n");
	put("lz/s-1/cell/memory.peak", "222\n");
	put("lz/s-1/cell/memory.events", "low 9\nhigh 8\nmax 7\noom 6\noom_kill 5\n"
					 "oom_group_kill 4\n");
	put("lz/s-1/cell/pids.current", "3\n");
	put("lz/s-1/cell/pids.events", "max 2\n");
	assert_int_equal(cgroup_usage(group, &usage), 0);
	assert_int_equal(usage.memory, 111);
	assert_int_equal(usage.memory_peak, 222);
	assert_int_equal(usage.oom_kills, 5);
	assert_int_equal(usage.pids, 3);
	assert_int_equal(usage.pids_refused, 2);
	put("lz/s-1/cell/cgroup.kill", "");
	put("lz/s-1/cgroup.kill", "");
	assert_int_equal(cgroup_open(base, "s-1", NULL, &whole), 0);
	assert_true(cgroup_populated(whole));
	assert_int_equal(cgroup_kill(whole), 0);
	assert_string_equal(get("lz/s-1/cell/cgroup.kill"), "1");
	assert_string_equal(get("lz/s-1/cgroup.kill"), "1");
	cgroup_close(group);
	cgroup_close(whole);
	cgroup_base_close(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, set_up_v1, tear_down),
		cmocka_unit_test_setup_teardown(test_v1_base, set_up_v1, tear_down),
		cmocka_unit_test_setup_teardown(test_v1_limits, set_up_v1, tear_down),
		cmocka_unit_test_setup_teardown(test_v1_join, set_up_v1, tear_down),
		cmocka_unit_test_setup_teardown(test_v1_usage, set_up_v1, tear_down),
		cmocka_unit_test_setup_teardown(test_v1_kill, set_up_v1, tear_down),
		cmocka_unit_test_setup_teardown(test_v1_list_and_remove, set_up_v1, tear_down),
		cmocka_unit_test_setup_teardown(test_v2_base, set_up_v2, tear_down),
		cmocka_unit_test_setup_teardown(test_v2_delegated, set_up_v2, tear_down),
		cmocka_unit_test_setup_teardown(test_v2_limits, set_up_v2, tear_down),
		cmocka_unit_test_setup_teardown(test_v2_join_usage_kill, set_up_v2, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
