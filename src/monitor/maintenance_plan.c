/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/maintenance_plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define HEAD "lazaret-maintenance 1\n"

static const char *const sentences[] = {
	[CONF_LANGUAGE_EN] = "The system is being maintained. Please try again later.",
	[CONF_LANGUAGE_DE] = "Das System wird gewartet. Bitte versuchen Sie es später noch einmal.",
};

/* --- times ------------------------------------------------------------------------------------ */

static bool number(const char **text, size_t digits, int max, char end, int *ret_number)
{
	const char *s = *text;

	*ret_number = 0;
	for (size_t i = 0; i < digits; i++, s++) {
		if (*s < '0' || *s > '9')
			return false;
		*ret_number = *ret_number * 10 + (*s - '0');
	}
	if (*s != end || *ret_number > max)
		return false;
	*text = *s ? s + 1 : s;
	return true;
}

/* What mktime(3) has to move is a day or a time that there is not. */
static time_t time_of(struct tm tm)
{
	struct tm made = tm;
	time_t when;

	made.tm_isdst = -1;
	when = mktime(&made);
	return made.tm_mday == tm.tm_mday && made.tm_mon == tm.tm_mon &&
			       made.tm_hour == tm.tm_hour && made.tm_min == tm.tm_min
		       ? when
		       : (time_t)-1;
}

static time_t next_time_of_day(struct tm tm, time_t now)
{
	time_t when = time_of(tm);
	struct tm tomorrow;

	if (when > now)
		return when;
	/* The day may be the last one of a month. */
	tm.tm_mday++;
	tomorrow = tm;
	tomorrow.tm_isdst = -1;
	if (mktime(&tomorrow) == (time_t)-1)
		return (time_t)-1;
	tm.tm_mday = tomorrow.tm_mday;
	tm.tm_mon = tomorrow.tm_mon;
	tm.tm_year = tomorrow.tm_year;
	return time_of(tm);
}

static bool read_day(const char **text, struct tm *tm)
{
	if (!number(text, 4, 9999, '-', &tm->tm_year) || !number(text, 2, 12, '-', &tm->tm_mon))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return number(text, 2, 31, ' ', &tm->tm_mday) || number(text, 2, 31, 'T', &tm->tm_mday);
}

int maintenance_parse_time(const char *text, time_t now, uint64_t *ret_at)
{
	bool has_day = strlen(text) > 5;
	struct tm tm;
	time_t when;

	if (!localtime_r(&now, &tm))
		return -EINVAL;
	tm.tm_sec = 0;
	if ((has_day && !read_day(&text, &tm)) || !number(&text, 2, 23, ':', &tm.tm_hour) ||
	    !number(&text, 2, 59, '\0', &tm.tm_min))
		return -EINVAL;
	when = has_day ? time_of(tm) : next_time_of_day(tm, now);
	if (when == (time_t)-1)
		return -EINVAL;
	if (when <= now || when - now > MAINTENANCE_MINUTES_MAX * 60)
		return -ERANGE;
	*ret_at = (uint64_t)when * USEC_PER_SEC;
	return 0;
}

/* --- words ------------------------------------------------------------------------------------ */

static int take_at(const char *text, uint64_t wall, struct maintenance_plan *plan,
		   const char **ret_why)
{
	int r = maintenance_parse_time(text, (time_t)(wall / USEC_PER_SEC), &plan->at);

	plan->by_clock = true;
	if (r == -ERANGE)
		*ret_why = "the time of --at is past, or more than 30 days away";
	else if (r < 0)
		*ret_why = "--at needs a time of this host as 14:30 or \"2027-01-31 14:30\"";
	return r;
}

static int take_in(const char *text, uint64_t wall, struct maintenance_plan *plan,
		   const char **ret_why)
{
	int64_t minutes;

	if (str_to_int(text, 0, MAINTENANCE_MINUTES_MAX, &minutes) < 0) {
		*ret_why = "--in needs a number of minutes up to 43200";
		return -EINVAL;
	}
	plan->at = wall + (uint64_t)minutes * 60 * USEC_PER_SEC;
	return 0;
}

