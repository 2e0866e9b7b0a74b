/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes as a chain of certificates, and as a request. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cert/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_chain(const char *text)
{
	/* The time at which the corpus was made; a key that no certificate is for. */
	struct x509_names names = {0};
	const struct x509_wanted wanted = {.names = &names, .roots = text, .now = 1796000000};
	_cleanup_free_ char *chain = NULL, *root = NULL;
	char reason[CERT_REASON_MAX] = "";
	size_t key;

	if (x509_check(text, &wanted, &chain, &root, &key, reason) != -EINVAL || reason[0] == '\0')
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct x509_names names;
	struct x509_info info;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_chain(text);
	if (x509_describe(text, &info) == 0 && strlen(info.fingerprint) != 95)
		__builtin_trap();
	if (x509_certificate_names(text, &names) == 0 && names.n > CERT_NAMES_MAX)
		__builtin_trap();
	if (x509_request_names(text, &names) == 0 && names.n > CERT_NAMES_MAX)
		__builtin_trap();
	free(text);
	return 0;
}
