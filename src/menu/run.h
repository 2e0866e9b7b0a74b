/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs lazaretctl, as the person, with its words and no shell. */
#ifndef LAZARET_MENU_RUN_H
#define LAZARET_MENU_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define RUN_WORDS_MAX 20

struct run {
	const char *words[RUN_WORDS_MAX]; /* without the name of the program */
	size_t n;
	const char *input; /* what it reads, or NULL */
	bool typed; /* it reads what the person types or pastes now */
};

struct run_result {
	int status; /* as lazaretctl exits; -1: it was stopped, or could not be run */
	char *out, *err; /* cleaned for the screen; never NULL */
	bool gone; /* the terminal is gone */
};

/* The programs lie in `folder`; it lives as long as we do. */
void run_set_folder(const char *folder);

/* False if there are too many words. */
bool run_add(struct run *run, const char *word);
/* The words of a command, which are separated by one space; they live in `storage`. */
bool run_add_words(struct run *run, const char *words, char *storage, size_t size);

/* -ENOMEM, or the errno of what cannot be run. */
NODISCARD int run_do(const struct run *run, struct run_result *ret_result);
void run_result_finish(struct run_result *result);

#endif
