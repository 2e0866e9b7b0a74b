/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>

#include "base/str.h"
#include "monitor/registry.h"

static struct registry_entry entry_of(const char *id, uid_t uid, const char *name)
{
	struct registry_entry entry = {.uid = uid, .name = name};

	str_copy(entry.id, sizeof(entry.id), id);
	return entry;
}

static void test_one_session_a_user(void **state)
{
	struct registry_entry a = entry_of("aaaa0000000000000000", 1000, "alice");
	struct registry_entry b = entry_of("bbbb0000000000000000", 1000, "alice");
	struct registry registry;

	(void)state;
	registry_init(&registry);
	assert_int_equal(registry_add(&registry, &a), 0);
	assert_int_equal(registry_add(&registry, &b), -EEXIST);
	assert_ptr_equal(registry_find_uid(&registry, 1000), &a);
	registry_remove(&registry, &a);
	assert_null(registry_find_uid(&registry, 1000));
	assert_int_equal(registry_add(&registry, &b), 0);
}

static void test_parked(void **state)
{
	struct registry_entry a = entry_of("aaaa0000000000000000", 0, NULL);
	struct registry_entry b = entry_of("bbbb0000000000000000", 0, NULL);
	struct registry registry;

	(void)state;
	registry_init(&registry);
	assert_int_equal(registry_add(&registry, &a), 0);
	assert_int_equal(registry_add(&registry, &b), 0);
	assert_null(registry_find_uid(&registry, 0));
	assert_int_equal(registry_assign(&registry, &a, 1000, "alice"), 0);
	assert_int_equal(registry_assign(&registry, &b, 1000, "alice"), -EEXIST);
}

static void test_resolve(void **state)
{
	struct registry_entry a = entry_of("abcd1000000000000000", 1000, "alice");
	struct registry_entry b = entry_of("abcd2000000000000000", 1001, "abcd");
	struct registry_entry *found;
	struct registry registry;

	(void)state;
	registry_init(&registry);
	assert_int_equal(registry_add(&registry, &a), 0);
	assert_int_equal(registry_resolve(&registry, "abcd", &found), 0);
	assert_int_equal(registry_resolve(&registry, "abc", &found), -ENOENT);
	assert_int_equal(registry_add(&registry, &b), 0);
	/* A name wins over the start of an id. */
	assert_int_equal(registry_resolve(&registry, "abcd", &found), 0);
	assert_ptr_equal(found, &b);
	b.name = "bob";
	assert_int_equal(registry_resolve(&registry, "abcd", &found), -ENOTUNIQ);
	assert_int_equal(registry_resolve(&registry, "abcd1", &found), 0);
	assert_ptr_equal(found, &a);
}

static void test_slots(void **state)
{
	struct registry registry;
	uint32_t slot;

	(void)state;
	registry_init(&registry);
	for (uint32_t i = 0; i < REGISTRY_SLOTS_MAX; i++) {
		assert_int_equal(registry_take_slot(&registry, &slot), 0);
		assert_int_equal(slot, i);
	}
	assert_int_equal(registry_take_slot(&registry, &slot), -ENOSPC);
	registry_give_slot(&registry, 7);
	assert_int_equal(registry_claim_slot(&registry, 8), -EBUSY);
	assert_int_equal(registry_take_slot(&registry, &slot), 0);
	assert_int_equal(slot, 7);
	assert_int_equal(registry_claim_slot(&registry, REGISTRY_SLOTS_MAX), -ERANGE);
}

static void test_ids(void **state)
{
	char a[SESSION_ID_LEN + 1], b[SESSION_ID_LEN + 1];

	(void)state;
	assert_int_equal(registry_new_id(a), 0);
	assert_int_equal(registry_new_id(b), 0);
	assert_true(registry_id_valid(a));
	assert_string_not_equal(a, b);
	assert_false(registry_id_valid("../../etc/passwd0000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_session_a_user),
		cmocka_unit_test(test_parked),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
