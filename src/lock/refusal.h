/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a person is told of a file that did not pass, in English and German. Names are foreign text and
 * are made fit to be shown; nothing else of the file's content appears.
 */
#ifndef LAZARET_LOCK_REFUSAL_H
#define LAZARET_LOCK_REFUSAL_H

#include "base/attr.h"
#include "lock/check_digest.h"
#include "lock/policy.h"

enum refusal_language { REFUSAL_EN, REFUSAL_DE };

struct refusal {
	const char *name; /* as the person has it, folders and all */
	enum check_direction direction;
	uint64_t size;
	const uint8_t *digest; /* CHECK_DIGEST_LEN bytes, or NULL: the content was not looked at */
	const struct policy_decision *decision;
	const char *notes[2]; /* the operator's, by language; "" for none */
};

#define REFUSAL_NAME_MAX 120 /* bytes of a name in a sentence */

/* The last part of a name, made fit to be shown; `out` has REFUSAL_NAME_MAX + 1 bytes. Returns it. */
const char *refusal_name(const char *name, char *out);
/* One reason, in words that end with a full stop; `size` is best CHECKER_TEXT_MAX. */
void refusal_reason(const struct policy_reason *reason, enum refusal_language language, char *out,
		    size_t size);
/* One sentence with the first reason, for a notice; NULL when out of memory. The caller's. */
char *refusal_sentence(const struct refusal *refusal, enum refusal_language language);
/* The content of NAME.refused.txt: both languages, lines ended by CR LF; NULL when out of memory. */
char *refusal_text(const struct refusal *refusal);

#endif
