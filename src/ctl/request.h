/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection to the daemon's control socket. */
#ifndef LAZARET_CTL_REQUEST_H
#define LAZARET_CTL_REQUEST_H

#include <stddef.h>

#include "base/attr.h"

/* Descriptor or negative errno. */
NODISCARD int request_connect(const char *socket);
/* The words of a command. */
NODISCARD int request_send(int fd, size_t n, const char *const *words);

/*
 * Connects, asks, and waits for the end of an answer without records. 0 with the exit status and the
 * sentence, the caller's; or a negative errno.
 */
NODISCARD int request_ask(const char *path, size_t n, const char *const *words, int *ret_status,
			  char **ret_sentence);

#endif
