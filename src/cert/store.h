/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where certificate and key of the server lie, such that both change in one moment:
 *
 *	server.pem -> issue/certificate		what the options certificate and private-key name
 *	server.key -> issue/key
 *	ca.pem -> issue/ca			the root, for viewers
 *	issue -> issues/7			replaced by a rename
 *	issues/7/	certificate, key, ca, replaced (the number of the one before)
 *	issues/next/	key and request of one that is asked for
 *
 * Plain files, as another tool or a person puts them there, are as good: they become an issue at the
 * next change.
 */
#ifndef LAZARET_CERT_STORE_H
#define LAZARET_CERT_STORE_H

#include <limits.h>
#include <stdbool.h>

#include "base/attr.h"
#include "cert/limits.h"

#define STORE_ROOT_NAME "ca.pem"

struct store {
	int dir; /* -1: none */
	char certificate[NAME_MAX + 1], key[NAME_MAX + 1]; /* in it */
};

/*
 * Opens the folder of both files. -EINVAL with a reason: they are not in one; or the errno of opening
 * it.
 */
NODISCARD int store_open(const char *certificate, const char *key, struct store *ret_store,
			 char *reason);
void store_close(struct store *store);

/* What is in force; *ret_text is NULL where there is no such file. The key is the caller's to wipe. */
NODISCARD int store_certificate(const struct store *store, char **ret_text);
NODISCARD int store_key(const struct store *store, char **ret_text);
NODISCARD int store_root(const struct store *store, char **ret_text);
/* What was asked for and has not come. */
NODISCARD int store_next_key(const struct store *store, char **ret_text);
NODISCARD int store_next_request(const struct store *store, char **ret_text);

/* Keeps a key and the request for it. */
NODISCARD int store_ask(const struct store *store, const char *key, const char *request);

/*
 * Puts a chain in force, for the key that was asked for or, if `same_key`, the one that is in force.
 * After a failure, or a crash, what was in force is. What is older than the one before is removed.
 */
NODISCARD int store_install(const struct store *store, bool same_key, const char *chain,
			    const char *root);
/* The first certificate with its key. */
NODISCARD int store_begin(const struct store *store, const char *key, const char *chain,
			  const char *root);
/* Back to the one before. -ENOENT: there is none. */
NODISCARD int store_revert(const struct store *store);

#endif
