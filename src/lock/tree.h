/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names that the kernel knows of a view: a node is a name below a node, never a file. What lies
 * under the name is looked for anew each time, since the cell changes it as it likes.
 *
 *	root		what sshd sees as "/": the folder "transfer" and nothing else
 *	transfer	the user's transfer folder
 *
 * A node lives as long as the kernel remembers it, it is pinned, or nodes are below it.
 */
#ifndef LAZARET_LOCK_TREE_H
#define LAZARET_LOCK_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-util.h>

#include "base/attr.h"

#define TREE_TRANSFER "transfer"

struct note;
struct upload;

struct node {
	struct wl_list bucket; /* tree.buckets[] */
	struct wl_list sibling; /* parent->children */
	struct wl_list children;
	struct node *parent; /* NULL: root, or its name is somebody else's now */
	char *name;
	bool folder;
	uint64_t lookups; /* the kernel's */
	unsigned int pins;
	struct upload *upload; /* what is seen under this name is not published yet; or NULL */
	struct note *note; /* or an explanation of ours; or NULL */
};

struct tree {
	struct wl_list *buckets;
	size_t n_nodes;
	struct node *root, *transfer;
};

NODISCARD int tree_init(struct tree *tree);
void tree_finish(struct tree *tree);

/* Nodes travel through the kernel as numbers, which it gives back as it got them. */
struct node *tree_node(struct tree *tree, uint64_t number);
uint64_t tree_number(const struct tree *tree, const struct node *node);

/* NULL if nobody knows the name. */
struct node *tree_find(struct tree *tree, struct node *parent, const char *name);
/*
 * Finds or makes it, pinned. One of the other kind loses its name to a new one. -ENOMEM, -ENFILE (too
 * many), -ENAMETOOLONG (too deep).
 */
NODISCARD int tree_get(struct tree *tree, struct node *parent, const char *name, bool folder,
		       struct node **ret_node);
void tree_unpin(struct tree *tree, struct node *node);
void tree_forget(struct tree *tree, struct node *node, uint64_t lookups);

/* Another name; a node that had it loses it. -ENOMEM, -ENAMETOOLONG. */
NODISCARD int tree_move(struct tree *tree, struct node *node, struct node *parent,
			const char *name);
/* Nothing is found under its name any more. */
void tree_detach(struct tree *tree, struct node *node);

/*
 * The path below the transfer folder, "." for itself; at most LOCK_PATH_MAX bytes. -ENOENT: the node has
 * lost its name. -ENAMETOOLONG.
 */
NODISCARD int tree_path(const struct tree *tree, const struct node *node, char *out);

#endif
