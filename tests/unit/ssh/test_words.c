/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/mem.h"
#include "ssh/words.h"

static struct words words;

/* `expected` has a | behind each word. */
static void assert_words(const char *line, const char *expected)
{
	char joined[2048] = "";
	const char *why;

	assert_int_equal(words_split(&words, line, &why), 0);
	for (size_t i = 0; i < words.n; i++) {
		size_t at = strlen(joined);

		snprintf(joined + at, sizeof(joined) - at, "%s|", words.items[i]);
	}
	assert_string_equal(joined, expected);
	assert_null(words.items[words.n]);
}

static void assert_refused(const char *line, const char *reason)
{
	const char *why;

	assert_int_equal(words_split(&words, line, &why), -EINVAL);
	assert_non_null(strstr(why, reason));
}

static void test_split(void **state)
{
	(void)state;
	assert_words("", "");
	assert_words(" \t ", "");
	assert_words("kick  alice\tnow ", "kick|alice|now|");
	assert_words("kick alice 'for a reason'", "kick|alice|for a reason|");
	assert_words("a\"b c\"d 'e\"f' \"g'h\" ''", "ab cd|e\"f|g'h||");
	/* What a shell would do something with is a letter like any other. */
	assert_words("a\\ b $HOME `id` $(id) * ; | & > < ~ # !",
		     "a\\|b|$HOME|`id`|$(id)|*|;|||&|>|<|~|#|!|");
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("kick 'alice", "quote");
	assert_refused("kick \"", "quote");
	assert_refused("a\nb", "control");
	assert_refused("a\033[2J", "control");
	assert_refused("a\177", "control");
	assert_refused("a\377b", "UTF-8");
}

/* As many, as long, and one more. */
static void test_limits(void **state)
{
	char line[WORDS_LINE_MAX + 2];
	const char *why;

	(void)state;
	memset(line, 'a', WORD_MAX + 1);
	line[WORD_MAX] = '\0';
	assert_int_equal(words_split(&words, line, &why), 0);
	line[WORD_MAX] = 'a';
	line[WORD_MAX + 1] = '\0';
	assert_refused(line, "word is too long");
	for (size_t i = 0; i < WORDS_MAX + 1; i++)
		memcpy(line + 2 * i, "a ", 3);
	assert_refused(line, "so many words");
	line[2 * WORDS_MAX] = '\0';
	assert_int_equal(words_split(&words, line, &why), 0);
	assert_int_equal(words.n, WORDS_MAX);
	memset(line, ' ', sizeof(line));
	line[WORDS_LINE_MAX] = '\0';
	assert_int_equal(words_split(&words, line, &why), 0);
	line[WORDS_LINE_MAX] = ' ';
	line[WORDS_LINE_MAX + 1] = '\0';
	assert_refused(line, "line is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
