/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names and the addresses that they had last. What asks name servers is lazaret-resolve, a process
 * without privilege that gets the names in one file and writes what it found into a pipe:
 *
 *	for each name, in any order: u32 its line in the file from 0 on, u8 enum names_status,
 *	u32 count, count times (u8 4 or 6, 4 or 16 bytes)
 *
 * Its words are checked here: nothing but addresses, and not too many.
 */
#ifndef LAZARET_NET_NAMES_H
#define LAZARET_NET_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"
#include "net/network.h"

enum names_status {
	NAMES_FOUND,
	NAMES_UNKNOWN, /* there is no such name, or it has no address */
	NAMES_SILENT, /* nobody answered */
	NAMES_STATUS_COUNT,
};

struct names_entry {
	char *name;
	struct network_list addresses; /* sorted; the last ones that were found */
	enum names_status status; /* of the last try; before the first one NAMES_SILENT */
	bool tried;
	bool wanted; /* looked up since names_forget_wanted() */
	size_t line; /* in what names_write_wanted() wrote last, from 1 on; 0: not there */
};

struct names {
	struct names_entry *items;
	size_t n;
};

void names_finish(struct names *names);
#define _cleanup_names_ CLEANUP(names_finish)

/*
 * contract_env.lookup with the names as `data`: what is known now. A name that is not is entered, so
 * that the next round asks for it.
 */
int names_lookup(void *data, const char *name, struct network_list *list, bool *ret_stale);
/* Begins anew to note which names are used. */
void names_forget_wanted(struct names *names);
/* Whether a wanted name has no address and was not tried yet. */
bool names_lack(const struct names *names);

/* The names that are wanted, one a line, numbered from 0; n of them. -ENOMEM. */
NODISCARD int names_write_wanted(struct names *names, FILE *out, size_t *ret_n);
/*
 * Takes what lazaret-resolve wrote about what names_write_wanted() wrote. A name that it says nothing
 * of counts as unanswered. A failure keeps the addresses. *ret_changed: some address came or went.
 * -EPROTO: it wrote what it may not, and nothing was taken.
 */
NODISCARD int names_take_answer(struct names *names, const void *data, size_t len,
				bool *ret_changed);

/* The file with what was found last, "NAME ADDRESS…" a line; wrong lines are left out. */
NODISCARD int names_read(struct names *names, const char *text);
/* Only what has addresses. */
void names_write(const struct names *names, FILE *out);

#endif
