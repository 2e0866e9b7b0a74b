/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside lazaretctl firewall. */
#ifndef LAZARET_CTL_FIREWALL_IMPL_H
#define LAZARET_CTL_FIREWALL_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "net/contract.h"

/* What a writer writes, as a string of the caller's. */
NODISCARD int firewall_text(const struct contract *contract,
			    void (*write)(const struct contract *contract, FILE *out),
			    char **ret_text);

/* --- firewall_lines.c: a table as nftables lists it, line by line ------------------------------ */

struct lines {
	char **items;
	size_t n;
};

void lines_finish(struct lines *lines);
#define _cleanup_lines_ CLEANUP(lines_finish)
/*
 * Every rule, element and property as one line with its block before it, "chain input: iifname
 * \"lo\" accept", "set ntp4: 192.0.2.1"; elements are sorted. What changes by itself (elements of
 * dynamic sets, cells that come and go) is left out.
 */
NODISCARD int lines_read(const char *listing, struct lines *ret_lines);
/* Prints what is only in one of them as "- …" and "+ …"; returns how many lines that were. */
size_t lines_diff(const struct lines *from, const struct lines *to, const char *indent, FILE *out);
/* A listing as a text that replaces the table: without elements of dynamic sets. NULL: no memory. */
char *lines_reload_text(const char *table, const char *listing);

/* --- firewall_reach.c: who can reach us, and by which rules besides ours ----------------------- */

/* Whether a new connection from there to a port of ours passes the contract. */
bool reach_allows(const struct contract *contract, const struct network *from,
		  enum path_proto proto, uint16_t port);
/*
 * The SSH connection that we are run from, as the environment of this process or of one above it
 * says. False if there is none, or one that begins on this host.
 */
bool reach_find_ssh(struct network *ret_client, uint16_t *ret_port);
/* Says which listening services no path covers; returns how many. */
size_t reach_print_uncovered(const struct contract *contract, FILE *out);
/* Says which packet filters of others are in force; returns how many. */
size_t reach_print_foreign(FILE *out);

/* --- firewall_state.c: what is in force over a restart, and what waits for its confirmation ------- */

struct firewall_state {
	int dir;
};

void state_close(struct firewall_state *state);
#define _cleanup_state_ CLEANUP(state_close)
/* Opens, and makes, the folder below the state directory. conf may be NULL: the default one. */
NODISCARD int state_open(const struct conf *conf, struct firewall_state *ret_state);
/* The confirmed rules. -ENOENT: there are none. */
NODISCARD int state_read_saved(const struct firewall_state *state, char **ret_text);
/* Forgets the confirmed rules. */
NODISCARD int state_forget(const struct firewall_state *state);
/* -EBUSY: rules that were loaded wait for their confirmation. */
NODISCARD int state_is_idle(const struct firewall_state *state);
/*
 * Has a process of its own go back to `before` in `seconds`, unless state_confirm() is called before.
 * Returns when that process is ready, so that nothing that happens to us leaves `next` in force.
 */
NODISCARD int state_begin(const struct firewall_state *state, const char *before, const char *next,
			  unsigned int seconds);
/* `next` was not loaded: there is nothing to go back from. */
void state_withdraw(const struct firewall_state *state);
/* The kernel has what state_begin() was told of: from now on it can be confirmed. */
NODISCARD int state_loaded(const struct firewall_state *state);
/* -ENOENT: nothing waits, or it was too late. -ENODATA: state_loaded() was not reached. */
NODISCARD int state_confirm(const struct firewall_state *state);
/* Whether something still waits. */
bool state_waits(const struct firewall_state *state);

#endif
