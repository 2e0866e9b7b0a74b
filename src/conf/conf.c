/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/conf_impl.h"

/* The rows as options.def has them; each type fills the default that it needs. */
#define DEFAULT_INT(v) .default_int = (v)
#define DEFAULT_BOOL(v) .default_int = (v)
#define DEFAULT_ENUM(v) .default_int = (v)
#define DEFAULT_STR(v) .default_str = (v)
#define DEFAULT_PATH(v) .default_str = (v)
#define DEFAULT_LIST(v) .default_str = (v)

#define SECTION(title)
#define O(id, n, t, d, lo, hi, u, w, h)               \
	[CONF_##id] = {.name = (n),                   \
		       .type = CONF_TYPE_##t,         \
		       DEFAULT_##t(d),                \
		       .min = (lo),                   \
		       .max = (hi),                   \
		       .unit = (u),                   \
		       .who = CONF_FOR_MONITOR | (w), \
		       .help = (h)},
enum { G = CONF_FOR_GATEWAY, N = CONF_FOR_NETD, S = CONF_FOR_SESSION, C = CONF_FOR_CHECKD };
static const struct conf_row rows[] = {
#include "conf/options.def"
};
#undef O
#undef SECTION

#define O(id, n, t, d, lo, hi, u, h)                                     \
	[CONF_GROUP_##id] = {.name = (n),                                \
			     .type = CONF_TYPE_##t,                      \
			     DEFAULT_##t(d),                             \
			     .min = (lo),                                \
			     .max = (hi),                                \
			     .unit = (u),                                \
			     .who = CONF_FOR_MONITOR | CONF_FOR_SESSION, \
			     .help = (h)},
static const struct conf_row group_rows[] = {
#include "conf/group_options.def"
};
#undef O

#define O(id, n, t, d, lo, hi, u, h)                                 \
	[CONF_PATH_##id] = {.name = (n),                             \
			    .type = CONF_TYPE_##t,                   \
			    DEFAULT_##t(d),                          \
			    .min = (lo),                             \
			    .max = (hi),                             \
			    .unit = (u),                             \
			    .who = CONF_FOR_MONITOR | CONF_FOR_NETD, \
			    .help = (h)},
static const struct conf_row path_rows[] = {
#include "conf/path_options.def"
};
#undef O

const struct conf_row *conf_row(enum conf_id id)
{
	return &rows[id];
}

const struct conf_row *conf_group_row(enum conf_group_id id)
{
	return &group_rows[id];
}

const struct conf_row *conf_path_row(enum conf_path_id id)
{
	return &path_rows[id];
}

static void list_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void conf_value_finish(struct conf_value *value)
{
	free(value->str);
	free(value->origin);
	list_free(value->list, value->list_len);
	*value = (struct conf_value){0};
}

size_t conf_word_at(const char *words, size_t index, const char **ret_start)
{
	for (; index > 0; index--) {
		words = strchr(words, ',');
		if (!words)
			return 0;
		words++;
	}
	*ret_start = words;
	return strcspn(words, ",");
}

int conf_value_default(struct conf_value *value, const struct conf_row *row)
{
	const char *start;
	size_t len;

	value->num = row->default_int;
	if (row->type == CONF_TYPE_STR || row->type == CONF_TYPE_PATH) {
		value->str = strdup(row->default_str);
		return value->str ? 0 : -ENOMEM;
	}
	if (row->type != CONF_TYPE_LIST)
		return 0;
	while ((len = conf_word_at(row->default_str, value->list_len, &start)) > 0) {
		char **list = reallocarray(value->list, value->list_len + 1, sizeof(*list));

		if (!list)
			return -ENOMEM;
		value->list = list;
		list[value->list_len] = strndup(start, len);
		if (!list[value->list_len])
			return -ENOMEM;
		value->list_len++;
	}
	return 0;
}

/* --- from text ------------------------------------------------------------------------------ */

static int parse_int(int64_t *ret_num, const struct conf_row *row, const char *text, char *why,
		     size_t size)
{
	if (str_to_int(text, row->min, row->max, ret_num) == 0)
		return 0;
	snprintf(why, size, "\"%s\" must be a number from %lld to %lld%s%s, not \"%s\"", row->name,
		 (long long)row->min, (long long)row->max, row->unit[0] ? " " : "", row->unit,
		 text);
	return -EINVAL;
}

static int parse_bool(int64_t *ret_num, const struct conf_row *row, const char *text, char *why,
		      size_t size)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(text, words[i])) {
			*ret_num = (int64_t)(i % 2);
			return 0;
		}
	}
	snprintf(why, size, "\"%s\" must be yes or no, not \"%s\"", row->name, text);
	return -EINVAL;
}

