/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-menu: the commands of lazaretctl as pages on a terminal; see lazaret-menu(8). */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "menu/clean.h"
#include "menu/menu.h"
#include "menu/screen.h"
#include "menu/text.h"

#define LANGUAGE_ENV "LAZARET_LANGUAGE"
/* How lazaret-admin(8) learns that the person wants its prompt. */
#define STATUS_PROMPT 10
#define STATUS_NO_TERMINAL 11
#define ENTRIES_MAX (COMMAND_COUNT + 8)

enum entry_kind {
	ENTRY_SESSIONS,
	ENTRY_SETTINGS,
	ENTRY_GROUP,
	ENTRY_LANGUAGE,
	ENTRY_PROMPT,
	ENTRY_LEAVE,
};

struct entry {
	enum entry_kind kind;
	char word[32]; /* of a group; empty: commands of one word */
};

struct main_page {
	struct person person;
	struct entry entries[ENTRIES_MAX];
	const char *items[ENTRIES_MAX];
	size_t n;
};

/* --- what is on it ---------------------------------------------------------------------------- */

static void add(struct main_page *page, enum entry_kind kind, const char *word, const char *text)
{
	struct entry *entry = &page->entries[page->n];

	entry->kind = kind;
	str_copy(entry->word, sizeof(entry->word), word);
	page->items[page->n++] = text;
}

/* Once a first word, in the order of the table; what has one word comes last. */
static void add_groups(struct main_page *page)
{
	bool single = false;

	for (int i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = command_row((enum command_id)i);
		size_t len = strcspn(command->words, " "), k;
		char word[32];

		if (!person_may(&page->person, command))
			continue;
		single = single || command->words[len] == '\0';
		if (command->words[len] == '\0')
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)len, command->words);
		for (k = 0; k < page->n; k++) {
			if (page->entries[k].kind == ENTRY_GROUP &&
			    str_eq(page->entries[k].word, word))
				break;
		}
		if (k == page->n)
			add(page, ENTRY_GROUP, word, NULL);
	}
	for (size_t k = 0; k < page->n; k++) {
		if (page->entries[k].kind == ENTRY_GROUP)
			page->items[k] = group_title(page->entries[k].word);
	}
	if (single)
		add(page, ENTRY_GROUP, "", group_title(NULL));
}

static void fill(struct main_page *page)
{
	page->n = 0;
	if (person_may(&page->person, command_row(COMMAND_SESSIONS)))
		add(page, ENTRY_SESSIONS, "", _("Sessions"));
	if (person_may(&page->person, command_row(COMMAND_CONFIG_SET)))
		add(page, ENTRY_SETTINGS, "", _("Settings"));
	add_groups(page);
	add(page, ENTRY_LANGUAGE, "", text_language() == TEXT_GERMAN ? "English" : "Deutsch");
	add(page, ENTRY_PROMPT, "", _("To the prompt"));
	add(page, ENTRY_LEAVE, "", _("Log out"));
}

/* --- status ----------------------------------------------------------------------------------- */

static const char *field(json_object *object, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "-";
}

/* What matters of it, in few words; the command has the rest. */
static char *format_status(json_object *o)
{
	char *text = NULL;

	if (asprintf(&text, "%s %s, %s %s\n%s %s/%s, %s %s, %s %s\n%s %s   %s %s", _("State:"),
		     field(o, "state"), _("since"), field(o, "started"), _("Sessions:"),
		     field(o, "sessions"), field(o, "sessions_max"), _("viewers"),
		     field(o, "viewers"), _("waiting"), field(o, "waiting"), _("Certificate:"),
		     field(o, "certificate"), _("Administration:"), field(o, "administration")) < 0)
		return NULL;
	return clean_steal(text);
}

