/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Homes of a snapshot. Each is fetched into its user's volume, which is mounted without devices and
 * set-user-id programs; everything becomes the user's there. What he has is not overwritten: where his
 * home or transfer folder is empty, the restored one takes its place, otherwise it lies in it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/home.h"
#include "ctl/answer.h"
#include "ctl/restore_impl.h"

#define ROOM ".restored"
#define DEPTH_MAX 128

struct person {
	const char *name;
	uid_t uid;
	gid_t gid;
};

static int tame(int dir, const struct person *person, int depth);

/* Makes one entry the user's, or removes what no home has. */
static int tame_entry(int dir, const char *name, const struct person *person, int depth)
{
	_cleanup_fd_ int below = -1;
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
		return unlinkat(dir, name, 0) < 0 ? -errno : 0;
	if (fchownat(dir, name, person->uid, person->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(status.st_mode))
		return 0;
	if (fchmodat(dir, name, status.st_mode & 0777, 0) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return 0;
	if (depth == 0)
		return backup_remove_tree(dir, name);
	below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return below < 0 ? -errno : tame(below, person, depth - 1);
}

static int tame(int dir, const struct person *person, int depth)
{
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 3), r = 0;
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list)
		return -errno;
	rewinddir(list);
	while (r == 0 && (entry = readdir(list))) {
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			r = tame_entry(dir, entry->d_name, person, depth);
	}
	closedir(list);
	return r;
}

/* An empty folder gives way; in another one it gets a name of its own. */
static int move_in(const struct restore *restore, int from, const char *name, const char *to,
		   const struct person *person)
{
	_cleanup_fd_ int target = -1;
	char inside[32];
	struct stat status;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(status.st_mode))
		return 0;
	if (fchownat(from, name, person->uid, person->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(from, name, 0700, 0) < 0)
		return -errno;
	if (renameat(from, name, AT_FDCWD, to) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	target = open(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	snprintf(inside, sizeof(inside), "restored-%.8s", restore->id);
	return target < 0 || renameat(from, name, target, inside) < 0 ? -errno : 0;
}

static int fetch(const struct restore *restore, const char *target, uid_t uid)
{
	char include[64];
	const char *const words[] = {"restore",   restore->id, "--target", "/target",
				     "--include", include,     NULL};
	_cleanup_free_ char *out = NULL;

	snprintf(include, sizeof(include), "/backup/homes/%u", (unsigned int)uid);
	return restic_run(&restore->backup,
			  &(const struct restic){.words = words, .target = target}, &out);
}

static int place(const struct restore *restore, int data, const struct home *home,
		 const struct person *person)
{
	_cleanup_fd_ int from = -1, lock = -1;
	char path[96];
	int r;

	snprintf(path, sizeof(path), ROOM "/backup/homes/%u", (unsigned int)person->uid);
	from = openat(data, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0) /* it has none of his */
		return errno == ENOENT ? 0 : -errno;
	r = tame(from, person, DEPTH_MAX);
	if (r == 0)
		r = move_in(restore, from, "home", home->home, person);
	lock = openat(from, "lock", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r == 0 && lock >= 0)
		r = move_in(restore, lock, "transfer", home->transfer, person);
	return r;
}

static int restore_into(const struct restore *restore, const struct home *home,
			const struct person *person)
{
	char path[HOME_PATH_MAX + 16];
	_cleanup_fd_ int data = -1;
	int status, r;

	snprintf(path, sizeof(path), "%s/..", home->home);
	data = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = data < 0 ? -errno : backup_remove_tree(data, ROOM);
	if (r == 0 && mkdirat(data, ROOM, 0700) < 0)
		r = -errno;
	if (r < 0)
		return backup_refuse("the home of %s: %s", person->name, strerror(-r));
	snprintf(path, sizeof(path), "%s/../" ROOM, home->home);
	status = fetch(restore, path, person->uid);
	/* What has come is his: devices, which no home has, are no reason to keep it from him. */
	if (status != ANSWER_STATUS_OK)
		printf("Not all of the home of %s came back.\n", person->name);
	r = place(restore, data, home, person);
	status = r < 0 ? backup_refuse("the home of %s: %s", person->name, strerror(-r))
		       : ANSWER_STATUS_OK;
	(void)!backup_remove_tree(data, ROOM);
	return status;
}

static int restore_one(const struct restore *restore, const struct person *person)
{
	const char *state = conf_str(restore->backup.conf, CONF_STATE_DIR);
	uint64_t size = (uint64_t)conf_int(restore->conf, CONF_CELL_HOME) << 20;
	struct home home = {.use = -1};
	int status, r = home_open(state, person->uid, person->gid, person->name, size, &home);

	if (r < 0)
		return backup_refuse("the home of %s cannot be opened: %s", person->name,
				     r == -ESTALE
					     ? "it belongs to somebody else, who had this user id "
					       "before"
					     : strerror(-r));
	status = restore_into(restore, &home, person);
	home_release(&home);
	(void)!home_close(state, person->uid);
	return status;
}

static int restore_user(struct restore *restore, json_object *user, bool execute)
{
	const char *name = json_object_get_string(json_object_object_get(user, "name"));
	int64_t uid = json_object_get_int64(json_object_object_get(user, "uid"));
	const char *shell = json_object_get_string(json_object_object_get(user, "shell"));
	const struct passwd *entry;
	struct person person;

	/* Administrators have none. */
	if (!name || !shell || str_eq(shell, "lazaret-admin"))
		return ANSWER_STATUS_OK;
	restore->changes++;
	if (!execute)
		return ANSWER_STATUS_OK;
	entry = getpwnam(name);
	if (!entry || (int64_t)entry->pw_uid != uid)
		return ANSWER_STATUS_OK;
	person = (struct person){.name = name, .uid = entry->pw_uid, .gid = entry->pw_gid};
	return restore_one(restore, &person);
}

int restore_homes(struct restore *restore, bool execute)
{
	json_object *users = json_object_object_get(restore->accounts, "users");
	int status = ANSWER_STATUS_OK;
	struct stat there;

	if (fstatat(restore->dir, "homes", &there, AT_SYMLINK_NOFOLLOW) < 0 && !execute &&
	    !conf_int(restore->conf, CONF_BACKUP_HOMES)) {
		puts("The backup has no homes (option backup-homes).");
		return ANSWER_STATUS_OK;
	}
	puts("Homes are put back beside what users have.");
	for (size_t i = 0; status == ANSWER_STATUS_OK && i < json_object_array_length(users); i++)
		status = restore_user(restore, json_object_array_get_idx(users, i), execute);
	return status;
}
