/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/role.h"
#include "menu/arguments.h"
#include "menu/menu.h"
#include "menu/screen.h"
#include "menu/text.h"
#include "ssh/words.h"

/* --- what a command says ---------------------------------------------------------------------- */

/* Without the name of the program, which a person of the menu has never called. */
static const char *plain(const char *sentence)
{
	static const char name[] = "lazaretctl: ";

	return strncmp(sentence, name, sizeof(name) - 1) == 0 ? sentence + sizeof(name) - 1
							      : sentence;
}

bool result_show(const char *title, const struct run_result *result)
{
	const char *verdict = result->status == 0   ? ""
			      : result->status < 0  ? _("It was stopped.")
			      : result->status == 4 ? _("This is not allowed:")
						    : _("This was not done, or not wholly:");
	_cleanup_free_ char *text = NULL;

	if (result->gone)
		return false;
	if (asprintf(&text, "%s%s%s%s%s", verdict, verdict[0] ? "\n\n" : "", plain(result->err),
		     result->err[0] ? "\n" : "", result->out) < 0)
		return true;
	if (!text[0])
		return screen_show(title, _("Done.")) != SCREEN_GONE;
	return screen_show(title, text) != SCREEN_GONE;
}

bool run_and_show(const char *title, const struct run *run, bool *ret_ok)
{
	struct run_result result;
	int r = run_do(run, &result);
	bool there;

	if (ret_ok)
		*ret_ok = r == 0 && result.status == 0;
	if (r < 0)
		return screen_show(title, strerror(-r)) != SCREEN_GONE;
	there = result_show(title, &result);
	run_result_finish(&result);
	return there;
}

/* --- the form --------------------------------------------------------------------------------- */

struct form {
	const struct command *command;
	struct argument arguments[MENU_ARGUMENTS_MAX];
	struct screen_field fields[MENU_ARGUMENTS_MAX];
	char labels[MENU_ARGUMENTS_MAX][2 * ARGUMENT_NAME_MAX + 16];
	size_t n;
	struct words words[MENU_ARGUMENTS_MAX]; /* of values that are several */
	char name[64], secret[1026];
};

/* Files are root's to name: for others the daemon takes its own. */
static bool is_shown(const struct person *person, const struct argument *argument)
{
	if (argument->kind == ARGUMENT_FLAG && str_eq(argument->option, "--json"))
		return false;
	return person->root || !str_eq(argument->name, "FILE");
}

static void label(const struct form *form, const struct argument *argument, char *out, size_t size)
{
	const char *text = argument->kind == ARGUMENT_WORD ? argument->name : argument->option;

	if (argument->kind == ARGUMENT_INPUT)
		text = form->command->where == COMMAND_TOOL_SECRET ? _("Secret")
								   : _("Type or paste a text");
	snprintf(out, size, "%s%s%s%s%s", text, argument->kind == ARGUMENT_OPTION ? " " : "",
		 argument->kind == ARGUMENT_OPTION ? argument->name : "",
		 argument->many ? "..." : "", argument->optional ? "" : " *");
}

static bool form_make(const struct person *person, const struct command *command, struct form *form)
{
	struct argument all[MENU_ARGUMENTS_MAX];
	int n = arguments_parse(command->arguments, all);

	*form = (struct form){.command = command};
	for (int i = 0; i < n; i++) {
		struct screen_field *field = &form->fields[form->n];
		bool is_input = all[i].kind == ARGUMENT_INPUT;
		bool is_secret = is_input && command->where == COMMAND_TOOL_SECRET;

		if (!is_shown(person, &all[i]))
			continue;
		form->arguments[form->n] = all[i];
		label(form, &all[i], form->labels[form->n], sizeof(form->labels[0]));
		field->label = form->labels[form->n];
		field->hidden = all[i].secret || is_secret;
		field->is_flag = all[i].kind == ARGUMENT_FLAG || (is_input && !is_secret);
		if (field->is_flag && !all[i].optional)
			field->value = strdup("x");
		form->n++;
	}
	return n >= 0;
}

static void form_finish(struct form *form)
{
	for (size_t i = 0; i < form->n; i++)
		mem_wipe_strp(&form->fields[i].value);
	mem_wipe(form->secret, sizeof(form->secret));
}

/* --- its words -------------------------------------------------------------------------------- */

static bool add_many(struct form *form, size_t i, struct run *run, const char **ret_why)
{
	struct words *words = &form->words[i];

	if (words_split(words, form->fields[i].value, ret_why) < 0)
		return false;
	for (size_t k = 0; k < words->n; k++) {
		if (!run_add(run, words->items[k]))
			return false;
	}
	return true;
}

static bool add_input(struct form *form, size_t i, struct run *run)
{
	if (form->command->where == COMMAND_TOOL_SECRET) {
		snprintf(form->secret, sizeof(form->secret), "%s\n", form->fields[i].value);
		run->input = form->secret;
	} else {
		run->typed = true;
	}
	return run_add(run, "-");
}

static bool add_one(struct form *form, size_t i, struct run *run, const char **ret_why)
{
	const struct argument *argument = &form->arguments[i];
	const char *value = form->fields[i].value;

	if (!value) {
		*ret_why = _("What is marked with * has to be filled in.");
		return argument->optional;
	}
	switch (argument->kind) {
	case ARGUMENT_FLAG:
		return run_add(run, argument->option);
	case ARGUMENT_INPUT:
		return add_input(form, i, run);
	case ARGUMENT_OPTION:
		if (!run_add(run, argument->option))
			return false;
		break;
	case ARGUMENT_WORD:
		break;
	}
	return argument->many ? add_many(form, i, run, ret_why) : run_add(run, value);
}

/* Whether there is something to run; otherwise *ret_why says what is wrong. */
static bool make_run(struct form *form, struct run *run, const char **ret_why)
{
	*run = (struct run){0};
	*ret_why = _("These are too many words for one command.");
	if (!run_add_words(run, form->command->words, form->name, sizeof(form->name)))
		return false;
	for (size_t i = 0; i < form->n; i++) {
		if (!add_one(form, i, run, ret_why))
			return false;
	}
	return true;
}

/* --- the page --------------------------------------------------------------------------------- */

/* Help, as the command line has it, and what one would type there. */
static char *describe(const struct command *command)
{
	char *text = NULL;

	if (asprintf(&text, "%s\n\nlazaretctl %s %s", _(command->help), command->words,
		     command->arguments) < 0)
		return NULL;
	return text;
}

static bool fill_and_run(struct form *form, const char *text)
{
	const char *const buttons[] = {_("Do it"), _("Back")};
	const struct screen_form page = {
		.title = form->command->words,
		.text = text,
		.fields = form->fields,
		.n_fields = form->n,
		.buttons = buttons,
		.n_buttons = 2,
	};
	for (;;) {
		int chosen = screen_fill(&page);
		const char *why = NULL;
		struct run run;
		bool ok;

		if (chosen != 0)
			return chosen != SCREEN_GONE;
		if (!make_run(form, &run, &why)) {
			if (screen_show(form->command->words, why) == SCREEN_GONE)
				return false;
			continue;
		}
		if (!run_and_show(form->command->words, &run, &ok))
			return false;
		/* What was wrong can be mended; what was done is done. */
		if (ok)
			return true;
	}
}

bool command_page(const struct person *person, enum command_id id)
{
	const struct command *command = command_row(id);
	_cleanup_free_ char *text = describe(command);
	static struct form form;
	bool there = true;

	if (text && form_make(person, command, &form))
		there = fill_and_run(&form, text);
	form_finish(&form);
	return there;
}
