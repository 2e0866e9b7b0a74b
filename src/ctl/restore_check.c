/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a snapshot has given. Whoever knows the password of a repository can put into it what he likes;
 * nothing is put in place that a backup of ours would not have.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/backup_impl.h"

struct look {
	size_t n;
};

static const struct folder {
	const char *name; /* "" at the top */
	const char *const *folders; /* NULL-terminated */
	const char *const *files; /* NULL-terminated; NULL: see `letters` */
	const char *letters; /* what other names are made of */
} folders[] = {
	{"", (const char *const[]){"config", "tls", "ssh", "settings", "homes", NULL},
	 (const char *const[]){"manifest.json", "accounts.json", NULL}, NULL},
	{"config", NULL, NULL, "0123456789"},
	{"tls", NULL, (const char *const[]){"certificate", "key", NULL}, NULL},
	{"ssh", (const char *const[]){"keys", NULL},
	 (const char *const[]){"host_ed25519", "host_ed25519.pub", "host_ecdsa", "host_ecdsa.pub",
			       NULL},
	 NULL},
	{"keys", NULL, NULL, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."},
	{"settings", NULL, (const char *const[]){"draft", "base", "author", NULL}, "0123456789"},
	/* Looked at by who puts them in place. */
	{"homes", (const char *const[]){NULL}, (const char *const[]){NULL}, NULL},
};

static bool in_list(const char *const *list, const char *name)
{
	for (; list && *list; list++) {
		if (str_eq(*list, name))
			return true;
	}
	return false;
}

static const struct folder *find_folder(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		if (str_eq(folders[i].name, name))
			return &folders[i];
	}
	return NULL;
}

static int object(const char *folder, const char *name, const char *why)
{
	char shown[256];

	str_sanitize(shown, sizeof(shown), name, strlen(name));
	return backup_refuse(
		"the backup is not one of ours, and nothing was restored: \"%s%s%s\" %s", folder,
		folder[0] ? "/" : "", shown, why);
}

static int check_file(const struct folder *folder, const char *name, const struct stat *status)
{
	if (!S_ISREG(status->st_mode))
		return object(folder->name, name, "is neither a file nor a folder");
	if (status->st_mode & (S_ISUID | S_ISGID))
		return object(folder->name, name, "would have its owner's rights");
	if (status->st_nlink != 1)
		return object(folder->name, name, "has another name elsewhere");
	if (status->st_size > BACKUP_FILE_MAX)
		return object(folder->name, name, "is larger than any of ours");
	if (in_list(folder->files, name) ||
	    (folder->letters && name[0] != '.' && !name[strspn(name, folder->letters)]))
		return ANSWER_STATUS_OK;
	return object(folder->name, name, "does not belong there");
}

static int check_folder(int dir, const struct folder *folder, struct look *look);

static int check_entry(int dir, const struct folder *folder, const char *name, struct look *look)
{
	_cleanup_fd_ int below = -1;
	struct stat status;

	if (++look->n > BACKUP_FILES_MAX)
		return object(folder->name, name, "is one file too many");
	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return object(folder->name, name, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return check_file(folder, name, &status);
	if (!in_list(folder->folders, name))
		return object(folder->name, name, "is a folder that does not belong there");
	below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return object(folder->name, name, strerror(errno));
	return check_folder(below, find_folder(name), look);
}

static int check_folder(int dir, const struct folder *folder, struct look *look)
{
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 3), status = ANSWER_STATUS_OK;
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list)
		return object(folder->name, "", "cannot be listed");
	rewinddir(list);
	while (status == ANSWER_STATUS_OK && (entry = readdir(list))) {
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			status = check_entry(dir, folder, entry->d_name, look);
	}
	closedir(list);
	return status;
}

int restore_check_tree(int dir)
{
	struct look look = {.n = 0};

	return check_folder(dir, &folders[0], &look);
}
