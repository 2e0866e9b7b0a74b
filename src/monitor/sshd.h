/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OpenSSH servers, one for administration and one for the files of users: made ready, checked, started,
 * started again when they die, by the configuration that is in force. Off while their paths "admin" and
 * "sftp" are. When both are on one port, the one for administration serves both. Connections that they
 * have let in are processes of their own and go on without them, and without us.
 */
#ifndef LAZARET_MONITOR_SSHD_H
#define LAZARET_MONITOR_SSHD_H

#include "base/attr.h"

struct handover;
struct monitor;
struct sshd;

enum sshd_kind { SSHD_ADMINISTRATION, SSHD_FILES };

NODISCARD int sshd_create(struct monitor *monitor, enum sshd_kind kind, struct sshd **ret_sshd);
/* The configuration in force is another one, or this is the start. */
void sshd_configure(struct sshd *sshd);
/* Across an execution of ourselves: it goes on, unless its configuration would be another one now. */
NODISCARD int sshd_save(const struct sshd *sshd, struct handover *handover);
NODISCARD int sshd_restore(struct monitor *monitor, enum sshd_kind kind,
			   const struct handover *handover, struct sshd **ret_sshd);
void sshd_destroy(struct sshd *sshd);
/* Removes their files from the runtime directory. */
void sshd_clear(const struct monitor *monitor);

/* "off", "starting", "port 222", "failed"; valid until the next call for the same one. */
const char *sshd_state(struct sshd *sshd);
/* Of whichever of them serves SFTP. */
const char *sshd_files_state(const struct monitor *monitor);

#endif
