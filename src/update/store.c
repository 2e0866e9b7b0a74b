/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define STATE_MAX (8u << 20)
#define JSON_FLAGS (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)

static int read_state(struct store *store)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = store->dir >= 0 ? fd_read_file(store->dir, "state", STATE_MAX, &text, &len)
				: -ENOENT;

	if (r < 0 && r != -ENOENT)
		return r;
	store->state = r == 0 ? json_tokener_parse(text) : json_object_new_object();
	/* One that cannot be read is lost, and with it only what a new check finds out. */
	if (!json_object_is_type(store->state, json_type_object)) {
		json_object_put(store->state);
		store->state = json_object_new_object();
	}
	return store->state ? 0 : -ENOMEM;
}

static int make(const char *path, mode_t mode)
{
	return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_folder(struct store *store, bool work)
{
	int r = work ? make(store->path, 0711) : 0;

	if (r < 0)
		return r;
	store->dir = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (store->dir < 0)
		return errno == ENOENT && !work ? 0 : -errno;
	if (!work)
		return 0;
	store->lock = openat(store->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock < 0 || flock(store->lock, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	r = make(store->runtime, 0711);
	return r == 0 && chmod(store->path, 0711) < 0 ? -errno : r;
}

int store_open(struct store *store, const struct conf *conf, bool work)
{
	int r;

	*store = (struct store){.conf = conf, .dir = -1, .lock = -1};
	snprintf(store->path, sizeof(store->path), "%s/" STORE_FOLDER,
		 conf_str(conf, CONF_STATE_DIR));
	snprintf(store->runtime, sizeof(store->runtime), "%s/" STORE_FOLDER,
		 conf_str(conf, CONF_RUNTIME_DIR));
	r = open_folder(store, work);
	if (r == 0)
		r = read_state(store);
	if (r < 0)
		store_close(store);
	return r;
}

void store_close(struct store *store)
{
	store->dir = fd_close(store->dir);
	store->lock = fd_close(store->lock);
	json_object_put(store->state);
	store->state = NULL;
}

int store_save(const struct store *store)
{
	const char *text = json_object_to_json_string_ext(store->state, JSON_FLAGS);

	if (!text)
		return -ENOMEM;
	return fd_write_file_atomic(store->dir, "state", 0600, text, strlen(text));
}

json_object *store_get(const struct store *store, const char *key)
{
	json_object *value = NULL;

	(void)json_object_object_get_ex(store->state, key, &value);
	return value;
}

const char *store_str(const struct store *store, const char *key)
{
	json_object *value = store_get(store, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

int64_t store_int(const struct store *store, const char *key)
{
	return json_object_get_int64(store_get(store, key));
}

void store_set(const struct store *store, const char *key, json_object *value)
{
	json_object_object_add(store->state, key, value);
}

void store_set_str(const struct store *store, const char *key, const char *value)
{
	store_set(store, key, json_object_new_string(value));
}

void store_set_now(const struct store *store, const char *key)
{
	store_set(store, key, json_object_new_int64(time(NULL)));
}

void store_drop(const struct store *store, const char *key)
{
	json_object_object_del(store->state, key);
}

const char *store_file(const struct store *store, const char *name)
{
	static char paths[4][STORE_PATH_MAX + 256];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_LEN(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", store->path, name);
	return path;
}

int store_folder(const struct store *store, const char *name, mode_t mode, uid_t owner)
{
	const char *path = store_file(store, name);
	int r = make(path, mode);

	/* The modes that are meant, whatever the umask says. */
	if (r == 0 && (chmod(path, mode) < 0 || lchown(path, owner, (gid_t)-1) < 0))
		r = -errno;
	return r;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int store_remove(const struct store *store, const char *name)
{
	const char *path = store_file(store, name);

	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}
