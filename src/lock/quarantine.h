/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that wait for somebody to release or drop them. Two files an item, root's alone: its content,
 * and what is known of it. A release lets the same content pass for the same person in the same
 * direction, until the item's time is over.
 */
#ifndef LAZARET_LOCK_QUARANTINE_H
#define LAZARET_LOCK_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "lock/check_digest.h"
#include "lock/check_limits.h"
#include "lock/checker.h"
#include "wire/buf.h"
#include "wire/cursor.h"

#define QUARANTINE_ID_LEN 12
#define QUARANTINE_NAME_MAX 120

enum quarantine_state {
	QUARANTINE_WAITING,
	QUARANTINE_RELEASED,
};

struct quarantine_item {
	struct wl_list link; /* the latest first */
	char id[QUARANTINE_ID_LEN + 1];
	enum quarantine_state state;
	uint64_t since; /* wall us */
	uint64_t size;
	uid_t uid;
	enum check_direction direction;
	uint8_t digest[CHECK_DIGEST_LEN];
	char user[CHECK_USER_MAX + 1];
	char name[QUARANTINE_NAME_MAX + 1]; /* made fit to be shown */
	char address[CHECKER_ADDRESS_MAX + 1];
	char type[CHECK_TYPE_MAX + 1];
	char rule[64];
	char by[CHECK_USER_MAX + 1]; /* who released it */
};

struct quarantine;

/* `dir` is the folder, borrowed. Items that are not whole are removed. */
NODISCARD int quarantine_open(struct wl_event_loop *loop, int dir, struct quarantine **ret_q);
void quarantine_close(struct quarantine *q);
/* Limits: bytes in all, seconds of an item's life. */
void quarantine_configure(struct quarantine *q, uint64_t bytes, uint64_t seconds);

const struct wl_list *quarantine_items(const struct quarantine *q); /* quarantine_item.link */
uint64_t quarantine_bytes(const struct quarantine *q);
/* NULL: there is none */
const struct quarantine_item *quarantine_find(const struct quarantine *q, const char *id);
/* The person's item with that content, in whatever state; NULL. */
const struct quarantine_item *quarantine_known(const struct quarantine *q, uid_t uid,
					       enum check_direction direction,
					       const uint8_t digest[CHECK_DIGEST_LEN]);

NODISCARD int quarantine_release(struct quarantine *q, const char *id, const char *by);
NODISCARD int quarantine_drop(struct quarantine *q, const char *id);
/* Removes what is older than allowed; `told` is called for each before. */
void quarantine_expire(struct quarantine *q, uint64_t now,
		       void (*told)(void *data, const struct quarantine_item *item), void *data);

/*
 * Keeps a copy of the file behind `fd`, which is borrowed until `done`; its place is taken at once.
 * `done` is called once, from the loop: 0 and the item, or -ENOSPC and the like. -ENOSPC at once: it is
 * full.
 */
struct quarantine_copy;
typedef void (*quarantine_done)(void *data, int error, const struct quarantine_item *item);
NODISCARD int quarantine_keep(struct quarantine *q, const struct quarantine_item *item, int fd,
			      quarantine_done done, void *data, struct quarantine_copy **ret_copy);
/* NULL is allowed; not after `done`. */
void quarantine_cancel(struct quarantine_copy *copy);

/* What stands in the file of an item. */
void quarantine_put(const struct quarantine_item *item, struct buf *out);
NODISCARD int quarantine_get(struct cursor *c, struct quarantine_item *ret_item);

#endif
