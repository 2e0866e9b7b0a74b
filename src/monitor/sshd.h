/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The OpenSSH server for administration: made ready, checked, started, started again when it dies,
 * by the configuration that is in force. Off while path "admin" is. Connections that it has let in
 * are processes of their own and go on without it, and without us.
 */
#ifndef LAZARET_MONITOR_SSHD_H
#define LAZARET_MONITOR_SSHD_H

#include "base/attr.h"

struct monitor;
struct sshd;

NODISCARD int sshd_create(struct monitor *monitor, struct sshd **ret_sshd);
/* The configuration in force is another one, or this is the start. */
void sshd_configure(struct sshd *sshd);
void sshd_destroy(struct sshd *sshd);
/* Removes its files from the runtime directory. */
void sshd_clear(const struct monitor *monitor);

/* "off", "starting", "port 222", "failed"; valid until the next call. */
const char *sshd_state(const struct sshd *sshd);

#endif
