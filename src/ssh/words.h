/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A line into words, by rules of our own and no shell's. Blanks separate; between two ' or two "
 * everything is meant as it stands, blanks and the other quote too. Nothing else has a meaning: no
 * backslash, no variable, no pattern, no second command.
 */
#ifndef LAZARET_SSH_WORDS_H
#define LAZARET_SSH_WORDS_H

#include <stddef.h>

#include "base/attr.h"

/* As many and as long as the control socket takes. */
#define WORDS_MAX 16
#define WORD_MAX 512
#define WORDS_LINE_MAX 8192

struct words {
	size_t n;
	char *items[WORDS_MAX + 1]; /* NULL behind the last one; into `storage` */
	char storage[WORDS_LINE_MAX + WORDS_MAX + 1];
};

/*
 * 0, or -EINVAL with *ret_why: what is wrong, and what to do. An empty line has no words.
 * Control characters and what is not UTF-8 are refused.
 */
NODISCARD int words_split(struct words *words, const char *line, const char **ret_why);

#endif
