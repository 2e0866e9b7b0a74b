/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/words.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *objection(const char *line)
{
	size_t len = strlen(line);

	if (len > WORDS_LINE_MAX)
		return "the line is too long";
	if (!str_utf8_valid(line, len))
		return "the line is not UTF-8";
	for (; *line; line++) {
		if (((unsigned char)*line < 0x20 && *line != '\t') || *line == 0x7f)
			return "the line contains a control character";
	}
	return NULL;
}

/* Copies one word to *out and ends it; where the line goes on, or NULL for a quote left open. */
static const char *take(const char *line, char **out)
{
	char quote = '\0';

	for (; *line && (quote || !is_blank(*line)); line++) {
		if (quote ? *line == quote : *line == '\'' || *line == '"')
			quote = quote ? '\0' : *line;
		else
			*(*out)++ = *line;
	}
	*(*out)++ = '\0';
	return quote ? NULL : line;
}

static int refuse(const char *why, const char **ret_why)
{
	*ret_why = why;
	return -EINVAL;
}

int words_split(struct words *words, const char *line, const char **ret_why)
{
	const char *why = objection(line);
	char *out = words->storage;

	words->n = 0;
	if (why)
		return refuse(why, ret_why);
	for (;;) {
		while (is_blank(*line))
			line++;
		if (*line == '\0')
			break;
		if (words->n == WORDS_MAX)
			return refuse("so many words has no command", ret_why);
		words->items[words->n] = out;
		line = take(line, &out);
		if (!line)
			return refuse("a quote is not closed", ret_why);
		if (strlen(words->items[words->n]) > WORD_MAX)
			return refuse("a word is too long", ret_why);
		words->n++;
	}
	words->items[words->n] = NULL;
	return 0;
}
