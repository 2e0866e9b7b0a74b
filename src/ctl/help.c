/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/help.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "conf/role.h"
#include "ctl/command.h"

#define COLUMNS 80
#define NAME_COLUMNS 18
#define INDENT 8

/* Writes words at a column and begins lines of their own at `indent`; returns the column. */
static size_t put_wrapped(FILE *out, const char *text, size_t len, size_t column, size_t indent)
{
	const char *end = text + len;
	bool first = true;

	while (text < end) {
		size_t word = strcspn(text, " ");

		word = MIN(word, (size_t)(end - text));
		if (!first && column + 1 + word > COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, word, out);
		column += word;
		first = false;
		text += word;
		text += strspn(text, " ");
	}
	return column;
}

/* The first sentence, without its full stop; one that explains itself behind a colon ends there. */
static size_t first_sentence(const char *text)
{
	const char *end = text;

	while (*end && !((*end == '.' || *end == ':' || *end == ';') && (end[1] == ' ' || !end[1])))
		end++;
	return (size_t)(end - text);
}

static void print_line(FILE *out, const struct command *command)
{
	size_t name = strlen(command->words);

	fprintf(out, "  %-*s", NAME_COLUMNS, command->words);
	if (name >= NAME_COLUMNS)
		fprintf(out, "\n%*s", NAME_COLUMNS + 2, "");
	put_wrapped(out, command->help, first_sentence(command->help), NAME_COLUMNS + 2,
		    NAME_COLUMNS + 2);
	fputc('\n', out);
}

static void print_whole(FILE *out, const struct command *command)
{
	char roles[ROLE_TEXT_MAX];
	size_t column = 2 + strlen(command->words);

	fprintf(out, "  %s", command->words);
	if (command->arguments[0]) {
		fputc(' ', out);
		put_wrapped(out, command->arguments, strlen(command->arguments), column + 1,
			    2 * INDENT);
	}
	fprintf(out, "\n%*s", INDENT, "");
	put_wrapped(out, command->help, strlen(command->help), INDENT, INDENT);
	fprintf(out, "\n%*sRoles: %s.\n", INDENT, "",
		command->roles == ROLE_ALL    ? "all"
		: command->roles == ROLE_ROOT ? "root only"
					      : role_format(command->roles, roles));
}

/* Commands of one first word stand together, and those of one word by themselves. */
static bool begins_group(const char *words, const char *before)
{
	size_t len = strcspn(words, " ");

	if (!words[len])
		return strchr(before, ' ') != NULL;
	return strncmp(before, words, len) != 0 || before[len] != ' ';
}

void help_print_all(FILE *out, const char *socket_default, const char *socket_env)
{
	fputs("usage: lazaretctl [--json] [--here] [--socket PATH] [--file FILE]... COMMAND\n"
	      "                  [ARGUMENT...]\n"
	      "       lazaretctl help COMMAND   what it does, its arguments, and who may use "
	      "it\n\n",
	      out);
	for (int i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = command_row((enum command_id)i);

		if (i > 0 &&
		    begins_group(command->words, command_row((enum command_id)(i - 1))->words))
			fputc('\n', out);
		print_line(out, command);
	}
	fprintf(out,
		"\n  --json         answers as JSON, for scripts\n"
		"  --here         do it without the daemon, with the rights of this account,\n"
		"                 not the roles\n"
		"  --file FILE    read this configuration, where a command reads it without\n"
		"                 the daemon and no file is named; several are read in order\n"
		"  --socket PATH  the daemon's control socket (default %s,\n"
		"                 or $%s)\n"
		"  --help         this text; behind a command: what that one does\n"
		"  --version      print the version\n"
		"\nExit status: 0 done, 1 failed, 2 wrong usage, 3 no such session or path,\n"
		"4 not allowed, 5 the daemon does not answer, 6 something could not be found "
		"out.\n",
		socket_default, socket_env);
}

/* Whether the name begins with the words, or the words with the name. */
static bool is_meant(const char *name, size_t n, const char *const *words)
{
	for (size_t i = 0; i < n && *name; i++) {
		size_t len = strcspn(name, " ");

		if (strlen(words[i]) != len || strncmp(words[i], name, len) != 0)
			return false;
		name += len;
		name += strspn(name, " ");
	}
	return true;
}

size_t help_print(FILE *out, size_t n, const char *const *words)
{
	size_t found = 0;

	for (int i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = command_row((enum command_id)i);

		if (!is_meant(command->words, n, words))
			continue;
		if (found++ > 0)
			fputc('\n', out);
		print_whole(out, command);
	}
	return found;
}

size_t help_list(FILE *out, const char *word)
{
	size_t found = 0;

	for (int i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = command_row((enum command_id)i);

		if (!is_meant(command->words, 1, &word))
			continue;
		fprintf(out, "%s%s", found++ > 0 ? ", " : "", command->words);
	}
	return found;
}
