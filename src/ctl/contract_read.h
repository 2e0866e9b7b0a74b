/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The contract as commands that are done here see it: of the files, on this host, names resolved. */
#ifndef LAZARET_CTL_CONTRACT_READ_H
#define LAZARET_CTL_CONTRACT_READ_H

#include "net/contract.h"

enum contract_names {
	CONTRACT_NAMES_UNASKED, /* with their last addresses, if there are any; nobody is waited for */
	CONTRACT_NAMES_KNOWN, /* with their last addresses; asked for only if there are none */
	CONTRACT_NAMES_FRESH, /* asked for again, and noted for who comes next */
};

/*
 * What is wrong goes to standard error, -EINVAL then. *ret_conf, which may be NULL, is the
 * configuration, the caller's.
 */
NODISCARD int contract_read(size_t n, char *const *files, unsigned int scope,
			    enum contract_names which, struct conf **ret_conf,
			    struct contract **ret_contract);
/* The contract's notes, to standard error. */
void contract_print_notes(const struct contract *contract);

#endif
