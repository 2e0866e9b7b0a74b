/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <wayland-server-core.h>

#include "base/clock.h"
#include "base/log.h"
#include "monitor/expiry.h"

#define DAY INT64_C(86400)

static void test_stages(void **state)
{
	(void)state;
	assert_int_equal(expiry_stage(365 * DAY), 0);
	assert_int_equal(expiry_stage(30 * DAY + 1), 0);
	assert_int_equal(expiry_stage(30 * DAY), 1);
	assert_int_equal(expiry_stage(14 * DAY + 1), 1);
	assert_int_equal(expiry_stage(14 * DAY), 2);
	assert_int_equal(expiry_stage(7 * DAY + 1), 2);
	assert_int_equal(expiry_stage(7 * DAY), 3);
	assert_int_equal(expiry_stage(DAY + 1), 3);
	assert_int_equal(expiry_stage(DAY), 4);
	assert_int_equal(expiry_stage(1), 4);
	assert_int_equal(expiry_stage(0), 5);
	assert_int_equal(expiry_stage(-400 * DAY), 5);
}

/* What comes into the log while a certificate is set, by a pipe in the place of standard error. */
static int warnings(struct expiry *expiry, int64_t until)
{
	int saved = dup(STDERR_FILENO), ends[2], n = 0;
	char text[4096];
	ssize_t len;

	assert_return_code(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	expiry_set(expiry, until);
	dup2(saved, STDERR_FILENO);
	close(saved);
	len = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	text[len > 0 ? len : 0] = '\0';
	for (const char *at = text; (at = strstr(at, "certificate.ends")); at++)
		n++;
	return n;
}

static void test_warned_once(void **state)
{
	struct wl_event_loop *loop = wl_event_loop_create();
	int64_t now = (int64_t)(clock_wall() / USEC_PER_SEC);
	struct expiry expiry = {0};

	(void)state;
	assert_int_equal(expiry_init(&expiry, loop), 0);
	assert_int_equal(warnings(&expiry, now + 90 * DAY - 60), 0);
	assert_int_equal(expiry_days(&expiry), 89);
	assert_int_equal(warnings(&expiry, now + 10 * DAY), 1);
	/* The same one is loaded again, as with every change of settings. */
	assert_int_equal(warnings(&expiry, now + 10 * DAY), 0);
	/* Another one that is no better. */
	assert_int_equal(warnings(&expiry, now + 9 * DAY), 1);
	assert_int_equal(warnings(&expiry, now - 5), 1);
	assert_int_equal(expiry_days(&expiry), -1);
	assert_int_equal(warnings(&expiry, now + 90 * DAY - 60), 0);
	expiry_finish(&expiry);
	wl_event_loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_warned_once),
	};

	log_init("test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
