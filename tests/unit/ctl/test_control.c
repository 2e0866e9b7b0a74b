/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command table, and both directions of the control protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "conf/role.h"
#include "ctl/answer.h"
#include "ctl/command.h"

static void test_find(void **state)
{
	const char *const dump[] = {"config", "dump", "x"};
	const char *const kick[] = {"kick", "a", "b", "c"};
	enum command_id id;
	size_t used;

	(void)state;
	assert_int_equal(command_find(3, dump, &id, &used), 0);
	assert_int_equal(id, COMMAND_CONFIG_DUMP);
	assert_int_equal(used, 2);
	assert_int_equal(command_find(1, dump, &id, &used), -ENOENT);
	assert_int_equal(command_find(1, kick, &id, &used), -ENODATA);
	assert_int_equal(command_find(3, kick, &id, &used), 0);
	assert_int_equal(command_find(4, kick, &id, &used), -E2BIG);
	assert_int_equal(command_row(COMMAND_SHUTDOWN)->roles, ROLE_ROOT);
	assert_int_equal(command_row(COMMAND_KICK)->roles, ROLE_MAINT);
}

static void assert_line(const struct command *command, size_t n, const char *const *arguments,
			const char *expected)
{
	char line[64];

	command_format(command, n, arguments, line, sizeof(line));
	assert_string_equal(line, expected);
	/* Cut anywhere, it ends. */
	for (size_t size = 1; size < sizeof(line); size++) {
		memset(line, 'x', sizeof(line));
		command_format(command, n, arguments, line, size);
		assert_true(strlen(line) < size);
		assert_true(strncmp(line, expected, strlen(line)) == 0);
	}
}

static void test_format(void **state)
{
	const struct command set = {
		.arguments = "USER [--password SECRET] [--pin SECRET | --note TEXT]"};

	(void)state;
	assert_line(&set, 0, NULL, "");
	assert_line(&set, 2, (const char *[]){"a b", ""}, "'a b' ''");
	assert_line(&set, 3, (const char *[]){"al", "--password", "hu nter"}, "al --password ***");
	assert_line(&set, 2, (const char *[]){"--pin=12", "--note=12"}, "--pin=*** --note=12");
	assert_line(&set, 3, (const char *[]){"--pin", "--note", "x"}, "--pin *** x");
	assert_line(&set, 2, (const char *[]){"--pass", "x"}, "--pass x");
	assert_line(&set, 2, (const char *[]){"--word", "x"}, "--word x");
	assert_line(&set, 1, (const char *[]){"--password"}, "--password");
}

static void test_answer(void **state)
{
	const struct answer_field fields[] = {
		{"name", ANSWER_STR, .str = "a\033[2Jb"},
		{"count", ANSWER_NUMBER, .number = UINT64_MAX},
		{"on", ANSWER_BOOL, .number = 5},
		{NULL},
	};
	struct answer_record record;
	struct cursor c;
	struct buf body;

	(void)state;
	buf_init(&body, 4096);
	answer_begin(&body);
	answer_add(&body, fields);
	answer_add(&body, fields);
	assert_int_equal(buf_error(&body), 0);
	c = cursor_over(buf_data(&body), buf_len(&body));
	assert_int_equal(cursor_u8(&c), ANSWER_RECORDS);
	assert_int_equal(cursor_u16(&c), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(answer_read(&c, &record), 0);
		assert_int_equal(record.n_fields, 3);
		/* An escape sequence in a name does not reach the terminal. */
		assert_string_equal(record.fields[0].str, "a [2Jb");
		assert_true(record.fields[1].number == UINT64_MAX);
		assert_int_equal(record.fields[2].number, 1);
		answer_record_finish(&record);
	}
	assert_true(cursor_done(&c));
	/* Cut anywhere, a record is refused. */
	for (size_t len = 3; len < buf_len(&body) / 2; len++) {
		c = cursor_over(buf_data(&body), len);
		cursor_skip(&c, 3);
		assert_int_equal(answer_read(&c, &record), -EPROTO);
	}
	buf_finish(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