static int parse_enum(int64_t *ret_num, const struct conf_row *row, const char *text, char *why,
		      size_t size)
{
	const char *start;
	size_t len;

	for (size_t i = 0; (len = conf_word_at(row->unit, i, &start)) > 0; i++) {
		if (strlen(text) == len && memcmp(text, start, len) == 0) {
			*ret_num = (int64_t)i;
			return 0;
		}
	}
	snprintf(why, size, "\"%s\" must be one of %s, not \"%s\"", row->name, row->unit, text);
	return -EINVAL;
}

static int check_text(const struct conf_row *row, const char *text, int64_t min, int64_t max,
		      char *why, size_t size)
{
	size_t len = strlen(text);

	if (!str_utf8_valid(text, len) || strpbrk(text, "\n\r\t\x7f")) {
		snprintf(why, size, "\"%s\" has a character that is not allowed there", row->name);
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20) {
			snprintf(why, size, "\"%s\" has a control character", row->name);
			return -EINVAL;
		}
	}
	if ((int64_t)len < min || (int64_t)len > max) {
		snprintf(why, size, "\"%s\" must have %lld to %lld characters, not %zu", row->name,
			 (long long)min, (long long)max, len);
		return -EINVAL;
	}
	if (row->type == CONF_TYPE_PATH && len > 0 && text[0] != '/') {
		snprintf(why, size, "\"%s\" must be a whole path that begins with /, not \"%s\"",
			 row->name, text);
		return -EINVAL;
	}
	return 0;
}

int conf_value_parse(struct conf_value *value, const struct conf_row *row, const char *text,
		     char *ret_why, size_t size)
{
	char *copy;
	int r;

	switch (row->type) {
	case CONF_TYPE_INT:
		return parse_int(&value->num, row, text, ret_why, size);
	case CONF_TYPE_BOOL:
		return parse_bool(&value->num, row, text, ret_why, size);
	case CONF_TYPE_ENUM:
		return parse_enum(&value->num, row, text, ret_why, size);
	case CONF_TYPE_STR:
	case CONF_TYPE_PATH:
		break;
	case CONF_TYPE_LIST:
		return -EINVAL;
	}
	r = check_text(row, text, row->min, row->max, ret_why, size);
	if (r < 0)
		return r;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(value->str);
	value->str = copy;
	return 0;
}

int conf_value_parse_list(struct conf_value *value, const struct conf_row *row,
			  const char *const *items, size_t n, char *ret_why, size_t size)
{
	char **list;

	if ((int64_t)n < row->min || (int64_t)n > row->max) {
		snprintf(ret_why, size, "\"%s\" must have %lld to %lld items, not %zu", row->name,
			 (long long)row->min, (long long)row->max, n);
		return -EINVAL;
	}
	for (size_t i = 0; i < n; i++) {
		int r = check_text(row, items[i], 1, CONF_STR_MAX, ret_why, size);

		if (r < 0)
			return r;
	}
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		list[i] = strdup(items[i]);
		if (!list[i]) {
			list_free(list, i);
			return -ENOMEM;
		}
	}
	list_free(value->list, value->list_len);
	value->list = list;
	value->list_len = n;
	return 0;
}

/* --- the whole ------------------------------------------------------------------------------ */

static void group_finish(struct conf_group *group)
{
	free(group->name);
	for (size_t i = 0; i < CONF_GROUP_OPTION_COUNT; i++)
		conf_value_finish(&group->values[i]);
}

struct conf_group *conf_group_get(struct conf *conf, const char *name)
{
	struct conf_group *groups, *group;

	for (size_t i = 0; i < conf->n_groups; i++) {
		if (str_eq(conf->groups[i].name, name))
			return &conf->groups[i];
	}
	if (conf->n_groups >= CONF_GROUPS_MAX)
		return NULL;
	groups = reallocarray(conf->groups, conf->n_groups + 1, sizeof(*groups));
	if (!groups)
		return NULL;
	conf->groups = groups;
	group = &groups[conf->n_groups];
	*group = (struct conf_group){.name = strdup(name)};
	if (!group->name)
		return NULL;
	for (size_t i = 0; i < CONF_GROUP_OPTION_COUNT; i++) {
		if (conf_value_default(&group->values[i], &group_rows[i]) < 0) {
			group_finish(group);
			return NULL;
		}
	}
	conf->n_groups++;
	return group;
}

static void path_finish(struct conf_path *path)
{
	free(path->name);
	free(path->origin);
	for (size_t i = 0; i < CONF_PATH_OPTION_COUNT; i++)
		conf_value_finish(&path->values[i]);
}

struct conf_path *conf_path_get(struct conf *conf, const char *name)
{
	struct conf_path *paths, *path;
	size_t found;

