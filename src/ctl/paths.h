/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl paths: each takes what follows its words and returns an exit status. */
#ifndef LAZARET_CTL_PATHS_H
#define LAZARET_CTL_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "net/contract.h"

/* "[--all] [--json] [FILE...]" */
int paths_list(bool json, size_t n, char *const *arguments);
/* "ID [--json] [FILE...]" */
int paths_explain(bool json, size_t n, char *const *arguments);
/* "[ID] [OPTION...] [FILE...]"; `socket` is the daemon's, which makes a cell to try from. */
int paths_probe(bool json, const char *socket, size_t n, char *const *arguments);

/*
 * The contract that the files (none: the default one) make on this host, no name resolved. What is
 * wrong goes to standard error. *ret_conf may be NULL.
 */
NODISCARD int paths_contract(size_t n, char *const *files, unsigned int scope,
			     struct conf **ret_conf, struct contract **ret_contract);
/* Says that there is no such path, with the name that was meant, if there is one near. */
int paths_unknown(const char *name);

#endif
