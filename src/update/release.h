/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The head of a repository's signed list: the file InRelease, whose fields are those of a Debian control
 * file (deb822(5)), without the clear-text signature around it.
 */
#ifndef LAZARET_UPDATE_RELEASE_H
#define LAZARET_UPDATE_RELEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define RELEASE_NAME_MAX 64

struct release {
	int64_t date; /* seconds since 1970 */
	int64_t valid_until; /* 0: for ever */
	/* Fit to be shown; empty: not said. */
	char suite[RELEASE_NAME_MAX], codename[RELEASE_NAME_MAX], label[RELEASE_NAME_MAX];
};

/* -EPROTO if it is no such list, or says a field twice, or has no date. */
NODISCARD int release_parse(const char *text, size_t len, struct release *ret_release);

/* "Tue, 24 Nov 2026 19:01:21 +0000" (RFC 5322, "UTC" and "GMT" too), as seconds. -EPROTO. */
NODISCARD int release_parse_date(const char *text, size_t len, int64_t *ret_seconds);

/* What came instead of a list, when a text is none that is signed. */
enum release_guise {
	RELEASE_SIGNED, /* it begins as one does */
	RELEASE_HTML, /* a web page */
	RELEASE_OTHER,
};
enum release_guise release_guise(const char *text, size_t len);

#endif
