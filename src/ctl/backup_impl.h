/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside lazaretctl backup. The folder "backup" below the state directory (0700, root):
 *
 *	password	of the repository; ssh_key, ssh_key.pub, known_hosts: for a server
 *	last		when a backup was made last, and what came of it
 *	stage/		what is backed up, while it is; cache/: restic's
 *	restored/	what a snapshot has given, before it was looked at
 *	request.ID	a restore that waits for its approval
 *	lock
 *
 * What is in a snapshot, below /backup: manifest.json, config/N (the files of the configuration),
 * tls/certificate, tls/key, ssh/ and ssh/keys/, settings/, accounts.json, and homes/UID/ (what a
 * user's volume has) if they are wanted.
 */
#ifndef LAZARET_CTL_BACKUP_IMPL_H
#define LAZARET_CTL_BACKUP_IMPL_H

#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "conf/conf.h"

#define BACKUP_FORMAT 1
#define BACKUP_HOMES_MAX 4096
/* Bytes of one file that is no home's, and how many of them a snapshot may have. */
#define BACKUP_FILE_MAX (16 << 20)
#define BACKUP_FILES_MAX 4096
#define BACKUP_TEXT_MAX 1024

struct backup {
	struct conf *conf;
	int dir, lock;
	char path[PATH_MAX]; /* of the folder */
	/* The repository: a folder of this host, or on a server. */
	const char *local; /* NULL: on a server */
	char user[64], host[256], folder[512];
	unsigned int port;
};

void backup_close(struct backup *backup);
#define _cleanup_backup_ CLEANUP(backup_close)
/* ANSWER_STATUS_OK, or how to exit. One at a time: -EBUSY is said. */
NODISCARD int backup_open(struct backup *ret_backup);
/* Says a sentence on standard error and returns ANSWER_STATUS_FAILED. */
int PRINTF(1, 2) backup_refuse(const char *fmt, ...);
/* Removes a folder of ours with all that is in it, following nothing. 0 if there is none. */
NODISCARD int backup_remove_tree(int dir, const char *name);
/* The name of who asks, "root" if it is root himself. */
const char *backup_caller(void);

/* backup_key.c: makes password and, for a server, key, where they are missing. */
NODISCARD int backup_key_make(const struct backup *backup);

/* backup_restic.c */
struct restic {
	const char *const *words; /* of restic, NULL-terminated */
	/* Host folder and where restic sees it, read-only, in pairs, NULL-terminated; or NULL. */
	const char *const *sources;
	const char *target; /* a folder that restic sees as /target and may write, or NULL */
	bool change; /* writes the repository */
};
/*
 * Runs restic where it sees nothing but the repository, the password and what is named, with no more
 * than the right to read files, or to write its target. 0 with what it printed, the caller's; or
 * ANSWER_STATUS_FAILED: what it said was said.
 */
NODISCARD int restic_run(const struct backup *backup, const struct restic *restic, char **ret_out);
/* The snapshot that a word means ("latest", or the start of an id): its whole id. */
NODISCARD int restic_find(const struct backup *backup, const char *word, char ret_id[65],
			  char ret_time[40]);

/* backup_stage.c: fills stage/ below the folder. */
NODISCARD int backup_stage(const struct backup *backup);
/* backup_accounts.c: "accounts.json" of it. */
NODISCARD json_object *backup_accounts(const struct conf *conf);

/* restore_check.c: whether all of a restored folder is what a backup of ours has. */
NODISCARD int restore_check_tree(int dir);

/* restore_accounts.c */
struct restore_plan {
	const struct conf *conf; /* as restored: it says which groups matter */
	json_object *accounts; /* of the snapshot */
	FILE *out; /* what would be done, a line each */
	size_t conflicts, changes;
	bool execute, skip;
};
/* Looks at each account, and with `execute` makes or changes it. */
NODISCARD int restore_accounts(struct restore_plan *plan);

#endif
