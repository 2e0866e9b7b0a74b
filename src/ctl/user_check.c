/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define DAY 86400L
#define YEAR_MIN 1970
#define YEAR_MAX 9999

const char *user_name_objection(const char *name)
{
	size_t len = strlen(name);

	if (len == 0)
		return "is missing";
	if (len > USER_NAME_MAX)
		return "is longer than 32 characters";
	if (!strchr(LOWER, name[0]))
		return "does not begin with a small letter a to z";
	if (strspn(name, LOWER DIGITS "._-") != len)
		return "has other characters than a to z, 0 to 9, dot, - and _";
	if (strstr(name, "..") || name[len - 1] == '.' || name[len - 1] == '-')
		return "has two dots in a row, or ends with a dot or -";
	return NULL;
}

const char *user_full_name_objection(const char *name)
{
	size_t len = strlen(name);

	if (len > USER_FULL_NAME_MAX)
		return "is longer than 128 bytes";
	if (!str_utf8_valid(name, len))
		return "is not UTF-8";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];
		/* C1, and what changes the direction of writing or ends a line elsewhere. */
		bool is_mark = c == 0xe2 && (unsigned char)name[i + 1] == 0x80 &&
			       (unsigned char)name[i + 2] >= 0xa8 &&
			       (unsigned char)name[i + 2] <= 0xae;

		if (c < ' ' || c == 0x7f || is_mark ||
		    (c == 0xc2 && (unsigned char)name[i + 1] < 0xa0))
			return "has a control character";
	}
	if (name[strcspn(name, ":,")])
		return "has a colon or comma, which separate the fields of an account's entry";
	if (name[0] && strchr("=+-@", name[0]))
		return "begins with a character that spreadsheets take for a formula";
	if (len > 0 && (name[0] == ' ' || name[len - 1] == ' '))
		return "begins or ends with a space";
	return NULL;
}

const char *user_hash_objection(const char *hash)
{
	static const char *const methods[] = {"$y$", "$gy$", "$7$", "$2b$", "$6$", "$5$"};
	size_t len = strlen(hash);

	if (len > USER_HASH_MAX)
		return "is longer than 256 characters";
	if (strspn(hash, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" LOWER DIGITS "./$=,") != len)
		return "is no hash as in /etc/shadow; plain passwords are not taken";
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (strncmp(hash, methods[i], strlen(methods[i])) == 0)
			return len < 20 ? "is a hash that was cut" : NULL;
	}
	return "is no hash of one of the methods $y$, $gy$, $7$, $2b$, $6$, $5$; plain passwords "
	       "are "
	       "not taken";
}

/* --- days ------------------------------------------------------------------------------------- */

static bool digits(const char *text, size_t n, int *ret_number)
{
	*ret_number = 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*ret_number = *ret_number * 10 + (text[i] - '0');
	}
	return true;
}

int user_date_parse(const char *text, long *ret_day)
{
	struct tm tm = {0};
	int year, month, day;
	time_t when;

	if (text[0] == '\0' || str_eq(text, "never")) {
		*ret_day = USER_NEVER;
		return 0;
	}
	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || !digits(text, 4, &year) ||
	    !digits(text + 5, 2, &month) || !digits(text + 8, 2, &day) || year < YEAR_MIN)
		return -EINVAL;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	when = timegm(&tm);
	/* The 31st of a month that has 30 becomes another day. */
	if (tm.tm_year != year - 1900 || tm.tm_mon != month - 1 || tm.tm_mday != day)
		return -EINVAL;
	*ret_day = when / DAY;
	return 0;
}

void user_date_format(long day, char *out)
{
	time_t when = day * DAY;
	struct tm tm;

	if (day < 0 || !gmtime_r(&when, &tm) || tm.tm_year + 1900 > YEAR_MAX)
		(void)str_copy(out, USER_DATE_MAX, "never");
	else
		(void)strftime(out, USER_DATE_MAX, "%Y-%m-%d", &tm);
}

long user_today(void)
{
	return (long)(clock_wall() / USEC_PER_SEC) / DAY;
}
