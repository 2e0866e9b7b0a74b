/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fresh keys with a certificate, for tests. */
#ifndef LAZARET_TEST_MAKE_PEM_H
#define LAZARET_TEST_MAKE_PEM_H

#include <gnutls/gnutls.h>

struct pem {
	char *chain, *key; /* PEM, terminated */
};

/* A self-signed certificate of a fresh key; `bits` as GnuTLS has them. Ends the test on failure. */
void make_pem(gnutls_pk_algorithm_t algorithm, unsigned int bits, struct pem *ret_pem);
void pem_finish(struct pem *pem);

#endif
