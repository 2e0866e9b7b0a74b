/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lazaretctl says of its commands, from the command table, in lines of 80 columns. */
#ifndef LAZARET_CTL_HELP_H
#define LAZARET_CTL_HELP_H

#include <stddef.h>
#include <stdio.h>

/* The usage, every command with the first sentence of its help, the options and exit statuses. */
void help_print_all(FILE *out, const char *socket_default, const char *socket_env);

/*
 * Of each command whose name begins with these words, all that the table says; of a command with
 * arguments behind its name, that command. How many there were.
 */
size_t help_print(FILE *out, size_t n, const char *const *words);

/* The names of the commands that begin with `word`, separated by commas. How many there were. */
size_t help_list(FILE *out, const char *word);

#endif
