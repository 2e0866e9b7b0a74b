/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nftables of the network namespace that the calling thread is in, by libnftables. One text is one
 * transaction of the kernel: all of it, or nothing.
 */
#ifndef LAZARET_NET_NFT_H
#define LAZARET_NET_NFT_H

#include <stddef.h>

#include "base/attr.h"

/*
 * Runs commands. -EINVAL: they were refused and nothing was changed; *ret_error (which may be NULL)
 * is then what nftables says, and the caller's.
 */
NODISCARD int nft_load(const char *text, char **ret_error);
/* "list …": what it prints, without counters and with numbers instead of names. -ENOENT. */
NODISCARD int nft_list(const char *command, char **ret_text);
/* The same with counters. */
NODISCARD int nft_list_counted(const char *command, char **ret_text);

#endif
