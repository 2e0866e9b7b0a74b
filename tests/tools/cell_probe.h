/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The prober of cells: what a program inside a cell can do, tried one thing after the other. Each
 * thing is one line of JSON on standard output,
 *
 *	{"what": "mount tmpfs", "result": "denied", "errno": 1}
 *
 * with "open" and 0 when it could be done, and "signal" beside "denied" when the kernel ended
 * the process for it.
 */
#ifndef LAZARET_TESTS_CELL_PROBE_H
#define LAZARET_TESTS_CELL_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Words of an order behind the command: "key=value" or positional. */
struct order {
	int argc;
	char **argv;
};

/* The value of the next "key=" at or after *place, which moves behind it; NULL: no more. */
const char *order_next(const struct order *order, const char *key, int *place);
/* Positional word as a number; exits with a message when it is none. */
long order_number(const struct order *order, int index, long fallback);

/* 0: open; a negative errno: denied; PROBE_SIGNAL(n): the attempt was ended by a signal. */
#define PROBE_SIGNAL(n) (-1000 - (n))
void PRINTF(2, 3) report(int result, const char *fmt, ...);
/* A line of another kind: {"what": WHAT, "value": VALUE}. */
void PRINTF(2, 3) tell(const char *what, const char *fmt, ...);

/*
 * Runs `body` in a child of its own, so that what kills or confines it harms no other attempt.
 * It returns 0 when it could do the thing, or a negative errno.
 */
int attempt(int (*body)(const void *data), const void *data);

/* What each file tries. */
void probe_calls(const struct order *order);
void probe_sockets(void);
void probe_files(const struct order *order);
void probe_processes(const struct order *order);
void probe_facts(void);
int probe_connect(const struct order *order);
int probe_scan(const struct order *order);
int probe_udp(const struct order *order);
int probe_listen(const struct order *order);
int probe_unix(const struct order *order);
int probe_network(const struct order *order);
void probe_wayland_bomb(long clients);
int probe_bomb(const struct order *order);

#endif
