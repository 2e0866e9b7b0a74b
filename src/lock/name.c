/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/name.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

/* Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX #9, section 2). */
static bool is_direction(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

const char *name_objection(const char *name, size_t len)
{
	if (len == 0 || len > NAME_MAX)
		return "length";
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return "not a name";
	if (memchr(name, '/', len) || !str_utf8_valid(name, len))
		return "encoding";
	for (size_t at = 0; at < len;) {
		uint32_t c;
		size_t n = str_utf8_decode(name + at, len - at, &c);

		if (n == 0)
			return "encoding";
		if (is_control(c))
			return "control character";
		if (is_direction(c))
			return "direction override";
		at += n;
	}
	return NULL;
}
