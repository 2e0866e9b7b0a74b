/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of an answer for people: columns; or for scripts: JSON. */
#ifndef LAZARET_CTL_TABLE_H
#define LAZARET_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ctl/answer.h"

/* Records that an answer may have in all. */
#define TABLE_RECORDS_MAX 8192

struct table {
	struct answer_record *records;
	size_t n;
};

void table_finish(struct table *table);
/* Takes the record. -E2BIG past TABLE_RECORDS_MAX, -ENOMEM; then the record is freed. */
NODISCARD int table_add(struct table *table, struct answer_record *record);

/* One record as "key: value" lines; several as columns with their keys above. */
void table_print(const struct table *table, bool as_list, FILE *out);
/* A JSON array of objects, or one object when `as_list` is false. -ENOMEM. */
NODISCARD int table_print_json(const struct table *table, bool as_list, FILE *out);

#endif
