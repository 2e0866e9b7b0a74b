/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maintenance: when it is, what users see before, what survives; with a clock that we set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <wayland-server-core.h>

#include "base/clock.h"

#define SECOND ((uint64_t)1000000)
static uint64_t wall = 1800000000 * SECOND, steady = 1000 * SECOND;

static uint64_t fake_wall(void)
{
	return wall;
}

static uint64_t fake_now(void)
{
	return steady;
}

/* What the timer is set to; 0: it rests. */
static int timer_ms;
static int fake_timer(struct wl_event_source *source, int ms)
{
	(void)source;
	timer_ms = ms;
	return 0;
}

struct process;
struct buf;
static void fake_send(struct process *process, int type, const struct buf *body, const int *fds,
		      size_t n_fds);

#define clock_wall fake_wall
#define clock_now fake_now
#define wl_event_source_timer_update fake_timer
#include "ipc/process.h"
#define process_send fake_send

#include "monitor/maintenance.c"

static struct monitor monitor = {.phase = MONITOR_SERVING, .sandbox_proven = true};
static struct session sessions[3];
static char state[] = "/tmp/lazaret-maintenance-XXXXXX", said[REASON_MAX];
static unsigned int sent, ended, parked;

static void fake_send(struct process *process, int type, const struct buf *body, const int *fds,
		      size_t n_fds)
{
	struct cursor c = cursor_over(buf_data(body), buf_len(body));
	char *text = cursor_str(&c, REASON_MAX);

	(void)process;
	(void)fds;
	(void)n_fds;
	assert_int_equal(type, IPC_SESSION_NOTICE);
	(void)str_copy(said, sizeof(said), text);
	free(text);
	sent++;
}

void session_end(struct session *session, const char *reason)
{
	session->ending = true;
	(void)str_copy(said, sizeof(said), reason);
	ended++;
}

size_t session_count(const struct monitor *of)
{
	(void)of;
	return 2;
}

void login_park(struct monitor *of)
{
	(void)of;
	parked++;
}

/* --- words and files -------------------------------------------------------------------------- */

static void assert_time(const char *text, time_t now, time_t expected)
{
	uint64_t at = 0;

	assert_int_equal(maintenance_parse_time(text, now, &at), 0);
	assert_int_equal(at / SECOND, expected);
}

