/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys, names, requests, and what a certificate says of itself. The check of a chain is in chain.c. */
#include "cert/x509.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cert/x509_impl.h"

#define RSA_BITS 3072
#define DAY 86400

gnutls_datum_t x509_datum(const char *pem)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)pem, (unsigned int)strlen(pem)};
}

/* A copy that free() takes; GnuTLS has an allocator of its own. */
char *x509_steal_text(gnutls_datum_t *data)
{
	char *text = data->data ? strndup((const char *)data->data, data->size) : NULL;

	if (data->data)
		mem_wipe(data->data, data->size);
	gnutls_free(data->data);
	data->data = NULL;
	return text;
}

/* --- names ------------------------------------------------------------------------------------ */

bool x509_is_address(const char *name)
{
	unsigned char room[16];

	return inet_pton(AF_INET, name, room) == 1 || inet_pton(AF_INET6, name, room) == 1;
}

/* Letters, digits and hyphens in labels of 63, as RFC 1123 2.1 has it. */
static bool is_dns_name(const char *name)
{
	size_t label = 0;

	for (const char *c = name; *c; c++) {
		if (*c == '.' && (label == 0 || c[-1] == '-' || c[1] == '-'))
			return false;
		label = *c == '.' ? 0 : label + 1;
		if (label > 63 || (!isalnum((unsigned char)*c) && !strchr(".-", *c)))
			return false;
	}
	return label > 0 && name[0] != '-' && name[strlen(name) - 1] != '-';
}

int x509_names_add(struct x509_names *names, const char *name)
{
	if (strlen(name) > CERT_NAME_MAX || (!x509_is_address(name) && !is_dns_name(name)))
		return -EINVAL;
	for (size_t i = 0; i < names->n; i++) {
		if (strcasecmp(names->items[i], name) == 0)
			return 0;
	}
	if (names->n == CERT_NAMES_MAX)
		return -E2BIG;
	str_copy(names->items[names->n++], sizeof(names->items[0]), name);
	return 0;
}

/* What else a certificate may name, as a mailbox, is nothing to us. */
int x509_names_take(struct x509_names *names, unsigned int type, const void *value, size_t len)
{
	char text[CERT_NAME_MAX + 1];

	if (type == GNUTLS_SAN_DNSNAME && len < sizeof(text))
		snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)value);
	else if (type != GNUTLS_SAN_IPADDRESS || (len != 4 && len != 16) ||
		 !inet_ntop(len == 4 ? AF_INET : AF_INET6, value, text, sizeof(text)))
		return 0;
	/* A wildcard of theirs is no name of ours. */
	return x509_names_add(names, text) == -E2BIG ? -E2BIG : 0;
}

/* --- keys and requests ------------------------------------------------------------------------ */

int x509_key_import(const char *pem, gnutls_x509_privkey_t *ret_key)
{
	gnutls_datum_t data = x509_datum(pem);
	gnutls_x509_privkey_t key;

	if (gnutls_x509_privkey_init(&key) < 0)
		return -ENOMEM;
	if (gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN) <
	    0) {
		gnutls_x509_privkey_deinit(key);
		return -EINVAL;
	}
	*ret_key = key;
	return 0;
}

int x509_key_make(enum x509_key_type type, char **ret_pem)
{
	unsigned int bits = type == X509_KEY_RSA ? RSA_BITS
						 : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
	gnutls_datum_t pem = {0};
	gnutls_x509_privkey_t key;
	int r;

	if (gnutls_x509_privkey_init(&key) < 0)
		return -ENOMEM;
	r = gnutls_x509_privkey_generate(
		key, type == X509_KEY_RSA ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA, bits, 0);
	if (r == 0)
		r = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
						      GNUTLS_PKCS_PLAIN, &pem);
	gnutls_x509_privkey_deinit(key);
	if (r < 0)
		return -EIO;
	*ret_pem = x509_steal_text(&pem);
	return *ret_pem ? 0 : -ENOMEM;
}

