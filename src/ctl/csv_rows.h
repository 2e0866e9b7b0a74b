/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table of comma separated values (RFC 4180), read with libcsv: what it lacks is in which line
 * something is wrong, and going on behind it. Separated by commas, or by semicolons if the first line
 * has one and no comma.
 */
#ifndef LAZARET_CTL_CSV_ROWS_H
#define LAZARET_CTL_CSV_ROWS_H

#include <stddef.h>

#include "base/attr.h"

/* Fields of a row, bytes of a field, rows of a table. */
#define CSV_FIELDS_MAX 32
#define CSV_FIELD_MAX 1024
#define CSV_ROWS_MAX 100000

struct csv_row {
	size_t line; /* where it begins, from 1 */
	const char *error; /* static; what is wrong with it, or NULL: then its fields are whole */
	size_t n;
	char **fields; /* terminated, UTF-8, without NUL */
};

struct csv_rows {
	size_t n;
	struct csv_row *rows; /* without empty lines */
};

/* -E2BIG: more rows than may be; -ENOMEM. What is wrong in a row is in the row. */
NODISCARD int csv_rows_read(const char *text, size_t len, struct csv_rows *ret_rows);
void csv_rows_finish(struct csv_rows *rows);

#endif
