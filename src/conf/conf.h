/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The site's configuration: lazaret.conf(5), its schema in options.def, and the copy that children
 * of the monitor get on a descriptor instead of reading the file again.
 */
#ifndef LAZARET_CONF_CONF_H
#define LAZARET_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "wire/buf.h"
#include "wire/cursor.h"

/* The default place of the file. */
#define CONF_PATH LAZARET_SYSCONFDIR "/lazaret.conf"

enum conf_id {
#define SECTION(title)
#define O(id, ...) CONF_##id,
#include "conf/options.def"
#undef O
#undef SECTION
	CONF_COUNT,
};

enum conf_group_id {
#define O(id, ...) CONF_GROUP_##id,
#include "conf/group_options.def"
#undef O
	CONF_GROUP_OPTION_COUNT,
};

enum conf_path_id {
#define O(id, ...) CONF_PATH_##id,
#include "conf/path_options.def"
#undef O
	CONF_PATH_OPTION_COUNT,
};

enum conf_type {
	CONF_TYPE_INT,
	CONF_TYPE_BOOL,
	CONF_TYPE_STR,
	CONF_TYPE_PATH,
	CONF_TYPE_LIST,
	CONF_TYPE_ENUM,
};

/* Roles that get a copy; bits. */
enum conf_who {
	CONF_FOR_GATEWAY = 1 << 0,
	CONF_FOR_NETD = 1 << 1,
	CONF_FOR_SESSION = 1 << 2,
	CONF_FOR_MONITOR = 1 << 3, /* everything */
	CONF_FOR_CHECKD = 1 << 4,
};

/* Values of the enumerations, in the order of their words. */
enum conf_clipboard {
	CONF_CLIPBOARD_OFF = 0,
	CONF_CLIPBOARD_IN = 1,
	CONF_CLIPBOARD_OUT = 2,
	CONF_CLIPBOARD_BOTH = 3, /* = IN | OUT */
};
enum conf_browser { CONF_BROWSER_CHROMIUM, CONF_BROWSER_FIREFOX };
enum conf_profile { CONF_PROFILE_KEEP, CONF_PROFILE_WIPE };
enum conf_enabled { CONF_ENABLED_AUTO, CONF_ENABLED_YES, CONF_ENABLED_NO };
enum conf_video { CONF_VIDEO_H264, CONF_VIDEO_JPEG, CONF_VIDEO_EXACT };
enum conf_admin_login {
	CONF_ADMIN_LOGIN_KEY,
	CONF_ADMIN_LOGIN_PASSWORD,
	CONF_ADMIN_LOGIN_EITHER,
	CONF_ADMIN_LOGIN_BOTH,
};
enum conf_sftp_login {
	CONF_SFTP_LOGIN_EITHER,
	CONF_SFTP_LOGIN_PASSWORD,
	CONF_SFTP_LOGIN_KEY,
};
enum conf_transfer {
	CONF_TRANSFER_OFF = 0,
	CONF_TRANSFER_IN = 1,
	CONF_TRANSFER_OUT = 2,
	CONF_TRANSFER_BOTH = 3, /* = IN | OUT */
};
enum conf_lock_name_mismatch { CONF_LOCK_NAME_MISMATCH_REFUSE, CONF_LOCK_NAME_MISMATCH_PASS };
enum conf_lock_scanner_down { CONF_LOCK_SCANNER_DOWN_REFUSE, CONF_LOCK_SCANNER_DOWN_PASS };
enum conf_lock_quarantine {
	CONF_LOCK_QUARANTINE_REVIEW,
	CONF_LOCK_QUARANTINE_TYPES,
	CONF_LOCK_QUARANTINE_ALL,
	CONF_LOCK_QUARANTINE_OFF,
};
enum conf_update_method {
	CONF_UPDATE_METHOD_OFF,
	CONF_UPDATE_METHOD_SSH,
	CONF_UPDATE_METHOD_HTTPS,
	CONF_UPDATE_METHOD_PROXY,
};
enum conf_language { CONF_LANGUAGE_EN, CONF_LANGUAGE_DE };

/* One row of the schema, for the dump and the manual. */
struct conf_row {
	const char *name;
	enum conf_type type;
	const char *default_str; /* STR, PATH, LIST */
	int64_t default_int, min, max;
	const char *unit; /* or, for ENUM, the words, with commas */
	unsigned int who; /* bits of enum conf_who */
	const char *help;
};

