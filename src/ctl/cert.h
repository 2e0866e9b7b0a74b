/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl cert: the server's certificate from the site's authority. An enum answer_status each. */
#ifndef LAZARET_CTL_CERT_H
#define LAZARET_CTL_CERT_H

#include <stdbool.h>
#include <stddef.h>

/* Makes a key, unless one is waiting already, and prints the request for it. */
int cert_request(size_t n, char *const *arguments);
/* Reads the chain from standard input, checks it, and puts it in force. */
int cert_install(const char *socket, size_t n, char *const *arguments);
int cert_status(bool json);
/* Back to the one before. */
int cert_revert(const char *socket);

#endif
