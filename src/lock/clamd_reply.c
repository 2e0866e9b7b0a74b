/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/clamd_reply.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"

#define LIMIT "Heuristics.Limits.Exceeded"

static bool ends_with(const char *text, size_t len, const char *end, size_t *ret_rest)
{
	size_t n = strlen(end);

	if (len < n || memcmp(text + len - n, end, n) != 0)
		return false;
	*ret_rest = len - n;
	return true;
}

int clamd_reply_scan(const char *text, size_t len, struct check_scan *ret_scan)
{
	const char *colon = memmem(text, len, ": ", 2);
	struct check_scan scan = {0};
	const char *rest;
	size_t n;

	if (!colon || memchr(text, '\0', len))
		return -EPROTO;
	rest = colon + 2;
	len -= (size_t)(rest - text);
	if (len == 2 && memcmp(rest, "OK", 2) == 0)
		scan.state = CHECK_SCAN_CLEAN;
	else if (ends_with(rest, len, " FOUND", &n) && n > 0)
		scan.state = n >= sizeof(LIMIT) - 1 && !memcmp(rest, LIMIT, sizeof(LIMIT) - 1)
				     ? CHECK_SCAN_TOO_LARGE
				     : CHECK_SCAN_FOUND;
	else if (ends_with(rest, len, " ERROR", &n))
		scan.state = CHECK_SCAN_FAILED;
	else
		return -EPROTO;
	if (scan.state != CHECK_SCAN_CLEAN)
		str_sanitize(scan.text, sizeof(scan.text), rest, n);
	*ret_scan = scan;
	return 0;
}

/* 0: it is no date. */
static uint64_t read_date(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%a %b %d %H:%M:%S %Y", &tm);
	time_t t = end && *end == '\0' ? timegm(&tm) : -1;

	return t > 0 ? (uint64_t)t * USEC_PER_SEC : 0;
}

int clamd_reply_version(const char *text, size_t len, struct clamd_version *ret_version)
{
	struct clamd_version version = {0};
	const char *slash;

	if (len < 7 || memcmp(text, "ClamAV ", 7) != 0 || memchr(text, '\0', len))
		return -EPROTO;
	str_sanitize(version.text, sizeof(version.text), text, len);
	slash = strchr(version.text, '/');
	slash = slash ? strchr(slash + 1, '/') : NULL;
	if (slash)
		version.signed_at = read_date(slash + 1);
	*ret_version = version;
	return 0;
}
