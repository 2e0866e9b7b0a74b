/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lazaret-setup does with answers. What is wrong goes to standard error. */
#ifndef LAZARET_SETUP_SETUP_H
#define LAZARET_SETUP_SETUP_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "setup/answers.h"

struct setup {
	struct answers answers;
	char folder[4096]; /* where lazaretctl lies */
	bool force; /* over a configuration that is there */
	bool start; /* the service */
};

/*
 * Whether the configuration that comes of the answers is one: by the same check as lazaretd has. With
 * lines in `errors`; -EINVAL.
 */
NODISCARD int setup_check(const struct setup *setup, FILE *errors);
/* -EEXIST with a line in `errors`: there is a configuration, and nobody said that it may go. */
NODISCARD int setup_may(const struct setup *setup, FILE *errors);
/* What will be done, for a person to read. */
void setup_summary(const struct setup *setup, FILE *out);

/*
 * Does it, and says each step. What is there already is kept, so that it can be done again after a
 * failure. A negative errno; then the configuration that was there is in force.
 */
NODISCARD int setup_do(const struct setup *setup);

/* Asks the questions on a terminal; false: the person does not want to. */
NODISCARD bool dialog_ask(struct setup *setup);

#endif
