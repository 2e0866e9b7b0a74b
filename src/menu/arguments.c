/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "menu/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct reader {
	struct argument *out;
	int n;
	int depth; /* of brackets */
	bool value_wanted; /* the last one is an option that may have a value */
};

/* Brackets of the word itself, as in HOST[:PORT], stay; those around it are counted. */
static const char *strip(struct reader *reader, const char *word, size_t len, size_t *ret_len,
			 int *ret_closed)
{
	int balance = 0;

	*ret_closed = 0;
	while (len > 0 && *word == '[') {
		reader->depth++;
		word++;
		len--;
	}
	for (size_t i = 0; i < len; i++)
		balance += word[i] == '[' ? 1 : word[i] == ']' ? -1 : 0;
	while (len > 0 && word[len - 1] == ']' && balance < 0) {
		(*ret_closed)++;
		balance++;
		len--;
	}
	*ret_len = len;
	return word;
}

static bool add(struct reader *reader, enum argument_kind kind)
{
	if (reader->n == MENU_ARGUMENTS_MAX)
		return false;
	reader->out[reader->n++] = (struct argument){.kind = kind, .optional = reader->depth > 0};
	return true;
}

static bool put(char *out, const char *word, size_t len)
{
	if (len == 0 || len >= ARGUMENT_NAME_MAX)
		return false;
	snprintf(out, ARGUMENT_NAME_MAX, "%.*s", (int)len, word);
	return true;
}

static bool take_value(struct reader *reader, const char *word, size_t len)
{
	struct argument *last;

	if (!reader->value_wanted && !add(reader, ARGUMENT_WORD))
		return false;
	last = &reader->out[reader->n - 1];
	if (last->kind == ARGUMENT_FLAG)
		last->kind = ARGUMENT_OPTION;
	if (len > 3 && strncmp(word + len - 3, "...", 3) == 0) {
		last->many = true;
		len -= 3;
	}
	reader->value_wanted = false;
	if (!put(last->name, word, len))
		return false;
	last->secret = str_eq(last->name, "SECRET");
	return true;
}

static bool take(struct reader *reader, const char *word, size_t len)
{
	/* "NAME ..." is the same as "NAME...". */
	if (len == 3 && strncmp(word, "...", 3) == 0) {
		if (reader->n > 0)
			reader->out[reader->n - 1].many = true;
		return reader->n > 0;
	}
	if (len == 1 && *word == '-') {
		reader->value_wanted = false;
		return add(reader, ARGUMENT_INPUT) &&
		       put(reader->out[reader->n - 1].option, word, len);
	}
	if (len > 2 && strncmp(word, "--", 2) == 0) {
		reader->value_wanted = true;
		return add(reader, ARGUMENT_FLAG) &&
		       put(reader->out[reader->n - 1].option, word, len);
	}
	return take_value(reader, word, len);
}

/* Of alternatives one is enough: none of them is needed by itself. */
static void loosen(struct reader *reader)
{
	if (reader->depth == 0 && reader->n > 0)
		reader->out[reader->n - 1].optional = true;
}

int arguments_parse(const char *text, struct argument out[MENU_ARGUMENTS_MAX])
{
	struct reader reader = {.out = out};
	bool alternative = false;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t len = strcspn(text, " "), n;
		int closed, before = reader.n;
		const char *word;

		if (len == 1 && *text == '|') {
			loosen(&reader);
			reader.value_wanted = false;
			alternative = true;
			text += len;
			continue;
		}
		if (*text == '[')
			reader.value_wanted = false;
		word = strip(&reader, text, len, &n, &closed);
		if (n == 0 || !take(&reader, word, n))
			return -EINVAL;
		if (alternative && reader.n > before)
			reader.out[reader.n - 1].optional = true;
		alternative = false;
		reader.depth -= closed;
		if (closed > 0)
			reader.value_wanted = false;
		if (reader.depth < 0)
			return -EINVAL;
		text += len;
	}
	return reader.depth == 0 ? reader.n : -EINVAL;
}
