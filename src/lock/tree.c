/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "lock/lock_limits.h"

#define BUCKETS 65536
/* The kernel's number of every root. */
#define ROOT 1

static struct wl_list *bucket_of(struct tree *tree, const struct node *parent, const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)(uintptr_t)parent;

	for (const char *p = name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
	return &tree->buckets[(hash >> 20) % BUCKETS];
}

static void attach(struct tree *tree, struct node *node, struct node *parent)
{
	node->parent = parent;
	wl_list_insert(bucket_of(tree, parent, node->name), &node->bucket);
	wl_list_insert(&parent->children, &node->sibling);
}

static struct node *node_new(struct tree *tree, const char *name, bool folder)
{
	struct node *node = calloc(1, sizeof(*node));

	if (node)
		node->name = strdup(name);
	if (!node || !node->name) {
		free(node);
		return NULL;
	}
	node->folder = folder;
	wl_list_init(&node->bucket);
	wl_list_init(&node->sibling);
	wl_list_init(&node->children);
	tree->n_nodes++;
	return node;
}

static void node_free(struct tree *tree, struct node *node)
{
	wl_list_remove(&node->bucket);
	wl_list_remove(&node->sibling);
	tree->n_nodes--;
	free(node->name);
	free(node);
}

/* A chain of folders may become free by their last child. */
static void free_unused(struct tree *tree, struct node *node)
{
	while (node && node != tree->root && node != tree->transfer && node->lookups == 0 &&
	       node->pins == 0 && wl_list_empty(&node->children)) {
		struct node *parent = node->parent;

		node_free(tree, node);
		node = parent;
	}
}

int tree_init(struct tree *tree)
{
	*tree = (struct tree){.buckets = calloc(BUCKETS, sizeof(*tree->buckets))};
	if (!tree->buckets)
		return -ENOMEM;
	for (size_t i = 0; i < BUCKETS; i++)
		wl_list_init(&tree->buckets[i]);
	tree->root = node_new(tree, "", true);
	tree->transfer = node_new(tree, TREE_TRANSFER, true);
	if (!tree->root || !tree->transfer)
		return -ENOMEM;
	attach(tree, tree->transfer, tree->root);
	return 0;
}

/* Not recursive: a folder's children come behind it in the list, whatever their depth. */
void tree_finish(struct tree *tree)
{
	for (size_t i = 0; tree->buckets && i < BUCKETS; i++) {
		struct node *node, *next;

		wl_list_for_each_safe (node, next, &tree->buckets[i], bucket) {
			wl_list_remove(&node->sibling);
			wl_list_init(&node->sibling);
			while (!wl_list_empty(&node->children)) {
				struct wl_list *child = node->children.next;

				wl_list_remove(child);
				wl_list_init(child);
			}
			node_free(tree, node);
		}
	}
	if (tree->root) {
		wl_list_init(&tree->root->children);
		node_free(tree, tree->root);
	}
	free(tree->buckets);
	*tree = (struct tree){0};
}

struct node *tree_node(struct tree *tree, uint64_t number)
{
	return number == ROOT ? tree->root : (struct node *)(uintptr_t)number;
}

uint64_t tree_number(const struct tree *tree, const struct node *node)
{
	return node == tree->root ? ROOT : (uint64_t)(uintptr_t)node;
}

struct node *tree_find(struct tree *tree, struct node *parent, const char *name)
{
	struct node *node;

	wl_list_for_each (node, bucket_of(tree, parent, name), bucket) {
		if (node->parent == parent && str_eq(node->name, name))
			return node;
	}
	return NULL;
}

static int depth(const struct node *node)
{
	int n = 0;

	for (; node; node = node->parent)
		n++;
	return n;
}

int tree_get(struct tree *tree, struct node *parent, const char *name, bool folder,
	     struct node **ret_node)
{
	struct node *node = tree_find(tree, parent, name);

	if (node && node->folder != folder) {
		tree_detach(tree, node);
		node = NULL;
	}
	if (!node) {
		if (depth(parent) > LOCK_DEPTH_MAX)
			return -ENAMETOOLONG;
		if (tree->n_nodes >= LOCK_NODES_MAX)
			return -ENFILE;
		node = node_new(tree, name, folder);
		if (!node)
			return -ENOMEM;
		attach(tree, node, parent);
	}
	node->pins++;
	*ret_node = node;
	return 0;
}

void tree_unpin(struct tree *tree, struct node *node)
{
	node->pins--;
	free_unused(tree, node);
}

void tree_forget(struct tree *tree, struct node *node, uint64_t lookups)
{
	node->lookups -= lookups < node->lookups ? lookups : node->lookups;
	free_unused(tree, node);
}

void tree_detach(struct tree *tree, struct node *node)
{
	struct node *parent = node->parent;

	wl_list_remove(&node->bucket);
	wl_list_remove(&node->sibling);
	wl_list_init(&node->bucket);
	wl_list_init(&node->sibling);
	node->parent = NULL;
	free_unused(tree, node);
	free_unused(tree, parent);
}

static bool is_below(const struct node *node, const struct node *folder)
{
	for (; node; node = node->parent) {
		if (node == folder)
			return true;
	}
	return false;
}

int tree_move(struct tree *tree, struct node *node, struct node *parent, const char *name)
{
	struct node *old = tree_find(tree, parent, name), *former = node->parent;
	char *copy;

	if (old == node)
		return 0;
	if (is_below(parent, node))
		return -EINVAL;
	if (depth(parent) > LOCK_DEPTH_MAX)
		return -ENAMETOOLONG;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	node->pins++;
	parent->pins++;
	if (old)
		tree_detach(tree, old);
	wl_list_remove(&node->bucket);
	wl_list_remove(&node->sibling);
	free(node->name);
	node->name = copy;
	attach(tree, node, parent);
	parent->pins--;
	node->pins--;
	free_unused(tree, former);
	return 0;
}

int tree_path(const struct tree *tree, const struct node *node, char *out)
{
	char *at = out + LOCK_PATH_MAX - 1;

	if (node == tree->transfer) {
		memcpy(out, ".", 2);
		return 0;
	}
	*at = '\0';
	for (; node && node != tree->transfer; node = node->parent) {
		size_t len = strlen(node->name);

		if (len + 1 > (size_t)(at - out))
			return -ENAMETOOLONG;
		at -= len;
		memcpy(at, node->name, len);
		if (node->parent != tree->transfer)
			*--at = '/';
	}
	if (!node)
		return -ENOENT;
	memmove(out, at, strlen(at) + 1);
	return 0;
}
