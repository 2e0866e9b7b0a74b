/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host's own packet filter, as text for nftables: everything is dropped that the contract does not
 * open, inwards, outwards and through.
 *
 * Every packet that is dropped passes one named counter: those whose names begin with "drop-".
 *	drop-spoofed, drop-invalid	before anything else
 *	drop-in-PATH			a path's port, but the path is off or it is not for that sender
 *	drop-in-ZONE, drop-in-other	any other port, by the zone that it came from
 *	drop-in-cell			a cell to the host
 *	drop-in-rate-PATH		too many new connections from that address
 *	drop-out-PATH			a path's port, but off, to another host or by another account
 *	drop-out-cell, drop-out-other	the host to a cell; any other port
 *	drop-fwd-PATH			a cell, a path's port, but off or not to there
 *	drop-fwd-cell			a cell to another cell
 *	drop-fwd-private		a cell to what is no public address
 *	drop-fwd-connections		a cell that has too many connections
 *	drop-fwd-cell-other, drop-fwd-other	a cell, any other port; not from or to a cell
 */
#ifndef LAZARET_NET_RULES_HOST_H
#define LAZARET_NET_RULES_HOST_H

#include <stdio.h>

#include "net/contract.h"

/* The table, in the host's namespace. */
#define RULES_HOST_TABLE "lazaret_host"

/* As one transaction that replaces what was there. The contract has CONTRACT_HOST in its scope. */
void rules_host(const struct contract *contract, FILE *out);

#endif
