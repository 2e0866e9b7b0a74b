/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A cell's spec: its rules, and the way through the memory file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cell/limits.h"
#include "cell/spec.h"

static const struct cell_spec good = {
	.uid = 1001,
	.gid = 993,
	.user = "alice",
	.home = "/var/lib/lazaret/users/1001/data/home",
	.transfer = "/var/lib/lazaret/users/1001/data/transfer",
	.wayland = "/run/lazaret/sessions/x/wayland",
	.netns = 9,
	.resolv_conf = "nameserver 198.51.100.53\n",
	.proxy = "http://192.0.2.8:3128",
	.browser = CELL_FIREFOX,
	.start_url = "https://www.example.net/?q=1",
	.wipe_profile = true,
	.parked = true,
	.lang = "de_DE.UTF-8",
	.tz = "Europe/Berlin",
	.join = "/sys/fs/cgroup/x/cgroup.procs",
	.limits = {.nofile = 1, .nproc = 2, .shm_size = UINT64_C(3) << 32, .tmp_size = 4},
	.libexec = "/usr/libexec/lazaret",
	.data = "/usr/share/lazaret",
	.stderr_fd = -1,
};

/* A copy of the good one with one thing changed. */
#define CHANGED(...)                           \
	__extension__({                        \
		struct cell_spec spec_ = good; \
		struct cell_spec *s = &spec_;  \
		__VA_ARGS__;                   \
		spec_check(&spec_);            \
	})

static void test_rules(void **state)
{
	static char long_text[70000];
	static const char *const none[] = {NULL};

	(void)state;
	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[0] = '/';
	assert_int_equal(spec_check(&good), 0);
	assert_int_equal(CHANGED(s->uid = 0), -EINVAL);
	assert_int_equal(CHANGED(s->gid = 0), -EINVAL);
	assert_int_equal(CHANGED(s->uid = (uid_t)-1), -EINVAL);
	assert_int_equal(CHANGED(s->gid = (gid_t)-1), -EINVAL);
	assert_int_equal(CHANGED(s->user = NULL), -EINVAL);
	assert_int_equal(CHANGED(s->home = "relative"), -EINVAL);
	assert_int_equal(CHANGED(s->home = "/a/../b"), -EINVAL);
	assert_int_equal(CHANGED(s->home = "/a/.."), -EINVAL);
	assert_int_equal(CHANGED(s->home = long_text), -EINVAL);
	assert_int_equal(CHANGED(s->transfer = "../x"), -EINVAL);
	assert_int_equal(CHANGED(s->wayland = NULL), -EINVAL);
	assert_int_equal(CHANGED(s->wayland = NULL; s->command = (const char *[]){"/x", NULL}), 0);
	assert_int_equal(CHANGED(s->command = none), -EINVAL);
	assert_int_equal(CHANGED(s->libexec = "x"), -EINVAL);
	assert_int_equal(CHANGED(s->data = "x"), -EINVAL);
	assert_int_equal(CHANGED(s->browser = (enum cell_browser)2), -EINVAL);
	assert_int_equal(CHANGED(s->resolv_conf = long_text), -EINVAL);
	assert_int_equal(CHANGED(s->join = long_text), -EINVAL);
	assert_int_equal(CHANGED(s->lang = "de\nX=y"), -EINVAL);
	/* What may be missing. */
	assert_int_equal(CHANGED(s->home = s->transfer = s->proxy = s->start_url = s->lang = s->tz =
					 s->join = s->libexec = s->data = s->resolv_conf = NULL),
			 0);
}