static void test_times(void **unused)
{
	static const char *const bad[] = {"",
					  "1430",
					  "24:00",
					  "14:60",
					  "14:3",
					  "-1:30",
					  "14:30x",
					  "now",
					  "2027-02-30 10:00",
					  "2027-02-10",
					  "2027-02-10_10:00",
					  "27-02-10 10:00"};
	const time_t noon = 1800014400; /* 2027-01-15 12:00 UTC */
	uint64_t at;

	(void)unused;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_time("12:01", noon, noon + 60);
	/* Now is tomorrow; and the month has its end. */
	assert_time("12:00", noon, noon + 86400);
	assert_time("00:00", noon, noon + 43200);
	assert_time("00:00", noon + 16 * 86400, noon + 16 * 86400 + 43200);
	assert_time("2027-01-31 14:30", noon, noon + 16 * 86400 + 9000);
	assert_time("2027-01-31T14:30", noon, noon + 16 * 86400 + 9000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(maintenance_parse_time(bad[i], noon, &at), -EINVAL);
	assert_int_equal(maintenance_parse_time("2027-01-15 12:00", noon, &at), -ERANGE);
	assert_time("2027-02-14 12:00", noon, noon + 30 * 86400);
	assert_int_equal(maintenance_parse_time("2027-02-14 12:01", noon, &at), -ERANGE);
	/* In the spring an hour is missing. */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_int_equal(maintenance_parse_time("2027-03-28 02:30", noon + 60 * 86400, &at),
			 -EINVAL);
	assert_time("2027-03-28 03:30", noon + 60 * 86400, 1806197400);
	setenv("TZ", "UTC", 1);
	tzset();
}

static const char *parse(size_t n, const char *const *words, struct maintenance_plan *plan)
{
	const char *why = "";

	return maintenance_parse(n, words, wall, CONF_LANGUAGE_EN, plan, &why) < 0 ? why : NULL;
}

static void test_words(void **unused)
{
	char longest[MAINTENANCE_SENTENCE_MAX + 2];
	struct maintenance_plan plan;

	(void)unused;
	assert_null(parse(0, NULL, &plan));
	assert_true(plan.at == wall);
	assert_non_null(strstr(plan.sentence, "being maintained"));
	assert_null(parse(4, (const char *[]){"--in", "10", "Back", "soon\n."}, &plan));
	assert_string_equal(plan.sentence, "Back soon .");
	assert_true(plan.at == wall + 600 * SECOND);
	assert_false(plan.by_clock);
	assert_non_null(parse(2, (const char *[]){"--in", "43201"}, &plan));
	assert_null(parse(2, (const char *[]){"--in", "43200"}, &plan));
	assert_non_null(parse(2, (const char *[]){"--in", "-1"}, &plan));
	assert_non_null(parse(1, (const char *[]){"--in"}, &plan));
	assert_non_null(parse(2, (const char *[]){"--at", "x"}, &plan));
	assert_non_null(parse(2, (const char *[]){"--off", "x"}, &plan));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[MAINTENANCE_SENTENCE_MAX + 1] = '\0';
	assert_non_null(parse(1, (const char *[]){longest}, &plan));
	longest[MAINTENANCE_SENTENCE_MAX] = '\0';
	assert_null(parse(1, (const char *[]){longest}, &plan));
}

static void test_file(void **unused)
{
	struct maintenance_plan plan = {.at = 1234567,
					.by_clock = true,
					.by = "anna",
					.sentence = "Back at 3"},
				got;
	char text[MAINTENANCE_FILE_MAX], part[MAINTENANCE_FILE_MAX + 2];

	(void)unused;
	maintenance_put(&plan, text);
	assert_int_equal(maintenance_get(text, &got), 0);
	assert_true(got.at == plan.at && got.by_clock && !got.active);
	assert_string_equal(got.by, "anna");
	assert_string_equal(got.sentence, "Back at 3");
	for (size_t n = 0; n < strlen(text); n++) {
		snprintf(part, sizeof(part), "%.*s", (int)n, text);
		assert_int_equal(maintenance_get(part, &got), -EINVAL);
	}
	snprintf(part, sizeof(part), "%sx", text);
	assert_int_equal(maintenance_get(part, &got), -EINVAL);
}

/* --- what comes of it ------------------------------------------------------------------------- */

static void take_answer(void *data, const struct buf *body)
{
	struct cursor c = cursor_over(buf_data(body), buf_len(body));

	*(int *)data = cursor_u8(&c);
}

static int ask(void (*run)(const struct command_call *call), size_t n, const char *const *words)
{
	struct caller caller = {.name = "anna"};
	int kind = -1;

	run(&(struct command_call){.monitor = &monitor,
				   .caller = &caller,
				   .arguments = words,
				   .n_arguments = n,
				   .answer = take_answer,
				   .data = &kind});
	return kind;
}

static void pass(uint64_t seconds)
{
	wall += seconds * SECOND;
	steady += seconds * SECOND;
	look(monitor.maintenance);
}

static void restart(void)
{
	maintenance_destroy(monitor.maintenance);
	assert_int_equal(maintenance_create(&monitor, &monitor.maintenance), 0);
}

static void start(void)
{
	wl_list_init(&monitor.sessions);
	for (size_t i = 0; i < ARRAY_LEN(sessions); i++) {
		sessions[i] = (struct session){
			.phase = SESSION_RUNNING, .uid = i, .parked = i == 0};
		wl_list_insert(&monitor.sessions, &sessions[i].link);
	}
	sent = ended = parked = 0;
	said[0] = '\0';
	assert_int_equal(maintenance_create(&monitor, &monitor.maintenance), 0);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_OFF);
}

static void stop(void)
{
	assert_int_equal(ask(maintenance_run_off, 0, NULL), ANSWER_DONE);
	maintenance_destroy(monitor.maintenance);
	monitor.maintenance = NULL;
}

/* Nothing, then the minutes, then the end of all; users' sessions only see the notice. */
static void test_course(void **unused)
{
	(void)unused;
	start();
	assert_int_equal(ask(maintenance_run_on, 3, (const char *[]){"--in", "20", "Later."}),
			 ANSWER_DONE);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_PLANNED);
	assert_int_equal(sent, 0);
	pass(5 * 60 - 1);
	assert_int_equal(sent, 0);
	assert_true(timer_ms <= 1001);
	pass(1);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_ANNOUNCED);
	assert_int_equal(sent, 2);
	assert_string_equal(said, "Your session ends in 15 minutes: Later.");
	pass(30);
	assert_int_equal(sent, 2);
	pass(31);
	assert_int_equal(sent, 4);
	assert_string_equal(said, "Your session ends in 14 minutes: Later.");
	maintenance_greet(monitor.maintenance, &sessions[1]);
	assert_int_equal(sent, 5);
	pass(13 * 60);
	assert_string_equal(said, "Your session ends in 1 minute: Later.");
	assert_int_equal(ended, 0);
	pass(59);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_ON);
	assert_int_equal(ended, 3);
	assert_string_equal(said, "Later.");
	stop();
	assert_int_equal(parked, 2);
}

