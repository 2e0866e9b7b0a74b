/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a process of this host was logged in from, by what the kernel says and nothing that the
 * process or its user could have written.
 *
 * The way up from the process to its parents leads to the sshd that serves the connection, if there
 * is one: a process of root that runs the system's sshd and holds a TCP connection. Nobody but root
 * can make one. Where its connection comes from is asked of the socket itself.
 *
 * What a user can do is to leave: a process whose parents have ended is nobody's, and counts as one
 * of this host. He cannot appear as coming from an address from which sshd did not let him in.
 */
#ifndef LAZARET_MONITOR_ORIGIN_H
#define LAZARET_MONITOR_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "monitor/address.h"

struct origin {
	/* "" when it was not over SSH, or that could not be found out. */
	char address[ADDRESS_TEXT_MAX];
	uint16_t port; /* of the client */
	char local_address[ADDRESS_TEXT_MAX];
	uint16_t local_port;
};

/*
 * Of the process at the other end of a Unix socket. -ENOENT: not over SSH. -ESRCH: it has ended
 * already, so that nothing is certain. Another errno: there is an sshd, but not its connection.
 */
NODISCARD int origin_find(int socket, struct origin *ret_origin);

/* "192.0.2.7 port 50122", "local", "gone" or "ssh" after what origin_find() has returned. */
#define ORIGIN_TEXT_MAX (ADDRESS_TEXT_MAX + 16)
void origin_format(const struct origin *origin, int found, char out[ORIGIN_TEXT_MAX]);

#endif
