/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the monitor answers on the control socket: any number of CONTROL_ANSWER messages with
 * records, then one that ends the answer.
 *
 *	u8 kind (enum answer_kind)
 *	RECORDS	u16 count, then count times: u8 fields, fields times {str key, u8 type, value}
 *		type 0: str; type 1: u64; type 2: u8 (0 or 1)
 *	DONE	str sentence (may be empty)
 *	FAILED	u8 exit status of lazaretctl, str sentence: what is wrong and what to do (may be empty
 *		after OUTPUT)
 *	OUTPUT	nothing; with two descriptors, from which standard output and standard error of the
 *		command are read to their end, before what ends the answer; and a third one to write its
 *		standard input to (ctl/input.h), if the command takes one
 */
#ifndef LAZARET_CTL_ANSWER_H
#define LAZARET_CTL_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "wire/buf.h"
#include "wire/cursor.h"

#define ANSWER_FIELDS_MAX 48
#define ANSWER_KEY_MAX 32
#define ANSWER_STR_MAX 1024

enum answer_kind {
	ANSWER_RECORDS,
	ANSWER_DONE,
	ANSWER_FAILED,
	ANSWER_OUTPUT,
};

enum answer_type {
	ANSWER_STR,
	ANSWER_NUMBER,
	ANSWER_BOOL,
};

/* Exit statuses of lazaretctl. */
enum answer_status {
	ANSWER_STATUS_OK = 0,
	ANSWER_STATUS_FAILED = 1, /* the command could not do what it should */
	ANSWER_STATUS_USAGE = 2, /* wrong words or arguments */
	ANSWER_STATUS_NOT_FOUND = 3, /* no such session or path */
	ANSWER_STATUS_DENIED = 4, /* this account may not */
	ANSWER_STATUS_NO_DAEMON = 5, /* nobody listens on the control socket */
	ANSWER_STATUS_UNKNOWN = 6, /* nothing is wrong, but not all could be found out */
};

struct answer_field {
	const char *key; /* NULL ends a list */
	enum answer_type type;
	const char *str; /* ANSWER_STR; NULL is written as an empty one */
	uint64_t number; /* ANSWER_NUMBER, ANSWER_BOOL */
};

/* Starts a message of records; `body` is emptied. */
void answer_begin(struct buf *body);
/* Adds a record with the fields up to the one without a key; text is made fit to be shown. */
void answer_add(struct buf *body, const struct answer_field *fields);
/* Ends the answer. */
void answer_done(struct buf *body, const char *sentence);
void answer_failed(struct buf *body, enum answer_status status, const char *sentence);

/* Output comes with this message's descriptors. */
void answer_output(struct buf *body);

/* A record that was read. Strings are its own. */
struct answer_record {
	size_t n_fields;
	struct {
		char *key;
		enum answer_type type;
		char *str;
		uint64_t number;
	} fields[ANSWER_FIELDS_MAX];
};

void answer_record_finish(struct answer_record *record);
/* The next record of a RECORDS message; the cursor fails when it is malformed: -EPROTO. */
NODISCARD int answer_read(struct cursor *c, struct answer_record *ret_record);

#endif
