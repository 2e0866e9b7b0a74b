/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list that a server, or whoever stands in between, sends: what it is, and its head. */
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "update/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct release release;
	int64_t seconds;

	(void)release_guise(text, size);
	if (release_parse_date(text, size, &seconds) == 0 && seconds < 0)
		__builtin_trap();
	if (release_parse(text, size, &release) < 0)
		return 0;
	if (release.date < 0 || !str_utf8_valid(release.label, strlen(release.label)) ||
	    !str_utf8_valid(release.suite, strlen(release.suite)))
		__builtin_trap();
	return 0;
}
