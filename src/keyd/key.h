/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A server's certificate chain and its private key, and the only thing that is ever done with the
 * key: one signature over what a TLS handshake signs.
 */
#ifndef LAZARET_KEYD_KEY_H
#define LAZARET_KEYD_KEY_H

#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct key;

#define KEY_REASON_MAX 256

/*
 * Takes chain and key from PEM (RSA, RSA-PSS, ECDSA, Ed25519, Ed448). 0, or a negative errno with
 * `reason` saying in a sentence what is wrong and what to do. Logs a warning if the certificate is
 * outside its time. The caller wipes `key_pem`.
 */
NODISCARD int key_load(const char *chain_pem, size_t chain_len, const char *key_pem, size_t key_len,
		       struct key **ret_key, char reason[KEY_REASON_MAX]);
/* Wipes. NULL is allowed. */
void key_destroy(struct key *key);

/* When the certificate ends, seconds since 1970. */
uint64_t key_until(const struct key *key);

/* The chain, sorted, as PEM with a NUL; the key's. */
const char *key_chain(const struct key *key);

/*
 * Signs what TLS signs: a digest of the algorithm's size, a PKCS#1 DigestInfo for GNUTLS_SIGN_RSA_RAW
 * (RFC 8017 9.2), or for EdDSA the message. -EINVAL: an algorithm that is not for this key or not
 * for TLS, or data of another shape. Free *ret_signature with gnutls_free().
 */
NODISCARD int key_sign(struct key *key, uint32_t algorithm, const uint8_t *data, size_t len,
		       gnutls_datum_t *ret_signature);

#endif
