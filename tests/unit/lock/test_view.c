/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names that pass, and the tree of names that the kernel knows. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "lock/follow.h"
#include "lock/lock_limits.h"
#include "lock/name.h"
#include "lock/tree.h"

static void test_names(void **state)
{
	static const char *const good[] = {"a",
					   ".hidden",
					   "Pr\xc3\xbc"
					   "fung",
					   "\xe5\xa0\xb1",
					   "a b'c",
					   "\xf0\x9f\x99\x82",
					   "...",
					   "a\xe2\x80\x8d"
					   "b"};
	static const char *const bad[] = {"",
					  ".",
					  "..",
					  "a/b",
					  "a\nb",
					  "\x7f",
					  "\xc2\x85",
					  "cod\xe2\x80\xaetxt.exe",
					  "\xe2\x81\xa6",
					  "\xd8\x9c",
					  "\xe2\x80\x8f",
					  "\xe2\x80\xa8",
					  "\xff",
					  "\xc0\xaf",
					  "\xed\xa0\x80",
					  "half\xc3"};
	char longest[257];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_null(name_objection(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_non_null(name_objection(bad[i], strlen(bad[i])));
	memset(longest, 'x', sizeof(longest));
	assert_null(name_objection(longest, 255));
	assert_non_null(name_objection(longest, 256));
	assert_non_null(name_objection("a\0b", 3));
}

static struct node *get(struct tree *tree, struct node *parent, const char *name, bool folder)
{
	struct node *node;

	assert_int_equal(tree_get(tree, parent, name, folder, &node), 0);
	return node;
}

static void test_paths(void **state)
{
	char path[LOCK_PATH_MAX];
	struct node *a, *b, *file, *other;
	struct tree tree;

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	assert_int_equal(tree_path(&tree, tree.transfer, path), 0);
	assert_string_equal(path, ".");
	a = get(&tree, tree.transfer, "a", true);
	b = get(&tree, a, "b", true);
	file = get(&tree, b, "file", false);
	assert_int_equal(tree_path(&tree, file, path), 0);
	assert_string_equal(path, "a/b/file");
	/* The folder moves, with what is in it; not into itself. */
	assert_int_equal(tree_move(&tree, a, b, "x"), -EINVAL);
	assert_int_equal(tree_move(&tree, b, tree.transfer, "c"), 0);
	assert_int_equal(tree_path(&tree, file, path), 0);
	assert_string_equal(path, "c/file");
	/* Whoever had the name has it no more. */
	other = get(&tree, tree.transfer, "d", false);
	assert_int_equal(tree_move(&tree, file, tree.transfer, "d"), 0);
	assert_int_equal(tree_path(&tree, other, path), -ENOENT);
	assert_ptr_equal(tree_find(&tree, tree.transfer, "d"), file);
	/* Another kind of thing is another node. */
	assert_ptr_not_equal(get(&tree, tree.transfer, "d", true), file);
	assert_int_equal(tree_path(&tree, file, path), -ENOENT);
	tree_unpin(&tree, other);
	tree_unpin(&tree, file);
	tree_finish(&tree);
}

/* It is kept for what is below it, and freed with the last of it. */
static void test_lives(void **state)
{
	struct node *a, *b;
	struct tree tree;
	size_t n;

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	n = tree.n_nodes;
	a = get(&tree, tree.transfer, "a", true);
	b = get(&tree, a, "b", false);
	b->lookups = 2;
	tree_unpin(&tree, b);
	tree_unpin(&tree, a);
	assert_int_equal(tree.n_nodes, n + 2);
	tree_forget(&tree, b, 1);
	assert_int_equal(tree.n_nodes, n + 2);
	tree_forget(&tree, b, 1);
	assert_int_equal(tree.n_nodes, n);
	assert_null(tree_find(&tree, tree.transfer, "a"));
	tree_finish(&tree);
}

static void test_depth(void **state)
{
	struct node *node, *next;
	struct tree tree;
	int levels = 0, r;

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	node = tree.transfer;
	while ((r = tree_get(&tree, node, "d", true, &next)) == 0) {
		node = next;
		levels++;
	}
	assert_int_equal(r, -ENAMETOOLONG);
	assert_in_range(levels, LOCK_DEPTH_MAX - 3, LOCK_DEPTH_MAX);
	tree_finish(&tree);
}

/* --- a hash of what is being written */

#define FOLLOWED (3u << 20)

struct writing {
	struct follow follow;
	int fd;
	uint8_t data[FOLLOWED];
};

static void *write_slowly(void *data)
{
	struct writing *w = data;

	for (size_t at = 0; at < FOLLOWED; at += FOLLOWED / 16) {
		(void)!pwrite(w->fd, w->data + at, FOLLOWED / 16, (off_t)at);
		follow_say(&w->follow, at + FOLLOWED / 16);
		usleep(1000);
	}
	follow_end(&w->follow);
	return NULL;
}

static void test_follow(void **state)
{
	static struct writing w;
	uint8_t digest[CHECK_DIGEST_LEN], wanted[CHECK_DIGEST_LEN];
	atomic_bool cancelled = false;
	pthread_t thread;

	(void)state;
	for (size_t i = 0; i < FOLLOWED; i++)
		w.data[i] = (uint8_t)(i * 7 + i / 4096);
	w.fd = memfd_create("written", MFD_CLOEXEC);
	follow_init(&w.follow);
	assert_int_equal(pthread_create(&thread, NULL, write_slowly, &w), 0);
	assert_int_equal(follow_digest(&w.follow, w.fd, &cancelled, digest), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(check_digest_fd(w.fd, FOLLOWED, wanted), 0);
	assert_memory_equal(digest, wanted, sizeof(digest));
	/* It has ended before the other began; it was cancelled; it is shorter than was said. */
	assert_int_equal(follow_digest(&w.follow, w.fd, &cancelled, digest), 0);
	assert_memory_equal(digest, wanted, sizeof(digest));
	atomic_store(&cancelled, true);
	assert_int_equal(follow_digest(&w.follow, w.fd, &cancelled, digest), -ECANCELED);
	atomic_store(&cancelled, false);
	assert_int_equal(ftruncate(w.fd, FOLLOWED / 2), 0);
	assert_int_equal(follow_digest(&w.follow, w.fd, &cancelled, digest), -EIO);
	follow_finish(&w.follow);
	close(w.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),  cmocka_unit_test(test_paths),
		cmocka_unit_test(test_lives),  cmocka_unit_test(test_depth),
		cmocka_unit_test(test_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
