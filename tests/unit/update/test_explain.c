/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "update/explain.h"

static char said[1024];

static void assert_says(const char *part)
{
	if (!strstr(said, part))
		fail_msg("\"%s\" does not say \"%s\"", said, part);
}

static void test_fetch(void **state)
{
	(void)state;
	explain_fetch("W: something\nE: Failed to fetch http://x  Hash Sum mismatch\n   Hashes\n",
		      said, sizeof(said));
	assert_says("not what the signed list names");
	assert_says("(Failed to fetch http://x  Hash Sum mismatch)");
	explain_fetch("E: a thing of its own\n", said, sizeof(said));
	assert_says("could not be fetched (a thing of its own)");
	explain_fetch("", said, sizeof(said));
	assert_string_equal(said, "it could not be fetched");
	explain_fetch("E: \033[2J\n", said, sizeof(said));
	assert_null(strchr(said, '\033'));
}

static void test_ssh(void **state)
{
	(void)state;
	explain_ssh("@@@@\nHost key verification failed.\n", said, sizeof(said));
	assert_says("update-host-key");
	explain_ssh("", said, sizeof(said));
	assert_string_equal(said, "the connection to the update server could not be made");
}

static void test_dpkg(void **state)
{
	(void)state;
	explain_dpkg(
		"dpkg: error processing package lazaret (--configure):\n installed lazaret package "
		"post-installation script subprocess returned error exit status 7\n",
		said, sizeof(said));
	assert_says("own script has failed (package lazaret (--configure):)");
	explain_dpkg("dpkg: unrecoverable fatal error: No space left on device\n", said,
		     sizeof(said));
	assert_says("the disk is full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_ssh),
		cmocka_unit_test(test_dpkg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
