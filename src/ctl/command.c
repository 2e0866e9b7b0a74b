/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/role.h"

static const struct command commands[] = {
#define C(id, w, a, lo, hi, place, who, h) \
	[COMMAND_##id] = {                 \
		.words = (w),              \
		.arguments = (a),          \
		.least = (lo),             \
		.most = (hi),              \
		.where = COMMAND_##place,  \
		.roles = (who),            \
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

bool command_is_tool(const struct command *command)
{
	return command->where != COMMAND_DAEMON && command->where != COMMAND_LOCAL;
}

bool command_takes_input(const struct command *command, size_t n, const char *const *arguments)
{
	if (command->where != COMMAND_TOOL_INPUT && command->where != COMMAND_TOOL_SECRET)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (str_eq(arguments[i], "-"))
			return true;
	}
	return false;
}

#define SECRET " SECRET"

/* How many bytes of `argument` are an option whose value is a secret: "--name" or "--name=". */
static size_t names_secret(const char *arguments, const char *argument)
{
	size_t len = strcspn(argument, "=");
	const char *at = arguments;

	if (len < 3 || strncmp(argument, "--", 2) != 0)
		return 0;
	while ((at = strstr(at, SECRET))) {
		if ((size_t)(at - arguments) >= len && strncmp(at - len, argument, len) == 0 &&
		    (at - len == arguments || strchr("[ ", at[-(ptrdiff_t)len - 1])))
			return argument[len] == '=' ? len + 1 : len;
		at += sizeof(SECRET) - 1;
	}
	return 0;
}

static size_t put(char *out, size_t size, size_t at, const char *text, size_t len)
{
	if (at >= size)
		return at;
	return at + (size_t)snprintf(out + at, size - at, "%.*s", (int)len, text);
}

void command_format(const struct command *command, size_t n, const char *const *arguments,
		    char *out, size_t size)
{
	bool masked = false;
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		const char *text = masked ? "***" : arguments[i];
		size_t secret = masked ? 0 : names_secret(command->arguments, text);
		bool plain = text[0] && !text[strcspn(text, " '\"")];

		at = put(out, size, at, " ", i > 0);
		at = put(out, size, at, "'", !plain);
		at = put(out, size, at, text, secret ? secret : strlen(text));
		at = put(out, size, at, "***", secret && text[secret - 1] == '=' ? 3 : 0);
		at = put(out, size, at, "'", !plain);
		masked = secret && text[secret - 1] != '=';
	}
}
