/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the log goes while standard error is a person's. */
#ifndef LAZARET_UPDATE_JOURNAL_H
#define LAZARET_UPDATE_JOURNAL_H

#include "update/store.h"

/* Standard error becomes the journal of the system or, where there is none, the file "log". */
void journal_take(const struct store *store);

#endif
