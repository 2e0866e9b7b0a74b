/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/settings_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define MARK "# --- Settings of lazaretctl config set: a line each, changed by it alone. ---\n"

/*
 * Whom the system trusts, which programs and files it uses: the console's. The role config must not be
 * able to give itself more than it has.
 */
static const enum conf_id roots[] = {
	CONF_ROLE_CONFIG,
	CONF_ROLE_MAINT,
	CONF_ROLE_UPDATE,
	CONF_ROLE_BACKUP,
	CONF_ROLE_AUDIT,
	CONF_ROLE_SECURITY,
	CONF_ROLES_APART,
	CONF_ADMIN_GROUPS,
	CONF_PAM_SERVICE,
	CONF_SSH_DIR,
	CONF_ADMIN_PAM_SERVICE,
	CONF_CERTIFICATE,
	CONF_PRIVATE_KEY,
	CONF_RUNTIME_DIR,
	CONF_STATE_DIR,
	CONF_LIBEXEC_DIR,
	CONF_DATA_DIR,
	CONF_GATEWAY_USER,
	CONF_KEYD_USER,
	CONF_DISPLAY_UID_BASE,
	CONF_CELL_UID_BASE,
	CONF_SECURE_ACCEPTED,
	CONF_BACKUP_REPOSITORY,
	CONF_BACKUP_SERVER_KEY,
	CONF_UPDATE_KEYRING,
	CONF_UPDATE_DEBIAN_KEYRING,
	CONF_UPDATE_HOST_KEY,
	CONF_UPDATE_KEY_FILE,
	CONF_UPDATE_USER,
	CONF_UPDATE_CA,
	CONF_UPDATE_PROXY,
	CONF_UPDATE_PROXY_USER,
	CONF_UPDATE_PROXY_PASSWORD_FILE,
};

static bool is_roots(enum conf_id id)
{
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		if (roots[i] == id)
			return true;
	}
	return false;
}

const char *settings_roots_change(const struct conf *a, const struct conf *b)
{
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		if (!conf_same(a, b, roots[i]))
			return conf_row(roots[i])->name;
	}
	return NULL;
}

static int find_plain(const char *name, struct setting *setting)
{
	for (int i = 0; i < CONF_COUNT; i++) {
		const struct conf_row *row = conf_row((enum conf_id)i);

		if (!str_eq(row->name, name))
			continue;
		snprintf(setting->before, sizeof(setting->before), "%s = ", name);
		setting->after = "";
		setting->is_list = row->type == CONF_TYPE_LIST;
		setting->is_roots = is_roots((enum conf_id)i);
		return 0;
	}
	return -ENOENT;
}

static const struct conf_row *section_row(bool is_path, int i)
{
	if (is_path)
		return i < CONF_PATH_OPTION_COUNT ? conf_path_row((enum conf_path_id)i) : NULL;
	return i < CONF_GROUP_OPTION_COUNT ? conf_group_row((enum conf_group_id)i) : NULL;
}

/* "NAME.OPTION"; a name may have dots itself. */
static int find_in_section(bool is_path, const char *rest, struct setting *setting)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@";
	const char *dot = strrchr(rest, '.');
	const struct conf_row *row;

	if (!dot || dot == rest || dot - rest > SETTINGS_NAME_MAX ||
	    strspn(rest, letters) < (size_t)(dot - rest))
		return -ENOENT;
	for (int i = 0; (row = section_row(is_path, i)); i++) {
		if (!str_eq(row->name, dot + 1))
			continue;
		snprintf(setting->before, sizeof(setting->before),
			 "%s \"%.*s\" { %s = ", is_path ? "path" : "group", (int)(dot - rest), rest,
			 row->name);
		setting->after = " }";
		setting->is_list = row->type == CONF_TYPE_LIST;
		return 0;
	}
	return -ENOENT;
}

int setting_find(const char *name, struct setting *ret_setting)
{
	struct setting setting = {0};
	int r;

	if (strncmp(name, "path.", 5) == 0)
		r = find_in_section(true, name + 5, &setting);
	else if (strncmp(name, "group.", 6) == 0)
		r = find_in_section(false, name + 6, &setting);
	else
		r = find_plain(name, &setting);
	if (r == 0)
		*ret_setting = setting;
	return r;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_plain(const char *value)
{
	if (!str_utf8_valid(value, strlen(value)))
		return false;
	for (; *value; value++) {
		/* Quotes and backslashes end and change a text, $ stands for variables. */
		if ((unsigned char)*value < 0x20 || *value == 0x7f || strchr("\"\\$", *value))
			return false;
	}
	return true;
}

static const char *objection(const struct setting *setting, size_t n, const char *const *values)
{
	if (n != 1 && !setting->is_list)
		return "the option takes one value";
	for (size_t i = 0; i < n; i++) {
		if (!is_plain(values[i]))
			return "a value must not contain \", \\, $ or control characters";
	}
	return NULL;
}

int setting_line(const struct setting *setting, size_t n, const char *const *values,
		 char **ret_line, const char **ret_why)
{
	_cleanup_free_ char *line = NULL;
	size_t len;
	FILE *out;

	*ret_why = objection(setting, n, values);
	if (*ret_why)
		return -EINVAL;
	out = open_memstream(&line, &len);
	if (!out)
		return -ENOMEM;
	fprintf(out, "%s%s", setting->before, setting->is_list ? "{" : "");
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s\"%s\"", i > 0 ? ", " : "", values[i]);
	fprintf(out, "%s%s", setting->is_list ? "}" : "", setting->after);
	if (fclose(out) != 0)
		return -ENOMEM;
	*ret_line = STEAL(line);
	return 0;
}

/* --- the text --------------------------------------------------------------------------------- */

/* Where what is ours begins, behind the mark; the end of the text if it has none. */
static const char *find_ours(const char *text)
{
	const char *at = strstr(text, MARK);

	/* Not in the middle of a line. */
	while (at && at > text && at[-1] != '\n')
		at = strstr(at + 1, MARK);
	return at ? at + strlen(MARK) : text + strlen(text);
}

static void write_above(const char *text, const char *ours, FILE *out)
{
	fwrite(text, 1, (size_t)(ours - text), out);
	if (ours > text && ours[-1] != '\n')
		fputc('\n', out);
	if (*ours == '\0' &&
	    (ours < text + strlen(MARK) || strncmp(ours - strlen(MARK), MARK, strlen(MARK)) != 0))
		fputs(MARK, out);
}

char *settings_replace(const char *text, const char *before, const char *line)
{
	const char *ours = find_ours(text);
	char *result = NULL;
	size_t len;
	FILE *out = open_memstream(&result, &len);

	if (!out)
		return NULL;
	write_above(text, ours, out);
	while (*ours) {
		size_t n = strcspn(ours, "\n");

		if (strncmp(ours, before, strlen(before)) != 0)
			fprintf(out, "%.*s\n", (int)n, ours);
		ours += n + (ours[n] == '\n');
	}
	if (line)
		fprintf(out, "%s\n", line);
	if (fclose(out) != 0) {
		free(result);
		return NULL;
	}
	return result;
}
