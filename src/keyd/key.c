/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keyd/key.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "keyd/limits.h"

struct key {
	gnutls_privkey_t private;
	gnutls_pk_algorithm_t algorithm;
	char *chain;
	uint64_t until;
};

/* What TLS 1.2 and 1.3 sign with, and nothing weaker (RFC 8446 4.2.3). */
static const gnutls_sign_algorithm_t tls_algorithms[] = {
	GNUTLS_SIGN_RSA_RAW,
	GNUTLS_SIGN_RSA_SHA256,
	GNUTLS_SIGN_RSA_SHA384,
	GNUTLS_SIGN_RSA_SHA512,
	GNUTLS_SIGN_RSA_PSS_RSAE_SHA256,
	GNUTLS_SIGN_RSA_PSS_RSAE_SHA384,
	GNUTLS_SIGN_RSA_PSS_RSAE_SHA512,
	GNUTLS_SIGN_RSA_PSS_SHA256,
	GNUTLS_SIGN_RSA_PSS_SHA384,
	GNUTLS_SIGN_RSA_PSS_SHA512,
	GNUTLS_SIGN_ECDSA_SHA256,
	GNUTLS_SIGN_ECDSA_SHA384,
	GNUTLS_SIGN_ECDSA_SHA512,
	GNUTLS_SIGN_ECDSA_SECP256R1_SHA256,
	GNUTLS_SIGN_ECDSA_SECP384R1_SHA384,
	GNUTLS_SIGN_ECDSA_SECP521R1_SHA512,
	GNUTLS_SIGN_EDDSA_ED25519,
	GNUTLS_SIGN_EDDSA_ED448,
};

/* --- loading ---------------------------------------------------------------------------------- */

struct chain {
	gnutls_x509_crt_t *certificates;
	unsigned int count;
};

static void chain_finish(struct chain *chain)
{
	for (unsigned int i = 0; i < chain->count; i++)
		gnutls_x509_crt_deinit(chain->certificates[i]);
	gnutls_free(chain->certificates);
}

static int object(char reason[KEY_REASON_MAX], const char *what, int code)
{
	if (code < 0)
		snprintf(reason, KEY_REASON_MAX, "%s (%s)", what, gnutls_strerror(code));
	else
		snprintf(reason, KEY_REASON_MAX, "%s", what);
	return -EINVAL;
}

static int load_chain(const char *pem, size_t len, struct chain *ret_chain, char *reason)
{
	gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned int)len};
	struct chain chain = {0};
	int r = gnutls_x509_crt_list_import2(&chain.certificates, &chain.count, &data,
					     GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);

	if (r < 0)
		return object(reason, "The certificate file has no certificate chain in PEM form",
			      r);
	if (chain.count == 0 || chain.count > KEYD_CHAIN_MAX) {
		chain_finish(&chain);
		return object(reason, "The certificate file has too many certificates", 0);
	}
	*ret_chain = chain;
	return 0;
}

static int load_private(const char *pem, size_t len, gnutls_x509_privkey_t *ret_private,
			char *reason)
{
	gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned int)len};
	gnutls_x509_privkey_t private;
	int r = gnutls_x509_privkey_init(&private);

	if (r < 0)
		return -ENOMEM;
	r = gnutls_x509_privkey_import2(private, &data, GNUTLS_X509_FMT_PEM, NULL,
					GNUTLS_PKCS_PLAIN);
	if (r == 0) {
		*ret_private = private;
		return 0;
	}
	gnutls_x509_privkey_deinit(private);
	if (r == GNUTLS_E_DECRYPTION_FAILED)
		return object(reason,
			      "The private key is encrypted; store it without a password, "
			      "readable for root only",
			      0);
	return object(reason, "The key file has no private key in PEM form", r);
}

