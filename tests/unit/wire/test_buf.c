/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/buf.h"

static void test_put(void **state)
{
	static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 2, 'h', 'i', 0, 0};
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	buf_put_u8(&buf, 1);
	buf_put_u16(&buf, 0x0203);
	buf_put_u32(&buf, 0x04050607);
	buf_put_str(&buf, "hi");
	buf_put_zero(&buf, 2);
	assert_int_equal(buf_error(&buf), 0);
	assert_int_equal(buf_len(&buf), sizeof(expected));
	assert_memory_equal(buf_data(&buf), expected, sizeof(expected));
	buf_patch_u16(&buf, 1, 0xffee);
	assert_int_equal(buf_data(&buf)[1], 0xff);
	assert_int_equal(buf_data(&buf)[2], 0xee);
	buf_finish(&buf);
}

static void test_cap_is_sticky(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 8);
	buf_put_u64(&buf, 1);
	assert_int_equal(buf_error(&buf), 0);
	buf_put_u8(&buf, 1);
	assert_int_equal(buf_error(&buf), -ENOBUFS);
	assert_int_equal(buf_len(&buf), 8);
	buf_consume(&buf, 4);
	buf_put_u8(&buf, 1);
	assert_int_equal(buf_error(&buf), -ENOBUFS);
	assert_int_equal(buf_len(&buf), 4);
	buf_clear(&buf);
	buf_put_u8(&buf, 1);
	assert_int_equal(buf_error(&buf), 0);
	assert_null(buf_reserve(&buf, SIZE_MAX));
	buf_finish(&buf);
}

/* Random appends and consumes against a plain array. */
static void test_queue(void **state)
{
	static uint8_t model[1 << 20];
	size_t head = 0, tail = 0;
	struct buf buf;

	(void)state;
	srandom(1);
	buf_init(&buf, 4096);
	while (tail < sizeof(model) - 1024) {
		size_t n = (size_t)random() % 700;

		if (buf_len(&buf) + n <= 4096) {
			for (size_t i = 0; i < n; i++)
				model[tail + i] = (uint8_t)random();
			buf_put(&buf, model + tail, n);
			tail += n;
		}
		n = (size_t)random() % (buf_len(&buf) + 1);
		assert_memory_equal(buf_data(&buf), model + head, buf_len(&buf));
		buf_consume(&buf, n);
		head += n;
	}
	assert_int_equal(buf_error(&buf), 0);
	assert_true(buf.size <= 4096);
	buf_finish(&buf);
}

static void test_fd(void **state)
{
	struct buf buf;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	buf_init(&buf, 4);
	buf_put_u16(&buf, 0x4142);
	assert_int_equal(buf_write_fd(&buf, fds[1]), 2);
	assert_int_equal(buf_len(&buf), 0);
	assert_int_equal(write(fds[1], "CDEFG", 5), 5);
	assert_int_equal(buf_read_fd(&buf, fds[0], 100), 4);
	assert_memory_equal(buf_data(&buf), "ABCD", 4);
	assert_int_equal(buf_read_fd(&buf, fds[0], 100), -ENOBUFS);
	assert_int_equal(buf_error(&buf), 0);
	buf_clear(&buf);
	close(fds[1]);
	assert_int_equal(buf_read_fd(&buf, fds[0], 100), 3);
	buf_clear(&buf);
	assert_int_equal(buf_read_fd(&buf, fds[0], 100), 0);
	close(fds[0]);
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_cap_is_sticky),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_fd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
