/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sentences that people see, in the languages that we have. */
#ifndef LAZARET_DISPLAY_TEXTS_H
#define LAZARET_DISPLAY_TEXTS_H

#include "conf/conf.h"

enum text {
	TEXT_TAKEN_OVER, /* one %s: the address of the other workstation */
	TEXT_COUNT,
};

/* The sentence; as a format it takes exactly what stands at its name above. */
const char *text_get(enum text text, enum conf_language language);

/* The same with its one argument, cut to `size`. */
void text_format(char *out, size_t size, enum text text, enum conf_language language,
		 const char *argument);

#endif
