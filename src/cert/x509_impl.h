/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this folder share. */
#ifndef LAZARET_CERT_X509_IMPL_H
#define LAZARET_CERT_X509_IMPL_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "cert/x509.h"

/* Borrows the text. */
gnutls_datum_t x509_datum(const char *pem);
/* The data of GnuTLS as a text for free(); NULL when out of memory. */
char *x509_steal_text(gnutls_datum_t *data);

/* -EINVAL, -ENOMEM. The caller's to deinit. */
NODISCARD int x509_key_import(const char *pem, gnutls_x509_privkey_t *ret_key);
NODISCARD int x509_request_import(const char *pem, gnutls_x509_crq_t *ret_request);
NODISCARD int x509_import(const char *pem, gnutls_x509_crt_t *ret_certificate);

/* Adds an alternative name of a certificate if it is one of a server. -E2BIG. */
NODISCARD int x509_names_take(struct x509_names *names, unsigned int type, const void *value,
			      size_t len);

#endif
