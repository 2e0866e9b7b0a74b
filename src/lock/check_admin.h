/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lazaretctl lock asks of checkd. */
#ifndef LAZARET_LOCK_CHECK_ADMIN_H
#define LAZARET_LOCK_CHECK_ADMIN_H

#include <stdbool.h>

#include "base/attr.h"
#include "wire/cursor.h"

struct checkd;
struct ipc_channel;
struct quarantine_item;

#define CHECK_ADMIN_WORDS_MAX 4
#define CHECK_ADMIN_WORD_MAX 255

/* Words: status | list | show ID | release ID BY | drop ID BY. 0, or -EPROTO for what is none. */
NODISCARD int check_admin(struct checkd *checkd, struct ipc_channel *channel, struct cursor *body);

/* Tells the person whose file it is, in his picture, what became of it; `released` or deleted. */
void check_admin_tell(struct checkd *checkd, const struct quarantine_item *item, bool released);

#endif
