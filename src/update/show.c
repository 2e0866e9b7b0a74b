/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known, and what the schedule is. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/schedule.h"
#include "update/limits.h"
#include "update/work.h"

#define TIME_TEXT_MAX 64

static const struct {
	const char *what, *key, *last;
	enum conf_id option;
} plans[] = {
	{"download", "schedule-download", "scheduled-download", CONF_UPDATE_DOWNLOAD_AT},
	{"install", "schedule-install", "scheduled-install", CONF_UPDATE_INSTALL_AT},
};

int work_fail(const struct work *work, const char *what, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	json_object *error = json_object_new_object();
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		text = NULL;
	for (; text && n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '); n--)
		text[n - 1] = '\0';
	fprintf(work->err, "lazaretctl: %s\n", text ? text : strerror(ENOMEM));
	log_event(LOG_WARN, "update.failed", LOG_STR("what", what),
		  LOG_STR("reason", text ? text : ""));
	json_object_object_add(error, "what", json_object_new_string(what));
	json_object_object_add(error, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(error, "reason", json_object_new_string(text ? text : ""));
	store_set(work->store, "error", error);
	(void)!store_save(work->store);
	return WORK_FAILED;
}

static const char *format_time(int64_t seconds, char *out)
{
	time_t at = (time_t)seconds;
	struct tm tm;

	if (seconds <= 0 || !localtime_r(&at, &tm) ||
	    strftime(out, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S %z", &tm) == 0)
		str_copy(out, TIME_TEXT_MAX, "never");
	return out;
}

/* --- the schedule ----------------------------------------------------------------------------- */

/* What was said by command counts before what is configured. */
static const char *schedule_text(const struct store *store, size_t i)
{
	const char *said = store_str(store, plans[i].key);

	return said[0] ? said : conf_str(store->conf, plans[i].option);
}

static bool schedule_of(const struct store *store, size_t i, struct schedule *ret_schedule)
{
	return schedule_parse(schedule_text(store, i), ret_schedule);
}

static json_object *schedule_json(const struct store *store, size_t i)
{
	const char *text = schedule_text(store, i);
	json_object *object = json_object_new_object();
	struct schedule schedule;

	json_object_object_add(object, "at", json_object_new_string(text));
	json_object_object_add(object, "by-command",
			       json_object_new_boolean(store_str(store, plans[i].key)[0] != '\0'));
	if (schedule_of(store, i, &schedule))
		json_object_object_add(object, "next",
				       json_object_new_int64(schedule_next(&schedule, time(NULL))));
	return object;
}

static void print_schedule(const struct work *work)
{
	char text[TIME_TEXT_MAX];
	struct schedule schedule;

	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		const char *by = store_str(work->store, plans[i].key)[0] ? ", by command" : "";

		if (schedule_of(work->store, i, &schedule))
			fprintf(work->out, "%s: %s%s, next %s\n", plans[i].what,
				schedule_text(work->store, i), by,
				format_time(schedule_next(&schedule, time(NULL)), text));
		else
			fprintf(work->out, "%s: not by itself%s\n", plans[i].what, by);
	}
}

static int set_schedule(const struct work *work, size_t i, const char *text)
{
	struct schedule schedule;
	int r;

	if (str_eq(text, "default")) {
		store_drop(work->store, plans[i].key);
	} else if (str_eq(text, "off") || schedule_parse(text, &schedule)) {
		store_set_str(work->store, plans[i].key, text);
	} else {
		fprintf(work->err,
			"lazaretctl: \"%s\" is no time: write it as \"02:30\", \"sun 02:30\" or "
			"\"mon,thu 22:00\", or off, or default for what the configuration says\n",
			text);
		return WORK_USAGE;
	}
	/* From now on, and not for a time that was before. */
	store_set_now(work->store, plans[i].last);
	r = store_save(work->store);
	if (r < 0)
		return work_fail(work, "schedule", "%s", strerror(-r));
	print_schedule(work);
	return WORK_DONE;
}

int work_schedule(const struct work *work, size_t n, char *const *arguments)
{
	if (n == 0) {
		print_schedule(work);
		return WORK_DONE;
	}
	for (size_t i = 0; n == 2 && i < ARRAY_LEN(plans); i++) {
		if (str_eq(plans[i].what, arguments[0]))
			return set_schedule(work, i, arguments[1]);
	}
	fputs("lazaretctl: usage: lazaretctl update schedule [download|install TIME|off|default]\n",
	      work->err);
	return WORK_USAGE;
}

/* Whether a time has come that nothing was done for; it counts as done from here on. */
static bool is_due(const struct work *work, size_t i)
{
	struct schedule schedule;
	time_t now = time(NULL), last;

	if (!schedule_of(work->store, i, &schedule))
		return false;
	last = schedule_last(&schedule, now);
	if (last <= store_int(work->store, plans[i].last) || now - last > SCHEDULE_GRACE)
		return false;
	store_set(work->store, plans[i].last, json_object_new_int64(last));
	return store_save(work->store) == 0;
}

/* One that was taken back, or has failed, is not tried again by itself. */
static bool is_held(const struct work *work, const struct changes *plan)
{
	json_object *held = store_get(work->store, "held");
	size_t n = held ? json_object_array_length(held) : 0;

	for (size_t i = 0; i < plan->n; i++) {
		char text[600];

		snprintf(text, sizeof(text), "%s %s", plan->items[i].package,
			 plan->items[i].to ? plan->items[i].to : "");
		for (size_t k = 0; k < n; k++) {
			if (str_eq(json_object_get_string(json_object_array_get_idx(held, k)),
				   text))
				return true;
		}
	}
	return false;
}

static int install_due(const struct work *work)
{
	_cleanup_changes_ struct changes plan = {0};

	if (work_plan(work, &plan) < 0)
		return WORK_DONE;
	if (is_held(work, &plan))
		return work_fail(work, "install",
				 "a version that has failed or was taken back is not installed by "
				 "itself again: lazaretctl update install does, or a newer one");
	return work_install(work);
}

int work_due(const struct work *work)
{
	int status = WORK_DONE;

	if (conf_int(work->store->conf, CONF_UPDATE_METHOD) == CONF_UPDATE_METHOD_OFF)
		return WORK_DONE;
	if (is_due(work, 0)) {
		status = work_check(work);
		if (status == WORK_DONE)
			status = work_download(work);
	}
	if (is_due(work, 1))
		status = MAX(status, install_due(work));
	return status;
}

/* --- status ----------------------------------------------------------------------------------- */

static int print_json(const struct work *work)
{
	static const char *const keys[] = {"checked", "downloaded", "installed", "undone",
					   "error",   "plan",       "kept-back", "previous",
					   "held",    "running"};
	json_object *object = json_object_new_object();

	json_object_object_add(
		object, "method",
		json_object_new_string(conf_word(work->store->conf, CONF_UPDATE_METHOD)));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		json_object *value = store_get(work->store, keys[i]);

		if (value)
			json_object_object_add(object, keys[i], json_object_get(value));
	}
	for (size_t i = 0; i < ARRAY_LEN(plans); i++)
		json_object_object_add(object, plans[i].key, schedule_json(work->store, i));
	fprintf(work->out, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	return WORK_DONE;
}

static void print_error(const struct work *work)
{
	json_object *error = store_get(work->store, "error"), *what = NULL, *at = NULL, *why = NULL;
	char text[TIME_TEXT_MAX];

	if (!error)
		return;
	(void)json_object_object_get_ex(error, "what", &what);
	(void)json_object_object_get_ex(error, "time", &at);
	(void)json_object_object_get_ex(error, "reason", &why);
	fprintf(work->out, "last error:  %s, %s: %s\n",
		format_time(json_object_get_int64(at), text), json_object_get_string(what),
		json_object_get_string(why));
}

int work_status(const struct work *work)
{
	static const char *const times[] = {"checked", "downloaded", "installed", "undone"};
	_cleanup_changes_ struct changes plan = {0}, previous = {0};
	char text[TIME_TEXT_MAX];

	if (work->json)
		return print_json(work);
	fprintf(work->out, "method:      %s\n", conf_word(work->store->conf, CONF_UPDATE_METHOD));
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		fprintf(work->out, "%-10s   %s\n", times[i],
			format_time(store_int(work->store, times[i]), text));
	print_error(work);
	if (store_get(work->store, "running"))
		fputs("An installation is being done, or was cut off and is taken back at the next "
		      "command.\n",
		      work->out);
	print_schedule(work);
	if (work_plan(work, &plan) == 0) {
		fprintf(work->out, "To be installed, %s:\n",
			work->store->dir >= 0 && work_plan_is_here(work, &plan) ? "downloaded"
										: "not downloaded");
		changes_print(&plan, work->out);
	}
	if (changes_from_json(store_get(work->store, "previous"), &previous) == 0 &&
	    previous.n > 0) {
		fputs("Installed last; lazaretctl update undo takes it back:\n", work->out);
		changes_print(&previous, work->out);
	}
	return WORK_DONE;
}
