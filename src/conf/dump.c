/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration as text again, and its manual. */
#include <string.h>

#include "conf/conf_impl.h"

const char *conf_section(enum conf_id wanted)
{
	const char *title = "";

#define SECTION(t) title = (t);
#define O(id, ...)               \
	if (CONF_##id == wanted) \
		return title;
#include "conf/options.def"
#undef O
#undef SECTION
	return title;
}

static void put_quoted(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		/* libConfuse expands $ in double quotes. */
		if (strchr("\"\\$", *s))
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void put_word(FILE *out, const struct conf_row *row, int64_t index)
{
	const char *start = "";
	size_t len = conf_word_at(row->unit, (size_t)index, &start);

	fprintf(out, "%.*s", (int)len, start);
}

static void put_value(FILE *out, const struct conf_row *row, const struct conf_value *value)
{
	switch (row->type) {
	case CONF_TYPE_INT:
		fprintf(out, "%lld", (long long)value->num);
		break;
	case CONF_TYPE_BOOL:
		fputs(value->num ? "yes" : "no", out);
		break;
	case CONF_TYPE_ENUM:
		put_word(out, row, value->num);
		break;
	case CONF_TYPE_STR:
	case CONF_TYPE_PATH:
		put_quoted(out, value->str);
		break;
	case CONF_TYPE_LIST:
		fputc('{', out);
		for (size_t i = 0; i < value->list_len; i++) {
			fputs(i > 0 ? ", " : "", out);
			put_quoted(out, value->list[i]);
		}
		fputc('}', out);
		break;
	}
}

static void put_help(FILE *out, const char *text)
{
	const size_t width = 96;

	while (*text) {
		size_t len = strlen(text);

		if (len > width) {
			len = width;
			while (len > 0 && text[len] != ' ')
				len--;
		}
		fprintf(out, "# %.*s\n", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

static void dump_groups(const struct conf *conf, FILE *out)
{
	for (size_t i = 0; i < conf->n_groups; i++) {
		fputs("\ngroup ", out);
		put_quoted(out, conf->groups[i].name);
		fputs(" {\n", out);
		for (size_t k = 0; k < CONF_GROUP_OPTION_COUNT; k++) {
			const struct conf_row *row = conf_group_row((enum conf_group_id)k);

			if (!conf_group_has(conf, i, (enum conf_group_id)k))
				continue;
			fprintf(out, "\t%s = ", row->name);
			put_value(out, row, &conf->groups[i].values[k]);
			fputc('\n', out);
		}
		fputs("}\n", out);
	}
}

static void dump_paths(const struct conf *conf, FILE *out)
{
	for (size_t i = 0; i < conf->n_paths; i++) {
		fputs("\npath ", out);
		put_quoted(out, conf->paths[i].name);
		fputs(" {\n", out);
		for (size_t k = 0; k < CONF_PATH_OPTION_COUNT; k++) {
			const struct conf_row *row = conf_path_row((enum conf_path_id)k);

			if (!conf->paths[i].values[k].origin)
				continue;
			fprintf(out, "\t%s = ", row->name);
			put_value(out, row, &conf->paths[i].values[k]);
			fputc('\n', out);
		}
		fputs("}\n", out);
	}
}

void conf_dump_option(const struct conf *conf, enum conf_id id, FILE *out)
{
	const struct conf_row *row = conf_row(id);

	fprintf(out, "%s = ", row->name);
	put_value(out, row, &conf->values[id]);
	fputc('\n', out);
}

void conf_dump(const struct conf *conf, FILE *out, bool with_help)
{
	const char *section = "";

	for (size_t i = 0; i < CONF_COUNT; i++) {
		const struct conf_row *row = conf_row((enum conf_id)i);
		const char *title = conf_section((enum conf_id)i);

		if (title != section)
			fprintf(out, "%s# --- %s\n", i > 0 ? "\n" : "", title);
		section = title;
		if (with_help) {
			fputc('\n', out);
			put_help(out, row->help);
		}
		conf_dump_option(conf, (enum conf_id)i, out);
	}
	dump_groups(conf, out);
	dump_paths(conf, out);
}

/* --- the manual ----------------------------------------------------------------------------- */

static void manual_range(FILE *out, const struct conf_row *row)
{
	switch (row->type) {
	case CONF_TYPE_INT:
		fprintf(out, "A number from %lld to %lld%s%s.\n", (long long)row->min,
			(long long)row->max, row->unit[0] ? ", in " : "", row->unit);
		break;
	case CONF_TYPE_BOOL:
		fputs("yes or no.\n", out);
		break;
	case CONF_TYPE_ENUM:
		fprintf(out, "One of %s.\n", row->unit);
		break;
	case CONF_TYPE_LIST:
		fprintf(out, "A list of at most %lld items in braces.\n", (long long)row->max);
		break;
	case CONF_TYPE_STR:
	case CONF_TYPE_PATH:
		break;
	}
}

static void manual_row(FILE *out, const struct conf_row *row, const struct conf_value *value)
{
	fprintf(out, ".It Ic %s No = Ar value\n%s\n", row->name, row->help);
	manual_range(out, row);
	fputs("Default:\n.Li ", out);
	put_value(out, row, value);
	fputs(" .\n", out);
}

static void manual_section_row(FILE *out, const struct conf_row *row)
{
	struct conf_value value = {0};

	if (conf_value_default(&value, row) == 0)
		manual_row(out, row, &value);
	conf_value_finish(&value);
}

void conf_manual(FILE *out)
{
	_cleanup_conf_ struct conf *defaults = conf_create();
	const char *section = "";

	if (!defaults)
		return;
	for (size_t i = 0; i < CONF_COUNT; i++) {
		const char *title = conf_section((enum conf_id)i);

		if (title != section)
			fprintf(out, "%s.Ss %s\n.Bl -tag -width Ds\n", i > 0 ? ".El\n" : "", title);
		section = title;
		manual_row(out, conf_row((enum conf_id)i), &defaults->values[i]);
	}
	fputs(".El\n.Ss Group sections\n.Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < CONF_GROUP_OPTION_COUNT; i++)
		manual_section_row(out, conf_group_row((enum conf_group_id)i));
	fputs(".El\n.Ss Path sections\n.Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < CONF_PATH_OPTION_COUNT; i++)
		manual_section_row(out, conf_path_row((enum conf_path_id)i));
	fputs(".El\n", out);
}
