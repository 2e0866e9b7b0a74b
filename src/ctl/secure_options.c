/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options that a site may set, and that weaken the system. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/secure_impl.h"

enum rule { IS, IS_NOT, LACKS, HAS };

static const struct weak {
	enum conf_id option;
	enum rule rule;
	const char *value, *secure, *why;
} rows[] = {
#define WEAK(option, ...) {CONF_##option, __VA_ARGS__},
#include "ctl/secure_checks.def"
};

static bool has_item(const struct conf *conf, enum conf_id id, const char *item)
{
	for (size_t i = 0; i < conf_list_len(conf, id); i++) {
		if (str_eq(item, "*") || str_eq(conf_list_item(conf, id, i), item))
			return true;
	}
	return false;
}

static bool has_value(const struct conf *conf, enum conf_id id, const char *value)
{
	char number[24];

	switch (conf_row(id)->type) {
	case CONF_TYPE_INT:
		snprintf(number, sizeof(number), "%lld", (long long)conf_int(conf, id));
		return str_eq(number, value);
	case CONF_TYPE_BOOL:
		return str_eq(value, conf_int(conf, id) ? "true" : "false");
	case CONF_TYPE_ENUM:
		return str_eq(value, conf_word(conf, id));
	default:
		return str_eq(value, conf_str(conf, id));
	}
}

static bool is_weak(const struct conf *conf, const struct weak *row)
{
	switch (row->rule) {
	case IS:
		return has_value(conf, row->option, row->value);
	case IS_NOT:
		return !has_value(conf, row->option, row->value);
	case LACKS:
		return !has_item(conf, row->option, row->value);
	default:
		return has_item(conf, row->option, row->value);
	}
}

static const char *verb(const struct weak *row)
{
	if (row->rule == LACKS)
		return "lacks";
	return row->rule == HAS ? "has" : "is";
}

static void say(struct secure *secure, const struct weak *row)
{
	const struct conf_row *option = conf_row(row->option);
	const char *origin = conf_origin(secure->conf, row->option);
	const char *value = row->value;
	char id[64];

	snprintf(id, sizeof(id), "options.%s", option->name);
	secure->id = id;
	if (row->rule == IS_NOT)
		value = conf_word(secure->conf, row->option);
	if (row->rule == HAS && str_eq(value, "*"))
		value = conf_list_item(secure->conf, row->option, 0);
	secure_what(secure, "%s %s %s (%s): %s", option->name, verb(row), value,
		    origin ? origin : "the default", row->why);
	if (row->secure[0])
		secure_deviates(
			secure,
			"lazaretctl config set %s %s; lazaretctl config apply (or by hand, in "
			"the file)",
			option->name, row->secure);
	else
		secure_deviates(secure,
				"name in %s only the networks that need it, in the file or "
				"with lazaretctl config set",
				option->name);
}

static void check_groups(struct secure *secure)
{
	const struct conf *conf = secure->conf;

	for (size_t i = 0; i < conf_group_count(conf); i++) {
		secure->id = "options.clipboard";
		if (!conf_group_has(conf, i, CONF_GROUP_CLIPBOARD) ||
		    conf_group_int(conf, i, CONF_GROUP_CLIPBOARD) == CONF_CLIPBOARD_OFF)
			continue;
		secure_what(secure,
			    "the group \"%s\" has a clipboard: text passes between web pages and "
			    "workstations",
			    conf_group_name(conf, i));
		secure_deviates(secure,
				"lazaretctl config set group.%s.clipboard off; lazaretctl config "
				"apply",
				conf_group_name(conf, i));
	}
}

void secure_weak_options(struct secure *secure)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (is_weak(secure->conf, &rows[i]))
			say(secure, &rows[i]);
	}
	check_groups(secure);
}
