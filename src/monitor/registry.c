/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"

void registry_init(struct registry *registry)
{
	memset(registry, 0, sizeof(*registry));
	wl_list_init(&registry->entries);
}

int registry_new_id(char ret_id[SESSION_ID_LEN + 1])
{
	uint8_t random[SESSION_ID_LEN / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(ret_id + 2 * i, 3, "%02x", random[i]);
	return 0;
}

bool registry_id_valid(const char *id)
{
	return strlen(id) == SESSION_ID_LEN && strspn(id, "0123456789abcdef") == SESSION_ID_LEN;
}

static bool slot_held(const struct registry *registry, uint32_t slot)
{
	return registry->slots[slot / 8] & 1u << slot % 8;
}

int registry_claim_slot(struct registry *registry, uint32_t slot)
{
	if (slot >= REGISTRY_SLOTS_MAX)
		return -ERANGE;
	if (slot_held(registry, slot))
		return -EBUSY;
	registry->slots[slot / 8] |= (uint8_t)(1u << slot % 8);
	return 0;
}

int registry_take_slot(struct registry *registry, uint32_t *ret_slot)
{
	for (uint32_t slot = 0; slot < REGISTRY_SLOTS_MAX; slot++) {
		if (registry_claim_slot(registry, slot) == 0) {
			*ret_slot = slot;
			return 0;
		}
	}
	return -ENOSPC;
}

void registry_give_slot(struct registry *registry, uint32_t slot)
{
	if (slot < REGISTRY_SLOTS_MAX)
		registry->slots[slot / 8] &= (uint8_t) ~(1u << slot % 8);
}

struct registry_entry *registry_find_uid(const struct registry *registry, uid_t uid)
{
	struct registry_entry *entry;

	if (uid == 0)
		return NULL;
	wl_list_for_each (entry, &registry->entries, link) {
		if (entry->uid == uid)
			return entry;
	}
	return NULL;
}

int registry_add(struct registry *registry, struct registry_entry *entry)
{
	struct registry_entry *other;

	wl_list_for_each (other, &registry->entries, link) {
		if (str_eq(other->id, entry->id) || (entry->uid && other->uid == entry->uid))
			return -EEXIST;
	}
	wl_list_insert(registry->entries.prev, &entry->link);
	registry->count++;
	return 0;
}

void registry_remove(struct registry *registry, struct registry_entry *entry)
{
	wl_list_remove(&entry->link);
	wl_list_init(&entry->link);
	registry->count--;
}

int registry_assign(struct registry *registry, struct registry_entry *entry, uid_t uid,
		    const char *name)
{
	if (registry_find_uid(registry, uid))
		return -EEXIST;
	entry->uid = uid;
	entry->name = name;
	return 0;
}

int registry_resolve(const struct registry *registry, const char *word,
		     struct registry_entry **ret_entry)
{
	struct registry_entry *entry, *found = NULL;
	size_t len = strlen(word);

	wl_list_for_each (entry, &registry->entries, link) {
		if (entry->name && str_eq(entry->name, word)) {
			*ret_entry = entry;
			return 0;
		}
	}
	if (len < REGISTRY_PREFIX_MIN)
		return -ENOENT;
	wl_list_for_each (entry, &registry->entries, link) {
		if (strncmp(entry->id, word, len) != 0)
			continue;
		if (found)
			return -ENOTUNIQ;
		found = entry;
	}
	if (!found)
		return -ENOENT;
	*ret_entry = found;
	return 0;
}
