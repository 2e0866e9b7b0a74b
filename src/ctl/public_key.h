/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line with one SSH public key, as people hand them in: "ssh-ed25519 AAAA… comment". */
#ifndef LAZARET_CTL_PUBLIC_KEY_H
#define LAZARET_CTL_PUBLIC_KEY_H

#include <stddef.h>

#include "base/attr.h"

#define PUBLIC_KEY_LINE_MAX 8192
#define PUBLIC_KEY_COMMENT_MAX 200
#define PUBLIC_KEY_RSA_BITS_MIN 3072

struct public_key {
	const char *type; /* "ssh-ed25519"; static */
	size_t bits;
	char data[PUBLIC_KEY_LINE_MAX]; /* the key in base64 */
	char comment[PUBLIC_KEY_COMMENT_MAX + 1]; /* fit to be shown; "" if there is none */
};

/*
 * Exactly one key of a kind that our sshd takes: nothing but white space may follow. -EINVAL with
 * *ret_why, a sentence: options before the key, a certificate, a weak or unknown kind, something else
 * than the data of such a key (RFC 4253, section 6.6; RFC 5656; RFC 8709; PROTOCOL.u2f of OpenSSH).
 */
NODISCARD int public_key_parse(const char *text, size_t len, struct public_key *ret_key,
			       const char **ret_why);

#endif
