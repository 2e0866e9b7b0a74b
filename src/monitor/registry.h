/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which sessions there are: at most one a user, each with an id that is unique across machines and
 * a slot that is unique on this one (network, display's uid). Keeps entries that others own.
 */
#ifndef LAZARET_MONITOR_REGISTRY_H
#define LAZARET_MONITOR_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <wayland-util.h>

#include "base/attr.h"

/* Hexadecimal digits of a session's id: 80 random bits. */
#define SESSION_ID_LEN 20
/* The option max-sessions at its largest, parked cells, and what is being cleared away. */
#define REGISTRY_SLOTS_MAX 4352
/* So many digits of an id are enough where people name a session. */
#define REGISTRY_PREFIX_MIN 4

struct registry_entry {
	struct wl_list link; /* registry.entries; registry_remove() forgets it */
	char id[SESSION_ID_LEN + 1];
	uint32_t slot;
	uid_t uid; /* 0: parked, nobody's yet */
	const char *name; /* of the account, the owner's; NULL when parked */
};

struct registry {
	struct wl_list entries;
	size_t count;
	uint8_t slots[REGISTRY_SLOTS_MAX / 8];
};

void registry_init(struct registry *registry);

/* A fresh id; -EIO if the kernel has no randomness. */
NODISCARD int registry_new_id(char ret_id[SESSION_ID_LEN + 1]);
bool registry_id_valid(const char *id);

/* The lowest slot that nobody holds, taken from now on; -ENOSPC. */
NODISCARD int registry_take_slot(struct registry *registry, uint32_t *ret_slot);
/* A certain one: -EBUSY, -ERANGE. */
NODISCARD int registry_claim_slot(struct registry *registry, uint32_t slot);
void registry_give_slot(struct registry *registry, uint32_t slot);

/* -EEXIST if the id or the user is there already. The slot is the caller's affair. */
NODISCARD int registry_add(struct registry *registry, struct registry_entry *entry);
void registry_remove(struct registry *registry, struct registry_entry *entry);
/* A parked entry becomes a user's; -EEXIST if the user has one. */
NODISCARD int registry_assign(struct registry *registry, struct registry_entry *entry, uid_t uid,
			      const char *name);

/* NULL if there is none. */
struct registry_entry *registry_find_uid(const struct registry *registry, uid_t uid);

/*
 * What a person calls a session: an id, its first digits, or the user's name. A name wins over the
 * start of an id. -ENOENT; -ENOTUNIQ if several ids start so.
 */
NODISCARD int registry_resolve(const struct registry *registry, const char *word,
			       struct registry_entry **ret_entry);

#endif
