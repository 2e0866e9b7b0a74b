/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What bubblewrap is told, and in which order: what comes later lies over what came before. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/fd.h"
#include "cell/jail.h"

#define WORDS_MAX 512

struct words {
	char *data;
	const char *word[WORDS_MAX];
	size_t n;
};

static void prepare(const struct cell_spec *spec, struct words *words)
{
	size_t len, at = 0;
	int fd;

	assert_int_equal(jail_prepare(spec, "/lib/exec", "/the/data", "{\"policy\": 1}", &fd), 0);
	/* bubblewrap reads it after the exec. */
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	assert_int_equal(fd_read_all(fd, 1 << 20, &words->data, &len), 0);
	close(fd);
	for (words->n = 0; at < len; at += strlen(words->data + at) + 1) {
		assert_true(words->n < WORDS_MAX);
		words->word[words->n++] = words->data + at;
	}
}

/* Place of a word at or after `from`; n if there is none. */
static size_t find(const struct words *words, const char *word, size_t from)
{
	while (from < words->n && strcmp(words->word[from], word) != 0)
		from++;
	return from;
}

static size_t last(const struct words *words, const char *word)
{
	size_t found = words->n;

	for (size_t i = 0; i < words->n; i++) {
		if (strcmp(words->word[i], word) == 0)
			found = i;
	}
	return found;
}

static size_t count(const struct words *words, const char *word)
{
	size_t n = 0;

	for (size_t i = 0; i < words->n; i++)
		n += strcmp(words->word[i], word) == 0;
	return n;
}

/* "--bind FROM TO" and its like is there. */
static bool has(const struct words *words, const char *option, const char *from, const char *to)
{
	for (size_t i = 0; i + 2 < words->n; i++) {
		if (strcmp(words->word[i], option) == 0 && strcmp(words->word[i + 1], from) == 0 &&
		    strcmp(words->word[i + 2], to) == 0)
			return true;
	}
	return false;
}

static const struct cell_spec good = {
	.uid = 1001,
	.gid = 993,
	.user = "alice",
	.home = "/state/1001/home",
	.transfer = "/state/1001/transfer",
	.wayland = "/run/x/wayland",
	.netns = -1,
};

static void test_namespaces_and_filter(void **state)
{
	static const char *const needed[] = {
		"--unshare-user",   "--unshare-pid", "--unshare-ipc",     "--unshare-uts",
		"--unshare-cgroup", "--new-session", "--die-with-parent", "--clearenv"};
	struct words words;
	int filter, seals;

	(void)state;
	prepare(&good, &words);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		assert_int_equal(count(&words, needed[i]), 1);
	assert_int_equal(count(&words, "--dev-bind"), 0);
	assert_int_equal(count(&words, "--share-net"), 0);
	assert_int_equal(count(&words, "--cap-add"), 0);
	assert_true(find(&words, "--clearenv", 0) < find(&words, "--setenv", 0));
	/* The network is the one that the launcher has entered. */
	assert_int_equal(count(&words, "--unshare-net"), 0);
	assert_string_equal(words.word[words.n - 2], "--seccomp");
	filter = (int)strtol(words.word[words.n - 1], NULL, 10);
	seals = fcntl(filter, F_GET_SEALS);
	assert_true(seals >= 0 && (seals & F_SEAL_WRITE));
	assert_true(lseek(filter, 0, SEEK_END) > 1000);
	free(words.data);
}

static void test_writable_places(void **state)
{
	struct words words;
	size_t root;

	(void)state;
	prepare(&good, &words);
	assert_int_equal(count(&words, "--bind"), 2);
	assert_int_equal(count(&words, "--bind-try"), 0);
	assert_true(has(&words, "--bind", good.home, "/home/alice"));
	assert_true(has(&words, "--bind", good.transfer, "/home/alice/transfer"));
	assert_true(has(&words, "--ro-bind", "/usr", "/usr"));
	assert_true(has(&words, "--ro-bind", good.wayland, "/run/user/1001/wayland-0"));
	assert_true(find(&words, good.home, 0) < find(&words, good.transfer, 0));
	/* Nothing that a cell can write lies over what is generated, and at last all is read-only. */
	assert_true(last(&words, "--bind") < find(&words, "--ro-bind-data", 0));
	root = find(&words, "/", last(&words, "--remount-ro"));
	assert_true(root == last(&words, "--remount-ro") + 1);
	assert_true(last(&words, "--ro-bind-data") < root && last(&words, "--tmpfs") < root);
	assert_true(find(&words, "/dev/pts", find(&words, "--remount-ro", 0)) < words.n);
	free(words.data);
}

/* Every tmpfs has a bound. */
static void test_bounds(void **state)
{
	struct cell_spec spec = good;
	struct words words;
	size_t tmpfs = 0, at = 0;

	(void)state;
	spec.home = NULL;
	spec.home_size = 77 << 20;
	spec.transfer = NULL;
	spec.limits.shm_size = 33 << 20;
	spec.limits.tmp_size = 44 << 20;
	prepare(&spec, &words);
	assert_int_equal(count(&words, "--bind"), 0);
	for (; (at = find(&words, "--tmpfs", at)) < words.n; at++, tmpfs++) {
		const char *place = words.word[at + 1], *size = words.word[at - 1];

		assert_string_equal(words.word[at - 2], "--size");
		if (strcmp(place, "/home/alice") == 0)
			assert_string_equal(size, "80740352");
		else if (strcmp(place, "/dev/shm") == 0)
			assert_string_equal(size, "34603008");
		else if (strcmp(place, "/tmp") == 0)
			assert_string_equal(size, "46137344");
		else
			assert_true(strtoul(size, NULL, 10) > 0);
	}
	/* One more holds the browser's folder, where there is one. */
	assert_int_equal(tmpfs, 5 + (access("/usr/lib/chromium", F_OK) == 0));
	free(words.data);
}

static void test_policy_and_accounts(void **state)
{
	struct words words;
	char text[64] = "";
	size_t at;
	int fd;

	(void)state;
	prepare(&good, &words);
	at = find(&words, "/etc/chromium/policies/managed/lazaret.json", 0);
	assert_true(at < words.n);
	assert_string_equal(words.word[at - 2], "--ro-bind-data");
	fd = (int)strtol(words.word[at - 1], NULL, 10);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "{\"policy\": 1}");
	/* Of the host's accounts, names and secrets nothing is shared. */
	assert_false(has(&words, "--ro-bind-try", "/etc", "/etc"));
	assert_false(has(&words, "--ro-bind-try", "/etc/passwd", "/etc/passwd"));
	assert_false(has(&words, "--ro-bind-try", "/etc/ssl", "/etc/ssl"));
	assert_true(has(&words, "--ro-bind-try", "/etc/ssl/certs", "/etc/ssl/certs"));
	free(words.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_namespaces_and_filter),
		cmocka_unit_test(test_writable_places),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_policy_and_accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
