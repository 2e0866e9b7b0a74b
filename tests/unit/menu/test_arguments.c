/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ctl/command.h"
#include "menu/arguments.h"

/* "word:ID|USER word:REASON?" for a row: kind, option or name, ? for optional, + for many, ! secret. */
static const char *parsed(const char *text)
{
	static const char *const kinds[] = {"word", "option", "flag", "input"};
	struct argument arguments[MENU_ARGUMENTS_MAX];
	static char out[1024];
	int n = arguments_parse(text, arguments);
	size_t at = 0;

	if (n < 0)
		return "refused";
	out[0] = '\0';
	for (int i = 0; i < n; i++) {
		const struct argument *a = &arguments[i];

		at += (size_t)snprintf(
			out + at, sizeof(out) - at, "%s%s:%s%s%s%s%s%s", i > 0 ? " " : "",
			kinds[a->kind], a->option, a->option[0] && a->name[0] ? "=" : "", a->name,
			a->many ? "+" : "", a->optional ? "?" : "", a->secret ? "!" : "");
	}
	return out;
}

static void test_rows(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"ID|USER [REASON]", "word:ID|USER word:REASON?"},
		{"OPTION [VALUE...]", "word:OPTION word:VALUE+?"},
		{"[FILE... | -]", "word:FILE+? input:-?"},
		{"[--help-text] [FILE...]", "flag:--help-text? word:FILE+?"},
		{"[--within SECONDS | --confirm | --saved | --off] [FILE...]",
		 "option:--within=SECONDS? flag:--confirm? flag:--saved? flag:--off? word:FILE+?"},
		{"[ID] [--target HOST[:PORT]] [--name NAME]",
		 "word:ID? option:--target=HOST[:PORT]? option:--name=NAME?"},
		{"[--fewer-names] -", "flag:--fewer-names? input:-"},
		{"--name NAME --secret SECRET", "option:--name=NAME option:--secret=SECRET!"},
		{"NAME -", "word:NAME input:-"},
		{"A | B", "word:A? word:B?"},
		{"[A [B]]", "word:A? word:B?"},
		{"[A ...]", "word:A+?"},
		{"--now | --at TIME", "flag:--now? option:--at=TIME?"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(parsed(rows[i][0]), rows[i][1]);
}

static void test_refused(void **state)
{
	static const char *const rows[] = {
		"[A",
		"A]",
		"[]",
		"...",
		"A A A A A A A A A A A A A A A A A",
		"a-name-that-is-longer-than-any-argument-has-been-until-now",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(parsed(rows[i]), "refused");
	assert_string_not_equal(parsed("A A A A A A A A A A A A A A A A"), "refused");
}

/* Every command there is can be filled in, and no fewer words than it needs are asked for. */
static void test_every_command(void **state)
{
	(void)state;
	for (int i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = command_row((enum command_id)i);
		struct argument arguments[MENU_ARGUMENTS_MAX];
		int n = arguments_parse(command->arguments, arguments);
		bool any = command->least == 0;

		if (n < 0)
			print_error("%s: %s\n", command->words, command->arguments);
		assert_true(n >= 0);
		assert_true(n > 0 || command->most == 0);
		any = any || n > 0;
		assert_true(any);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_every_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
