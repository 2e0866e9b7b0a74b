/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line that an administrator hands in as his public key. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ctl/public_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct public_key key, again;
	static char line[2 * PUBLIC_KEY_LINE_MAX];
	const char *why;
	int len;

	if (public_key_parse((const char *)data, size, &key, &why) < 0) {
		if (!why || !why[0])
			__builtin_trap();
		return 0;
	}
	if (key.bits < 256 || strpbrk(key.data, " \t\r\n\"") || strpbrk(key.comment, "\r\n"))
		__builtin_trap();
	if (!str_utf8_valid(key.comment, strlen(key.comment)))
		__builtin_trap();
	/* What is written into a file of keys is the same key again. */
	len = snprintf(line, sizeof(line), "%s %s %s\n", key.type, key.data, key.comment);
	if (public_key_parse(line, (size_t)len, &again, &why) < 0 || again.bits != key.bits ||
	    !str_eq(again.data, key.data) || !str_eq(again.type, key.type))
		__builtin_trap();
	return 0;
}
