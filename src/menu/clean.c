/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "menu/clean.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

char *clean_lines(const char *text, size_t len)
{
	/* What is not UTF-8 grows from one byte to three. */
	size_t size = 3 * len + 2, at = 0;
	char *out = malloc(size);

	if (!out)
		return NULL;
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		at += str_sanitize(out + at, size - at, text, n);
		if (end)
			out[at++] = '\n';
		n += end != NULL;
		text += n;
		len -= n;
	}
	out[at] = '\0';
	return out;
}

char *clean_steal(char *text)
{
	char *clean = text ? clean_lines(text, strlen(text)) : NULL;

	free(text);
	return clean;
}
