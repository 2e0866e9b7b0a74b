/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/script.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "bench/client/report.h"

static void handle_updated(void *data, uint64_t time)
{
	struct script *script = data;

	if (script->busy && script->task.updated)
		script->task.updated(script, time);
}

void script_init(struct script *script, struct client *client)
{
	*script = (struct script){.client = client, .random = 1};
	buf_init(&script->lines, SCRIPT_LINE_MAX);
	client->updated = handle_updated;
	client->updated_data = script;
}

void script_finish(struct script *script)
{
	free(script->task.keys);
	buf_finish(&script->lines);
}

int script_fail(struct script *script, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(script->error, sizeof(script->error), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

void script_begin_answer(const struct script *script)
{
	report_begin("answer", script->word);
	if (script->error[0])
		report_string("error", script->error);
}

void script_end_task(struct script *script)
{
	script->busy = false;
	framebuffer_unwatch(&script->client->decoder.fb);
	free(script->task.keys);
	script->task.keys = NULL;
}

int script_number(struct script *script, const char *word, int64_t min, int64_t max,
		  int64_t *ret_value)
{
	if (str_to_int(word, min, max, ret_value) == 0)
		return 0;
	return script_fail(script, "\"%.40s\" is no number from %lld to %lld", word, (long long)min,
			   (long long)max);
}

int script_int(struct script *script, const char *word, int min, int max, int *ret_value)
{
	int64_t value = 0;
	int r = script_number(script, word, min, max, &value);

	if (r == 0)
		*ret_value = (int)value;
	return r;
}

/* --- lines -------------------------------------------------------------------------------------- */

void script_read(struct script *script, int fd)
{
	ssize_t n = buf_read_fd(&script->lines, fd, SCRIPT_LINE_MAX);

	/* A full buffer is read again when commands have left it. */
	if (n == 0 || (n < 0 && n != -EAGAIN && n != -ENOBUFS))
		script->ended = true;
}

/* Words are separated by blanks; in double quotes they may have some inside. Cuts the line up. */
static int split(char *line, char **words, int max)
{
	int count = 0;

	while (*(line += strspn(line, " \t\r")) && count < max) {
		bool quoted = *line == '"';

		line += quoted;
		words[count++] = line;
		line += strcspn(line, quoted ? "\"" : " \t\r");
		if (*line)
			*line++ = '\0';
	}
	return *line ? max + 1 : count;
}

static const struct command *find_command(const char *word)
{
	for (const struct command *command = script_commands; command->word; command++) {
		if (str_eq(command->word, word))
			return command;
	}
	return NULL;
}

static int begin(struct script *script, char **words, int count)
{
	const struct command *command = script->running;

	if (count > SCRIPT_WORDS_MAX || count - 1 < command->min ||
	    (command->max >= 0 && count - 1 > command->max))
		return script_fail(script, "usage: %s %s", command->word, command->arguments);
	script->task = (struct task){.next = SCRIPT_NEVER, .started = clock_now()};
	return command->run(script, words, count);
}

/* Commands with results of their own have reported them, and no command is left running. */
static void answer(struct script *script)
{
	if (!script->running)
		return;
	script_begin_answer(script);
	report_end();
	script->running = NULL;
}

static void begin_line(struct script *script, char *line)
{
	static const struct command unknown = {.word = ""};
	char *words[SCRIPT_WORDS_MAX];
	int count = split(line, words, SCRIPT_WORDS_MAX);

	if (count == 0)
		return;
	script->error[0] = '\0';
	str_copy(script->word, sizeof(script->word), words[0]);
	script->running = find_command(words[0]);
	if (!script->running) {
		script->running = &unknown;
		script_fail(script, "\"%.40s\" is no command", words[0]);
		answer(script);
		return;
	}
	if (begin(script, words, count) == 1)
		script->busy = true;
	else
		answer(script);
}

/* The next whole line, or NULL. The last may lack its end. */
static char *take_line(struct script *script)
{
	const uint8_t *data = buf_data(&script->lines);
	size_t len = buf_len(&script->lines);
	const uint8_t *end = len > 0 ? memchr(data, '\n', len) : NULL;
	size_t size = end ? (size_t)(end - data) : len;
	char *line;

	if (!end && (!script->ended || len == 0) && len < SCRIPT_LINE_MAX)
		return NULL;
	line = strndup((const char *)data, size);
	buf_consume(&script->lines, end ? size + 1 : size);
	return line;
}

int script_run(struct script *script)
{
	uint64_t now = clock_now();
	char *line;

	if (script->busy && script->task.next <= now)
		script->task.step(script, now);
	if (!script->busy)
		answer(script);
	while (!script->busy && !script->quit && (line = take_line(script))) {
		begin_line(script, line);
		free(line);
	}
	return client_flush(script->client);
}

uint64_t script_next(const struct script *script)
{
	return script->busy ? script->task.next : SCRIPT_NEVER;
}

bool script_is_over(const struct script *script)
{
	return script->quit || (script->ended && !script->busy && !script->running);
}
