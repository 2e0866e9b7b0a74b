/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "menu/menu.h"
#include "menu/screen.h"
#include "menu/text.h"

const char *group_title(const char *word)
{
	static const char *const titles[][2] = {
		{"admin", N_("Administrators and their keys")},
		{"backup", N_("Backup and restore")},
		{"cell", N_("Cells")},
		{"cert", N_("Certificate")},
		{"config", N_("Configuration: drafts and versions")},
		{"firewall", N_("Packet filters")},
		{"lock", N_("File lock")},
		{"maintenance", N_("Maintenance")},
		{"paths", N_("Paths of the network")},
		{"roles", N_("Roles")},
		{"secure", N_("Secure state")},
		{"transfer", N_("Files in and out")},
		{"update", N_("Updates")},
		{"user", N_("Users")},
	};

	if (!word)
		return _("Other commands");
	for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
		if (str_eq(titles[i][0], word))
			return _(titles[i][1]);
	}
	/* One that is new has its word. */
	return word;
}

/* Whether a command stands in the group. */
static bool is_of(const struct command *command, const char *word)
{
	size_t len = strcspn(command->words, " ");

	if (!word)
		return command->words[len] == '\0';
	return command->words[len] == ' ' && strlen(word) == len &&
	       strncmp(command->words, word, len) == 0;
}

/* The help up to its first full stop, in one line. */
static char *line_of(const struct command *command, int width)
{
	const char *help = _(command->help);
	size_t len = strcspn(help, ".;:");
	char *text = NULL;

	if (asprintf(&text, "%-*s  %.*s", width, command->words, (int)len, help) < 0)
		return NULL;
	return text;
}

static bool choose(const struct person *person, const char *title, const enum command_id *ids,
		   const char *const *items, size_t n)
{
	int chosen = 0;

	for (;;) {
		const struct screen_list list = {.title = title, .items = items, .n = n};

		chosen = screen_choose(&list, (size_t)chosen);
		if (chosen < 0)
			return chosen != SCREEN_GONE;
		if (!command_page(person, ids[chosen]))
			return false;
	}
}

bool group_page(const struct person *person, const char *word)
{
	enum command_id ids[COMMAND_COUNT];
	char *items[COMMAND_COUNT];
	size_t n = 0;
	int width = 0;
	bool there;

	for (int i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = command_row((enum command_id)i);

		if (!is_of(command, word) || !person_may(person, command))
			continue;
		ids[n++] = (enum command_id)i;
		width = MAX(width, (int)strlen(command->words));
	}
	for (size_t i = 0; i < n; i++)
		items[i] = line_of(command_row(ids[i]), width);
	there = choose(person, group_title(word), ids, (const char *const *)items, n);
	for (size_t i = 0; i < n; i++)
		free(items[i]);
	return there;
}