static void test_users(void **state)
{
	static const char *const bad[] = {"",
					  "-x",
					  ".x",
					  "..",
					  "a/b",
					  "A",
					  "a b",
					  "a:b",
					  "a\n",
					  "\xc3\xa4",
					  "abcdefghijklmnopqrstuvwxyz0123456"};
	static const char *const right[] = {"a",  "a.b", "a-b",
					    "_a", "1",   "abcdefghijklmnopqrstuvwxyz012345"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(CHANGED(s->user = bad[i]), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(right); i++)
		assert_int_equal(CHANGED(s->user = right[i]), 0);
}

static void test_proxies(void **state)
{
	/* Credentials never enter a cell, and the text goes into policies and their like. */
	static const char *const bad[] = {"192.0.2.8:3128",
					  "https://192.0.2.8:3128",
					  "http://u:p@192.0.2.8:3128",
					  "http://192.0.2.8:3128;DIRECT",
					  "http://a b",
					  "http://a\"",
					  "http://a'",
					  "http://a,b",
					  "http://a\nb"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(CHANGED(s->proxy = bad[i]), -EINVAL);
	assert_int_equal(CHANGED(s->proxy = "http://[2001:db8::1]:3128"), 0);
}

static void test_urls(void **state)
{
	static const char *const bad[] = {"",
					  "http://",
					  "https://",
					  "file:///etc/passwd",
					  "javascript:alert(1)",
					  "chrome://settings",
					  "about:config",
					  "data:text/html,x",
					  "ftp://x/",
					  "--flag",
					  "http://a b",
					  "http://a\n",
					  "http://\xc3\xa4/",
					  "HTTP://x/",
					  "file:///run/lazaret/start/../../etc/passwd"};
	static const char *const right[] = {"http://x", "https://x/", "about:blank",
					    CELL_START_URL};
	char longest[CELL_URL_MAX + 2] = "http://";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(spec_url_valid(bad[i]));
	for (size_t i = 0; i < ARRAY_LEN(right); i++)
		assert_true(spec_url_valid(right[i]));
	memset(longest + 7, 'a', CELL_URL_MAX - 7);
	assert_true(spec_url_valid(longest));
	longest[CELL_URL_MAX] = 'a';
	assert_false(spec_url_valid(longest));
}

static void assert_text(const char *a, const char *b)
{
	if (!a || !b)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void assert_same(const struct cell_spec *a, const struct cell_spec *b)
{
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_text(a->user, b->user);
	assert_text(a->home, b->home);
	assert_int_equal(a->home_size, b->home_size);
	assert_text(a->transfer, b->transfer);
	assert_text(a->wayland, b->wayland);
	assert_text(a->resolv_conf, b->resolv_conf);
	assert_text(a->proxy, b->proxy);
	assert_int_equal(a->webrtc_udp, b->webrtc_udp);
	assert_int_equal(a->browser, b->browser);
	assert_text(a->start_url, b->start_url);
	assert_int_equal(a->wipe_profile, b->wipe_profile);
	assert_int_equal(a->parked, b->parked);
	assert_text(a->lang, b->lang);
	assert_text(a->tz, b->tz);
	assert_text(a->join, b->join);
	assert_memory_equal(&a->limits, &b->limits, sizeof(a->limits));
	assert_text(a->libexec, b->libexec);
	assert_text(a->data, b->data);
}

static void round_trip(const struct cell_spec *spec, struct cell_spec *ret)
{
	struct buf buf;

	buf_init(&buf, CELL_SPEC_MAX);
	spec_write(spec, &buf);
	assert_int_equal(buf_error(&buf), 0);
	assert_int_equal(spec_read(buf_data(&buf), buf_len(&buf), ret), 0);
	assert_same(spec, ret);
	buf_finish(&buf);
}

/* Strings of the reader are never freed by contract; the test's do not matter either. */
static void test_round_trip(void **state)
{
	static const char *const command[] = {"/bin/a", "", "-b", NULL};
	struct cell_spec spec = good, out;

	(void)state;
	round_trip(&spec, &out);
	assert_int_equal(out.netns, SPEC_NETNS_FD);
	assert_null(out.command);
	spec = (struct cell_spec){.uid = 1000,
				  .gid = 1000,
				  .user = "u",
				  .netns = -1,
				  .command = command,
				  .home_size = 77,
				  .webrtc_udp = true};
	round_trip(&spec, &out);
	assert_int_equal(out.netns, -1);
	for (size_t i = 0; i < ARRAY_LEN(command); i++)
		assert_text(out.command[i], command[i]);
}

static void test_damaged(void **state)
{
	struct cell_spec out = {.uid = 7}, bad = good;
	struct buf buf;

	(void)state;
	buf_init(&buf, CELL_SPEC_MAX);
	spec_write(&good, &buf);
	for (size_t len = 0; len < buf_len(&buf); len++)
		assert_int_equal(spec_read(buf_data(&buf), len, &out), -EPROTO);
	buf_put_u8(&buf, 0);
	assert_int_equal(spec_read(buf_data(&buf), buf_len(&buf), &out), -EPROTO);
	buf_finish(&buf);
	/* Another version of ourselves. */
	buf_init(&buf, CELL_SPEC_MAX);
	spec_write(&good, &buf);
	((uint8_t *)(uintptr_t)buf_data(&buf))[3]++;
	assert_int_equal(spec_read(buf_data(&buf), buf_len(&buf), &out), -EPROTO);
	buf_finish(&buf);
	/* Whoever wrote it: the rules are checked again. */
	bad.uid = 0;
	buf_init(&buf, CELL_SPEC_MAX);
	spec_write(&bad, &buf);
	assert_int_equal(spec_read(buf_data(&buf), buf_len(&buf), &out), -EINVAL);
	buf_finish(&buf);
	assert_int_equal(out.uid, 7);
}

static void test_many_arguments(void **state)
{
	static const char *command[CELL_ARGS_MAX + 2];
	struct cell_spec spec = good, out;
	struct buf buf;

	(void)state;
	for (size_t i = 0; i <= CELL_ARGS_MAX; i++)
		command[i] = "x";
	spec.command = command;
	buf_init(&buf, CELL_SPEC_MAX);
	spec_write(&spec, &buf);
	assert_int_equal(spec_read(buf_data(&buf), buf_len(&buf), &out), -EPROTO);
	buf_finish(&buf);
	command[CELL_ARGS_MAX] = NULL;
	round_trip(&spec, &out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),          cmocka_unit_test(test_users),
		cmocka_unit_test(test_proxies),        cmocka_unit_test(test_urls),
		cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_many_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
