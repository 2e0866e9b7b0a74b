/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Backups of what makes this system this one, by restic: always encrypted, in a folder or on a server
 * over SFTP. See docs/decisions/backup.md. All return the exit status; what is wrong was said.
 */
#ifndef LAZARET_CTL_BACKUP_H
#define LAZARET_CTL_BACKUP_H

#include <stdbool.h>
#include <stddef.h>

int backup_run(bool json);
int backup_list(bool json);
int backup_check(void);
int backup_schedule(bool json);
/* For the timer: a backup, if one is due by backup-times. */
int backup_due(void);

/* backup_key.c */
int backup_key_show(void);
int backup_key_set(void);
int backup_key_ssh(void);

/* restore.c. "[--preview] [--skip-conflicts] SNAPSHOT" */
int backup_restore(size_t n, char *const *arguments, const char *socket);
int backup_requests(bool json);
int backup_approve(const char *id, const char *socket);
int backup_reject(const char *id);

#endif