/* The sentence of the daemon if it has none for him. */
static char *ask_status(void)
{
	const struct run run = {.words = {"status", "--json"}, .n = 2};
	struct run_result result;
	json_object *object;
	char *text = NULL;

	if (run_do(&run, &result) < 0)
		return NULL;
	object = result.status == 0 ? json_tokener_parse(result.out) : NULL;
	if (object)
		text = format_status(object);
	else
		text = STEAL(result.err);
	json_object_put(object);
	run_result_finish(&result);
	return text;
}

/* --- the loop --------------------------------------------------------------------------------- */

/* The page of an entry; false when the terminal is gone. */
static bool open_entry(struct main_page *page, const struct entry *entry)
{
	switch (entry->kind) {
	case ENTRY_SESSIONS:
		return sessions_page(&page->person);
	case ENTRY_SETTINGS:
		return settings_page(&page->person);
	case ENTRY_GROUP:
		return group_page(&page->person, entry->word[0] ? entry->word : NULL);
	case ENTRY_LANGUAGE:
		text_choose(text_language() == TEXT_GERMAN ? TEXT_ENGLISH : TEXT_GERMAN);
		screen_suspend();
		screen_resume();
		return true;
	case ENTRY_PROMPT:
	case ENTRY_LEAVE:
		break;
	}
	return true;
}

/* How to exit. */
static int stay(struct main_page *page)
{
	int chosen = 0;

	for (;;) {
		_cleanup_free_ char *status = ask_status();
		struct screen_list list = {.title = "Lazaret", .text = status, .refresh = true};

		fill(page);
		list.items = page->items;
		list.n = page->n;
		chosen = screen_choose(&list, (size_t)MAX(chosen, 0));
		if (chosen == SCREEN_GONE)
			return 1;
		/* Who presses Escape once too often should not be out. */
		if (chosen < 0)
			continue;
		if (page->entries[chosen].kind == ENTRY_PROMPT)
			return STATUS_PROMPT;
		if (page->entries[chosen].kind == ENTRY_LEAVE)
			return 0;
		if (!open_entry(page, &page->entries[chosen]))
			return 1;
	}
}

/* --- start ------------------------------------------------------------------------------------ */

/* Where we lie, by the kernel; the catalogues lie at their place from there. */
static int find_folders(char folder[PATH_MAX], char locale[PATH_MAX + 32])
{
	ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	char *slash;

	if (len < 0)
		return -errno;
	folder[len] = '\0';
	slash = strrchr(folder, '/');
	*slash = '\0';
	snprintf(locale, PATH_MAX + 32, "%s/../../share/locale", folder);
	return 0;
}

static int run_menu(void)
{
	static struct main_page page;
	_cleanup_free_ char *sentence = NULL;
	char head[300];
	bool known;
	int status;

	if (screen_start("Lazaret " LAZARET_VERSION) < 0)
		return STATUS_NO_TERMINAL;
	known = person_ask(&page.person, &sentence);
	snprintf(head, sizeof(head), "Lazaret %s   %s (%s)", LAZARET_VERSION, page.person.name,
		 page.person.roles);
	screen_stop();
	if (!known && !page.person.root) {
		fprintf(stderr, "%s\n", sentence ? sentence : "");
		return STATUS_NO_TERMINAL;
	}
	if (screen_start(known ? head : "Lazaret " LAZARET_VERSION) < 0)
		return STATUS_NO_TERMINAL;
	status = stay(&page);
	screen_stop();
	return status;
}

int main(int argc, char **argv)
{
	static char folder[PATH_MAX], locale[PATH_MAX + 32];

	if (argc > 1) {
		bool version = str_eq(argv[1], "--version");

		puts(version ? "lazaret-menu " LAZARET_VERSION : "usage: lazaret-menu [--version]");
		return version ? 0 : 2;
	}
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || find_folders(folder, locale) < 0)
		return STATUS_NO_TERMINAL;
	run_set_folder(folder);
	text_init(locale, text_of(getenv(LANGUAGE_ENV)));
	(void)signal(SIGPIPE, SIG_IGN);
	return run_menu();
}
