/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be told of a session's age without a monitor. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "monitor/age.h"

#define USEC_PER_DAY (UINT64_C(86400) * USEC_PER_SEC)

enum age_verdict age_judge(uint64_t now, uint64_t old_since, uint64_t told, int64_t days,
			   int64_t notice)
{
	uint64_t lead = (uint64_t)notice * USEC_PER_SEC;
	uint64_t end = old_since + (uint64_t)days * USEC_PER_DAY;

	if (days <= 0 || old_since == 0 || now + lead < end)
		return AGE_FINE;
	if (told == 0)
		return AGE_WARN;
	return now >= end && now >= told + lead ? AGE_END : AGE_FINE;
}

int age_parse(const char *text, const char *version, uint64_t *ret_since)
{
	size_t len = strlen(version);
	char digits[32];
	int64_t since;

	if (strncmp(text, version, len) != 0 || text[len] != ' ')
		return -EINVAL;
	text += len + 1;
	len = strcspn(text, "\n");
	if (len == 0 || len >= sizeof(digits) || !str_eq(text + len, "\n"))
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (str_to_int(digits, 1, INT64_MAX, &since) < 0)
		return -EINVAL;
	*ret_since = (uint64_t)since;
	return 0;
}
