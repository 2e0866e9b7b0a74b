/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "monitor/limits.h"
#include "monitor/throttle.h"

#define CAP (30 * USEC_PER_SEC)

static struct address_key key_of(const char *text)
{
	struct sockaddr_storage address;
	socklen_t len;

	assert_int_equal(address_parse(text, 1, &address, &len), 0);
	return address_key((struct sockaddr *)&address);
}

static uint64_t try_once(struct throttle *t, const struct address_key *key, const char *name,
			 uint64_t now, enum throttle_outcome outcome)
{
	struct throttle_ticket ticket;
	uint64_t when = throttle_begin(t, key, name, now, &ticket);

	throttle_end(t, &ticket, outcome, when);
	return when - now;
}

static struct throttle *make(void)
{
	struct throttle *t = throttle_create();

	assert_non_null(t);
	throttle_set_cap(t, CAP);
	return t;
}

static void test_doubles_to_cap(void **state)
{
	static const uint64_t waits[] = {0, 1, 2, 4, 8, 16, 30, 30};
	struct address_key key = key_of("192.0.2.1");
	struct throttle *t = make();
	uint64_t now = 1000;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		uint64_t wait = try_once(t, &key, "alice", now, THROTTLE_FAILED);

		assert_int_equal(wait, waits[i] * USEC_PER_SEC);
		now += wait;
	}
	throttle_destroy(t);
}

static void test_others_do_not_wait(void **state)
{
	struct address_key key = key_of("192.0.2.1"), other = key_of("192.0.2.2");
	uint64_t later = 1000 + 15 * USEC_PER_SEC;
	struct throttle *t = make();

	(void)state;
	for (int i = 0; i < 5; i++)
		(void)try_once(t, &key, "alice", 1000, THROTTLE_FAILED);
	/* The five took 15 s. */
	assert_int_equal(try_once(t, &other, "alice", later, THROTTLE_FAILED), 0);
	assert_int_equal(try_once(t, &key, "bob", later, THROTTLE_FAILED), 0);
	assert_true(try_once(t, &key, "alice", later, THROTTLE_FAILED) > 0);
	throttle_destroy(t);
}

static void test_success_forgets(void **state)
{
	struct address_key key = key_of("192.0.2.1");
	struct throttle *t = make();

	(void)state;
	(void)try_once(t, &key, "alice", 1000, THROTTLE_FAILED);
	(void)try_once(t, &key, "alice", 1000, THROTTLE_SUCCEEDED);
	assert_int_equal(throttle_count(t), 0);
	assert_int_equal(try_once(t, &key, "alice", 1000, THROTTLE_FAILED), 0);
	throttle_destroy(t);
}

static void test_parallel_attempts_queue(void **state)
{
	struct address_key key = key_of("2001:db8::1"), same_net = key_of("2001:db8::2");
	struct throttle_ticket ticket;
	struct throttle *t = make();

	(void)state;
	assert_int_equal(throttle_begin(t, &key, "alice", 1000, &ticket), 1000);
	assert_int_equal(throttle_begin(t, &same_net, "alice", 1000, &ticket), 1000 + USEC_PER_SEC);
	assert_int_equal(throttle_begin(t, &key, "alice", 1000, &ticket), 1000 + 3 * USEC_PER_SEC);
	throttle_destroy(t);
}

static void test_bounded(void **state)
{
	struct throttle *t = make();
	char name[32];

	(void)state;
	for (unsigned int i = 0; i < 2 * THROTTLE_ENTRIES_MAX; i++) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(i)};
		struct address_key key = address_key((struct sockaddr *)&in);

		(void)try_once(t, &key, "alice", 1000 + i, THROTTLE_FAILED);
	}
	assert_int_equal(throttle_count(t), THROTTLE_ENTRIES_MAX);
	throttle_destroy(t);

	/* One address with very many names: the names past the limit share one entry and wait. */
	t = make();
	for (unsigned int i = 0; i < THROTTLE_ACCOUNTS_PER_ADDRESS + 10; i++) {
		struct address_key key = key_of("192.0.2.1");

		snprintf(name, sizeof(name), "user%u", i);
		(void)try_once(t, &key, name, 1000, THROTTLE_FAILED);
	}
	assert_int_equal(throttle_count(t), THROTTLE_ACCOUNTS_PER_ADDRESS + 1);
	throttle_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles_to_cap),
		cmocka_unit_test(test_others_do_not_wait),
		cmocka_unit_test(test_success_forgets),
		cmocka_unit_test(test_parallel_attempts_queue),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
