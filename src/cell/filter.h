/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The system-call filter of a cell, mandatory, below the browser's own.
 *
 * An allow-list: what is not on it is answered with ENOSYS, as an older kernel would, so programs
 * fall back; what syscalls.def refuses by name with EPERM; arguments that are not allowed, socket
 * families and socket options among them, with ENOSYS as well. Other ABIs of the same machine
 * (i386, x32) end the process. User namespaces stay possible: the browser's sandbox is made of
 * them; what makes them dangerous (mounts, netlink families and socket options of the packet
 * filter, packet sockets) is not. What stays within reach of root of a network namespace is
 * rtnetlink: a filter of calls cannot tell its messages apart, and the browser reads routes by it.
 */
#ifndef LAZARET_CELL_FILTER_H
#define LAZARET_CELL_FILTER_H

#include "base/attr.h"

/* The program as bwrap --seccomp reads it (struct sock_filter[]), in a sealed memory file at its
 * start. Returns the descriptor or a negative errno. */
NODISCARD int filter_memfd(void);

/* Loads it into the calling thread for good (sets no_new_privs). For tests. */
NODISCARD int filter_load(void);

#endif
