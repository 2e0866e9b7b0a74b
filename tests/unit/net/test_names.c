/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/limits.h"
#include "net/names.h"
#include "wire/buf.h"

static void want(struct names *names, const char *name)
{
	_cleanup_networks_ struct network_list list = {0};
	bool stale;

	(void)names_lookup(names, name, &list, &stale);
}

static size_t write_wanted(struct names *names)
{
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	size_t n = 0;

	assert_int_equal(names_write_wanted(names, out, &n), 0);
	fclose(out);
	return n;
}

static void put_answer(struct buf *out, uint32_t line, enum names_status status, uint32_t count)
{
	buf_put_u32(out, line);
	buf_put_u8(out, (uint8_t)status);
	buf_put_u32(out, count);
}

static void put_address(struct buf *out, const char *text)
{
	struct network network;

	assert_int_equal(network_parse(text, &network), 0);
	buf_put_u8(out, network.family == AF_INET ? 4 : 6);
	buf_put(out, network.addr, network_width(network.family) / 8);
}

static int take(struct names *names, const struct buf *answer, bool *ret_changed)
{
	assert_int_equal(buf_error(answer), 0);
	return names_take_answer(names, buf_data(answer), buf_len(answer), ret_changed);
}

static size_t count_of(struct names *names, const char *name, bool *ret_stale)
{
	_cleanup_networks_ struct network_list list = {0};
	int r = names_lookup(names, name, &list, ret_stale);

	return r < 0 ? 0 : list.n;
}

static void test_round(void **state)
{
	_cleanup_names_ struct names names = {0};
	_cleanup_buf_ struct buf first, second, third;
	bool changed = false, stale;

	(void)state;
	want(&names, "one.example");
	want(&names, "two.example");
	assert_true(names_lack(&names));
	assert_int_equal(write_wanted(&names), 2);
	buf_init(&first, 4096);
	/* In any order; neighbours stay two addresses. */
	put_answer(&first, 1, NAMES_UNKNOWN, 0);
	put_answer(&first, 0, NAMES_FOUND, 3);
	put_address(&first, "192.0.2.3");
	put_address(&first, "192.0.2.2");
	put_address(&first, "2001:db8::1");
	assert_int_equal(take(&names, &first, &changed), 0);
	assert_true(changed);
	assert_false(names_lack(&names));
	assert_int_equal(count_of(&names, "one.example", &stale), 3);
	assert_false(stale);
	assert_int_equal(count_of(&names, "two.example", &stale), 0);
	/* The same again is no change; a failure keeps what was. */
	write_wanted(&names);
	assert_int_equal(take(&names, &first, &changed), 0);
	assert_false(changed);
	buf_init(&second, 4096);
	put_answer(&second, 0, NAMES_SILENT, 0);
	write_wanted(&names);
	assert_int_equal(take(&names, &second, &changed), 0);
	assert_false(changed);
	assert_int_equal(count_of(&names, "ONE.example", &stale), 3);
	assert_true(stale);
	/* One of whom nothing was heard, too. */
	buf_init(&third, 4096);
	write_wanted(&names);
	assert_int_equal(take(&names, &third, &changed), 0);
	assert_int_equal(count_of(&names, "one.example", &stale), 3);
	assert_true(stale);
}

static void test_a_name_that_came_meanwhile(void **state)
{
	_cleanup_names_ struct names names = {0};
	_cleanup_buf_ struct buf answer;
	bool changed, stale;

	(void)state;
	want(&names, "old.example");
	write_wanted(&names);
	/* While the resolver runs the configuration changes. */
	names_forget_wanted(&names);
	want(&names, "new.example");
	buf_init(&answer, 4096);
	put_answer(&answer, 0, NAMES_FOUND, 1);
	put_address(&answer, "192.0.2.1");
	assert_int_equal(take(&names, &answer, &changed), 0);
	assert_int_equal(count_of(&names, "old.example", &stale), 1);
	assert_int_equal(count_of(&names, "new.example", &stale), 0);
}

static void test_lies(void **state)
{
	static const struct {
		uint32_t line;
		uint8_t status;
		uint32_t count;
		const char *addresses[3];
	} lies[] = {
		{1, NAMES_FOUND, 1, {"192.0.2.1"}}, /* of a name that was not asked for */
		{0, NAMES_STATUS_COUNT, 0, {NULL}},
		{0, NAMES_FOUND, 0, {NULL}},
		{0, NAMES_UNKNOWN, 1, {"192.0.2.1"}},
		{0, NAMES_FOUND, NAME_ADDRESSES_MAX + 1, {"192.0.2.1"}},
		{0, NAMES_FOUND, 2, {"192.0.2.1"}}, /* cut */
		{0, NAMES_FOUND, 1, {"192.0.2.1", "192.0.2.2"}}, /* a tail */
	};
	bool changed, stale;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		_cleanup_names_ struct names names = {0};
		_cleanup_buf_ struct buf answer;

		want(&names, "one.example");
		write_wanted(&names);
		buf_init(&answer, 4096);
		put_answer(&answer, lies[i].line, lies[i].status, lies[i].count);
		for (size_t k = 0; k < 3 && lies[i].addresses[k]; k++)
			put_address(&answer, lies[i].addresses[k]);
		if (take(&names, &answer, &changed) != -EPROTO)
			fail_msg("lie %zu was taken", i);
		assert_int_equal(count_of(&names, "one.example", &stale), 0);
	}
}

static void test_twice_about_one(void **state)
{
	_cleanup_names_ struct names names = {0};
	_cleanup_buf_ struct buf answer;
	bool changed;

	(void)state;
	want(&names, "one.example");
	write_wanted(&names);
	buf_init(&answer, 4096);
	put_answer(&answer, 0, NAMES_UNKNOWN, 0);
	put_answer(&answer, 0, NAMES_UNKNOWN, 0);
	assert_int_equal(take(&names, &answer, &changed), -EPROTO);
}

static void test_file(void **state)
{
	_cleanup_names_ struct names names = {0};
	char text[256] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	bool stale;

	(void)state;
	assert_int_equal(names_read(&names, "one.example 192.0.2.1 nonsense 2001:db8::1\n"
					    "../etc 192.0.2.9\nalone.example\n\n"
					    "one.example 192.0.2.7\nunused.example 192.0.2.8\n"),
			 0);
	assert_int_equal(count_of(&names, "one.example", &stale), 2);
	assert_false(stale);
	/* What nobody wants any more is not kept. */
	names_write(&names, out);
	fclose(out);
	assert_string_equal(text, "one.example 192.0.2.1 2001:db8::1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round), cmocka_unit_test(test_a_name_that_came_meanwhile),
		cmocka_unit_test(test_lies),  cmocka_unit_test(test_twice_about_one),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
