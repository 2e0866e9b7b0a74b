/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "update/release.h"

#define GOOD                                           \
	"Origin: Lazaret\n"                            \
	"Label: Lazaret\n"                             \
	"Suite: stable\n"                              \
	"Date: Tue, 24 Nov 2026 19:01:21 +0000\n"      \
	"Valid-Until: Tue, 08 Dec 2026 19:01:21 UTC\n" \
	"SHA256:\n"                                    \
	" 8a18 5403 main/binary-amd64/Packages\n"

static int parse(const char *text, struct release *release)
{
	return release_parse(text, strlen(text), release);
}

static void test_good(void **state)
{
	struct release release;

	(void)state;
	assert_int_equal(parse(GOOD, &release), 0);
	assert_int_equal(release.date, 1795546881);
	assert_int_equal(release.valid_until - release.date, 14 * 86400);
	assert_string_equal(release.suite, "stable");
	assert_string_equal(release.label, "Lazaret");
	assert_string_equal(release.codename, "");
	/* Names of fields do not depend on how they are written, and lines may end as in mails. */
	assert_int_equal(parse("date: Thu, 01 Jan 1970 00:00:10 GMT\r\nsha256:\n", &release), 0);
	assert_int_equal(release.date, 10);
	assert_int_equal(release.valid_until, 0);
}

static void test_wrong(void **state)
{
	static const char *const texts[] = {
		"",
		"Date: Tue, 24 Nov 2026 19:01:21 +0000\n",
		"SHA256:\n",
		GOOD "Date: Tue, 24 Nov 2026 19:01:21 +0000\n",
		GOOD "Valid-Until: Tue, 24 Nov 2099 19:01:21 +0000\n",
		GOOD "Suite: other\n",
		GOOD "no field\n",
		"SHA256:\nDate: 24 Nov 2026 19:01:21 +0000\n",
		"SHA256:\nDate: Tue, 24 Nov 2026 19:01:21 +0100\n",
		"SHA256:\nDate: Tue, 24 Nov 2026 19:01:21\n",
		"SHA256:\nDate: Tue, 32 Nov 2026 19:01:21 +0000\n",
		"SHA256:\nDate: Tue, 24 Nov 2026 24:01:21 +0000\n",
		"SHA256:\nDate: Tue, 24 Nov 2026 19:01:21 +0000 x\n",
		"SHA256:\nDate: \n",
	};
	struct release release;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(texts[i], &release), -EPROTO);
}

static void test_names_are_fit_to_be_shown(void **state)
{
	char text[4096] = "SHA256:\nDate: Thu, 01 Jan 1970 00:00:10 GMT\nLabel: \033[31mred";
	struct release release;
	size_t n = strlen(text);

	(void)state;
	assert_int_equal(parse(text, &release), 0);
	assert_null(strchr(release.label, '\033'));
	memset(text + n, 'x', 3000);
	assert_int_equal(parse(text, &release), 0);
	assert_true(strlen(release.label) < RELEASE_NAME_MAX);
}

static enum release_guise guise(const char *text)
{
	return release_guise(text, strlen(text));
}

static void test_guise(void **state)
{
	(void)state;
	assert_int_equal(guise("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n"),
			 RELEASE_SIGNED);
	assert_int_equal(guise("<!DOCTYPE html><title>Wi-Fi</title>"), RELEASE_HTML);
	assert_int_equal(guise("\n\n  <HTML><body>"), RELEASE_HTML);
	assert_int_equal(guise("Origin: Lazaret\n"), RELEASE_OTHER);
	assert_int_equal(guise(""), RELEASE_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_names_are_fit_to_be_shown),
		cmocka_unit_test(test_guise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
