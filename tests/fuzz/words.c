/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line that somebody types at lazaret-admin, or sends as the command of ssh. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ssh/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct words words;
	char *line = malloc(size + 1);
	const char *why = NULL;

	if (!line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (words_split(&words, line, &why) < 0) {
		if (!why || why[0] == '\0')
			__builtin_trap();
	} else {
		if (words.n > WORDS_MAX || words.items[words.n])
			__builtin_trap();
		for (size_t i = 0; i < words.n; i++) {
			if (strlen(words.items[i]) > WORD_MAX)
				__builtin_trap();
		}
	}
	free(line);
	return 0;
}