static int check_pair(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t private, char *reason)
{
	unsigned char of_certificate[64], of_private[64];
	size_t certificate_len = sizeof(of_certificate), private_len = sizeof(of_private);
	int r;

	r = gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, of_certificate,
				       &certificate_len);
	if (r == 0)
		r = gnutls_x509_privkey_get_key_id(private, GNUTLS_KEYID_USE_SHA256, of_private,
						   &private_len);
	if (r < 0)
		return object(reason, "The key of the certificate cannot be compared", r);
	if (certificate_len != private_len || memcmp(of_certificate, of_private, private_len) != 0)
		return object(reason,
			      "The private key does not belong to the certificate; check that "
			      "both files are of the same issue and that the server's "
			      "certificate stands first",
			      0);
	return 0;
}

static int check_strength(gnutls_x509_privkey_t private, gnutls_pk_algorithm_t *ret_algorithm,
			  char *reason)
{
	unsigned int bits = 0;
	int algorithm = gnutls_x509_privkey_get_pk_algorithm2(private, &bits);

	switch (algorithm) {
	case GNUTLS_PK_RSA:
	case GNUTLS_PK_RSA_PSS:
		if (bits < KEYD_RSA_BITS_MIN)
			return object(reason,
				      "The RSA key is too short; at least 2048 bits are "
				      "needed",
				      0);
		break;
	case GNUTLS_PK_ECDSA:
	case GNUTLS_PK_EDDSA_ED25519:
	case GNUTLS_PK_EDDSA_ED448:
		break;
	default:
		return object(reason,
			      "The private key is of a kind that TLS cannot use here; use "
			      "ECDSA, RSA or Ed25519",
			      0);
	}
	*ret_algorithm = (gnutls_pk_algorithm_t)algorithm;
	return 0;
}

static void warn_about_time(gnutls_x509_crt_t certificate)
{
	time_t now = time(NULL);
	time_t until = gnutls_x509_crt_get_expiration_time(certificate);

	if (until < now)
		log_event(LOG_WARN, "keyd.certificate-expired",
			  LOG_INT("days", (now - until) / 86400));
	if (gnutls_x509_crt_get_activation_time(certificate) > now)
		log_event(LOG_WARN, "keyd.certificate-not-yet-valid");
}

static int write_chain(const struct chain *chain, char **ret_pem)
{
	size_t size = 1;
	char *pem;
	size_t at = 0;

	for (unsigned int i = 0; i < chain->count; i++) {
		size_t one = 0;

		gnutls_x509_crt_export(chain->certificates[i], GNUTLS_X509_FMT_PEM, NULL, &one);
		size += one + 1;
	}
	pem = calloc(1, size);
	if (!pem)
		return -ENOMEM;
	for (unsigned int i = 0; i < chain->count; i++) {
		size_t room = size - at;

		if (gnutls_x509_crt_export(chain->certificates[i], GNUTLS_X509_FMT_PEM, pem + at,
					   &room) < 0) {
			free(pem);
			return -EIO;
		}
		at += strlen(pem + at);
	}
	*ret_pem = pem;
	return 0;
}

static int make_key(const struct chain *chain, gnutls_x509_privkey_t private, struct key **ret_key,
		    char *reason)
{
	struct key *key = calloc(1, sizeof(*key));
	int r;

	if (!key)
		return -ENOMEM;
	r = check_strength(private, &key->algorithm, reason);
	if (r == 0)
		r = check_pair(chain->certificates[0], private, reason);
	if (r == 0)
		r = write_chain(chain, &key->chain);
	if (r == 0 && gnutls_privkey_init(&key->private) < 0)
		r = -ENOMEM;
	if (r == 0 &&
	    gnutls_privkey_import_x509(key->private, private, GNUTLS_PRIVKEY_IMPORT_COPY) < 0)
		r = -ENOMEM;
	if (r < 0) {
		key_destroy(key);
		return r;
	}
	warn_about_time(chain->certificates[0]);
	key->until = (uint64_t)MAX(gnutls_x509_crt_get_expiration_time(chain->certificates[0]),
				   (time_t)0);
	*ret_key = key;
	return 0;
}

