/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "make_pem.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"

static void must(int r)
{
	if (r < 0)
		abort();
}

/* A terminated copy that free(3) takes. */
static char *text_of(gnutls_datum_t *datum)
{
	char *text = strndup((const char *)datum->data, datum->size);

	gnutls_free(datum->data);
	if (!text)
		abort();
	return text;
}

/* EdDSA brings its own. */
static gnutls_digest_algorithm_t digest_for(gnutls_pk_algorithm_t algorithm)
{
	switch (algorithm) {
	case GNUTLS_PK_EDDSA_ED25519:
		return GNUTLS_DIG_SHA512;
	case GNUTLS_PK_EDDSA_ED448:
		return GNUTLS_DIG_SHAKE_256;
	default:
		return GNUTLS_DIG_SHA256;
	}
}

void make_pem(gnutls_pk_algorithm_t algorithm, unsigned int bits, struct pem *ret_pem)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
	gnutls_datum_t key_pem, chain_pem;
	time_t now = time(NULL);

	must(gnutls_x509_privkey_init(&key));
	must(gnutls_x509_privkey_generate(key, algorithm, bits, 0));
	must(gnutls_x509_crt_init(&certificate));
	must(gnutls_x509_crt_set_version(certificate, 3));
	must(gnutls_x509_crt_set_serial(certificate, "\1", 1));
	must(gnutls_x509_crt_set_activation_time(certificate, now - 60));
	must(gnutls_x509_crt_set_expiration_time(certificate, now + 3600));
	must(gnutls_x509_crt_set_dn(certificate, "CN=test", NULL));
	must(gnutls_x509_crt_set_key(certificate, key));
	must(gnutls_x509_crt_sign2(certificate, certificate, key, digest_for(algorithm), 0));
	must(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
					       &key_pem));
	must(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &chain_pem));
	gnutls_x509_crt_deinit(certificate);
	gnutls_x509_privkey_deinit(key);
	ret_pem->key = text_of(&key_pem);
	ret_pem->chain = text_of(&chain_pem);
}

void pem_finish(struct pem *pem)
{
	free(pem->chain);
	free(pem->key);
	*pem = (struct pem){0};
}