/* Given up, the notice goes away; said again, it is another one. */
static void test_changed(void **unused)
{
	(void)unused;
	start();
	assert_int_equal(ask(maintenance_run_on, 2, (const char *[]){"--in", "2"}), ANSWER_DONE);
	assert_int_equal(sent, 2);
	assert_int_equal(ask(maintenance_run_on, 3, (const char *[]){"--in", "2", "Oh."}),
			 ANSWER_DONE);
	assert_int_equal(sent, 4);
	assert_string_equal(said, "Your session ends in 2 minutes: Oh.");
	assert_int_equal(ask(maintenance_run_on, 2, (const char *[]){"--in", "60"}), ANSWER_DONE);
	assert_string_equal(said, "");
	assert_int_equal(ask(maintenance_run_on, 2, (const char *[]){"--in", "x"}), ANSWER_FAILED);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_PLANNED);
	stop();
	assert_int_equal(ended, 0);
}

/* The next monitor knows it: what was planned, what is announced, and what has begun. */
static void test_restart(void **unused)
{
	(void)unused;
	start();
	assert_int_equal(ask(maintenance_run_on, 3, (const char *[]){"--in", "10", "Later."}),
			 ANSWER_DONE);
	pass(60);
	sent = 0;
	restart();
	assert_int_equal(sent, 2);
	assert_string_equal(said, "Your session ends in 9 minutes: Later.");
	wall += 3600 * SECOND;
	restart();
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_ON);
	assert_int_equal(ended, 3);
	/* Begun it stays, wherever the clock is set to. */
	wall -= 7200 * SECOND;
	restart();
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_ON);
	stop();
	restart();
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_OFF);
	maintenance_destroy(monitor.maintenance);
}

/* Minutes are minutes whatever the clock does; a time of day is the clock's. */
static void test_clock(void **unused)
{
	char at[8];
	time_t soon = (time_t)(wall / SECOND) + 3600;

	(void)unused;
	start();
	assert_int_equal(ask(maintenance_run_on, 2, (const char *[]){"--in", "60"}), ANSWER_DONE);
	wall += 7200 * SECOND;
	pass(0);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_PLANNED);
	wall -= 7200 * SECOND;
	strftime(at, sizeof(at), "%H:%M", gmtime(&soon));
	assert_int_equal(ask(maintenance_run_on, 2, (const char *[]){"--at", at}), ANSWER_DONE);
	pass(0);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_PLANNED);
	/* That it was set is seen soon, for we look often. */
	assert_true(timer_ms <= 10000);
	wall += 3300 * SECOND;
	pass(0);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_ANNOUNCED);
	wall -= 3300 * SECOND;
	pass(0);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_PLANNED);
	assert_string_equal(said, "");
	wall += 3700 * SECOND;
	pass(0);
	assert_int_equal(ended, 3);
	stop();
}

/* What is in the file is no plan: said, and no plan. What cannot be kept does not hold. */
static void test_unkept(void **unused)
{
	char path[128], aside[128];
	FILE *file;

	(void)unused;
	snprintf(path, sizeof(path), "%s/maintenance", state);
	snprintf(aside, sizeof(aside), "%s.aside", state);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("nonsense\n", file);
	assert_int_equal(fclose(file), 0);
	start();
	assert_int_equal(rename(state, aside), 0);
	assert_int_equal(ask(maintenance_run_on, 0, NULL), ANSWER_FAILED);
	assert_int_equal(maintenance_phase(monitor.maintenance), MAINTENANCE_OFF);
	assert_int_equal(ended, 0);
	assert_int_equal(rename(aside, state), 0);
	assert_int_equal(ask(maintenance_run_on, 0, NULL), ANSWER_DONE);
	assert_int_equal(ended, 3);
	stop();
	assert_int_not_equal(access(path, F_OK), 0);
}

static int set_up(void **unused)
{
	char text[128];

	(void)unused;
	log_init("test");
	setenv("TZ", "UTC", 1);
	tzset();
	monitor.loop = wl_event_loop_create();
	monitor.conf = conf_create();
	if (!monitor.loop || !monitor.conf || !mkdtemp(state))
		return -1;
	snprintf(text, sizeof(text), "state-directory = \"%s\"\n", state);
	return conf_read_text(monitor.conf, "test", text, stderr);
}

static int tear_down(void **unused)
{
	(void)unused;
	conf_destroy(monitor.conf);
	wl_event_loop_destroy(monitor.loop);
	return rmdir(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),   cmocka_unit_test(test_words),
		cmocka_unit_test(test_file),    cmocka_unit_test(test_course),
		cmocka_unit_test(test_changed), cmocka_unit_test(test_restart),
		cmocka_unit_test(test_clock),   cmocka_unit_test(test_unkept),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
