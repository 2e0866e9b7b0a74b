/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The copy of the configuration that a child gets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf_impl.h"

#define COPY_MAGIC UINT32_C(0x4c5a4346) /* "LZCF" */

static uint32_t hash_row(uint32_t hash, const struct conf_row *row)
{
	for (const char *p = row->name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * UINT32_C(16777619);
	return (hash ^ (uint32_t)row->type) * UINT32_C(16777619);
}

/* FNV-1a over names and types: a copy is only read by the build that wrote it. */
static uint32_t schema_hash(void)
{
	uint32_t hash = UINT32_C(2166136261);

	for (int i = 0; i < CONF_COUNT; i++)
		hash = hash_row(hash, conf_row((enum conf_id)i));
	for (int i = 0; i < CONF_GROUP_OPTION_COUNT; i++)
		hash = hash_row(hash, conf_group_row((enum conf_group_id)i));
	for (int i = 0; i < CONF_PATH_OPTION_COUNT; i++)
		hash = hash_row(hash, conf_path_row((enum conf_path_id)i));
	return hash;
}

static void put_value(struct buf *out, const struct conf_value *value, enum conf_type type)
{
	buf_put_str(out, value->origin ? value->origin : "");
	switch (type) {
	case CONF_TYPE_INT:
	case CONF_TYPE_BOOL:
	case CONF_TYPE_ENUM:
		buf_put_u64(out, (uint64_t)value->num);
		break;
	case CONF_TYPE_STR:
	case CONF_TYPE_PATH:
		buf_put_str(out, value->str);
		break;
	case CONF_TYPE_LIST:
		buf_put_u32(out, (uint32_t)value->list_len);
		for (size_t i = 0; i < value->list_len; i++)
			buf_put_str(out, value->list[i]);
		break;
	}
}

/* A session wants to know for whom a path is, not where it leads: that can be long. */
static bool path_option_is_for(enum conf_path_id id, uint32_t who)
{
	return id == CONF_PATH_GROUPS || (who & (CONF_FOR_NETD | CONF_FOR_MONITOR));
}

/* What files may pass is nothing that a session asks; the lists can be long. */
static bool group_option_is_for(enum conf_group_id id, uint32_t who)
{
	return id < CONF_GROUP_TRANSFER || (who & (CONF_FOR_CHECKD | CONF_FOR_MONITOR));
}

static void put_paths(const struct conf *conf, enum conf_who who, struct buf *out)
{
	buf_put_u32(out, (uint32_t)conf->n_paths);
	for (size_t i = 0; i < conf->n_paths; i++) {
		buf_put_str(out, conf->paths[i].name);
		buf_put_str(out, conf->paths[i].origin ? conf->paths[i].origin : "");
		for (size_t k = 0; k < CONF_PATH_OPTION_COUNT; k++) {
			if (!path_option_is_for((enum conf_path_id)k, who))
				continue;
			put_value(out, &conf->paths[i].values[k],
				  conf_path_row((enum conf_path_id)k)->type);
		}
	}
}

void conf_put(const struct conf *conf, enum conf_who who, struct buf *out)
{
	buf_put_u32(out, COPY_MAGIC);
	buf_put_u32(out, schema_hash());
	buf_put_u32(out, (uint32_t)who);
	for (size_t i = 0; i < CONF_COUNT; i++) {
		const struct conf_row *row = conf_row((enum conf_id)i);

		if (row->who & who)
			put_value(out, &conf->values[i], row->type);
	}
	buf_put_u32(out, who & CONF_FOR_GATEWAY ? 0 : (uint32_t)conf->n_groups);
	for (size_t i = 0; i < conf->n_groups && !(who & CONF_FOR_GATEWAY); i++) {
		buf_put_str(out, conf->groups[i].name);
		for (size_t k = 0; k < CONF_GROUP_OPTION_COUNT; k++) {
			if (group_option_is_for((enum conf_group_id)k, who))
				put_value(out, &conf->groups[i].values[k],
					  conf_group_row((enum conf_group_id)k)->type);
		}
	}
	if (!(who & CONF_FOR_GATEWAY))
		put_paths(conf, who, out);
}

static int get_list(struct cursor *c, struct conf_value *value)
{
	uint32_t n = cursor_u32(c);
	char **list;

	if (n > CONF_LIST_MAX)
		return -EPROTO;
	list = calloc((size_t)n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	value->list = list;
	for (; value->list_len < n; value->list_len++) {
		list[value->list_len] = cursor_str(c, CONF_STR_MAX);
		if (!list[value->list_len])
			return -EPROTO;
	}
	return 0;
}

static int get_value(struct cursor *c, struct conf_value *value, const struct conf_row *row)
{
	_cleanup_free_ char *origin = cursor_str(c, CONF_STR_MAX);

	conf_value_finish(value);
	if (!origin)
		return -EPROTO;
	if (origin[0])
		value->origin = STEAL(origin);
	switch (row->type) {
	case CONF_TYPE_INT:
	case CONF_TYPE_BOOL:
	case CONF_TYPE_ENUM:
		value->num = (int64_t)cursor_u64(c);
		break;
	case CONF_TYPE_STR:
	case CONF_TYPE_PATH:
		value->str = cursor_str(c, CONF_STR_MAX);
		break;
	case CONF_TYPE_LIST:
		return get_list(c, value);
	}
	return cursor_failed(c) ? -EPROTO : 0;
}

static int get_groups(struct cursor *c, struct conf *conf, uint32_t who)
{
	uint32_t n = cursor_u32(c);

	if (n > CONF_GROUPS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < n; i++) {
		_cleanup_free_ char *name = cursor_str(c, CONF_STR_MAX);
		struct conf_group *group = name ? conf_group_get(conf, name) : NULL;

		if (!group)
			return -EPROTO;
		for (size_t k = 0; k < CONF_GROUP_OPTION_COUNT; k++) {
			int r = 0;

			if (group_option_is_for((enum conf_group_id)k, who))
				r = get_value(c, &group->values[k],
					      conf_group_row((enum conf_group_id)k));
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int get_paths(struct cursor *c, struct conf *conf, uint32_t who)
{
	uint32_t n = cursor_u32(c);

	if (n > CONF_PATHS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < n; i++) {
		_cleanup_free_ char *name = cursor_str(c, CONF_STR_MAX);
		_cleanup_free_ char *origin = cursor_str(c, CONF_STR_MAX);
		struct conf_path *path = name && origin ? conf_path_get(conf, name) : NULL;

		if (!path)
			return -EPROTO;
		free(path->origin);
		path->origin = STEAL(origin);
		for (size_t k = 0; k < CONF_PATH_OPTION_COUNT; k++) {
			int r;

			if (!path_option_is_for((enum conf_path_id)k, who))
				continue;
			r = get_value(c, &path->values[k], conf_path_row((enum conf_path_id)k));
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int conf_get(struct cursor *c, struct conf **ret_conf)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	uint32_t magic = cursor_u32(c);
	uint32_t hash = cursor_u32(c);
	uint32_t who = cursor_u32(c);
	int r;

	if (!conf)
		return -ENOMEM;
	if (cursor_failed(c) || magic != COPY_MAGIC || hash != schema_hash())
		return -EPROTO;
	for (size_t i = 0; i < CONF_COUNT; i++) {
		const struct conf_row *row = conf_row((enum conf_id)i);

		if (!(row->who & who))
			continue;
		r = get_value(c, &conf->values[i], row);
		if (r < 0)
			return r;
	}
	r = get_groups(c, conf, who);
	if (r == 0 && !(who & CONF_FOR_GATEWAY))
		r = get_paths(c, conf, who);
	if (r < 0)
		return r;
	if (cursor_failed(c))
		return -EPROTO;
	*ret_conf = STEAL(conf);
	return 0;
}
