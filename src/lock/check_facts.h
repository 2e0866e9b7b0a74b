/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was found out about the content of a file: its types, those of what is in it, and what the
 * scanners said. Nothing in it depends on who asks or in which direction, so it can be remembered by
 * the content's hash.
 */
#ifndef LAZARET_LOCK_CHECK_FACTS_H
#define LAZARET_LOCK_CHECK_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "lock/check_limits.h"
#include "wire/buf.h"
#include "wire/cursor.h"

/* Types of our own: facts that a list must name. */
#define CHECK_TYPE_UNKNOWN "unknown" /* nothing was recognised */
#define CHECK_TYPE_ENCRYPTED "encrypted-archive"
#define CHECK_TYPE_MACROS "macros"
#define CHECK_TYPE_TOO_LARGE \
	"too-large-to-scan" /* a limit was reached, or it cannot be read whole */
/* libmagic's name for a file without content. */
#define CHECK_TYPE_EMPTY "inode/x-empty"

#define CHECK_MEMBER_MAX 120 /* bytes of the name of a file in an archive, made fit to be shown */
#define CHECK_WHY_MAX 64

struct check_fact {
	char type[CHECK_TYPE_MAX + 1];
	char member[CHECK_MEMBER_MAX + 1]; /* the first file that has it; "": the file itself */
	char why[CHECK_WHY_MAX + 1]; /* of CHECK_TYPE_TOO_LARGE: the option that limits; else "" */
};

enum check_scan_state {
	CHECK_SCAN_NONE, /* there is no such scanner, or it was not asked */
	CHECK_SCAN_CLEAN,
	CHECK_SCAN_FOUND,
	CHECK_SCAN_TOO_LARGE, /* it did not look at all of it */
	CHECK_SCAN_FAILED, /* of this file: an error, or it took too long */
	CHECK_SCAN_DOWN, /* it cannot be asked */
	CHECK_SCAN_OLD, /* it has no signatures that are new enough */
};

struct check_scan {
	enum check_scan_state state;
	char text[CHECK_SIGNATURE_MAX + 1]; /* the signature, or what went wrong */
};

enum { CHECK_SCANNER_CLAMD, CHECK_SCANNER_SECOND, CHECK_SCANNERS };

struct check_facts {
	struct check_fact facts[CHECK_TYPES_MAX]; /* the first one is the file's own type */
	size_t n;
	struct check_scan scans[CHECK_SCANNERS];
};

/*
 * Adds a type that is not there yet. `member` and `why` may be NULL; `member` is foreign text and is
 * made fit here. When there is no room, the last place says CHECK_TYPE_TOO_LARGE.
 */
void check_facts_add(struct check_facts *facts, const char *type, const char *member,
		     const char *why);
bool check_facts_has(const struct check_facts *facts, const char *type);
/* The file's own type; "" if nothing is known yet. */
const char *check_facts_type(const struct check_facts *facts);

/* What lazaret-lockcheck hands over; scans do not travel. */
void check_facts_put(const struct check_facts *facts, struct buf *out);
/*
 * From a process that may have been taken over: -EPROTO unless it is whole, with one type at least, each
 * of them written as a type is.
 */
NODISCARD int check_facts_get(struct cursor *c, struct check_facts *ret_facts);

/* Whether the text is written as a type: "application/pdf", or one word of small letters. */
NODISCARD bool check_type_valid(const char *type);

#endif
