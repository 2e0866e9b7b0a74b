/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys, requests (RFC 2986) and certificates (RFC 5280) of the server, in PEM form. Where there is a
 * `reason` (CERT_REASON_MAX bytes), it says in a sentence what is wrong and what to do.
 */
#ifndef LAZARET_CERT_X509_H
#define LAZARET_CERT_X509_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/attr.h"
#include "cert/limits.h"

enum x509_key_type { X509_KEY_ECDSA, X509_KEY_RSA };

struct x509_names {
	size_t n;
	char items[CERT_NAMES_MAX][CERT_NAME_MAX + 1]; /* DNS names, and addresses as text */
};

/*
 * Adds a name or an address, once. -EINVAL: it is neither (a wildcard is none: a server has names of its
 * own). -E2BIG.
 */
NODISCARD int x509_names_add(struct x509_names *names, const char *name);
bool x509_is_address(const char *name);

/* A new key, as PEM without a password; the caller's to wipe. P-256, or RSA with 3072 bits. */
NODISCARD int x509_key_make(enum x509_key_type type, char **ret_pem);

/*
 * A request for the key with these names. `subject` is a distinguished name (RFC 4514), or NULL for the
 * first name alone. -EINVAL with a reason: the key or the subject is none.
 */
NODISCARD int x509_request(const char *key_pem, const struct x509_names *names, const char *subject,
			   char **ret_pem, char *reason);

/* The names that a request asks for, or that the first certificate of a file is for. -EINVAL. */
NODISCARD int x509_request_names(const char *pem, struct x509_names *ret_names);
NODISCARD int x509_certificate_names(const char *pem, struct x509_names *ret_names);

/* What a chain that the site's authority has sent must be. */
struct x509_wanted {
	const char *keys[2]; /* of which the certificate must be for one; either may be NULL */
	const struct x509_names *names; /* all of which it must be good for */
	const char
		*roots; /* authorities that are trusted besides one that comes with it, or NULL */
	time_t now;
};

/*
 * Checks a chain: it is for one of the keys (*ret_key is which), lasts now, may be used by a TLS server,
 * is good for all names, and leads to a root. *ret_chain is the chain in order without the root,
 * *ret_root the root; both the caller's. -EINVAL with a reason.
 */
NODISCARD int x509_check(const char *pem, const struct x509_wanted *wanted, char **ret_chain,
			 char **ret_root, size_t *ret_key, char *reason);

struct x509_info {
	char subject[256], issuer[256];
	time_t from, until;
	char key[64]; /* "ECDSA, 256 bits" */
	char fingerprint[3 * 32]; /* SHA-256 of the certificate, "AB:CD:…" */
	size_t certificates; /* in the file */
};

/* What a person wants to know of the first certificate of a file. -EINVAL. */
NODISCARD int x509_describe(const char *pem, struct x509_info *ret_info);

/* An authority for a trial, which lasts for so many days, and a certificate of it. */
NODISCARD int x509_make_authority(const char *key_pem, const char *name, int days, char **ret_pem);
NODISCARD int x509_issue(const char *request_pem, const char *authority_pem, const char *key_pem,
			 int days, char **ret_pem);

#endif
