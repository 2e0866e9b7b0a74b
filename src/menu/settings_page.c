/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings: sections, options with what is in force and what the draft has instead, one option with its
 * help. What is set goes into the draft; apply and revert are commands as any.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "menu/clean.h"
#include "menu/menu.h"
#include "menu/screen.h"
#include "menu/settings.h"
#include "menu/text.h"
#include "ssh/words.h"

#define PREFIX_MAX 160
/* Columns of names of options; a longer one moves its value. */
#define NAME_WIDTH 24

struct state {
	const struct person *person;
	char *dump, *diff; /* what the commands said */
};

/* An option, or one of a section. */
struct setting {
	const struct conf_row *row;
	char name[PREFIX_MAX]; /* for config set: "path.web.hosts" */
	char added[PREFIX_MAX]; /* how the draft's line begins: "+ port = " */
};

/* --- what holds ------------------------------------------------------------------------------- */

static bool ask(const char *command, char **ret_text)
{
	struct run run = {.words = {"config", command}, .n = 2};
	struct run_result result;
	bool there = true;

	free(*ret_text);
	*ret_text = NULL;
	if (run_do(&run, &result) < 0)
		return true;
	if (result.status == 0)
		*ret_text = STEAL(result.out);
	else
		there = result_show(command, &result);
	run_result_finish(&result);
	return there;
}

/* False when the terminal is gone; the texts may be missing all the same. */
static bool state_ask(struct state *state)
{
	return ask("dump", &state->dump) && ask("diff", &state->diff);
}

static void setting_plain(struct setting *setting, const struct conf_row *row)
{
	*setting = (struct setting){.row = row};
	str_copy(setting->name, sizeof(setting->name), row->name);
	snprintf(setting->added, sizeof(setting->added), "+ %s = ", row->name);
}

static void setting_of_path(struct setting *setting, const struct conf_row *row, const char *path)
{
	*setting = (struct setting){.row = row};
	snprintf(setting->name, sizeof(setting->name), "path.%.60s.%s", path, row->name);
	snprintf(setting->added, sizeof(setting->added), "+ path \"%.60s\" { %s = ", path,
		 row->name);
}

/* The lines of a path's section in the dump, or an empty text. The caller's. */
static char *section_text(const char *dump, const char *path)
{
	char head[PREFIX_MAX];
	const char *at, *end;

	snprintf(head, sizeof(head), "\npath \"%.60s\" {\n", path);
	at = strstr(dump, head);
	end = at ? strstr(at, "\n}") : NULL;
	return end ? strndup(at + strlen(head), (size_t)(end - at) - strlen(head) + 1) : strdup("");
}

/* The value in force; of a path's option what its section says. */
static char *current(const struct state *state, const struct setting *setting)
{
	_cleanup_free_ char *section = NULL;
	const char *dot = strrchr(setting->name, '.');
	char before[PREFIX_MAX], path[64];

	if (!dot) {
		snprintf(before, sizeof(before), "%s = ", setting->row->name);
		return settings_find(state->dump, before);
	}
	snprintf(path, sizeof(path), "%.*s", (int)(dot - setting->name - 5), setting->name + 5);
	section = section_text(state->dump, path);
	snprintf(before, sizeof(before), "\t%s = ", setting->row->name);
	return section ? settings_find(section, before) : NULL;
}

static char *drafted(const struct state *state, const struct setting *setting)
{
	return settings_find(state->diff, setting->added);
}

static char *line_of(const struct state *state, const struct setting *setting, int width)
{
	_cleanup_free_ char *now = current(state, setting), *next = drafted(state, setting);
	char *text = NULL;

	if (asprintf(&text, "%c %-*s %s", next ? '*' : ' ', width, setting->row->name,
		     next            ? next
		     : now && now[0] ? now
				     : "-") < 0)
		return NULL;
	return text;
}

/* --- one option ------------------------------------------------------------------------------- */

