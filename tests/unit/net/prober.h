/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tries a system call in a child that has a filter on. */
#ifndef TESTS_NET_PROBER_H
#define TESTS_NET_PROBER_H

enum outcome { WORKS = 0, FAILS = 1, NO_FILTER = 2, KILLED = 100 };

struct attempt {
	const char *name;
	long nr;
	long args[6];
};

enum outcome prober_try(int (*filter)(void), const struct attempt *attempt);

#endif
