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

#include "update/changes.h"
#include "update/limits.h"

#define SUM "4bd7fc59e35fbc98c75eff152a1576b17133449e8daa3047d09b26a7c22bfa2d"

static const char simulated[] =
	"Reading package lists...\n"
	"The following packages have been kept back:\n"
	"  libone libtwo\n"
	"The following packages will be upgraded:\n"
	"  lazaret leaky\n"
	"Inst leaky [2:2.0-1] (2:2.0-1+deb12u1 Debian-Security:12/stable-security [amd64]) []\n"
	"Inst lazaret [0.1.0] (0.1.1 Lazaret:stable [amd64])\n"
	"Inst extra (1.0 Debian:12.7/stable [all])\n"
	"Conf lazaret (0.1.1 Lazaret:stable [amd64])\n";

static const char uris[] =
	"'http://u/lazaret/pool/lazaret_0.1.1_amd64.deb' lazaret_0.1.1_amd64.deb 430036 SHA256:" SUM
	"\n"
	"'http://u/debian/extra_1.0_all.deb' extra_1.0_all.deb 10 SHA256:" SUM "\n"
	"'http://u/s/leaky.deb' leaky_2%3a2.0-1+deb12u1_amd64.deb 20 SHA256:" SUM "\n";

static void test_parse(void **state)
{
	_cleanup_changes_ struct changes changes = {0};
	const struct change *one;

	(void)state;
	assert_int_equal(changes_parse(simulated, uris, "http://u/lazaret", &changes), 0);
	assert_int_equal(changes.n, 3);
	assert_int_equal(changes.n_kept, 2);
	one = &changes.items[0];
	assert_string_equal(one->package, "leaky");
	assert_string_equal(one->from, "2:2.0-1");
	assert_string_equal(one->to, "2:2.0-1+deb12u1");
	assert_string_equal(one->file, "leaky_2%3a2.0-1+deb12u1_amd64.deb");
	assert_true(one->security && !one->ours);
	one = &changes.items[1];
	assert_true(one->ours && !one->security);
	assert_int_equal(one->size, 430036);
	assert_string_equal(one->sha256, SUM);
	assert_null(changes.items[2].from);
}

static void assert_refused(const char *inst, const char *uri)
{
	_cleanup_changes_ struct changes changes = {0};

	assert_int_equal(changes_parse(inst, uri, "http://u", &changes), -EPROTO);
}

static void test_wrong(void **state)
{
	static const char good[] = "Inst a [1] (2 X:y [all])\n";
	static const char *const insts[] = {
		"Inst a [1] (2\n",
		"Inst  [1] (2 X [all])\n",
		"Inst ../a [1] (2 X [all])\n",
		"Inst a [1 (2 X [all])\n",
		"Inst -a [1] (2 X [all])\n",
		"Inst a [1] (2/3 X [all])\n",
		"Inst a:i386 [1] (2 X [all])\n",
	};
	static const char *const files[] = {
		"",
		"'http://u/a' a_2_all.deb 1 SHA256:12\n",
		"'http://u/a' a_2_all.deb 1 MD5Sum:" SUM "\n",
		"'http://u/a' a_2_all.deb x SHA256:" SUM "\n",
		"'http://u/a' ../a_2_all.deb 1 SHA256:" SUM "\n",
		"'http://u/a' a/../a_2_all.deb 1 SHA256:" SUM "\n",
		"'http://u/a' b_2_all.deb 1 SHA256:" SUM "\n",
		"'http://u/a a_2_all.deb 1 SHA256:" SUM "\n",
		"'http://u/a' a_2_all.deb 99999999999999999999999 SHA256:" SUM "\n",
		"'http://u/a' a_2_all.deb 1 SHA256:" SUM "\n'http://u/a' a_2_all.deb 1 SHA256:" SUM
		"\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(insts) / sizeof(insts[0]); i++)
		assert_refused(insts[i], "'http://u/a' a_2_all.deb 1 SHA256:" SUM "\n");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_refused(good, files[i]);
}

/* At the limit, and past it. */
static void test_limit(void **state)
{
	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		_cleanup_changes_ struct changes changes = {0};
		char *inst = NULL, *files = NULL;
		size_t n_inst, n_files;
		FILE *a = open_memstream(&inst, &n_inst), *b = open_memstream(&files, &n_files);

		for (size_t i = 0; i < CHANGES_MAX + extra; i++) {
			fprintf(a, "Inst p%zu [1] (2 X [all])\n", i);
			fprintf(b, "'http://u/x' p%zu_2_all.deb 1 SHA256:" SUM "\n", i);
		}
		fclose(a);
		fclose(b);
		assert_int_equal(changes_parse(inst, files, "", &changes), extra ? -E2BIG : 0);
		free(inst);
		free(files);
	}
}

static void test_json(void **state)
{
	_cleanup_changes_ struct changes changes = {0}, again = {0};
	json_object *array;
	char *one = NULL, *two = NULL;
	size_t n;
	FILE *out;

	(void)state;
	assert_int_equal(changes_parse(simulated, uris, "http://u/lazaret", &changes), 0);
	array = changes_to_json(&changes);
	assert_int_equal(changes_from_json(array, &again), 0);
	out = open_memstream(&one, &n);
	changes.n_kept = 0;
	changes_print(&changes, out);
	fclose(out);
	out = open_memstream(&two, &n);
	changes_print(&again, out);
	fclose(out);
	assert_string_equal(one, two);
	assert_non_null(strstr(one, "leaky"));
	assert_non_null(strstr(one, ", security"));
	free(one);
	free(two);
	json_object_put(array);
	array = json_tokener_parse("[{\"package\": \"../x\", \"to\": \"1\"}]");
	changes_finish(&again);
	assert_int_equal(changes_from_json(array, &again), -EPROTO);
	json_object_put(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
