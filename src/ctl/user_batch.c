/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user_batch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/user_make.h"
#include "ctl/user_store.h"

#define SAID_MAX 256

bool user_batch_full(const struct user_batch *batch)
{
	return batch->n == USER_BATCH_MAX;
}

void user_batch_add(struct user_batch *batch, size_t line, const char *name, uid_t uid,
		    const char *hash)
{
	batch->items[batch->n].line = line;
	batch->items[batch->n].name = name;
	batch->items[batch->n].uid = uid;
	batch->items[batch->n].hash = hash;
	batch->n++;
}

static int set_passwords(const struct user_store *store, const struct user_batch *batch, char *why,
			 size_t size)
{
	static const char *const argv[] = {"/usr/sbin/chpasswd", "--encrypted", NULL};
	char text[USER_BATCH_MAX * (USER_NAME_MAX + USER_HASH_MAX + 3) + 1] = "", said[SAID_MAX];
	size_t len = 0;
	int r;

	for (size_t i = 0; i < batch->n; i++) {
		if (batch->items[i].hash)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s:%s\n",
						batch->items[i].name, batch->items[i].hash);
	}
	r = len > 0 ? user_store_run(store, argv, text, said, sizeof(said)) : 0;
	mem_wipe(text, sizeof(text));
	if (r == 0)
		return 0;
	snprintf(why, size, "the password is not taken, nor those of the lines around: %s", said);
	return -EINVAL;
}

int user_batch_end(struct user_store *store, struct user_batch *batch, char *why, size_t size)
{
	int r = set_passwords(store, batch, why, size);
	bool all = true;

	for (size_t i = 0; r < 0 && i < batch->n; i++)
		all = user_take_back(store, batch->items[i].name, batch->items[i].uid, why, size) &&
		      all;
	/* Else they stay in the journal, and whoever comes next tries again. */
	if (all)
		user_store_end(store);
	batch->n = 0;
	return r;
}
