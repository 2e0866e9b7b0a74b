/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entries of a browser's folder one by one, so that each can be mounted for itself. */
#ifndef LAZARET_CELL_PIN_H
#define LAZARET_CELL_PIN_H

#include "base/attr.h"

/* Bytes of the memory file system that holds the folders and links. */
#define PIN_TREE_SIZE (1 << 20)

enum pin_kind {
	PIN_ROOT, /* first of all */
	PIN_FOLDER, /* before what is in it */
	PIN_FILE,
	PIN_LINK,
};

/* `target` of a link; otherwise NULL. Both are borrowed for the call. */
typedef void (*pin_entry_func)(void *data, enum pin_kind kind, const char *path,
			       const char *target);

/*
 * What others than the owner may not read is left out. -ENOENT: there is no such folder; -E2BIG: more
 * than CELL_PINS_MAX entries; -ELOOP: deeper than CELL_PIN_DEPTH.
 */
NODISCARD int pin_walk(const char *folder, pin_entry_func entry, void *data);

#endif
