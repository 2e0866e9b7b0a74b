/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which keys are taken, and that nothing but what TLS signs is ever signed. */
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/mem.h"
#include "keyd/key.h"
#include "keyd/limits.h"
#include "make_pem.h"

static struct pem rsa, ecdsa, ed25519;
static char reason[KEY_REASON_MAX];

static int set_up(void **state)
{
	(void)state;
	/* RSA keys take their time: one for all. */
	make_pem(GNUTLS_PK_RSA, KEYD_RSA_BITS_MIN, &rsa);
	make_pem(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &ecdsa);
	make_pem(GNUTLS_PK_EDDSA_ED25519, 256, &ed25519);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pem_finish(&rsa);
	pem_finish(&ecdsa);
	pem_finish(&ed25519);
	return 0;
}

static int load(const char *chain, const char *key_pem, struct key **ret_key)
{
	reason[0] = '\0';
	return key_load(chain, strlen(chain), key_pem, strlen(key_pem), ret_key, reason);
}

static struct key *must_load(const struct pem *pem)
{
	struct key *key;

	assert_int_equal(load(pem->chain, pem->key, &key), 0);
	return key;
}

static void assert_refused(const char *chain, const char *key_pem, const char *expected)
{
	struct key *key = NULL;

	assert_true(load(chain, key_pem, &key) < 0);
	assert_null(key);
	if (!strstr(reason, expected))
		fail_msg("\"%s\" lacks \"%s\"", reason, expected);
}

static void test_kinds(void **state)
{
	const struct pem *const pems[] = {&rsa, &ecdsa, &ed25519};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pems); i++) {
		struct key *key = must_load(pems[i]);

		assert_string_equal(key_chain(key), pems[i]->chain);
		key_destroy(key);
	}
	key_destroy(NULL);
}

static void test_not_taken(void **state)
{
	struct pem weak;

	(void)state;
	assert_refused("", rsa.key, "no certificate chain");
	assert_refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", rsa.key,
		       "no certificate chain");
	assert_refused(rsa.chain, "", "no private key");
	assert_refused(rsa.chain, rsa.chain, "no private key");
	assert_refused(rsa.chain, ecdsa.key, "does not belong");
	assert_refused(ed25519.chain, rsa.key, "does not belong");
	make_pem(GNUTLS_PK_RSA, 1024, &weak);
	assert_refused(weak.chain, weak.key, "too short");
	pem_finish(&weak);
}

/* Another key of the same kind and size: only the numbers differ. */
static void test_other_key(void **state)
{
	struct pem other;

	(void)state;
	make_pem(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &other);
	assert_refused(other.chain, ecdsa.key, "does not belong");
	pem_finish(&other);
}

static void test_encrypted(void **state)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t plain = {(unsigned char *)rsa.key, (unsigned int)strlen(rsa.key)}, sealed;
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_import(key, &plain, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, "secret",
							   GNUTLS_PKCS_PBES2_AES_256, &sealed),
			 0);
	text = strndup((const char *)sealed.data, sealed.size);
	gnutls_free(sealed.data);
	gnutls_x509_privkey_deinit(key);
	assert_refused(rsa.chain, text, "encrypted");
}

static void test_too_long_chain(void **state)
{
	size_t one = strlen(ecdsa.chain);
	_cleanup_free_ char *chain = calloc(KEYD_CHAIN_MAX + 1, one + 1);

	(void)state;
	for (int i = 0; i <= KEYD_CHAIN_MAX; i++)
		memcpy(chain + (size_t)i * one, ecdsa.chain, one);
	assert_refused(chain, ecdsa.key, "certificate");
}

/* --- signing ---------------------------------------------------------------------------------- */

