/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder "update" below the state directory, which is root's:
 *
 *	state		what is known and was done, JSON
 *	lock		held by who works
 *	lists, cache	apt's, our own
 *	kept		packages as they were installed last
 *	before		packages of the versions before the last installation
 *	log, output	events; what apt and dpkg said in the last installation
 */
#ifndef LAZARET_UPDATE_STORE_H
#define LAZARET_UPDATE_STORE_H

#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "conf/conf.h"

#define STORE_FOLDER "update"
#define STORE_PATH_MAX (PATH_MAX + 64)

struct store {
	const struct conf *conf;
	char path[PATH_MAX]; /* of the folder */
	char runtime[PATH_MAX]; /* the same below the runtime directory; removed at the end */
	int dir, lock;
	json_object *state; /* an object */
};

/*
 * `work`: to change something; -EWOULDBLOCK if somebody else does just now. Otherwise only what is known
 * is read; -ENOENT becomes an empty state.
 */
NODISCARD int store_open(struct store *store, const struct conf *conf, bool work);
void store_close(struct store *store);
#define _cleanup_store_ CLEANUP(store_close)

/* Writes the state. */
NODISCARD int store_save(const struct store *store);

/* Of the state; "", 0, NULL if it is not said. */
const char *store_str(const struct store *store, const char *key);
int64_t store_int(const struct store *store, const char *key);
json_object *store_get(const struct store *store, const char *key);
void store_set(const struct store *store, const char *key, json_object *value);
void store_set_str(const struct store *store, const char *key, const char *value);
/* Now, in seconds. */
void store_set_now(const struct store *store, const char *key);
void store_drop(const struct store *store, const char *key);

/* PATH/NAME of the folder, in static memory of four such. */
const char *store_file(const struct store *store, const char *name);

/* Makes a folder there, of this owner if it is not root's. */
NODISCARD int store_folder(const struct store *store, const char *name, mode_t mode, uid_t owner);
/* Removes a file or folder with what is in it; nothing if there is none. */
NODISCARD int store_remove(const struct store *store, const char *name);

#endif
