/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands print, as the menu shows and reads it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "menu/arguments.h"
#include "menu/clean.h"
#include "menu/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing that could command a terminal, whatever came. */
static void check_clean(const char *text)
{
	size_t len = strlen(text);

	if (!str_utf8_valid(text, len))
		__builtin_trap();
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\n') || c == 0x7f)
			__builtin_trap();
		if (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct argument arguments[MENU_ARGUMENTS_MAX];
	char *text = clean_lines((const char *)data, size);
	char *value;
	int n;

	if (!text)
		return 0;
	check_clean(text);
	value = settings_find(text, "a = ");
	if (value && strchr(value, '\n'))
		__builtin_trap();
	free(value);
	n = arguments_parse(text, arguments);
	if (n > MENU_ARGUMENTS_MAX)
		__builtin_trap();
	free(text);
	return 0;
}
