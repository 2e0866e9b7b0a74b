/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A private key that is not here: GnuTLS asks, keyd signs. */
#ifndef LAZARET_GATEWAY_SIGNER_H
#define LAZARET_GATEWAY_SIGNER_H

#include <gnutls/abstract.h>

#include "base/attr.h"

struct signer {
	int keyd; /* channel, borrowed */
	gnutls_pk_algorithm_t algorithm; /* of the certificate */
	unsigned int bits;
};

/* A key object over `signer`, which must outlive it. 0 or a GnuTLS error. */
NODISCARD int signer_make_key(struct signer *signer, gnutls_privkey_t *ret_key);

#endif
