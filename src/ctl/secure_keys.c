/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of administrators, and the certificate that viewers see. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/public_key.h"
#include "ctl/secure_impl.h"

#define DAYS_LEFT_MIN 30
#define DAY (24 * 3600)
#define CHAIN_MAX 16

/* --- administrators --------------------------------------------------------------------------- */

static void check_line(struct secure *secure, const char *path, const char *line, size_t number)
{
	struct public_key key;
	const char *why;

	if (line[0] == '\0' || line[0] == '#' ||
	    public_key_parse(line, strlen(line), &key, &why) == 0)
		return;
	secure_what(secure, "%s:%zu: %s", path, number, why);
	secure_deviates(secure, "sed -i %zud %s, and lazaretctl admin key add with a better one",
			number, secure_quote(path));
}

static void check_key_file(struct secure *secure, const char *path, const char *name)
{
	_cleanup_free_ char *text = secure_read(path);
	char *rest = text, *line;

	if (!getpwnam(name)) {
		secure_what(secure, "%s is the keys of an account that there is not", path);
		secure_deviates(secure, "rm %s", secure_quote(path));
	}
	for (size_t number = 1; rest && (line = strsep(&rest, "\n")); number++)
		check_line(secure, path, line, number);
}

void secure_administrators_keys(struct secure *secure)
{
	char folder[PATH_MAX], path[PATH_MAX + 256];
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/keys", conf_str(secure->conf, CONF_SSH_DIR));
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		check_key_file(secure, path, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* --- the certificate -------------------------------------------------------------------------- */

struct pair {
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned int n;
	gnutls_x509_privkey_t key; /* NULL: cannot be read */
};

static void pair_finish(struct pair *pair)
{
	for (unsigned int i = 0; i < pair->n; i++)
		gnutls_x509_crt_deinit(pair->chain[i]);
	if (pair->key)
		gnutls_x509_privkey_deinit(pair->key);
}

static gnutls_x509_privkey_t read_key(const char *path)
{
	_cleanup_secret_ char *text = secure_read(path);
	gnutls_x509_privkey_t key = NULL;
	gnutls_datum_t data;

	if (!text || gnutls_x509_privkey_init(&key) < 0)
		return NULL;
	data = (gnutls_datum_t){.data = (unsigned char *)text, .size = (unsigned int)strlen(text)};
	if (gnutls_x509_privkey_import(key, &data, GNUTLS_X509_FMT_PEM) < 0) {
		gnutls_x509_privkey_deinit(key);
		return NULL;
	}
	return key;
}

static bool read_pair(const struct conf *conf, struct pair *pair)
{
	_cleanup_free_ char *text = secure_read(conf_str(conf, CONF_CERTIFICATE));
	gnutls_datum_t data;
	int r;

	if (!text)
		return false;
	data = (gnutls_datum_t){.data = (unsigned char *)text, .size = (unsigned int)strlen(text)};
	pair->n = CHAIN_MAX;
	r = gnutls_x509_crt_list_import(pair->chain, &pair->n, &data, GNUTLS_X509_FMT_PEM, 0);
	if (r <= 0) {
		pair->n = 0;
		return false;
	}
	pair->n = (unsigned int)r;
	pair->key = read_key(conf_str(conf, CONF_PRIVATE_KEY));
	return true;
}

static void check_time(struct secure *secure, gnutls_x509_crt_t certificate, const char *which)
{
	time_t now = time(NULL), from = gnutls_x509_crt_get_activation_time(certificate);
	time_t until = gnutls_x509_crt_get_expiration_time(certificate);
	long long days = ((long long)until - now) / DAY;

	if (from > now)
		secure_what(secure, "%s is not valid yet", which);
	else if (until <= now)
		secure_what(secure, "%s has expired: viewers refuse it", which);
	else if (days < DAYS_LEFT_MIN)
		secure_what(secure, "%s ends in %lld days", which, days);
	else
		return;
	secure_deviates(secure, "lazaretctl cert request, have it signed, lazaretctl cert install");
}

static void check_strength(struct secure *secure, gnutls_x509_crt_t certificate, const char *which)
{
	unsigned int bits = 0;
	int kind = gnutls_x509_crt_get_pk_algorithm(certificate, &bits);
	gnutls_sign_algorithm_t sign = (gnutls_sign_algorithm_t)
		gnutls_x509_crt_get_signature_algorithm(certificate);

	if ((kind == GNUTLS_PK_RSA && bits < PUBLIC_KEY_RSA_BITS_MIN) ||
	    (kind == GNUTLS_PK_ECDSA && bits < 256) || kind == GNUTLS_PK_DSA) {
		secure_what(secure, "%s has a key of %u bits, %s", which, bits,
			    gnutls_pk_algorithm_get_name((gnutls_pk_algorithm_t)kind));
		secure_deviates(secure,
				"lazaretctl cert request makes a better one; have it signed, "
				"lazaretctl cert install");
	}
	if (!gnutls_sign_is_secure(sign)) {
		secure_what(secure, "%s is signed with %s, which is not secure", which,
			    gnutls_sign_get_name(sign));
		secure_deviates(secure,
				"have the certificate signed anew (lazaretctl cert request)");
	}
}

static void check_fits(struct secure *secure, const struct pair *pair)
{
	unsigned char of_certificate[64], of_key[64];
	size_t a = sizeof(of_certificate), b = sizeof(of_key);

	if (pair->key &&
	    gnutls_x509_crt_get_key_id(pair->chain[0], GNUTLS_KEYID_USE_SHA256, of_certificate,
				       &a) >= 0 &&
	    gnutls_x509_privkey_get_key_id(pair->key, GNUTLS_KEYID_USE_SHA256, of_key, &b) >= 0 &&
	    a == b && memcmp(of_certificate, of_key, a) == 0)
		return;
	secure_what(secure,
		    "the private key does not belong to the certificate, or cannot be read");
	secure_deviates(secure, "lazaretctl cert install with the certificate of this key, or cert "
				"request for a new one");
}

void secure_certificate(struct secure *secure)
{
	struct pair pair = {0};

	if (!read_pair(secure->conf, &pair)) {
		secure_what(secure, "there is no certificate in %s",
			    conf_str(secure->conf, CONF_CERTIFICATE));
		secure_deviates(secure, "lazaretctl cert request, have it signed, lazaretctl cert "
					"install");
		return;
	}
	check_time(secure, pair.chain[0], "the certificate");
	check_strength(secure, pair.chain[0], "the certificate");
	for (unsigned int i = 1; i < pair.n; i++) {
		check_time(secure, pair.chain[i], "a certificate of the chain");
		check_strength(secure, pair.chain[i], "a certificate of the chain");
	}
	check_fits(secure, &pair);
	pair_finish(&pair);
}
