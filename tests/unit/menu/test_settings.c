/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "menu/settings.h"
#include "menu/text.h"

static const char text[] = "# --- Front door\n"
			   "port = 5900\n"
			   "banner = \"Two words, \"\n"
			   "listen = {\"0.0.0.0\", \"::\"}\n"
			   "names = {one, \"two words\", \"\"}\n"
			   "empty = {}\n"
			   "nothing = \"\"\n"
			   "+ path \"dns\" { hosts = {\"192.0.2.1\"} }\n"
			   "+ path \"web\" { enabled = \"yes\" }\n"
			   "port = 5901\n"
			   "cut = \"no end\n";

static void assert_value(const char *before, const char *expected)
{
	char *value = settings_find(text, before);

	if (expected)
		assert_string_equal(value, expected);
	else
		assert_null(value);
	free(value);
}

static void test_find(void **state)
{
	(void)state;
	assert_value("port = ", "5901");
	assert_value("banner = ", "Two words, ");
	assert_value("listen = ", "0.0.0.0 ::");
	assert_value("names = ", "one 'two words' ''");
	assert_value("empty = ", "");
	assert_value("nothing = ", "");
	assert_value("+ path \"dns\" { hosts = ", "192.0.2.1");
	assert_value("+ path \"web\" { enabled = ", "yes");
	assert_value("cut = ", "no end");
	assert_value("ort = ", NULL);
	assert_value("absent = ", NULL);
}

static void test_describe(void **state)
{
	(void)state;
	for (int i = 0; i < CONF_COUNT; i++) {
		char *said = settings_describe(conf_row((enum conf_id)i));

		assert_non_null(said);
		assert_true(strlen(said) > 5);
		free(said);
	}
}

static void test_language(void **state)
{
	(void)state;
	assert_int_equal(text_of("de"), TEXT_GERMAN);
	assert_int_equal(text_of("de_AT.UTF-8"), TEXT_GERMAN);
	assert_int_equal(text_of("den"), TEXT_ENGLISH);
	assert_int_equal(text_of("en_GB"), TEXT_ENGLISH);
	assert_int_equal(text_of("../../de"), TEXT_ENGLISH);
	assert_int_equal(text_of(""), TEXT_ENGLISH);
	assert_int_equal(text_of(NULL), TEXT_ENGLISH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_language),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