static int add_names(gnutls_x509_crq_t request, const struct x509_names *names)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < names->n; i++) {
		const char *name = names->items[i];
		unsigned char address[16];
		bool is_4 = inet_pton(AF_INET, name, address) == 1;

		if (is_4 || inet_pton(AF_INET6, name, address) == 1)
			r = gnutls_x509_crq_set_subject_alt_name(request, GNUTLS_SAN_IPADDRESS,
								 address, is_4 ? 4 : 16,
								 GNUTLS_FSAN_APPEND);
		else
			r = gnutls_x509_crq_set_subject_alt_name(request, GNUTLS_SAN_DNSNAME, name,
								 (unsigned int)strlen(name),
								 GNUTLS_FSAN_APPEND);
	}
	return r;
}

static int set_subject(gnutls_x509_crq_t request, const struct x509_names *names,
		       const char *subject, char *reason)
{
	const char *name = names->items[0];
	const char *wrong = NULL;
	int r;

	if (subject) {
		r = gnutls_x509_crq_set_dn(request, subject, &wrong);
		if (r < 0)
			snprintf(reason, CERT_REASON_MAX,
				 "\"%s\" is no subject; write it as \"CN=%s,O=Example,C=DE\"",
				 subject, name);
		return r;
	}
	r = gnutls_x509_crq_set_dn_by_oid(request, GNUTLS_OID_X520_COMMON_NAME, 0, name,
					  (unsigned int)MIN(strlen(name), (size_t)64));
	if (r < 0)
		snprintf(reason, CERT_REASON_MAX, "\"%s\" cannot be a subject", name);
	return r;
}

static int fill_request(gnutls_x509_crq_t request, gnutls_x509_privkey_t key,
			const struct x509_names *names, const char *subject, char *reason)
{
	int r = gnutls_x509_crq_set_version(request, 1);

	if (r == 0)
		r = gnutls_x509_crq_set_key(request, key);
	if (r == 0)
		r = set_subject(request, names, subject, reason);
	if (r == 0)
		r = add_names(request, names);
	if (r == 0)
		r = gnutls_x509_crq_set_key_usage(request, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (r == 0)
		r = gnutls_x509_crq_set_key_purpose_oid(request, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (r == 0)
		r = gnutls_x509_crq_sign2(request, key, GNUTLS_DIG_SHA256, 0);
	return r;
}

int x509_request(const char *key_pem, const struct x509_names *names, const char *subject,
		 char **ret_pem, char *reason)
{
	gnutls_x509_crq_t request;
	gnutls_x509_privkey_t key;
	gnutls_datum_t pem = {0};
	int r = x509_key_import(key_pem, &key);

	str_copy(reason, CERT_REASON_MAX, "the key of the request cannot be used");
	if (r < 0)
		return r;
	if (gnutls_x509_crq_init(&request) < 0) {
		gnutls_x509_privkey_deinit(key);
		return -ENOMEM;
	}
	r = fill_request(request, key, names, subject, reason);
	if (r == 0)
		r = gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_PEM, &pem);
	gnutls_x509_crq_deinit(request);
	gnutls_x509_privkey_deinit(key);
	if (r < 0)
		return -EINVAL;
	*ret_pem = x509_steal_text(&pem);
	return *ret_pem ? 0 : -ENOMEM;
}

int x509_request_import(const char *pem, gnutls_x509_crq_t *ret_request)
{
	gnutls_datum_t data = x509_datum(pem);
	gnutls_x509_crq_t request;

	if (gnutls_x509_crq_init(&request) < 0)
		return -ENOMEM;
	if (gnutls_x509_crq_import(request, &data, GNUTLS_X509_FMT_PEM) < 0) {
		gnutls_x509_crq_deinit(request);
		return -EINVAL;
	}
	*ret_request = request;
	return 0;
}

int x509_request_names(const char *pem, struct x509_names *ret_names)
{
	struct x509_names names = {0};
	gnutls_x509_crq_t request;
	int r = x509_request_import(pem, &request);

	if (r < 0)
		return r;
	for (unsigned int i = 0; r == 0; i++) {
		char value[CERT_NAME_MAX + 1];
		size_t len = sizeof(value);
		unsigned int type;

		if (gnutls_x509_crq_get_subject_alt_name(request, i, value, &len, &type, NULL) < 0)
			break;
		r = x509_names_take(&names, type, value, len);
	}
	gnutls_x509_crq_deinit(request);
	if (r == 0)
		*ret_names = names;
	return r;
}

/* --- certificates ----------------------------------------------------------------------------- */

int x509_import(const char *pem, gnutls_x509_crt_t *ret_certificate)
{
	gnutls_datum_t data = x509_datum(pem);
	gnutls_x509_crt_t certificate;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return -ENOMEM;
	if (gnutls_x509_crt_import(certificate, &data, GNUTLS_X509_FMT_PEM) < 0) {
		gnutls_x509_crt_deinit(certificate);
		return -EINVAL;
	}
	*ret_certificate = certificate;
	return 0;
}

int x509_certificate_names(const char *pem, struct x509_names *ret_names)
{
	struct x509_names names = {0};
	gnutls_x509_crt_t certificate;
	int r = x509_import(pem, &certificate);

	if (r < 0)
		return r;
	for (unsigned int i = 0; r == 0; i++) {
		char value[CERT_NAME_MAX + 1];
		size_t len = sizeof(value);
		int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, value, &len, NULL);

		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (type < 0)
			break;
		r = x509_names_take(&names, (unsigned int)type, value, len);
	}
	gnutls_x509_crt_deinit(certificate);
	if (r == 0)
		*ret_names = names;
	return r;
}

