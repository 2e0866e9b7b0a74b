/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

/* In every program of ours, so that its version can be told without running it: monitor/programs.c */
__attribute__((used)) static const char version_mark[] = LOG_VERSION_MARK LAZARET_VERSION "\n";

static const char *program = "lazaret";
static enum log_level threshold = LOG_INFO;
static bool with_priority;

static const char *const level_names[] = {"error", "warn", "info", "debug", "audit"};
static const int priorities[] = {3, 4, 6, 7, 5};

void log_init(const char *name)
{
	program = name;
	/* Of one that was executed by descriptor the kernel knows no other name than a number. */
	(void)prctl(PR_SET_NAME, name);
	/* journald reads the priority from a prefix; elsewhere it would only be noise. */
	with_priority = getenv("JOURNAL_STREAM") != NULL;
}

void log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log_level(void)
{
	return threshold;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

struct line {
	char text[LOG_LINE_MAX];
	size_t len;
};

static void PRINTF(2, 3) line_add(struct line *line, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line->text + line->len, sizeof(line->text) - line->len, fmt, args);
	va_end(args);
	if (n > 0)
		line->len = MIN(line->len + (size_t)n, sizeof(line->text) - 2);
}

static void line_add_quoted(struct line *line, const char *s)
{
	char clean[LOG_VALUE_MAX];
	size_t n = str_sanitize(clean, sizeof(clean), s, strlen(s));

	line_add(line, "\"");
	for (size_t i = 0; i < n; i++)
		line_add(line, clean[i] == '"' || clean[i] == '\\' ? "\\%c" : "%c", clean[i]);
	line_add(line, "\"");
}

static void line_start(struct line *line, enum log_level level, const char *who, int pid)
{
	char when[32];

	line->len = 0;
	clock_format(clock_wall(), when, sizeof(when));
	if (with_priority)
		line_add(line, "<%d>", priorities[level]);
	line_add(line, "%s %s[%d] %s", when, who, pid, level_names[level]);
}

static void line_emit(struct line *line)
{
	ssize_t n;

	line->text[line->len++] = '\n';
	n = write(STDERR_FILENO, line->text, line->len);
	(void)n; /* nowhere left to complain */
}

static bool is_wanted(enum log_level level)
{
	return level <= threshold || level == LOG_AUDIT;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	int saved = errno;
	struct line line;

	if (!is_wanted(level))
		return;
	line_start(&line, level, program, (int)getpid());
	line_add(&line, " %s", event);
	for (const struct log_field *f = fields; f->key; f++) {
		line_add(&line, " %s=", f->key);
		if (f->is_error)
			line_add_quoted(&line, strerror((int)-f->num));
		else if (f->str)
			line_add_quoted(&line, f->str);
		else
			line_add(&line, "%lld", (long long)f->num);
	}
	line_emit(&line);
	errno = saved;
}

/* Steps over one word and the space behind it; NULL when there is none. */
static const char *skip_word(const char *text)
{
	const char *space = strchr(text, ' ');

	return space && space > text ? space + 1 : NULL;
}

/*
 * What follows the level in a line that log_write() of another process made ("[<6>]TIME WHO LEVEL
 * EVENT …"), or NULL if it is none.
 */
static const char *parse_line(const char *text, enum log_level *ret_level)
{
	const char *level = skip_word(text); /* the time */
	const char *event;

	level = level ? skip_word(level) : NULL; /* who: the parent knows better */
	event = level ? skip_word(level) : NULL;
	if (!event)
		return NULL;
	/* What administrators do, no process without privilege has to tell. */
	for (size_t i = 0; i <= LOG_DEBUG; i++) {
		size_t n = (size_t)(event - level) - 1;

		if (strlen(level_names[i]) == n && memcmp(level, level_names[i], n) == 0) {
			*ret_level = (enum log_level)i;
			return event;
		}
	}
	return NULL;
}

void log_relay(const char *role, int pid, enum log_level raw, const char *text)
{
	struct line line;
	char clean[LOG_LINE_MAX - 256];
	enum log_level level = raw;
	const char *event;

	str_sanitize(clean, sizeof(clean), text, strlen(text));
	event = parse_line(clean, &level);
	if (!is_wanted(level))
		return;
	line_start(&line, level, role, pid);
	if (event) {
		line_add(&line, " %s", event);
	} else {
		line_add(&line, " process.output text=");
		line_add_quoted(&line, clean);
	}
	line_emit(&line);
}
