/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a chain of certificates is one that viewers will take. */
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cert/x509_impl.h"

#define KEY_ID_MAX 64

struct pile {
	gnutls_x509_crt_t *items;
	unsigned int n;
};

struct check {
	const struct x509_wanted *wanted;
	struct pile given, known; /* what was sent; roots that are trusted already */
	gnutls_x509_crt_t chain[CERT_CHAIN_MAX]; /* of the others; the root last */
	unsigned int n;
	char *reason;
};

__attribute__((format(printf, 2, 3))) static int object(const struct check *check,
							const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(check->reason, CERT_REASON_MAX, format, list);
	va_end(list);
	return -EINVAL;
}

static void pile_finish(struct pile *pile)
{
	for (unsigned int i = 0; i < pile->n; i++)
		gnutls_x509_crt_deinit(pile->items[i]);
	gnutls_free(pile->items);
}

static int pile_read(const char *pem, struct pile *ret_pile)
{
	gnutls_datum_t data = x509_datum(pem);
	struct pile pile = {0};
	int r = gnutls_x509_crt_list_import2(&pile.items, &pile.n, &data, GNUTLS_X509_FMT_PEM, 0);

	if (r < 0 || pile.n == 0)
		return -EINVAL;
	*ret_pile = pile;
	return 0;
}

/* --- the certificate -------------------------------------------------------------------------- */

static bool is_for(gnutls_x509_crt_t certificate, const char *key_pem)
{
	unsigned char a[KEY_ID_MAX], b[KEY_ID_MAX];
	size_t a_len = sizeof(a), b_len = sizeof(b);
	gnutls_x509_privkey_t key;
	bool same;

	if (!key_pem || x509_key_import(key_pem, &key) < 0)
		return false;
	same = gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, a, &a_len) == 0 &&
	       gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, b, &b_len) == 0 &&
	       a_len == b_len && memcmp(a, b, a_len) == 0;
	gnutls_x509_privkey_deinit(key);
	return same;
}

static int find_ours(struct check *check, size_t *ret_key)
{
	for (size_t k = 0; k < ARRAY_LEN(check->wanted->keys); k++) {
		for (unsigned int i = 0; i < check->given.n; i++) {
			if (!is_for(check->given.items[i], check->wanted->keys[k]))
				continue;
			check->chain[check->n++] = check->given.items[i];
			*ret_key = k;
			return 0;
		}
	}
	return object(check,
		      "no certificate of the %u that came is for the key of this host; the "
		      "one that answers the latest `lazaretctl cert request` is needed",
		      check->given.n);
}

static int check_time(const struct check *check, gnutls_x509_crt_t certificate, const char *whose)
{
	time_t from = gnutls_x509_crt_get_activation_time(certificate);
	time_t until = gnutls_x509_crt_get_expiration_time(certificate);
	char when[32];

	clock_format((uint64_t)MAX(until < check->wanted->now ? until : from, (time_t)0) *
			     USEC_PER_SEC,
		     when, sizeof(when));
	if (until < check->wanted->now)
		return object(check, "%s ended at %s; ask for a new one", whose, when);
	if (from > check->wanted->now)
		return object(check, "%s begins only at %s; if that is not so, look at the clock",
			      whose, when);
	return 0;
}

static int check_usage(const struct check *check, gnutls_x509_crt_t certificate)
{
	unsigned int usage = 0, critical;

	if (gnutls_x509_crt_get_key_usage(certificate, &usage, &critical) == 0 &&
	    !(usage & GNUTLS_KEY_DIGITAL_SIGNATURE))
		return object(check, "the certificate may not be used for signatures (key usage "
				     "digitalSignature), which TLS needs");
	if (!gnutls_x509_crt_check_key_purpose(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0))
		return object(check, "the certificate is not one for TLS servers (extended key "
				     "usage serverAuth)");
	return 0;
}

static int check_names(const struct check *check, gnutls_x509_crt_t certificate)
{
	for (size_t i = 0; i < check->wanted->names->n; i++) {
		const char *name = check->wanted->names->items[i];

		if (!gnutls_x509_crt_check_hostname2(certificate, name, 0))
			return object(check,
				      "the certificate is not for the name \"%s\", which it was "
				      "asked for; --fewer-names takes it all the same",
				      name);
	}
	return 0;
}

/* --- the chain -------------------------------------------------------------------------------- */

static bool is_self_signed(gnutls_x509_crt_t certificate)
{
	return gnutls_x509_crt_check_issuer(certificate, certificate) != 0;
}

static gnutls_x509_crt_t issuer_in(const struct pile *pile, gnutls_x509_crt_t certificate)
{
	for (unsigned int i = 0; i < pile->n; i++) {
		if (pile->items[i] != certificate &&
		    gnutls_x509_crt_check_issuer(certificate, pile->items[i]))
			return pile->items[i];
	}
	return NULL;
}

