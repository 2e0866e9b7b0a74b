/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/command.h"
#include "ctl/help.h"

#define COLUMNS 80

struct text {
	char *text;
	size_t len;
	FILE *file;
};

static FILE *open_text(struct text *text)
{
	text->file = open_memstream(&text->text, &text->len);
	assert_non_null(text->file);
	return text->file;
}

static const char *close_text(struct text *text)
{
	assert_int_equal(fclose(text->file), 0);
	return text->text;
}

static void check_lines(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len > COLUMNS)
			fail_msg("%zu columns: %.*s", len, (int)len, text);
		if (len > 0)
			assert_true(text[len - 1] != ' ');
		text += len + (text[len] == '\n');
	}
}

static void test_all_commands_in_lines_of_eighty(void **state)
{
	struct text t;
	const char *text;

	(void)state;
	help_print_all(open_text(&t), "/run/lazaret/control", "LAZARET_SOCKET");
	text = close_text(&t);
	check_lines(text);
	for (int i = 0; i < COMMAND_COUNT; i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n  %s", command_row((enum command_id)i)->words);
		assert_non_null(strstr(text, line));
	}
	free(t.text);
}

/* Word for word what the table says, whatever became of the lines. */
static void check_says(const char *text, const char *what)
{
	while (*what) {
		size_t len = strcspn(what, " ");
		char word[128];

		snprintf(word, sizeof(word), "%.*s", (int)len, what);
		text = strstr(text, word);
		assert_non_null(text);
		text += len;
		what += len;
		what += strspn(what, " ");
	}
}

static void test_a_command_says_all_of_the_table(void **state)
{
	(void)state;
	for (int i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = command_row((enum command_id)i);
		char words[64];
		const char *list[8];
		size_t n = 0;
		struct text t;
		const char *text;

		snprintf(words, sizeof(words), "%s", command->words);
		for (char *at = strtok(words, " "); at; at = strtok(NULL, " "))
			list[n++] = at;
		/* Its arguments may stand behind it. */
		list[n++] = "argument";
		assert_int_equal(help_print(open_text(&t), n, list), 1);
		text = close_text(&t);
		check_lines(text);
		check_says(text, command->words);
		check_says(text, command->arguments);
		check_says(text, command->help);
		assert_non_null(strstr(text, "Roles: "));
		free(t.text);
	}
}

static void test_a_first_word_is_a_group(void **state)
{
	const char *config[] = {"config"}, *none[] = {"conf"};
	struct text t;
	size_t found;

	(void)state;
	found = help_print(open_text(&t), 1, config);
	close_text(&t);
	assert_true(found > 5);
	assert_null(strstr(t.text, "firewall show"));
	free(t.text);
	assert_int_equal(help_print(open_text(&t), 1, none), 0);
	assert_string_equal(close_text(&t), "");
	free(t.text);
	assert_int_equal(help_list(open_text(&t), "firewall"), 4);
	assert_string_equal(close_text(&t),
			    "firewall show, firewall apply, firewall check, firewall export");
	free(t.text);
	assert_int_equal(help_list(open_text(&t), ""), 0);
	close_text(&t);
	free(t.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_commands_in_lines_of_eighty),
		cmocka_unit_test(test_a_command_says_all_of_the_table),
		cmocka_unit_test(test_a_first_word_is_a_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
