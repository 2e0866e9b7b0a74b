/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command takes, from the words of the command table: "[--for WHO] ID|USER [REASON...]". */
#ifndef LAZARET_MENU_ARGUMENTS_H
#define LAZARET_MENU_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "menu/limits.h"

#define ARGUMENT_NAME_MAX 48

enum argument_kind {
	ARGUMENT_WORD, /* ID */
	ARGUMENT_OPTION, /* --for WHO */
	ARGUMENT_FLAG, /* --all */
	ARGUMENT_INPUT, /* -: standard input */
};

struct argument {
	enum argument_kind kind;
	char option[ARGUMENT_NAME_MAX]; /* "--for"; "-" */
	char name[ARGUMENT_NAME_MAX]; /* "WHO"; what the value is called */
	bool optional, many, secret;
};

/*
 * How many there are, or -EINVAL: the row is not written as rows are. Alternatives are arguments of
 * their own, all of them optional.
 */
NODISCARD int arguments_parse(const char *text, struct argument out[MENU_ARGUMENTS_MAX]);

#endif
