/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An authority of one's own, for a trial. */
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

#include "base/mem.h"
#include "cert/x509_impl.h"

#define DAY 86400
/* A clock that goes a little wrong must not make a new certificate useless. */
#define BACKDATED 3600

static int set_basics(gnutls_x509_crt_t certificate, int days)
{
	unsigned char serial[16];
	time_t now = time(NULL);
	int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

	/* Positive, and not zero (RFC 5280 4.1.2.2). */
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40);
	if (r == 0)
		r = gnutls_x509_crt_set_version(certificate, 3);
	if (r == 0)
		r = gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial));
	if (r == 0)
		r = gnutls_x509_crt_set_activation_time(certificate, now - BACKDATED);
	if (r == 0)
		r = gnutls_x509_crt_set_expiration_time(certificate, now + (time_t)days * DAY);
	return r;
}

static int set_key_ids(gnutls_x509_crt_t certificate, gnutls_x509_crt_t authority)
{
	unsigned char id[64];
	size_t len = sizeof(id);
	int r = gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA1, id, &len);

	if (r == 0)
		r = gnutls_x509_crt_set_subject_key_id(certificate, id, len);
	len = sizeof(id);
	if (r == 0 && authority)
		r = gnutls_x509_crt_get_subject_key_id(authority, id, &len, NULL);
	if (r == 0 && authority)
		r = gnutls_x509_crt_set_authority_key_id(certificate, id, len);
	return r;
}

static int finish(gnutls_x509_crt_t certificate, int r, char **ret_pem)
{
	gnutls_datum_t pem = {0};

	if (r == 0)
		r = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem);
	gnutls_x509_crt_deinit(certificate);
	if (r < 0)
		return -EIO;
	*ret_pem = x509_steal_text(&pem);
	return *ret_pem ? 0 : -ENOMEM;
}

int x509_make_authority(const char *key_pem, const char *name, int days, char **ret_pem)
{
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
	int r = x509_key_import(key_pem, &key);

	if (r < 0)
		return r;
	r = gnutls_x509_crt_init(&certificate);
	if (r == 0)
		r = set_basics(certificate, days);
	if (r == 0)
		r = gnutls_x509_crt_set_key(certificate, key);
	if (r == 0)
		r = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
						  (unsigned int)strlen(name));
	if (r == 0)
		r = gnutls_x509_crt_set_basic_constraints(certificate, 1, 0);
	if (r == 0)
		r = gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_KEY_CERT_SIGN);
	if (r == 0)
		r = set_key_ids(certificate, NULL);
	if (r == 0)
		r = gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
	gnutls_x509_privkey_deinit(key);
	return finish(certificate, r, ret_pem);
}

int x509_issue(const char *request_pem, const char *authority_pem, const char *key_pem, int days,
	       char **ret_pem)
{
	gnutls_x509_crt_t certificate = NULL, authority = NULL;
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crq_t request = NULL;
	int r = x509_request_import(request_pem, &request);

	if (r == 0)
		r = x509_import(authority_pem, &authority);
	if (r == 0)
		r = x509_key_import(key_pem, &key);
	if (r == 0)
		r = gnutls_x509_crt_init(&certificate);
	if (r == 0)
		r = set_basics(certificate, days);
	if (r == 0)
		r = gnutls_x509_crt_set_crq(certificate, request);
	if (r == 0)
		r = gnutls_x509_crt_set_crq_extensions(certificate, request);
	if (r == 0)
		r = gnutls_x509_crt_set_basic_constraints(certificate, 0, -1);
	if (r == 0)
		r = set_key_ids(certificate, authority);
	if (r == 0)
		r = gnutls_x509_crt_sign2(certificate, authority, key, GNUTLS_DIG_SHA256, 0);
	gnutls_x509_crq_deinit(request);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_crt_deinit(authority);
	return finish(certificate, r, ret_pem);
}
