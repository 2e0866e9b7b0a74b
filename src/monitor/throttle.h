/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What failed logins cost: each failure doubles the wait of the next attempt from the same address
 * for the same account name, 1 s, 2 s, 4 s … up to a cap. Other addresses and other accounts do not
 * wait, so a stranger cannot lock a user out. Attempts that run at the same time wait for each
 * other as if the earlier ones had failed; otherwise many connections would buy many guesses.
 *
 * Bounded: see limits.h. An address that tried very many names has one common entry for all
 * further names; when the table is full, the pair that was quiet for longest is forgotten.
 */
#ifndef LAZARET_MONITOR_THROTTLE_H
#define LAZARET_MONITOR_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "monitor/address.h"

struct handover;
struct throttle;

/* NULL when out of memory. */
struct throttle *throttle_create(void);
void throttle_destroy(struct throttle *throttle);

/* Longest wait between two attempts in microseconds; 0: nobody waits. */
void throttle_set_cap(struct throttle *throttle, uint64_t cap);

/* An attempt that was begun; a value, nothing to free. */
struct throttle_ticket {
	struct address_key address;
	uint64_t account;
};

/*
 * An attempt begins: returns when (monotonic us, >= now) the password may be looked at. Each begin
 * is followed by exactly one end.
 */
uint64_t throttle_begin(struct throttle *throttle, const struct address_key *address,
			const char *account, uint64_t now, struct throttle_ticket *ret_ticket);

enum throttle_outcome {
	THROTTLE_SUCCEEDED, /* forgets the failures of the pair */
	THROTTLE_FAILED,
	THROTTLE_ABANDONED, /* the client went before the password was looked at */
};
void throttle_end(struct throttle *throttle, const struct throttle_ticket *ticket,
		  enum throttle_outcome outcome, uint64_t now);

/* Across an execution of ourselves: nobody gets tries anew by it. */
NODISCARD int throttle_save(const struct throttle *throttle, struct handover *handover);
NODISCARD int throttle_restore(struct throttle *throttle, const struct handover *handover);

/* Pairs remembered now. */
size_t throttle_count(const struct throttle *throttle);

#endif