static bool set(const struct setting *setting, const char *value)
{
	struct run run = {.words = {"config", "set", setting->name}, .n = 3};
	static struct words words;
	const char *why = _("These are too many words for one command.");
	struct run_result result;
	bool there = true;

	if (value && setting->row->type == CONF_TYPE_LIST) {
		if (words_split(&words, value, &why) < 0)
			return screen_show(setting->name, why) != SCREEN_GONE;
		for (size_t i = 0; i < words.n; i++) {
			if (!run_add(&run, words.items[i]))
				return screen_show(setting->name, why) != SCREEN_GONE;
		}
	} else if (value) {
		(void)!run_add(&run, value);
	}
	if (run_do(&run, &result) < 0)
		return true;
	/* What went well says nothing: one sees it in the list. */
	if (result.status != 0)
		there = result_show(setting->name, &result);
	run_result_finish(&result);
	return there;
}

static char *explain(const struct state *state, const struct setting *setting)
{
	_cleanup_free_ char *now = current(state, setting), *kind = settings_describe(setting->row);
	char *text = NULL;

	if (asprintf(&text, "%s\n%s\n\n%s %s", _(setting->row->help), kind ? kind : "",
		     _("In force:"), now && now[0] ? now : "-") < 0)
		return NULL;
	return text;
}

static bool option_page(const struct state *state, const struct setting *setting)
{
	const char *const buttons[] = {_("Into the draft"), _("Take back"), _("Back")};
	struct screen_field field = {.label = _("Value"), .value = drafted(state, setting)};
	_cleanup_free_ char *text = explain(state, setting);
	const struct screen_form form = {.title = setting->name,
					 .text = text,
					 .fields = &field,
					 .n_fields = 1,
					 .buttons = buttons,
					 .n_buttons = 3};
	int chosen;
	bool there;

	if (!field.value)
		field.value = current(state, setting);
	chosen = screen_fill(&form);
	there = chosen != SCREEN_GONE;
	if (chosen == 0)
		/* A list may be empty; without any value the setting would be taken back. */
		there = set(setting, field.value ? field.value : "");
	if (chosen == 1)
		there = set(setting, NULL);
	free(field.value);
	return there;
}

/* --- lists of options ------------------------------------------------------------------------- */

static bool options_page(struct state *state, const char *title, const struct setting *settings,
			 size_t n)
{
	int chosen = 0, width = 0;

	for (size_t i = 0; i < n; i++)
		width = MAX(width, (int)strlen(settings[i].row->name));
	width = MIN(width, NAME_WIDTH);
	while (state->dump && state->diff) {
		char **items = calloc(n, sizeof(*items));
		struct screen_list list = {.title = title,
					   .text = _("*: changed in the draft"),
					   .items = (const char *const *)items,
					   .n = n};

		for (size_t i = 0; items && i < n; i++)
			items[i] = line_of(state, &settings[i], width);
		chosen = items ? screen_choose(&list, (size_t)chosen) : SCREEN_BACK;
		for (size_t i = 0; items && i < n; i++)
			free(items[i]);
		free(items);
		if (chosen < 0)
			return chosen != SCREEN_GONE;
		if (!option_page(state, &settings[chosen]) || !state_ask(state))
			return false;
	}
	return true;
}

static bool section_page(struct state *state, const char *title)
{
	static struct setting settings[CONF_COUNT];
	size_t n = 0;

	for (int i = 0; i < CONF_COUNT; i++) {
		if (conf_section((enum conf_id)i) == title)
			setting_plain(&settings[n++], conf_row((enum conf_id)i));
	}
	return options_page(state, _(title), settings, n);
}

static bool path_page(struct state *state, const char *path)
{
	struct setting settings[CONF_PATH_OPTION_COUNT];

	for (int i = 0; i < CONF_PATH_OPTION_COUNT; i++)
		setting_of_path(&settings[i], conf_path_row((enum conf_path_id)i), path);
	return options_page(state, path, settings, CONF_PATH_OPTION_COUNT);
}

/* --- paths ------------------------------------------------------------------------------------ */

