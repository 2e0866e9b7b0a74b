/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/command.h"

#include <errno.h>
#include <string.h>

static const struct command commands[] = {
#define C(id, w, a, lo, hi, place, who, h) \
	[COMMAND_##id] = {                 \
		.words = (w),              \
		.arguments = (a),          \
		.least = (lo),             \
		.most = (hi),              \
		.where = COMMAND_##place,  \
		.access = COMMAND_##who,   \
		.help = (h),               \
	},
#include "ctl/commands.def"
#undef C
};

const struct command *command_row(enum command_id id)
{
	return &commands[id];
}

/* How many of the given words the name takes, 0 if they are others. */
static size_t match(const char *name, size_t n_words, const char *const *words)
{
	for (size_t used = 0; used < n_words;) {
		size_t len = strcspn(name, " ");

		if (strlen(words[used]) != len || strncmp(words[used], name, len) != 0)
			return 0;
		used++;
		if (name[len] == '\0')
			return used;
		name += len + 1;
	}
	return 0;
}

int command_find(size_t n_words, const char *const *words, enum command_id *ret_id,
		 size_t *ret_used)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t used = match(commands[i].words, n_words, words);

		if (used == 0)
			continue;
		*ret_id = (enum command_id)i;
		*ret_used = used;
		if (n_words - used < commands[i].least)
			return -ENODATA;
		if (n_words - used > commands[i].most)
			return -E2BIG;
		return 0;
	}
	return -ENOENT;
}
