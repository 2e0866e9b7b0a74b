/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/csv_rows.h"

#include <csv.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define BOM "\xef\xbb\xbf"

struct reader {
	struct csv_parser parser;
	unsigned char separator;
	struct csv_rows rows;
	size_t capacity;
	struct csv_row row; /* that is being read */
	bool begun; /* something of it was seen */
	size_t line;
	int status;
};

static void row_finish(struct csv_row *row)
{
	for (size_t i = 0; i < row->n; i++)
		free(row->fields[i]);
	free(row->fields);
	*row = (struct csv_row){0};
}

void csv_rows_finish(struct csv_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		row_finish(&rows->rows[i]);
	free(rows->rows);
	*rows = (struct csv_rows){0};
}

static int push_row(struct reader *reader)
{
	struct csv_rows *rows = &reader->rows;

	if (rows->n == CSV_ROWS_MAX)
		return -E2BIG;
	if (rows->n == reader->capacity) {
		size_t capacity = reader->capacity ? 2 * reader->capacity : 64;
		struct csv_row *grown = reallocarray(rows->rows, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		rows->rows = grown;
		reader->capacity = capacity;
	}
	rows->rows[rows->n++] = reader->row;
	reader->row = (struct csv_row){0};
	reader->begun = false;
	return 0;
}

/* --- what libcsv says ------------------------------------------------------------------------- */

static void handle_field(void *text, size_t len, void *data)
{
	struct reader *reader = data;
	struct csv_row *row = &reader->row;
	char *copy;

	if (reader->status < 0 || row->error)
		return;
	if (row->n == CSV_FIELDS_MAX)
		row->error = "has more than 32 fields";
	else if (len > CSV_FIELD_MAX)
		row->error = "has a field of more than 1024 bytes";
	else if (memchr(text, '\0', len))
		row->error = "has a NUL byte";
	else if (!str_utf8_valid(text, len))
		row->error = "is not UTF-8";
	if (row->error)
		return;
	if (!row->fields)
		row->fields = calloc(CSV_FIELDS_MAX, sizeof(*row->fields));
	copy = row->fields ? strndup(text, len) : NULL;
	if (!copy) {
		reader->status = -ENOMEM;
		return;
	}
	row->fields[row->n++] = copy;
}

static void handle_row(int end, void *data)
{
	struct reader *reader = data;

	(void)end;
	if (reader->status == 0)
		reader->status = push_row(reader);
}

/* ---------------------------------------------------------------------------------------------- */

static int is_no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static int begin(struct reader *reader)
{
	if (csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		return -ENOMEM;
	csv_set_delim(&reader->parser, reader->separator);
	/* It would cut them off; here they are wrong or right like any other character. */
	csv_set_space_func(&reader->parser, is_no_space);
	return 0;
}

/* What is read of the row is forgotten, and it is noted as broken. */
static int push_broken(struct reader *reader, const char *error)
{
	size_t line = reader->row.line;

	row_finish(&reader->row);
	reader->row = (struct csv_row){.line = line, .error = error};
	csv_free(&reader->parser);
	return push_row(reader);
}

/* LF, CRLF, or CR alone as libcsv has it. */
static bool ends_line(const char *text, size_t len)
{
	return text[0] == '\n' || (text[0] == '\r' && (len < 2 || text[1] != '\n'));
}

/* How many bytes to the end of the line at `text`, with it. */
static size_t line_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && !ends_line(text + n, len - n))
		n++;
	return n < len ? n + 1 : len;
}

/* One byte of those that are left; 1 when the row turns out as broken by it. */
static int feed(struct reader *reader, const char *c, size_t left)
{
	if (!reader->begun && *c != '\n' && *c != '\r') {
		reader->begun = true;
		reader->row.line = reader->line;
	}
	if (csv_parse(&reader->parser, c, 1, handle_field, handle_row, reader) != 1)
		return csv_error(&reader->parser) == CSV_EPARSE ? 1 : -ENOMEM;
	reader->line += ends_line(c, left);
	return reader->status;
}

/*
 * A quote that is not closed takes all that follows; the row is the one that is wrong, so reading goes on
 * in the line behind its first.
 */
static int finish(struct reader *reader, bool *ret_again)
{
	*ret_again = false;
	if (csv_fini(&reader->parser, handle_field, handle_row, reader) == 0) {
		csv_free(&reader->parser);
		return reader->status;
	}
	reader->line = reader->row.line + 1;
	*ret_again = true;
	return push_broken(reader, "has a quote that is not closed");
}

static int read_all(struct reader *reader, const char *text, size_t len)
{
	size_t row = 0; /* where the row began */
	bool again = true;
	int r = 0;

	for (size_t at = 0; r == 0 && again; at = row + line_length(text + row, len - row)) {
		r = begin(reader);
		while (r == 0 && at < len) {
			if (!reader->begun)
				row = at;
			r = feed(reader, text + at, len - at);
			at++;
			if (r != 1)
				continue;
			/* The line that is wrong ends where it ends. */
			at--;
			at += line_length(text + at, len - at);
			reader->line++;
			r = push_broken(reader, "has quotes in the wrong place");
			if (r == 0)
				r = begin(reader);
		}
		if (r == 0)
			r = finish(reader, &again);
		else
			csv_free(&reader->parser);
	}
	return r;
}

int csv_rows_read(const char *text, size_t len, struct csv_rows *ret_rows)
{
	struct reader reader = {.line = 1, .separator = CSV_COMMA};
	int r;

	if (len >= strlen(BOM) && memcmp(text, BOM, strlen(BOM)) == 0) {
		text += strlen(BOM);
		len -= strlen(BOM);
	}
	if (memchr(text, ';', line_length(text, len)) && !memchr(text, ',', line_length(text, len)))
		reader.separator = ';';
	r = read_all(&reader, text, len);
	row_finish(&reader.row);
	if (r < 0) {
		csv_rows_finish(&reader.rows);
		return r;
	}
	*ret_rows = reader.rows;
	return 0;
}