static void verify(const struct pem *pem, gnutls_sign_algorithm_t algorithm, bool whole,
		   const uint8_t *data, size_t len, const gnutls_datum_t *signature)
{
	gnutls_datum_t chain = {(unsigned char *)pem->chain, (unsigned int)strlen(pem->chain)};
	gnutls_datum_t datum = {(unsigned char *)(uintptr_t)data, (unsigned int)len};
	gnutls_x509_crt_t certificate;
	gnutls_pubkey_t public;

	assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
	assert_int_equal(gnutls_x509_crt_import(certificate, &chain, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_pubkey_init(&public), 0);
	assert_int_equal(gnutls_pubkey_import_x509(public, certificate, 0), 0);
	assert_true((whole ? gnutls_pubkey_verify_data2(public, algorithm, 0, &datum, signature)
			   : gnutls_pubkey_verify_hash2(public, algorithm, 0, &datum, signature)) >=
		    0);
	gnutls_pubkey_deinit(public);
	gnutls_x509_crt_deinit(certificate);
}

static void assert_signs(const struct pem *pem, gnutls_sign_algorithm_t algorithm, size_t len)
{
	struct key *key = must_load(pem);
	gnutls_datum_t signature;
	uint8_t data[KEYD_MESSAGE_MAX];

	memset(data, 0x5a, sizeof(data));
	assert_int_equal(key_sign(key, algorithm, data, len, &signature), 0);
	verify(pem, algorithm, algorithm == GNUTLS_SIGN_EDDSA_ED25519, data, len, &signature);
	gnutls_free(signature.data);
	key_destroy(key);
}

static void assert_does_not(const struct pem *pem, uint32_t algorithm, size_t len)
{
	struct key *key = must_load(pem);
	gnutls_datum_t signature = {0};
	uint8_t data[KEYD_MESSAGE_MAX + 1] = {0};

	assert_int_equal(key_sign(key, algorithm, data, len, &signature), -EINVAL);
	assert_null(signature.data);
	key_destroy(key);
}

static void test_signs(void **state)
{
	(void)state;
	assert_signs(&rsa, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 32);
	assert_signs(&rsa, GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, 64);
	assert_signs(&rsa, GNUTLS_SIGN_RSA_SHA384, 48);
	assert_signs(&ecdsa, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 32);
	assert_signs(&ecdsa, GNUTLS_SIGN_ECDSA_SHA256, 32);
	assert_signs(&ed25519, GNUTLS_SIGN_EDDSA_ED25519, KEYD_MESSAGE_MIN);
	assert_signs(&ed25519, GNUTLS_SIGN_EDDSA_ED25519, KEYD_MESSAGE_MAX);
}

static void test_does_not_sign(void **state)
{
	(void)state;
	/* Weak or unknown ones */
	assert_does_not(&rsa, GNUTLS_SIGN_RSA_SHA1, 20);
	assert_does_not(&rsa, GNUTLS_SIGN_RSA_MD5, 16);
	assert_does_not(&rsa, GNUTLS_SIGN_UNKNOWN, 32);
	assert_does_not(&rsa, UINT32_MAX, 32);
	/* Ones of another key */
	assert_does_not(&rsa, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 32);
	assert_does_not(&ecdsa, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 32);
	assert_does_not(&ecdsa, GNUTLS_SIGN_RSA_RAW, 51);
	assert_does_not(&ed25519, GNUTLS_SIGN_EDDSA_ED448, 100);
	/* Data that is no digest of the algorithm */
	assert_does_not(&rsa, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 31);
	assert_does_not(&rsa, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 33);
	assert_does_not(&rsa, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 64);
	assert_does_not(&ecdsa, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 0);
	/* Messages shorter and longer than TLS has */
	assert_does_not(&ed25519, GNUTLS_SIGN_EDDSA_ED25519, KEYD_MESSAGE_MIN - 1);
	assert_does_not(&ed25519, GNUTLS_SIGN_EDDSA_ED25519, KEYD_MESSAGE_MAX + 1);
}

/* TLS 1.2 with RSA: a DigestInfo, and nothing around, behind or instead of it. */
static void test_digest_info(void **state)
{
	gnutls_datum_t digest = {NULL, 32}, info, signature = {0};
	struct key *key = must_load(&rsa);
	uint8_t bytes[32], bent[128];

	(void)state;
	memset(bytes, 0x77, sizeof(bytes));
	digest.data = bytes;
	assert_int_equal(gnutls_encode_ber_digest_info(GNUTLS_DIG_SHA256, &digest, &info), 0);
	assert_int_equal(key_sign(key, GNUTLS_SIGN_RSA_RAW, info.data, info.size, &signature), 0);
	verify(&rsa, GNUTLS_SIGN_RSA_SHA256, false, bytes, 32, &signature);
	gnutls_free(signature.data);
	signature.data = NULL;
	/* Bytes behind it, its digest cut, and a bare digest */
	memcpy(bent, info.data, info.size);
	bent[info.size] = 0;
	assert_int_equal(key_sign(key, GNUTLS_SIGN_RSA_RAW, bent, info.size + 1, &signature),
			 -EINVAL);
	assert_int_equal(key_sign(key, GNUTLS_SIGN_RSA_RAW, bent, info.size - 1, &signature),
			 -EINVAL);
	assert_int_equal(key_sign(key, GNUTLS_SIGN_RSA_RAW, bytes, 32, &signature), -EINVAL);
	gnutls_free(info.data);
	/* A hash that TLS 1.2 here does not sign with */
	digest.size = 20;
	assert_int_equal(gnutls_encode_ber_digest_info(GNUTLS_DIG_SHA1, &digest, &info), 0);
	assert_int_equal(key_sign(key, GNUTLS_SIGN_RSA_RAW, info.data, info.size, &signature),
			 -EINVAL);
	gnutls_free(info.data);
	assert_null(signature.data);
	key_destroy(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),          cmocka_unit_test(test_not_taken),
		cmocka_unit_test(test_other_key),      cmocka_unit_test(test_encrypted),
		cmocka_unit_test(test_too_long_chain), cmocka_unit_test(test_signs),
		cmocka_unit_test(test_does_not_sign),  cmocka_unit_test(test_digest_info),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
