/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/table.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void table_finish(struct table *table)
{
	for (size_t i = 0; i < table->n; i++)
		answer_record_finish(&table->records[i]);
	free(table->records);
	*table = (struct table){0};
}

int table_add(struct table *table, struct answer_record *record)
{
	struct answer_record *records = NULL;
	int r = table->n < TABLE_RECORDS_MAX ? -ENOMEM : -E2BIG;

	if (r == -ENOMEM)
		records = reallocarray(table->records, table->n + 1, sizeof(*records));
	if (!records) {
		answer_record_finish(record);
		return r;
	}
	table->records = records;
	records[table->n++] = *record;
	return 0;
}

/* The text of a field; numbers and truth values are written into `room`. */
static const char *field_text(const struct answer_record *record, size_t i, char room[24])
{
	switch (record->fields[i].type) {
	case ANSWER_NUMBER:
		snprintf(room, 24, "%llu", (unsigned long long)record->fields[i].number);
		return room;
	case ANSWER_BOOL:
		return record->fields[i].number ? "yes" : "no";
	case ANSWER_STR:
		break;
	}
	return record->fields[i].str;
}

/* Characters, not bytes: names have umlauts. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void put_padded(FILE *out, const char *text, int width, bool last)
{
	fprintf(out, "%s%*s", text, last ? 0 : MAX(width - width_of(text), 0) + 2, "");
}

static void print_columns(const struct table *table, FILE *out)
{
	int widths[ANSWER_FIELDS_MAX] = {0};
	size_t columns = table->n > 0 ? table->records[0].n_fields : 0;
	char room[24];

	for (size_t i = 0; i < columns; i++)
		widths[i] = width_of(table->records[0].fields[i].key);
	for (size_t k = 0; k < table->n; k++) {
		for (size_t i = 0; i < MIN(columns, table->records[k].n_fields); i++)
			widths[i] = MAX(widths[i],
					width_of(field_text(&table->records[k], i, room)));
	}
	for (size_t i = 0; i < columns; i++)
		put_padded(out, table->records[0].fields[i].key, widths[i], i + 1 == columns);
	fputs(columns > 0 ? "\n" : "", out);
	for (size_t k = 0; k < table->n; k++) {
		size_t n = MIN(columns, table->records[k].n_fields);

		for (size_t i = 0; i < n; i++)
			put_padded(out, field_text(&table->records[k], i, room), widths[i],
				   i + 1 == n);
		fputc('\n', out);
	}
}

void table_print(const struct table *table, bool as_list, FILE *out)
{
	char room[24];

	if (as_list) {
		print_columns(table, out);
		return;
	}
	for (size_t k = 0; k < table->n; k++) {
		const struct answer_record *record = &table->records[k];
		int width = 0;

		for (size_t i = 0; i < record->n_fields; i++)
			width = MAX(width, width_of(record->fields[i].key));
		for (size_t i = 0; i < record->n_fields; i++) {
			put_padded(out, record->fields[i].key, width, false);
			fprintf(out, "%s\n", field_text(record, i, room));
		}
	}
}

static struct json_object *to_json(const struct answer_record *record)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; object && i < record->n_fields; i++) {
		struct json_object *value;

		if (record->fields[i].type == ANSWER_STR)
			value = json_object_new_string(record->fields[i].str);
		else if (record->fields[i].type == ANSWER_BOOL)
			value = json_object_new_boolean(record->fields[i].number != 0);
		else
			value = json_object_new_uint64(record->fields[i].number);
		json_object_object_add(object, record->fields[i].key, value);
	}
	return object;
}

int table_print_json(const struct table *table, bool as_list, FILE *out)
{
	struct json_object *all = as_list ? json_object_new_array() : NULL;
	int r = 0;

	for (size_t i = 0; i < table->n && as_list; i++)
		json_object_array_add(all, to_json(&table->records[i]));
	if (!as_list)
		all = table->n > 0 ? to_json(&table->records[0]) : json_object_new_object();
	if (!all)
		return -ENOMEM;
	if (fprintf(out, "%s\n", json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY)) < 0)
		r = -EIO;
	json_object_put(all);
	return r;
}
