/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What programs say when something fails, as a sentence that says what to do. */
#ifndef LAZARET_UPDATE_EXPLAIN_H
#define LAZARET_UPDATE_EXPLAIN_H

#include <stddef.h>

/* Each writes a sentence without a full stop; `said` is the program's whole output. */

/* apt could not fetch something. */
void explain_fetch(const char *said, char *out, size_t size);
/* ssh has ended. */
void explain_ssh(const char *said, char *out, size_t size);
/* dpkg, or apt with it, did not install. */
void explain_dpkg(const char *said, char *out, size_t size);

#endif
