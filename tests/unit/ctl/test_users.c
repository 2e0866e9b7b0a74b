/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, days, and lists of users. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/mem.h"
#include "ctl/csv_rows.h"
#include "ctl/user_check.h"
#include "ctl/user_wish.h"

static void test_names(void **state)
{
	static const char *const good[] = {"a", "anna.mueller", "x1-y_z",
					   "abcdefghijklmnopqrstuvwxyz012345"};
	static const char *const bad[] = {
		"",     "-x",   "1a",    "_a",
		"Anna", "a b",  "a;b",   "../x",
		"a/b",  "a:b",  "name$", "a..b",
		"a.",   "a-",   "a\n",   "m\xc3\xbcller",
		"~a",   "+a",   "a,b",   "a=b",
		"a'b",  "a\"b", "a`b",   "abcdefghijklmnopqrstuvwxyz0123456",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_null(user_name_objection(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_non_null(user_name_objection(bad[i]));
}

static void test_full_names(void **state)
{
	static const char *const good[] = {"", "Anna M\xc3\xbcller", "O'Neill \"Bob\"", "x/y; z"};
	static const char *const bad[] = {
		"a:b",
		"a,b",
		"a\nb",
		"a\tb",
		"\xff",
		" a",
		"a ",
		"=1+1",
		"@x",
		"-x",
		"+x",
		"a\xe2\x80\xae"
		"b", /* right to left from here */
		"a\xc2\x85"
		"b",
		"a\x7f",
	};
	char longest[USER_FULL_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_null(user_full_name_objection(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_non_null(user_full_name_objection(bad[i]));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[USER_FULL_NAME_MAX + 1] = '\0';
	assert_non_null(user_full_name_objection(longest));
	longest[USER_FULL_NAME_MAX] = '\0';
	assert_null(user_full_name_objection(longest));
}

static void test_hashes(void **state)
{
	char longest[USER_HASH_MAX + 2];

	(void)state;
	assert_null(user_hash_objection("$y$j9T$abcdefghijklmnop$abc./"));
	assert_null(user_hash_objection("$6$abcdefgh$abcdefghijklmn"));
	assert_non_null(user_hash_objection("secret"));
	assert_non_null(user_hash_objection("!"));
	assert_non_null(user_hash_objection("$1$abcdefgh$abcdefghijklmnopqr"));
	assert_non_null(user_hash_objection("$6$short"));
	assert_non_null(user_hash_objection("$6$abcdefgh$abcdefghijklmn:x"));
	assert_non_null(user_hash_objection("$6$abcdefgh$abcdefghijklmn\nroot:x"));
	memset(longest, 'x', sizeof(longest) - 1);
	memcpy(longest, "$6$", 3);
	longest[USER_HASH_MAX + 1] = '\0';
	assert_non_null(user_hash_objection(longest));
	longest[USER_HASH_MAX] = '\0';
	assert_null(user_hash_objection(longest));
}

static void test_days(void **state)
{
	static const char *const bad[] = {"2027-02-30", "2027-13-01",  "2027-00-10", "27-01-01",
					  "2027-1-1",   "2027/01/01",  "1969-12-31", "tomorrow",
					  "-1",         "2027-01-011", "2023-02-29", " 2027-01-01"};
	char text[USER_DATE_MAX];
	long day = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(user_date_parse(bad[i], &day), -EINVAL);
	assert_int_equal(day, 7);
	assert_int_equal(user_date_parse("1970-01-02", &day), 0);
	assert_int_equal(day, 1);
	assert_int_equal(user_date_parse("2024-02-29", &day), 0);
	user_date_format(day, text);
	assert_string_equal(text, "2024-02-29");
	assert_int_equal(user_date_parse("9999-12-31", &day), 0);
	user_date_format(day, text);
	assert_string_equal(text, "9999-12-31");
	user_date_format(day + 1, text);
	assert_string_equal(text, "never");
	assert_int_equal(user_date_parse("never", &day), 0);
	assert_int_equal(day, USER_NEVER);
	assert_int_equal(user_date_parse("", &day), 0);
	assert_int_equal(day, USER_NEVER);
}

/* "line|field|field" or "line!error", a line each. */
static void assert_rows(const char *text, const char *expected)
{
	struct csv_rows rows = {0};
	char said[1024] = "";
	size_t len = 0;

	assert_int_equal(csv_rows_read(text, strlen(text), &rows), 0);
	for (size_t i = 0; i < rows.n; i++) {
		const struct csv_row *row = &rows.rows[i];

		len += (size_t)snprintf(said + len, sizeof(said) - len, "%zu", row->line);
		if (row->error)
			len += (size_t)snprintf(said + len, sizeof(said) - len, "!%s", row->error);
		for (size_t k = 0; !row->error && k < row->n; k++)
			len += (size_t)snprintf(said + len, sizeof(said) - len, "|%s",
						row->fields[k]);
		len += (size_t)snprintf(said + len, sizeof(said) - len, "\n");
	}
	assert_string_equal(said, expected);
	csv_rows_finish(&rows);
}

static void test_rows(void **state)
{
	(void)state;
	assert_rows("", "");
	assert_rows("a,b\n1,2\n", "1|a|b\n2|1|2\n");
	/* The last line may end without a break; CRLF; a mark of UTF-8; empty lines are counted. */
	assert_rows("\xef\xbb\xbf"
		    "a,b\r\n\r\n1,2",
		    "1|a|b\n3|1|2\n");
	assert_rows("a;b\n1,0;2\n", "1|a|b\n2|1,0|2\n");
	assert_rows("a,b\n\"1;\",2;\n", "1|a|b\n2|1;|2;\n");
	assert_rows("a\n\"x \"\"y\"\" ,z\"\n", "1|a\n2|x \"y\" ,z\n");
	/* Spaces belong to the field; empty fields are fields. */
	assert_rows("a,b,c\n x ,,\n", "1|a|b|c\n2| x ||\n");
	/* A break in quotes is part of the field; what follows is counted right. */
	assert_rows("a\n\"x\ny\"\nz\n", "1|a\n2|x\ny\n4|z\n");
}

static void test_broken_rows(void **state)
{
	char text[CSV_FIELD_MAX + 16];
	struct csv_rows rows = {0};

	(void)state;
	assert_rows("a\nx\"y\nz\n", "1|a\n2!has quotes in the wrong place\n3|z\n");
	assert_rows("a\n\"x\"y\nz\n", "1|a\n2!has quotes in the wrong place\n3|z\n");
	assert_rows("a\n\"x\nz\n", "1|a\n2!has a quote that is not closed\n3|z\n");
	assert_rows("a\nz\n\"", "1|a\n2|z\n3!has a quote that is not closed\n");
	assert_rows("\xff,b\nz\n", "1!is not UTF-8\n2|z\n");
	assert_rows("a,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\nb\n",
		    "1|a|||||||||||||||||||||||||||||||\n2|b\n");
	assert_rows("a,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\nb\n", "1!has more than 32 fields\n2|b\n");
	memset(text, 'x', CSV_FIELD_MAX + 1);
	memcpy(text + CSV_FIELD_MAX + 1, "\nb\n", 4);
	assert_rows(text, "1!has a field of more than 1024 bytes\n2|b\n");
	assert_int_equal(csv_rows_read("a\0b\nc\n", 6, &rows), 0);
	assert_int_equal(rows.n, 2);
	assert_string_equal(rows.rows[0].error, "has a NUL byte");
	csv_rows_finish(&rows);
}

/* As many rows as may be, and one more. */
static void test_many_rows(void **state)
{
	size_t len = 2 * CSV_ROWS_MAX;
	char *text = malloc(len + 2);
	struct csv_rows rows = {0};

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < len + 2; i++)
		text[i] = i % 2 ? '\n' : 'x';
	assert_int_equal(csv_rows_read(text, len, &rows), 0);
	assert_int_equal(rows.n, CSV_ROWS_MAX);
	csv_rows_finish(&rows);
	assert_int_equal(csv_rows_read(text, len + 2, &rows), -E2BIG);
	free(text);
}

/* The second row of a list, read as a wish: 0, or what is wrong with it. */
static const char *read_wish(const char *text, struct user_wish *wish, struct csv_rows *rows)
{
	static char why[512];
	struct user_header header;

	csv_rows_finish(rows);
	assert_int_equal(csv_rows_read(text, strlen(text), rows), 0);
	if (user_header_read(&rows->rows[0], &header, why, sizeof(why)) < 0)
		return why;
	return user_wish_read(&rows->rows[1], &header, wish, why, sizeof(why)) < 0 ? why : NULL;
}

static void test_wishes(void **state)
{
	struct csv_rows rows = {0};
	struct user_wish wish;

	(void)state;
	assert_null(read_wish("groups,expires,user,name,password\nb a;b,2027-01-01,anna,A,-\n",
			      &wish, &rows));
	assert_string_equal(wish.user, "anna");
	assert_string_equal(wish.name, "A");
	assert_string_equal(wish.groups, "b,a");
	assert_int_equal(wish.password, USER_PASSWORD_GENERATED);
	assert_int_equal(wish.expires, 20819);
	assert_true(wish.has[USER_COLUMN_GROUPS]);
	assert_null(read_wish("user\nanna\n", &wish, &rows));
	assert_int_equal(wish.password, USER_PASSWORD_LOCKED);
	assert_int_equal(wish.expires, USER_NEVER);
	assert_false(wish.has[USER_COLUMN_GROUPS]);
	assert_non_null(strstr(read_wish("user,shell\nanna,x\n", &wish, &rows), "\"shell\""));
	assert_non_null(strstr(read_wish("user,user\na,b\n", &wish, &rows), "twice"));
	assert_non_null(strstr(read_wish("anna,x\na,b\n", &wish, &rows), "\"anna\""));
	assert_non_null(strstr(read_wish("name\nb\n", &wish, &rows), "\"user\" is none"));
	assert_non_null(strstr(read_wish("user,name\na\n", &wish, &rows), "has 1 fields"));
	assert_non_null(strstr(read_wish("user,password\na,hallo\n", &wish, &rows), "plain"));
	assert_non_null(read_wish("user,groups\na,x:y\n", &wish, &rows));
	assert_non_null(
		read_wish("user,groups\na,abcdefghijklmnopqrstuvwxyz0123456\n", &wish, &rows));
	csv_rows_finish(&rows);
}

static void test_many_groups(void **state)
{
	struct user_wish wish = {0};
	char text[USER_GROUPS_MAX * 4 + 8];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < USER_GROUPS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "g%02d,", i);
	assert_null(user_wish_set(&wish, USER_COLUMN_GROUPS, text));
	snprintf(text + len, sizeof(text) - len, "more");
	assert_non_null(user_wish_set(&wish, USER_COLUMN_GROUPS, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),       cmocka_unit_test(test_full_names),
		cmocka_unit_test(test_hashes),      cmocka_unit_test(test_days),
		cmocka_unit_test(test_rows),        cmocka_unit_test(test_broken_rows),
		cmocka_unit_test(test_many_rows),   cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_many_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