const struct conf_row *conf_row(enum conf_id id);
const struct conf_row *conf_group_row(enum conf_group_id id);
const struct conf_row *conf_path_row(enum conf_path_id id);

/* The title of the section that an option stands in; the same pointer for all of one. */
const char *conf_section(enum conf_id id);

struct conf;

/* All defaults. NULL when out of memory. */
struct conf *conf_create(void);
void conf_destroy(struct conf *conf);
void conf_destroyp(struct conf **conf);
#define _cleanup_conf_ CLEANUP(conf_destroyp)

/*
 * Reads a file over what is there; later files win. The file must be owned by root or by who runs
 * us, and not be writable by others. Errors go to `errors`, one line each, as
 * "FILE:LINE: what is wrong and what to write instead". 0, -EINVAL for a wrong file, or the errno of
 * opening it. On error the configuration is a mixture and must not be used.
 */
NODISCARD int conf_read_file(struct conf *conf, const char *path, FILE *errors);
/* The same from memory; `name` stands for the file in messages. */
NODISCARD int conf_read_text(struct conf *conf, const char *name, const char *text, FILE *errors);

/* What only makes sense together (after all files): -EINVAL with a line in `errors`. */
NODISCARD int conf_check(const struct conf *conf, FILE *errors);

/* Getters; strings and lists are the configuration's. INT, BOOL and ENUM: conf_int(). */
int64_t conf_int(const struct conf *conf, enum conf_id id);
const char *conf_str(const struct conf *conf, enum conf_id id);
size_t conf_list_len(const struct conf *conf, enum conf_id id);
const char *conf_list_item(const struct conf *conf, enum conf_id id, size_t index);
/* The word of an ENUM's value. */
const char *conf_word(const struct conf *conf, enum conf_id id);

/* Whether both have the same value. */
bool conf_same(const struct conf *a, const struct conf *b, enum conf_id id);

/* Where the value was set last ("lazaret.conf:12"), or NULL for a default. */
const char *conf_origin(const struct conf *conf, enum conf_id id);

size_t conf_group_count(const struct conf *conf);
const char *conf_group_name(const struct conf *conf, size_t group);
int64_t conf_group_int(const struct conf *conf, size_t group, enum conf_group_id id);
size_t conf_group_list_len(const struct conf *conf, size_t group, enum conf_group_id id);
const char *conf_group_list_item(const struct conf *conf, size_t group, enum conf_group_id id,
				 size_t index);
/* Whether the section says anything about it. */
bool conf_group_has(const struct conf *conf, size_t group, enum conf_group_id id);

/*
 * The path sections, in the order of the files. Which names there are is the network contract's
 * business, not checked here.
 */
size_t conf_path_count(const struct conf *conf);
const char *conf_path_name(const struct conf *conf, size_t path);
/* The section of that name, or -ENOENT. */
NODISCARD int conf_path_find(const struct conf *conf, const char *name, size_t *ret_path);
int64_t conf_path_int(const struct conf *conf, size_t path, enum conf_path_id id);
size_t conf_path_list_len(const struct conf *conf, size_t path, enum conf_path_id id);
const char *conf_path_list_item(const struct conf *conf, size_t path, enum conf_path_id id,
				size_t index);
/* Where the option was set last, or NULL for a default; and where the section ends. */
const char *conf_path_origin(const struct conf *conf, size_t path, enum conf_path_id id);
const char *conf_path_section_origin(const struct conf *conf, size_t path);

/* The whole configuration in the syntax of the file, with help as comments if wanted. */
void conf_dump(const struct conf *conf, FILE *out, bool with_help);
/* The line of one option alone. */
void conf_dump_option(const struct conf *conf, enum conf_id id, FILE *out);
/* The options part of lazaret.conf(5), as mdoc. */
void conf_manual(FILE *out);

/* What one role gets. The reader's build must be the same: a hash of the schema leads. */
void conf_put(const struct conf *conf, enum conf_who who, struct buf *out);
/* -EPROTO if the bytes are not what conf_put() of this build writes. */
NODISCARD int conf_get(struct cursor *c, struct conf **ret_conf);

#endif
