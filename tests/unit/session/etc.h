/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An /etc with nothing in it but what a test writes, seen by the test's process alone. */
#ifndef LAZARET_TEST_SESSION_ETC_H
#define LAZARET_TEST_SESSION_ETC_H

/* Needs root. Ends the process when it cannot be made: the machine's accounts are no test's. */
void etc_begin(void);

/* `name` below /etc; folders are made. */
void etc_write(const char *name, const char *text);

#endif