/* Up to a root, which may be one that is known already. */
static int climb(struct check *check)
{
	gnutls_x509_crt_t last = check->chain[0], issuer;
	char name[256] = "";
	size_t size = sizeof(name);

	while (!is_self_signed(last)) {
		issuer = issuer_in(&check->given, last);
		if (!issuer)
			issuer = issuer_in(&check->known, last);
		if (!issuer) {
			if (gnutls_x509_crt_get_issuer_dn(last, name, &size) < 0)
				name[0] = '\0';
			return object(check,
				      "the chain is not complete: the certificate of \"%s\" is "
				      "missing; send all of them up to the root",
				      name);
		}
		if (check->n == CERT_CHAIN_MAX)
			return object(check, "the chain has more than %d certificates",
				      CERT_CHAIN_MAX);
		check->chain[check->n++] = last = issuer;
	}
	if (check->n == 1)
		return object(check, "the certificate is signed by itself; viewers need one of an "
				     "authority");
	return 0;
}

/* Signatures, algorithms, path lengths and constraints are GnuTLS's to judge. */
static int verify(const struct check *check)
{
	gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID,
					 (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER, 0};
	gnutls_x509_trust_list_t list;
	gnutls_datum_t text = {0};
	unsigned int status = 0;
	gnutls_x509_crt_t root = check->chain[check->n - 1];
	int r;

	if (gnutls_x509_trust_list_init(&list, 0) < 0)
		return -ENOMEM;
	r = gnutls_x509_trust_list_add_cas(list, &root, 1, 0) == 1 ? 0 : -1;
	if (r == 0)
		r = gnutls_x509_trust_list_verify_crt2(list,
						       (gnutls_x509_crt_t *)(uintptr_t)check->chain,
						       check->n - 1, &purpose, 1, 0, &status, NULL);
	gnutls_x509_trust_list_deinit(list, 0);
	if (r == 0 && status == 0)
		return 0;
	if (r == 0)
		r = gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0);
	object(check, "viewers would not take this chain: %s",
	       r < 0 ? gnutls_strerror(r) : (const char *)text.data);
	gnutls_free(text.data);
	return -EINVAL;
}

static int check_all(struct check *check, size_t *ret_key)
{
	int r = find_ours(check, ret_key);

	if (r == 0)
		r = check_time(check, check->chain[0], "the certificate");
	if (r == 0)
		r = check_usage(check, check->chain[0]);
	if (r == 0)
		r = check_names(check, check->chain[0]);
	if (r == 0)
		r = climb(check);
	for (unsigned int i = 1; r == 0 && i < check->n; i++)
		r = check_time(check, check->chain[i], "a certificate of the chain");
	return r == 0 ? verify(check) : r;
}

static int write_pem(const gnutls_x509_crt_t *chain, unsigned int n, char **ret_pem)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int r = 0;

	if (!out)
		return -ENOMEM;
	for (unsigned int i = 0; r == 0 && i < n; i++) {
		gnutls_datum_t pem = {0};

		r = gnutls_x509_crt_export2(chain[i], GNUTLS_X509_FMT_PEM, &pem);
		if (r == 0)
			fwrite(pem.data, 1, pem.size, out);
		gnutls_free(pem.data);
	}
	if (fclose(out) != 0 || r < 0)
		return -ENOMEM;
	*ret_pem = STEAL(text);
	return 0;
}

int x509_check(const char *pem, const struct x509_wanted *wanted, char **ret_chain, char **ret_root,
	       size_t *ret_key, char *reason)
{
	struct check check = {.wanted = wanted, .reason = reason};
	_cleanup_free_ char *chain = NULL, *root = NULL;
	int r = pile_read(pem, &check.given);

	if (r < 0)
		return object(&check, "there is no certificate in PEM form (-----BEGIN "
				      "CERTIFICATE-----) in what came");
	if (check.given.n > CERT_CHAIN_MAX)
		r = object(&check, "%u certificates came; a chain has at most %d", check.given.n,
			   CERT_CHAIN_MAX);
	if (r == 0 && wanted->roots)
		(void)!pile_read(wanted->roots, &check.known);
	if (r == 0)
		r = check_all(&check, ret_key);
	if (r == 0)
		r = write_pem(check.chain, check.n - 1, &chain);
	if (r == 0)
		r = write_pem(&check.chain[check.n - 1], 1, &root);
	pile_finish(&check.given);
	pile_finish(&check.known);
	if (r == 0) {
		*ret_chain = STEAL(chain);
		*ret_root = STEAL(root);
	}
	return r;
}
