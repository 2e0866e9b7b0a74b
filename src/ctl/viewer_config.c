/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/viewer_config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cert/store.h"
#include "cert/x509.h"
#include "conf/conf.h"
#include "ctl/answer.h"
#include "ctl/files.h"

/* Where the root lies on a workstation: in a folder that only its administrators write to. */
static const struct platform {
	const char *name, *root;
} platforms[] = {
	{"windows", "C:\\ProgramData\\Lazaret\\ca.pem"},
	{"linux", "/etc/lazaret/viewer-ca.pem"},
	{"macos", "/Library/Application Support/Lazaret/ca.pem"},
};

struct wish {
	const struct platform *platform;
	const char *server, *root;
	bool ca;
};

static int usage(const char *word, const char *sentence)
{
	fprintf(stderr, "lazaretctl: \"%s\" %s\n", word, sentence);
	return ANSWER_STATUS_USAGE;
}

static int take_value(struct wish *wish, const char *option, const char *value)
{
	struct x509_names names = {0};

	if (str_eq(option, "--platform")) {
		for (size_t i = 0; i < ARRAY_LEN(platforms); i++) {
			if (str_eq(platforms[i].name, value))
				wish->platform = &platforms[i];
		}
		return wish->platform
			       ? ANSWER_STATUS_OK
			       : usage(value, "is no platform; windows, linux and macos are");
	}
	if (str_eq(option, "--server")) {
		wish->server = value;
		return x509_names_add(&names, value) == 0
			       ? ANSWER_STATUS_OK
			       : usage(value, "is neither a name nor an address of a server");
	}
	wish->root = value;
	/* Another line would be another option. */
	return value[0] && !value[strcspn(value, "\r\n")] ? ANSWER_STATUS_OK
							  : usage(value, "is no path of a file");
}

static int parse(size_t n, char *const *arguments, struct wish *wish)
{
	int status = ANSWER_STATUS_OK;

	for (size_t i = 0; i < n && status == ANSWER_STATUS_OK; i++) {
		const char *word = arguments[i];

		if (str_eq(word, "--ca"))
			wish->ca = true;
		else if (!str_eq(word, "--platform") && !str_eq(word, "--server") &&
			 !str_eq(word, "--ca-path"))
			status = usage(word, "is no option of viewer-config");
		else if (++i == n)
			status = usage(word, "needs a value");
		else
			status = take_value(wish, word, arguments[i]);
	}
	if (status == ANSWER_STATUS_OK && !wish->ca && !wish->platform)
		status = usage("--platform", "is missing: windows, linux or macos; --ca prints the "
					     "root alone");
	return status;
}

/* --- the file --------------------------------------------------------------------------------- */

/* TigerVNC undoes it: a backslash is written twice. */
static void put_value(const char *value)
{
	for (; *value; value++) {
		if (*value == '\\')
			putchar('\\');
		putchar(*value);
	}
}

static void put(const char *option, const char *value)
{
	printf("%s=", option);
	put_value(value);
	putchar('\n');
}

static void write_file(const struct wish *wish, const struct conf *conf, const char *server)
{
	int64_t clipboard = conf_int(conf, CONF_CLIPBOARD);
	int64_t port = conf_int(conf, CONF_PORT);
	char address[CERT_NAME_MAX + 16];

	/* An address with colons needs brackets, and a port two of them. */
	snprintf(address, sizeof(address), strchr(server, ':') ? "[%s]::%lld" : "%s::%lld", server,
		 (long long)port);
	puts("TigerVNC Configuration file Version 1.0\n");
	put("ServerName", address);
	put("SecurityTypes", "X509Plain");
	put("X509CA", wish->root ? wish->root : wish->platform->root);
	put("X509CRL", "");
	put("AutoSelect", "1");
	put("FullColor", "1");
	put("RemoteResize", "1");
	put("ViewOnly", "0");
	put("AcceptClipboard", clipboard & CONF_CLIPBOARD_OUT ? "1" : "0");
	put("SendClipboard", clipboard & CONF_CLIPBOARD_IN ? "1" : "0");
}

/* The certificate has to be for it: a viewer compares. */
static bool is_known(const struct x509_names *names, const char *server)
{
	for (size_t i = 0; i < names->n; i++) {
		if (strcasecmp(names->items[i], server) == 0)
			return true;
	}
	fprintf(stderr,
		"lazaretctl: the certificate is not for \"%s\", and viewers would refuse it; it is "
		"for",
		server);
	for (size_t i = 0; i < names->n; i++)
		fprintf(stderr, " %s", names->items[i]);
	fputc('\n', stderr);
	return false;
}

static int write_wanted(const struct wish *wish, const struct conf *conf, const struct store *store)
{
	_cleanup_free_ char *chain = NULL, *root = NULL;
	struct x509_names names = {0};

	if (store_certificate(store, &chain) < 0 || !chain ||
	    x509_certificate_names(chain, &names) < 0 || names.n == 0) {
		fputs("lazaretctl: there is no certificate with names yet; see lazaretctl cert "
		      "request\n",
		      stderr);
		return ANSWER_STATUS_FAILED;
	}
	if (wish->ca) {
		if (store_root(store, &root) < 0 || !root) {
			fputs("lazaretctl: the root of the certificate is not here; install the "
			      "chain up to the root (lazaretctl cert install -), or put it beside "
			      "the certificate as " STORE_ROOT_NAME "\n",
			      stderr);
			return ANSWER_STATUS_FAILED;
		}
		fputs(root, stdout);
		return ANSWER_STATUS_OK;
	}
	if (wish->server && !is_known(&names, wish->server))
		return ANSWER_STATUS_FAILED;
	write_file(wish, conf, wish->server ? wish->server : names.items[0]);
	return ANSWER_STATUS_OK;
}

int viewer_config(size_t n, char *const *arguments)
{
	_cleanup_conf_ struct conf *conf = NULL;
	char reason[CERT_REASON_MAX];
	struct wish wish = {0};
	struct store store;
	int status = parse(n, arguments, &wish);

	if (status != ANSWER_STATUS_OK)
		return status;
	if (files_read(0, NULL, &conf) < 0)
		return ANSWER_STATUS_FAILED;
	if (store_open(conf_str(conf, CONF_CERTIFICATE), conf_str(conf, CONF_PRIVATE_KEY), &store,
		       reason) < 0) {
		fprintf(stderr, "lazaretctl: %s\n", reason);
		return ANSWER_STATUS_FAILED;
	}
	status = write_wanted(&wish, conf, &store);
	store_close(&store);
	return status;
}
