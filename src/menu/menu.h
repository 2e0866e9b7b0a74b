/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages of the menu. Each returns false when the terminal is gone. */
#ifndef LAZARET_MENU_MENU_H
#define LAZARET_MENU_MENU_H

#include <stdbool.h>

#include "menu/person.h"
#include "menu/run.h"

/* A group of commands, by their first word; NULL: those that have one word only. */
bool group_page(const struct person *person, const char *word);
/* One command: its help, a form for what it takes, what it says. */
bool command_page(const struct person *person, enum command_id id);
bool settings_page(const struct person *person);
bool sessions_page(const struct person *person);

/* What a command has said: a box to scroll in, or the sentence why not. */
bool result_show(const char *title, const struct run_result *result);
/* Runs it and shows what it says, if that is more than nothing. *ret_ok, which may be NULL: it was done. */
bool run_and_show(const char *title, const struct run *run, bool *ret_ok);

/* What the groups are called; translated. */
const char *group_title(const char *word);

#endif
