/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside lazaretctl secure check. */
#ifndef LAZARET_CTL_SECURE_IMPL_H
#define LAZARET_CTL_SECURE_IMPL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define SECURE_TEXT_MAX 1024

enum secure_state { SECURE_OK, SECURE_DEVIATES, SECURE_UNKNOWN };

struct secure {
	const struct conf *conf;
	const char *socket; /* the daemon's */
	json_object *rows;
	const char *id; /* of the check that is being done */
	char what[SECURE_TEXT_MAX];
	size_t said; /* by it */
	size_t deviates, unknown; /* in all */
};

/*
 * A check says what it found, then of what kind that is with the way back as a command or a sentence.
 * One that says nothing has found everything in order.
 */
void PRINTF(2, 3) secure_what(struct secure *secure, const char *fmt, ...);
void PRINTF(2, 3) secure_deviates(struct secure *secure, const char *fmt, ...);
void PRINTF(2, 3) secure_unknown(struct secure *secure, const char *fmt, ...);

/* The whole file as text, the caller's; NULL if it cannot be read. */
char *secure_read(const char *path);
/* A word of a shell's command line; the next four calls give other buffers. */
const char *secure_quote(const char *word);
/*
 * Has lazaretctl itself do another command, with the same configuration. 0 with its exit status and
 * what it printed, the caller's.
 */
NODISCARD int secure_ask(const struct secure *secure, const char *const *words, int *ret_status,
			 char **ret_text);

typedef void secure_function(struct secure *secure);
#define K(id, function, what) secure_function secure_##function;
#include "ctl/secure_checks.def"

#endif
