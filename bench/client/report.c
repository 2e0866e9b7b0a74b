/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

static bool first; /* no comma yet */

static void put_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void put_key(const char *key)
{
	if (!first)
		putchar(',');
	first = false;
	put_string(key);
	putchar(':');
}

void report_begin(const char *kind, const char *word)
{
	putchar('{');
	first = true;
	report_string(kind, word);
	report_int("t", clock_now());
}

void report_int(const char *key, uint64_t value)
{
	put_key(key);
	printf("%" PRIu64, value);
}

void report_double(const char *key, double value, int digits)
{
	put_key(key);
	printf("%.*f", digits, value);
}

void report_string(const char *key, const char *value)
{
	put_key(key);
	put_string(value);
}

void report_series(const char *key, const struct series *series, bool pairs, int digits)
{
	put_key(key);
	putchar('[');
	for (size_t i = 0; i < series->count; i++) {
		if (i > 0)
			putchar(',');
		if (pairs)
			printf("[%.0f,%.*f]", series->rows[i][0], digits, series->rows[i][1]);
		else
			printf("%.*f", digits, series->rows[i][0]);
	}
	putchar(']');
}

void report_open(const char *key)
{
	put_key(key);
	putchar('{');
	first = true;
}

void report_close(void)
{
	putchar('}');
	first = false;
}

void report_end(void)
{
	puts("}");
	fflush(stdout);
}
