/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/nft.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>

/* Not _SYMBOL: "oif missing" would become "oif 0", which is another rule. */
#define NUMBERS (NFT_CTX_OUTPUT_NUMERIC_PROTO | NFT_CTX_OUTPUT_NUMERIC_PRIO)

/* A context has its own netlink socket, which belongs to the namespace we are in now. */
static struct nft_ctx *create(void)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (!nft)
		return NULL;
	if (nft_ctx_buffer_error(nft) != 0 || nft_ctx_buffer_output(nft) != 0) {
		nft_ctx_free(nft);
		return NULL;
	}
	return nft;
}

int nft_load(const char *text, char **ret_error)
{
	struct nft_ctx *nft = create();
	int r = 0;

	if (!nft)
		return -ENOMEM;
	if (nft_run_cmd_from_buffer(nft, text) != 0) {
		r = -EINVAL;
		if (ret_error) {
			*ret_error = strdup(nft_ctx_get_error_buffer(nft));
			if (!*ret_error)
				r = -ENOMEM;
		}
	}
	nft_ctx_free(nft);
	return r;
}

static int list(const char *command, unsigned int flags, char **ret_text)
{
	struct nft_ctx *nft = create();
	char *text = NULL;
	int r = 0;

	if (!nft)
		return -ENOMEM;
	nft_ctx_output_set_flags(nft, flags);
	if (nft_run_cmd_from_buffer(nft, command) != 0) {
		r = -ENOENT;
	} else {
		text = strdup(nft_ctx_get_output_buffer(nft));
		r = text ? 0 : -ENOMEM;
	}
	nft_ctx_free(nft);
	if (r == 0)
		*ret_text = text;
	return r;
}

int nft_list(const char *command, char **ret_text)
{
	return list(command, NFT_CTX_OUTPUT_STATELESS | NUMBERS, ret_text);
}

int nft_list_counted(const char *command, char **ret_text)
{
	return list(command, NUMBERS, ret_text);
}
