/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void answer_begin(struct buf *body)
{
	buf_clear(body);
	buf_put_u8(body, ANSWER_RECORDS);
	buf_put_u16(body, 0);
}

static void add_field(struct buf *body, const struct answer_field *field)
{
	char text[ANSWER_STR_MAX];

	buf_put_str(body, field->key);
	buf_put_u8(body, (uint8_t)field->type);
	switch (field->type) {
	case ANSWER_STR:
		/* It goes to an administrator's terminal: foreign text must not command it. */
		str_sanitize(text, sizeof(text), field->str ? field->str : "",
			     field->str ? strlen(field->str) : 0);
		buf_put_str(body, text);
		break;
	case ANSWER_NUMBER:
		buf_put_u64(body, field->number);
		break;
	case ANSWER_BOOL:
		buf_put_u8(body, field->number != 0);
		break;
	}
}

void answer_add(struct buf *body, const struct answer_field *fields)
{
	const uint8_t *data;
	uint8_t n = 0;

	while (fields[n].key && n < ANSWER_FIELDS_MAX)
		n++;
	buf_put_u8(body, n);
	for (uint8_t i = 0; i < n; i++)
		add_field(body, &fields[i]);
	if (buf_error(body))
		return;
	data = buf_data(body);
	buf_patch_u16(body, 1, (uint16_t)((data[1] << 8 | data[2]) + 1));
}

void answer_done(struct buf *body, const char *sentence)
{
	buf_clear(body);
	buf_put_u8(body, ANSWER_DONE);
	buf_put_str(body, sentence);
}

void answer_failed(struct buf *body, enum answer_status status, const char *sentence)
{
	buf_clear(body);
	buf_put_u8(body, ANSWER_FAILED);
	buf_put_u8(body, (uint8_t)status);
	buf_put_str(body, sentence);
}

void answer_output(struct buf *body)
{
	buf_clear(body);
	buf_put_u8(body, ANSWER_OUTPUT);
}

void answer_record_finish(struct answer_record *record)
{
	for (size_t i = 0; i < record->n_fields; i++) {
		free(record->fields[i].key);
		free(record->fields[i].str);
	}
	record->n_fields = 0;
}

static void read_field(struct cursor *c, struct answer_record *record)
{
	size_t i = record->n_fields++;

	record->fields[i].str = NULL;
	record->fields[i].number = 0;
	record->fields[i].key = cursor_str(c, ANSWER_KEY_MAX);
	record->fields[i].type = (enum answer_type)cursor_u8(c);
	switch (record->fields[i].type) {
	case ANSWER_STR:
		record->fields[i].str = cursor_str(c, ANSWER_STR_MAX);
		break;
	case ANSWER_NUMBER:
		record->fields[i].number = cursor_u64(c);
		break;
	case ANSWER_BOOL:
		record->fields[i].number = cursor_u8(c) != 0;
		break;
	default:
		c->failed = true;
	}
}

int answer_read(struct cursor *c, struct answer_record *ret_record)
{
	struct answer_record record = {0};
	uint8_t n = cursor_u8(c);

	if (n > ANSWER_FIELDS_MAX)
		c->failed = true;
	for (uint8_t i = 0; i < n && !cursor_failed(c); i++)
		read_field(c, &record);
	if (cursor_failed(c)) {
		answer_record_finish(&record);
		return -EPROTO;
	}
	*ret_record = record;
	return 0;
}
