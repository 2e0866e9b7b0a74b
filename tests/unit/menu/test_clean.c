/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "menu/clean.h"

static void assert_clean(const char *text, size_t len, const char *expected)
{
	char *clean = clean_lines(text, len);

	assert_non_null(clean);
	assert_string_equal(clean, expected);
	free(clean);
}

#define T(text, expected) assert_clean(text, sizeof(text) - 1, expected)

static void test_clean(void **state)
{
	(void)state;
	T("", "");
	T("one\ntwo\n\nthree", "one\ntwo\n\nthree");
	T("gr\xc3\xbc\xc3\x9f\x65", "gr\xc3\xbc\xc3\x9f\x65");
	/* Clear the screen; the title of the window; a C1 introducer as UTF-8 and as a byte. */
	T("a\x1b[2Jb", "a [2Jb");
	T("\x1b]0;title\x07", " ]0;title ");
	T("a\xc2\x9b\x32Jb", "a 2Jb");
	T("a\x9b\x32Jb", "a\xef\xbf\xbd\x32Jb");
	T("back\bspace\rreturn\ttab\x7f", "back space return tab ");
	/* Right to left from here on. */
	T("user\xe2\x80\xaetxt", "user txt");
	T("nul\0here", "nul here");
	T("\n", "\n");
	T("\xff\xff\xff", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_steal(void **state)
{
	char *text = clean_steal(strdup("\x1b[1m"));

	(void)state;
	assert_string_equal(text, " [1m");
	free(text);
	assert_null(clean_steal(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_steal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