static int take_sentence(size_t n, const char *const *words, enum conf_language language,
			 struct maintenance_plan *plan, const char **ret_why)
{
	char text[MAINTENANCE_SENTENCE_MAX + 1];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "",
					words[i]);
		if (len >= sizeof(text)) {
			*ret_why = "the sentence is longer than 300 bytes";
			return -EINVAL;
		}
	}
	if (len == 0 || str_sanitize(plan->sentence, sizeof(plan->sentence), text, len) == 0)
		(void)str_copy(plan->sentence, sizeof(plan->sentence), sentences[language]);
	return 0;
}

int maintenance_parse(size_t n, const char *const *arguments, uint64_t wall,
		      enum conf_language language, struct maintenance_plan *ret_plan,
		      const char **ret_why)
{
	struct maintenance_plan plan = {.at = wall};
	size_t used = 0;
	int r = 0;

	if (n > 0 && strncmp(arguments[0], "-", 1) == 0) {
		bool at = str_eq(arguments[0], "--at"), in = str_eq(arguments[0], "--in");

		used = 2;
		*ret_why = "only --at TIME or --in MINUTES may stand before the sentence";
		if ((!at && !in) || n < 2)
			return -EINVAL;
		r = at ? take_at(arguments[1], wall, &plan, ret_why)
		       : take_in(arguments[1], wall, &plan, ret_why);
	}
	if (r == 0)
		r = take_sentence(n - used, arguments + used, language, &plan, ret_why);
	if (r == 0)
		*ret_plan = plan;
	return r < 0 ? -EINVAL : 0;
}

/* --- the file --------------------------------------------------------------------------------- */

void maintenance_put(const struct maintenance_plan *plan, char *out)
{
	snprintf(out, MAINTENANCE_FILE_MAX, HEAD "%llu\n%d %d\n%s\n%s\n",
		 (unsigned long long)plan->at, plan->by_clock, plan->active, plan->by,
		 plan->sentence);
}

/* The line at `*text`, which it is moved behind: false if it is none that fits. */
static bool line(const char **text, char *out, size_t size)
{
	size_t len = strcspn(*text, "\n");

	if ((*text)[len] != '\n' || len >= size)
		return false;
	memcpy(out, *text, len);
	out[len] = '\0';
	*text += len + 1;
	return true;
}

int maintenance_get(const char *text, struct maintenance_plan *ret_plan)
{
	struct maintenance_plan plan = {0};
	char at[24], flags[4];
	int64_t when;

	if (strncmp(text, HEAD, strlen(HEAD)) != 0)
		return -EINVAL;
	text += strlen(HEAD);
	if (!line(&text, at, sizeof(at)) || !line(&text, flags, sizeof(flags)) ||
	    !line(&text, plan.by, sizeof(plan.by)) ||
	    !line(&text, plan.sentence, sizeof(plan.sentence)) || *text || !plan.sentence[0] ||
	    str_to_int(at, 0, INT64_MAX, &when) < 0 || strlen(flags) != 3 || flags[1] != ' ' ||
	    !str_utf8_valid(plan.sentence, strlen(plan.sentence)))
		return -EINVAL;
	plan.at = (uint64_t)when;
	plan.by_clock = flags[0] == '1';
	plan.active = flags[2] == '1';
	*ret_plan = plan;
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */

void maintenance_notice(const struct maintenance_plan *plan, int64_t minutes,
			enum conf_language language, char *out, size_t size)
{
	if (language == CONF_LANGUAGE_DE)
		snprintf(out, size, "In %lld Minute%s endet Ihre Sitzung: %s", (long long)minutes,
			 minutes == 1 ? "" : "n", plan->sentence);
	else
		snprintf(out, size, "Your session ends in %lld minute%s: %s", (long long)minutes,
			 minutes == 1 ? "" : "s", plan->sentence);
}
