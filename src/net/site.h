/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The contract as netd holds it: of a configuration, on the host that we are on now. */
#ifndef LAZARET_NET_SITE_H
#define LAZARET_NET_SITE_H

#include "net/contract.h"
#include "net/env.h"
#include "net/names.h"

#define SITE_RESOLV_MAX 4096

struct site {
	struct contract *contract; /* CONTRACT_CELLS | CONTRACT_RUNNING */
	char resolv[SITE_RESOLV_MAX]; /* resolv.conf(5) of the cells */
};

/*
 * -EINVAL with a sentence in `why` if the configuration cannot be. `names` know what is known, and
 * learn what is wanted. The caller destroys it.
 */
NODISCARD int site_create(const struct conf *conf, struct names *names, char *why, size_t size,
			  struct site **ret_site);
/* Logs the notes of its contract that an earlier one, which may be NULL, did not have. */
void site_say_notes(const struct site *site, const struct site *earlier);
void site_destroy(struct site *site);
void site_destroyp(struct site **site);
#define _cleanup_site_ CLEANUP(site_destroyp)

#endif
