/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/release.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"

#define SIGNED "-----BEGIN PGP SIGNED MESSAGE-----"

/* --- dates ------------------------------------------------------------------------------------ */

/* Digits at the start of what is left, within [min, max]. */
static bool take_number(const char **text, size_t *len, unsigned int digits, int min, int max,
			int *ret_value)
{
	int value = 0;
	unsigned int n = 0;

	while (n < digits && n < *len && isdigit((unsigned char)(*text)[n]))
		value = value * 10 + ((*text)[n++] - '0');
	if (n == 0 || value < min || value > max)
		return false;
	*text += n;
	*len -= n;
	*ret_value = value;
	return true;
}

static bool take(const char **text, size_t *len, const char *what)
{
	size_t n = strlen(what);

	if (*len < n || memcmp(*text, what, n) != 0)
		return false;
	*text += n;
	*len -= n;
	return true;
}

static bool take_month(const char **text, size_t *len, int *ret_month)
{
	static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

	for (int i = 0; i < 12; i++) {
		if (take(text, len, names[i])) {
			*ret_month = i;
			return true;
		}
	}
	return false;
}

static bool take_day_name(const char **text, size_t *len)
{
	static const char names[7][6] = {"Mon, ", "Tue, ", "Wed, ", "Thu, ",
					 "Fri, ", "Sat, ", "Sun, "};

	for (int i = 0; i < 7; i++) {
		if (take(text, len, names[i]))
			return true;
	}
	return false;
}

int release_parse_date(const char *text, size_t len, int64_t *ret_seconds)
{
	struct tm tm = {0};
	int year;

	if (!take_day_name(&text, &len) || !take_number(&text, &len, 2, 1, 31, &tm.tm_mday) ||
	    !take(&text, &len, " ") || !take_month(&text, &len, &tm.tm_mon) ||
	    !take(&text, &len, " ") || !take_number(&text, &len, 4, 1970, 9999, &year) ||
	    !take(&text, &len, " ") || !take_number(&text, &len, 2, 0, 23, &tm.tm_hour) ||
	    !take(&text, &len, ":") || !take_number(&text, &len, 2, 0, 59, &tm.tm_min) ||
	    !take(&text, &len, ":") || !take_number(&text, &len, 2, 0, 60, &tm.tm_sec))
		return -EPROTO;
	if (!take(&text, &len, " UTC") && !take(&text, &len, " GMT") &&
	    !take(&text, &len, " +0000"))
		return -EPROTO;
	if (len > 0)
		return -EPROTO;
	tm.tm_year = year - 1900;
	*ret_seconds = timegm(&tm);
	return 0;
}

/* --- fields ----------------------------------------------------------------------------------- */

struct fields {
	struct release release;
	bool has_date, has_until, has_sums;
};

static int set_name(char *out, const char *value, size_t len)
{
	if (out[0])
		return -EPROTO;
	str_sanitize(out, RELEASE_NAME_MAX, value, len);
	return 0;
}

static int set_date(bool *has, int64_t *out, const char *value, size_t len)
{
	if (*has)
		return -EPROTO;
	*has = true;
	return release_parse_date(value, len, out);
}

static int take_field(struct fields *fields, const char *name, size_t n_name, const char *value,
		      size_t n)
{
	struct release *release = &fields->release;
	char key[16];

	if (n_name == 0 || n_name >= sizeof(key))
		return 0;
	memcpy(key, name, n_name);
	key[n_name] = '\0';
	if (strcasecmp(key, "Date") == 0)
		return set_date(&fields->has_date, &release->date, value, n);
	if (strcasecmp(key, "Valid-Until") == 0)
		return set_date(&fields->has_until, &release->valid_until, value, n);
	if (strcasecmp(key, "Suite") == 0)
		return set_name(release->suite, value, n);
	if (strcasecmp(key, "Codename") == 0)
		return set_name(release->codename, value, n);
	if (strcasecmp(key, "Label") == 0)
		return set_name(release->label, value, n);
	if (strcasecmp(key, "SHA256") == 0)
		fields->has_sums = true;
	return 0;
}

static int take_line(struct fields *fields, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	const char *value;

	if (n == 0 || line[0] == ' ' || line[0] == '\t')
		return 0;
	if (!colon || memchr(line, '\0', n))
		return -EPROTO;
	value = colon + 1;
	while (value < line + n && (*value == ' ' || *value == '\t'))
		value++;
	while (n > 0 && line + n > value && (line[n - 1] == ' ' || line[n - 1] == '\r'))
		n--;
	return take_field(fields, line, (size_t)(colon - line), value, (size_t)(line + n - value));
}

int release_parse(const char *text, size_t len, struct release *ret_release)
{
	struct fields fields = {0};
	int r = 0;

	while (r == 0 && len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		r = take_line(&fields, text, n);
		text += end ? n + 1 : n;
		len -= end ? n + 1 : n;
	}
	if (r == 0 && (!fields.has_date || !fields.has_sums))
		r = -EPROTO;
	if (r == 0)
		*ret_release = fields.release;
	return r;
}

enum release_guise release_guise(const char *text, size_t len)
{
	static const char *const marks[] = {"<!doctype", "<html", "<head", "<body", "<script"};
	size_t head = len < 2048 ? len : 2048;

	if (len > strlen(SIGNED) && memcmp(text, SIGNED, strlen(SIGNED)) == 0)
		return RELEASE_SIGNED;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		size_t n = strlen(marks[i]);

		for (size_t k = 0; k + n <= head; k++) {
			if (strncasecmp(text + k, marks[i], n) == 0)
				return RELEASE_HTML;
		}
	}
	return RELEASE_OTHER;
}