	if (conf_path_find(conf, name, &found) == 0)
		return &conf->paths[found];
	if (conf->n_paths >= CONF_PATHS_MAX)
		return NULL;
	paths = reallocarray(conf->paths, conf->n_paths + 1, sizeof(*paths));
	if (!paths)
		return NULL;
	conf->paths = paths;
	path = &paths[conf->n_paths];
	*path = (struct conf_path){.name = strdup(name), .origin = strdup("")};
	for (size_t i = 0; path->name && path->origin; i++) {
		if (i == CONF_PATH_OPTION_COUNT) {
			conf->n_paths++;
			return path;
		}
		if (conf_value_default(&path->values[i], &path_rows[i]) < 0)
			break;
	}
	path_finish(path);
	return NULL;
}

struct conf *conf_create(void)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	for (size_t i = 0; conf && i < CONF_COUNT; i++) {
		if (conf_value_default(&conf->values[i], &rows[i]) < 0) {
			conf_destroy(conf);
			return NULL;
		}
	}
	return conf;
}

void conf_destroy(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < CONF_COUNT; i++)
		conf_value_finish(&conf->values[i]);
	for (size_t i = 0; i < conf->n_groups; i++)
		group_finish(&conf->groups[i]);
	for (size_t i = 0; i < conf->n_paths; i++)
		path_finish(&conf->paths[i]);
	free(conf->groups);
	free(conf->paths);
	free(conf);
}

void conf_destroyp(struct conf **conf)
{
	conf_destroy(*conf);
	*conf = NULL;
}

int64_t conf_int(const struct conf *conf, enum conf_id id)
{
	return conf->values[id].num;
}

const char *conf_str(const struct conf *conf, enum conf_id id)
{
	return conf->values[id].str;
}

size_t conf_list_len(const struct conf *conf, enum conf_id id)
{
	return conf->values[id].list_len;
}

const char *conf_list_item(const struct conf *conf, enum conf_id id, size_t index)
{
	return conf->values[id].list[index];
}

const char *conf_word(const struct conf *conf, enum conf_id id)
{
	static char word[64];
	const char *start = "";
	size_t len = conf_word_at(rows[id].unit, (size_t)conf->values[id].num, &start);

	len = MIN(len, sizeof(word) - 1);
	memcpy(word, start, len);
	word[len] = '\0';
	return word;
}

const char *conf_origin(const struct conf *conf, enum conf_id id)
{
	return conf->values[id].origin;
}

size_t conf_group_count(const struct conf *conf)
{
	return conf->n_groups;
}

const char *conf_group_name(const struct conf *conf, size_t group)
{
	return conf->groups[group].name;
}

int64_t conf_group_int(const struct conf *conf, size_t group, enum conf_group_id id)
{
	return conf->groups[group].values[id].num;
}

size_t conf_group_list_len(const struct conf *conf, size_t group, enum conf_group_id id)
{
	return conf->groups[group].values[id].list_len;
}

const char *conf_group_list_item(const struct conf *conf, size_t group, enum conf_group_id id,
				 size_t index)
{
	return conf->groups[group].values[id].list[index];
}

bool conf_group_has(const struct conf *conf, size_t group, enum conf_group_id id)
{
	return conf->groups[group].values[id].origin != NULL;
}

size_t conf_path_count(const struct conf *conf)
{
	return conf->n_paths;
}

const char *conf_path_name(const struct conf *conf, size_t path)
{
	return conf->paths[path].name;
}

int conf_path_find(const struct conf *conf, const char *name, size_t *ret_path)
{
	for (size_t i = 0; i < conf->n_paths; i++) {
		if (str_eq(conf->paths[i].name, name)) {
			*ret_path = i;
			return 0;
		}
	}
	return -ENOENT;
}

int64_t conf_path_int(const struct conf *conf, size_t path, enum conf_path_id id)
{
	return conf->paths[path].values[id].num;
}

size_t conf_path_list_len(const struct conf *conf, size_t path, enum conf_path_id id)
{
	return conf->paths[path].values[id].list_len;
}

const char *conf_path_list_item(const struct conf *conf, size_t path, enum conf_path_id id,
				size_t index)
{
	return conf->paths[path].values[id].list[index];
}

const char *conf_path_origin(const struct conf *conf, size_t path, enum conf_path_id id)
{
	return conf->paths[path].values[id].origin;
}

const char *conf_path_section_origin(const struct conf *conf, size_t path)
{
	return conf->paths[path].origin;
}

static bool list_same(const struct conf *a, const struct conf *b, enum conf_id id)
{
	size_t n = conf_list_len(a, id);

	if (conf_list_len(b, id) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!str_eq(conf_list_item(a, id, i), conf_list_item(b, id, i)))
			return false;
	}
	return true;
}

bool conf_same(const struct conf *a, const struct conf *b, enum conf_id id)
{
	switch (conf_row(id)->type) {
	case CONF_TYPE_LIST:
		return list_same(a, b, id);
	case CONF_TYPE_STR:
	case CONF_TYPE_PATH:
		return str_eq(conf_str(a, id), conf_str(b, id));
	default:
		return conf_int(a, id) == conf_int(b, id);
	}
}