int key_load(const char *chain_pem, size_t chain_len, const char *key_pem, size_t key_len,
	     struct key **ret_key, char reason[KEY_REASON_MAX])
{
	gnutls_x509_privkey_t private;
	struct chain chain = {0};
	int r;

	snprintf(reason, KEY_REASON_MAX, "Out of memory");
	r = load_chain(chain_pem, chain_len, &chain, reason);
	if (r < 0)
		return r;
	r = load_private(key_pem, key_len, &private, reason);
	if (r == 0) {
		r = make_key(&chain, private, ret_key, reason);
		/* Wiped by GnuTLS. */
		gnutls_x509_privkey_deinit(private);
	}
	chain_finish(&chain);
	return r;
}

void key_destroy(struct key *key)
{
	if (!key)
		return;
	if (key->private)
		gnutls_privkey_deinit(key->private);
	free(key->chain);
	free(key);
}

uint64_t key_until(const struct key *key)
{
	return key->until;
}

const char *key_chain(const struct key *key)
{
	return key->chain;
}

/* --- signing ---------------------------------------------------------------------------------- */

static bool for_tls(uint32_t algorithm)
{
	for (size_t i = 0; i < ARRAY_LEN(tls_algorithms); i++) {
		if (tls_algorithms[i] == algorithm)
			return true;
	}
	return false;
}

/* TLS 1.2 with RSA hands over a DigestInfo; it is taken apart, so that nothing else can be in it. */
static int sign_digest_info(struct key *key, const gnutls_datum_t *info,
			    gnutls_datum_t *ret_signature)
{
	unsigned char digest[64];
	unsigned int digest_len = sizeof(digest);
	gnutls_digest_algorithm_t hash;
	gnutls_sign_algorithm_t algorithm;
	gnutls_datum_t data = {digest, 0};

	if (gnutls_decode_ber_digest_info(info, &hash, digest, &digest_len) < 0)
		return -EINVAL;
	algorithm = gnutls_pk_to_sign(GNUTLS_PK_RSA, hash);
	if (!for_tls(algorithm) || digest_len != gnutls_hash_get_len(hash))
		return -EINVAL;
	data.size = digest_len;
	return gnutls_privkey_sign_hash2(key->private, algorithm, 0, &data, ret_signature) < 0
		       ? -EINVAL
		       : 0;
}

int key_sign(struct key *key, uint32_t algorithm, const uint8_t *data, size_t len,
	     gnutls_datum_t *ret_signature)
{
	gnutls_sign_algorithm_t sign = (gnutls_sign_algorithm_t)algorithm;
	gnutls_datum_t datum = {(unsigned char *)(uintptr_t)data, (unsigned int)len};
	gnutls_digest_algorithm_t hash;
	int r;

	if (!for_tls(algorithm) || len == 0 || len > KEYD_MESSAGE_MAX)
		return -EINVAL;
	if (sign == GNUTLS_SIGN_RSA_RAW)
		return key->algorithm == GNUTLS_PK_RSA
			       ? sign_digest_info(key, &datum, ret_signature)
			       : -EINVAL;
	if (!gnutls_sign_supports_pk_algorithm(sign, key->algorithm))
		return -EINVAL;
	if (sign == GNUTLS_SIGN_EDDSA_ED25519 || sign == GNUTLS_SIGN_EDDSA_ED448) {
		if (len < KEYD_MESSAGE_MIN)
			return -EINVAL;
		r = gnutls_privkey_sign_data2(key->private, sign, 0, &datum, ret_signature);
		return r < 0 ? -EINVAL : 0;
	}
	hash = gnutls_sign_get_hash_algorithm(sign);
	if (len != gnutls_hash_get_len(hash))
		return -EINVAL;
	r = gnutls_privkey_sign_hash2(key->private, sign, 0, &datum, ret_signature);
	return r < 0 ? -EINVAL : 0;
}
