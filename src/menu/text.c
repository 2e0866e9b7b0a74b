/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "menu/text.h"

#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN "lazaret"

static enum text_language current;

const char *_(const char *text)
{
	/* gettext("") is the head of the catalogue. */
	return text[0] ? gettext(text) : text;
}

void text_choose(enum text_language language)
{
	current = language;
	setenv("LANGUAGE", language == TEXT_GERMAN ? "de" : "en", 1);
	/* The locale has to change for gettext() to look at LANGUAGE again; C.UTF-8 is always there. */
	setlocale(LC_MESSAGES, "C");
	setlocale(LC_MESSAGES, "C.UTF-8");
	/* Where glibc takes C.UTF-8 for English in any case, one of the language has to be there. */
	if (language == TEXT_GERMAN)
		(void)setlocale(LC_MESSAGES, "de_DE.UTF-8");
}

void text_init(const char *locale, enum text_language language)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	bindtextdomain(DOMAIN, locale);
	bind_textdomain_codeset(DOMAIN, "UTF-8");
	textdomain(DOMAIN);
	text_choose(language);
}

enum text_language text_language(void)
{
	return current;
}

enum text_language text_of(const char *name)
{
	return name && strncmp(name, "de", 2) == 0 && strchr("_.@", name[2]) ? TEXT_GERMAN
									     : TEXT_ENGLISH;
}