static const char *field(json_object *object, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static char *path_line(json_object *path)
{
	json_object *on = NULL;
	char *text = NULL;

	json_object_object_get_ex(path, "open", &on);
	if (asprintf(&text, "%s %-14s %s", on && json_object_get_boolean(on) ? _("open") : "    ",
		     field(path, "id"), field(path, "name")) < 0)
		return NULL;
	return clean_steal(text);
}

static bool choose_path(struct state *state, json_object *paths)
{
	size_t n = json_object_array_length(paths);
	char **items = calloc(n + 1, sizeof(*items));
	int chosen = 0;
	bool there = items != NULL;

	for (size_t i = 0; items && i < n; i++)
		items[i] = path_line(json_object_array_get_idx(paths, i));
	while (there && chosen >= 0) {
		const struct screen_list list = {.title = _("Paths of the network"),
						 .items = (const char *const *)items,
						 .n = n};

		chosen = screen_choose(&list, (size_t)chosen);
		there = chosen != SCREEN_GONE;
		if (chosen >= 0)
			there = path_page(
				state,
				field(json_object_array_get_idx(paths, (size_t)chosen), "id"));
	}
	for (size_t i = 0; items && i < n; i++)
		free(items[i]);
	free(items);
	return there;
}

static bool paths_page(struct state *state)
{
	const struct run run = {.words = {"paths", "list", "--all", "--json"}, .n = 4};
	json_object *list = NULL, *paths;
	struct run_result result;
	bool there = true;

	if (run_do(&run, &result) < 0)
		return true;
	if (result.status == 0)
		list = json_tokener_parse(result.out);
	paths = list;
	if (list && json_object_is_type(list, json_type_object))
		json_object_object_get_ex(list, "paths", &paths);
	if (paths && json_object_is_type(paths, json_type_array))
		there = choose_path(state, paths);
	else
		there = result_show(_("Paths of the network"), &result);
	json_object_put(list);
	run_result_finish(&result);
	return there;
}

/* --- the page --------------------------------------------------------------------------------- */

static bool command_of(struct state *state, enum command_id id)
{
	return command_page(state->person, id) && state_ask(state);
}

/* What stands below the sections. */
static const struct {
	const char *text;
	enum command_id id;
} actions[] = {
	{N_("Show what the draft changes"), COMMAND_CONFIG_DIFF},
	{N_("Apply the draft"), COMMAND_CONFIG_APPLY},
	{N_("Give the draft up"), COMMAND_CONFIG_REVERT},
	{N_("Earlier versions"), COMMAND_CONFIG_HISTORY},
	{N_("Make a draft of an earlier version"), COMMAND_CONFIG_RESTORE},
};

static size_t list_sections(const char *sections[CONF_COUNT])
{
	size_t n = 0;

	for (int i = 0; i < CONF_COUNT; i++) {
		const char *title = conf_section((enum conf_id)i);

		if (n == 0 || sections[n - 1] != title)
			sections[n++] = title;
	}
	return n;
}

static bool choose(struct state *state)
{
	const char *sections[CONF_COUNT], *items[CONF_COUNT + 1 + ARRAY_LEN(actions)];
	size_t n_sections = list_sections(sections), n = 0;
	char first[160];
	int chosen = 0;

	for (size_t i = 0; i < n_sections; i++)
		items[n++] = _(sections[i]);
	items[n++] = _("Paths of the network");
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		items[n++] = _(actions[i].text);
	while (state->dump && state->diff) {
		struct screen_list list = {
			.title = _("Settings"), .text = first, .items = items, .n = n};
		bool there;

		/* "There is no draft.", or whose it is. */
		snprintf(first, sizeof(first), "%.*s", (int)strcspn(state->diff, "\n"),
			 state->diff);
		chosen = screen_choose(&list, (size_t)chosen);
		if (chosen < 0)
			return chosen != SCREEN_GONE;
		if ((size_t)chosen < n_sections)
			there = section_page(state, sections[chosen]);
		else if ((size_t)chosen == n_sections)
			there = paths_page(state);
		else
			there = command_of(state, actions[(size_t)chosen - n_sections - 1].id);
		if (!there)
			return false;
	}
	return true;
}

bool settings_page(const struct person *person)
{
	struct state state = {.person = person};
	bool there = state_ask(&state);

	if (there)
		there = choose(&state);
	free(state.dump);
	free(state.diff);
	return there;
}