static size_t count(const char *pem)
{
	size_t n = 0;

	while ((pem = strstr(pem, "-----BEGIN CERTIFICATE-----"))) {
		pem++;
		n++;
	}
	return n;
}

static void describe_key(gnutls_x509_crt_t certificate, char *out, size_t size)
{
	unsigned int bits = 0;
	int algorithm = gnutls_x509_crt_get_pk_algorithm(certificate, &bits);

	snprintf(out, size, "%s, %u bits",
		 algorithm < 0 ? "unknown"
			       : gnutls_pk_algorithm_get_name((gnutls_pk_algorithm_t)algorithm),
		 bits);
}

static void put_fingerprint(gnutls_x509_crt_t certificate, char *out, size_t size)
{
	unsigned char hash[32];
	size_t len = sizeof(hash), at = 0;

	out[0] = '\0';
	if (gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, hash, &len) < 0)
		return;
	for (size_t i = 0; i < len; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%02X", i > 0 ? ":" : "", hash[i]);
}

int x509_describe(const char *pem, struct x509_info *ret_info)
{
	struct x509_info info = {.certificates = count(pem)};
	size_t subject = sizeof(info.subject), issuer = sizeof(info.issuer);
	gnutls_x509_crt_t certificate;
	int r = x509_import(pem, &certificate);

	if (r < 0)
		return r;
	/* One that does not fit stays empty. */
	if (gnutls_x509_crt_get_dn(certificate, info.subject, &subject) < 0)
		info.subject[0] = '\0';
	if (gnutls_x509_crt_get_issuer_dn(certificate, info.issuer, &issuer) < 0)
		info.issuer[0] = '\0';
	info.from = gnutls_x509_crt_get_activation_time(certificate);
	info.until = gnutls_x509_crt_get_expiration_time(certificate);
	describe_key(certificate, info.key, sizeof(info.key));
	put_fingerprint(certificate, info.fingerprint, sizeof(info.fingerprint));
	gnutls_x509_crt_deinit(certificate);
	*ret_info = info;
	return 0;
}
