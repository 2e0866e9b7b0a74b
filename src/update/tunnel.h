/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way to the update server over SSH: OpenSSH's client, under an account of its own, offers a SOCKS
 * proxy on the loopback interface, and the server connects from there to what its PermitOpen allows. So
 * addresses of repositories stay as they are, and whoever listens on the loopback of the server is reached.
 */
#ifndef LAZARET_UPDATE_TUNNEL_H
#define LAZARET_UPDATE_TUNNEL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/spawn.h"
#include "update/store.h"

struct tunnel {
	struct child child;
	int said; /* what ssh says */
	uint16_t port; /* 0: there is no tunnel */
};

/* -EINVAL with a sentence in `errors`. */
NODISCARD int tunnel_open(struct tunnel *tunnel, const struct store *store, FILE *errors);
/* Safe to call twice, and for one that is {0}. */
void tunnel_close(struct tunnel *tunnel);
#define _cleanup_tunnel_ CLEANUP(tunnel_close)

#endif
