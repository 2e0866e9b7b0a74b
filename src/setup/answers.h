/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lazaret-setup was told, and the configuration that comes of it. */
#ifndef LAZARET_SETUP_ANSWERS_H
#define LAZARET_SETUP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"

/* Bytes of a file of answers; words of a list; bytes of a value. */
#define ANSWERS_FILE_MAX (64 << 10)
#define ANSWERS_WORDS_MAX 64
#define ANSWERS_VALUE_MAX 4096

enum answer_id {
#define PAGE(title, text)
#define A(id, ...) ANSWER_##id,
#include "setup/answers.def"
#undef A
#undef PAGE
	ANSWERS_COUNT,
};

enum answer_kind { ANSWER_TEXT, ANSWER_LIST, ANSWER_SECRET, ANSWER_CHOICE };

struct answer_row {
	const char *page, *page_text; /* of the page that it stands on */
	const char *name;
	enum answer_kind kind;
	const char *given; /* the default; for a choice all words, with commas */
	const char *option; /* of lazaret.conf; "" for none */
	const char *label;
};

const struct answer_row *answer_row(enum answer_id id);

/* Texts; a secret among them is wiped at the end. */
struct answers {
	char *values[ANSWERS_COUNT];
};

/* The defaults. -ENOMEM. */
NODISCARD int answers_init(struct answers *answers);
void answers_finish(struct answers *answers);
NODISCARD int answers_set(struct answers *answers, enum answer_id id, const char *value);
static inline const char *answers_get(const struct answers *answers, enum answer_id id)
{
	return answers->values[id];
}

/*
 * Lines "name = value", and comments with #. What is wrong goes to `errors` with name and line; -EINVAL
 * then.
 */
NODISCARD int answers_parse(struct answers *answers, const char *file, const char *text,
			    FILE *errors);

/* The words of a list, separated by blanks and commas; the caller's to free with words_free(). */
struct answer_words {
	size_t n;
	char *items[ANSWERS_WORDS_MAX];
};
void answer_words(const char *value, struct answer_words *words);
void answer_words_finish(struct answer_words *words);

/* What needs no system to be found wrong, a line each to `errors`; -EINVAL. */
NODISCARD int answers_check(const struct answers *answers, FILE *errors);

/* lazaret.conf; the caller's. NULL: out of memory. */
char *answers_config(const struct answers *answers);

#endif
