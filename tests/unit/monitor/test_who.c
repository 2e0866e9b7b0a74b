/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of accounts: found, not found, late, remembered, forgotten. The program is a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <wayland-server-core.h>

/* Time passes so much faster. */
#define HASTE 20

static int update_timer(struct wl_event_source *source, int ms)
{
	return wl_event_source_timer_update(source, ms / HASTE);
}
#define wl_event_source_timer_update update_timer

#include "monitor/who.c"

static struct monitor monitor;
static char folder[] = "/tmp/lazaret-who-XXXXXX";
static char script[64], counter[64];

const char *monitor_program(const struct monitor *of, const char *name)
{
	(void)of;
	(void)name;
	return script;
}

static void write_script(const char *text)
{
	FILE *file;

	(void)unlink(script);
	(void)unlink(counter);
	file = fopen(script, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\necho \"$1\" >> %s\n%s\n", counter, text);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(script, 0755), 0);
}

/* How often it was run since it was written. */
static int count_runs(void)
{
	char line[64];
	int n = 0;
	FILE *file = fopen(counter, "r");

	while (file && fgets(line, sizeof(line), file))
		n++;
	if (file)
		fclose(file);
	return n;
}

struct answer {
	bool said;
	char name[512];
};

static void handle_found(void *data, const char *name)
{
	struct answer *answer = data;

	assert_false(answer->said);
	answer->said = true;
	str_copy(answer->name, sizeof(answer->name), name);
}

static void ask(struct who *who, uid_t uid, const char *expected)
{
	struct answer answer = {0};

	who_ask(who, uid, handle_found, &answer);
	for (int i = 0; i < 1000 && !answer.said; i++)
		wl_event_loop_dispatch(monitor.loop, 20);
	assert_true(answer.said);
	assert_string_equal(answer.name, expected);
}

static struct who *create(void)
{
	struct who *who;

	assert_int_equal(who_create(&monitor, &who), 0);
	return who;
}

static void test_found(void **state)
{
	struct who *who = create();

	(void)state;
	write_script("printf 'name%s' \"$1\" >&3");
	ask(who, 1001, "name1001");
	ask(who, 1001, "name1001");
	assert_int_equal(count_runs(), 1);
	/* Root's needs nobody to say it. */
	ask(who, 0, "root");
	assert_int_equal(count_runs(), 1);
	who_destroy(who);
}

/* What is not known is asked again: the account may come to be. */
static void test_not_found(void **state)
{
	struct who *who = create();

	(void)state;
	write_script("exit 1");
	ask(who, 1002, "");
	ask(who, 1002, "");
	assert_int_equal(count_runs(), 2);
	(void)unlink(script);
	ask(who, 1002, "");
	who_destroy(who);
}

static void test_long(void **state)
{
	char longest[ACCOUNT_NAME_MAX + 1];
	struct who *who = create();

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	write_script("head -c 255 /dev/zero | tr '\\0' a >&3");
	ask(who, 1003, longest);
	write_script("head -c 100000 /dev/zero | tr '\\0' a >&3");
	ask(who, 1004, longest);
	who_destroy(who);
}

static void test_late(void **state)
{
	struct who *who = create();
	uint64_t started = clock_now();

	(void)state;
	write_script("printf half >&3; exec sleep 100");
	ask(who, 1005, "");
	assert_in_range(clock_now() - started, WHO_TIMEOUT * USEC_PER_SEC / HASTE - 10000,
			WHO_TIMEOUT * USEC_PER_SEC);
	who_destroy(who);
}

static void test_forget(void **state)
{
	struct answer kept = {0}, gone = {0};
	struct who *who = create();

	(void)state;
	write_script("printf late >&3");
	who_ask(who, 1006, handle_found, &gone);
	who_ask(who, 1007, handle_found, &kept);
	who_forget(who, &gone);
	for (int i = 0; i < 1000 && !kept.said; i++)
		wl_event_loop_dispatch(monitor.loop, 20);
	assert_true(kept.said);
	assert_false(gone.said);
	/* With a question open. */
	write_script("exec sleep 100");
	who_ask(who, 1008, handle_found, &gone);
	who_destroy(who);
	assert_false(gone.said);
}

/* As many as are remembered, and one more. */
static void test_memory(void **state)
{
	struct who *who = create();

	(void)state;
	write_script("printf 'n%s' \"$1\" >&3");
	for (int turn = 0; turn < 2; turn++) {
		for (uid_t uid = 2000; uid < 2000 + WHO_KNOWN_MAX; uid++) {
			char name[16];

			snprintf(name, sizeof(name), "n%u", uid);
			ask(who, uid, name);
		}
		assert_int_equal(count_runs(), WHO_KNOWN_MAX);
	}
	ask(who, 3000, "n3000");
	ask(who, 2001, "n2001");
	assert_int_equal(count_runs(), WHO_KNOWN_MAX + 1);
	ask(who, 2000, "n2000");
	assert_int_equal(count_runs(), WHO_KNOWN_MAX + 2);
	/* And not for ever. */
	for (size_t i = 0; i < WHO_KNOWN_MAX; i++)
		who->known[i].until = clock_now() - 1;
	ask(who, 2010, "n2010");
	assert_int_equal(count_runs(), WHO_KNOWN_MAX + 3);
	who_destroy(who);
}

static int set_up(void **state)
{
	(void)state;
	log_init("test");
	log_set_level(LOG_ERROR);
	monitor.loop = wl_event_loop_create();
	if (!monitor.loop || !mkdtemp(folder))
		return -1;
	snprintf(script, sizeof(script), "%s/who", folder);
	snprintf(counter, sizeof(counter), "%s/count", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(script);
	(void)unlink(counter);
	wl_event_loop_destroy(monitor.loop);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),  cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_long),   cmocka_unit_test(test_late),
		cmocka_unit_test(test_forget), cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
