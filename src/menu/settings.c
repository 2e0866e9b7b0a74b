/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "menu/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "menu/text.h"

/* Units of options; they are translated where they are shown. */
__attribute__((unused)) static const char *const units[] = {
	N_("seconds"),  N_("connections"), N_("connections per minute"),
	N_("sessions"), N_("cells"),       N_("pixels"),
	N_("tasks"),    N_("percent"),     N_("days"),
	N_("files"),
};

/* The item at `text`, up to its end: in quotes, or a word. Returns what follows. */
static const char *copy_item(const char *text, size_t *room, FILE *out)
{
	bool quoted = *text == '"';
	size_t len = quoted ? strcspn(++text, "\"\n") : strcspn(text, " ,}\n");
	bool blank = memchr(text, ' ', len) != NULL || (quoted && len == 0);

	fprintf(out, "%s%s%.*s%s", (*room)++ > 0 ? " " : "", blank ? "'" : "", (int)len, text,
		blank ? "'" : "");
	text += len;
	return quoted && *text == '"' ? text + 1 : text;
}

static void copy_list(const char *text, FILE *out)
{
	size_t n = 0;

	for (text += 1; *text && *text != '\n' && *text != '}'; text += strspn(text, " ,"))
		text = copy_item(text, &n, out);
}

static void copy_value(const char *text, FILE *out)
{
	size_t len;

	if (*text == '{') {
		copy_list(text, out);
		return;
	}
	if (*text == '"') {
		len = strcspn(++text, "\"\n");
		fwrite(text, 1, len, out);
		return;
	}
	/* Of a section on one line the bracket follows. */
	fwrite(text, 1, strcspn(text, " \n"), out);
}

char *settings_find(const char *text, const char *before)
{
	const char *found = NULL;
	char *value = NULL;
	size_t len;
	FILE *out;

	/* The last one counts. */
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");

		if (strncmp(line, before, strlen(before)) == 0)
			found = line + strlen(before);
		line += n + (line[n] == '\n');
	}
	if (!found)
		return NULL;
	out = open_memstream(&value, &len);
	if (!out)
		return NULL;
	copy_value(found, out);
	fclose(out);
	return value;
}

char *settings_describe(const struct conf_row *row)
{
	char *text = NULL;
	int r = -1;

	switch (row->type) {
	case CONF_TYPE_INT:
		r = asprintf(&text, "%s %lld - %lld%s%s", _("A number,"), (long long)row->min,
			     (long long)row->max, row->unit[0] ? " " : "", _(row->unit));
		break;
	case CONF_TYPE_BOOL:
		r = asprintf(&text, "%s", _("true or false"));
		break;
	case CONF_TYPE_ENUM:
		r = asprintf(&text, "%s %s", _("One of:"), row->unit);
		break;
	case CONF_TYPE_LIST:
		r = asprintf(&text, "%s", _("Several, with blanks between them; or none."));
		break;
	case CONF_TYPE_STR:
		r = asprintf(&text, "%s", _("A text."));
		break;
	case CONF_TYPE_PATH:
		r = asprintf(&text, "%s", _("An absolute path."));
		break;
	}
	return r < 0 ? NULL : text;
}
