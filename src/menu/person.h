/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who sits at the menu, as the daemon sees him. */
#ifndef LAZARET_MENU_PERSON_H
#define LAZARET_MENU_PERSON_H

#include <stdbool.h>

#include "base/attr.h"
#include "ctl/command.h"

struct person {
	char name[64], roles[128], from[128];
	unsigned int set; /* enum role */
	bool root;
};

/*
 * Asks the daemon. False with *ret_sentence, the caller's, when he may nothing, or the daemon does not
 * answer: root has his commands all the same.
 */
NODISCARD bool person_ask(struct person *ret_person, char **ret_sentence);
/* Only what is shown depends on it: the daemon decides again. */
bool person_may(const struct person *person, const struct command *command);

#endif
