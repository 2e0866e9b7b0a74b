/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "setup/answers.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cert/x509.h"
#include "conf/role.h"
#include "menu/text.h"

static const struct answer_row rows[] = {
#define PAGE(title, text)
#define A(id, n, k, d, o, l) \
	[ANSWER_##id] = {    \
		.name = (n), .kind = ANSWER_##k, .given = (d), .option = (o), .label = (l)},
#include "setup/answers.def"
#undef A
#undef PAGE
};

const struct answer_row *answer_row(enum answer_id id)
{
	static struct answer_row row;

	row = rows[id];
#define PAGE(title, text)   \
	row.page = (title); \
	row.page_text = (text);
#define A(i, ...)             \
	if (ANSWER_##i == id) \
		return &row;
#include "setup/answers.def"
#undef A
#undef PAGE
	return &row;
}

/* --- values ----------------------------------------------------------------------------------- */

int answers_set(struct answers *answers, enum answer_id id, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	mem_wipe_strp(&answers->values[id]);
	answers->values[id] = copy;
	return 0;
}

int answers_init(struct answers *answers)
{
	*answers = (struct answers){0};
	for (int i = 0; i < ANSWERS_COUNT; i++) {
		char first[64];

		snprintf(first, sizeof(first), "%.*s",
			 (int)(rows[i].kind == ANSWER_CHOICE ? strcspn(rows[i].given, ",")
							     : strlen(rows[i].given)),
			 rows[i].given);
		if (answers_set(answers, (enum answer_id)i, first) < 0) {
			answers_finish(answers);
			return -ENOMEM;
		}
	}
	return 0;
}

void answers_finish(struct answers *answers)
{
	for (int i = 0; i < ANSWERS_COUNT; i++)
		mem_wipe_strp(&answers->values[i]);
}

void answer_words(const char *value, struct answer_words *words)
{
	words->n = 0;
	for (value += strspn(value, " ,"); *value && words->n < ANSWERS_WORDS_MAX;
	     value += strspn(value, " ,")) {
		size_t len = strcspn(value, " ,");

		words->items[words->n] = strndup(value, len);
		words->n += words->items[words->n] != NULL;
		value += len;
	}
}

void answer_words_finish(struct answer_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->items[i]);
	words->n = 0;
}

/* --- a file of them --------------------------------------------------------------------------- */

static int find(const char *name, size_t len, enum answer_id *ret_id)
{
	for (int i = 0; i < ANSWERS_COUNT; i++) {
		if (strlen(rows[i].name) == len && strncmp(rows[i].name, name, len) == 0) {
			*ret_id = (enum answer_id)i;
			return 0;
		}
	}
	return -ENOENT;
}

/* One line without its end. NULL, or what is wrong with it. */
static const char *take_line(struct answers *answers, char *line)
{
	size_t start = strspn(line, " \t"), len = strlen(line);
	enum answer_id id;
	char *value;

	while (len > 0 && strchr(" \t\r", line[len - 1]))
		line[--len] = '\0';
	line += MIN(start, len);
	if (!*line || *line == '#')
		return NULL;
	value = strchr(line, '=');
	if (!value)
		return "is not \"name = value\"";
	if (find(line, strcspn(line, " \t="), &id) < 0)
		return "is none of the answers; lazaret-setup --example prints them all";
	value++;
	value += strspn(value, " \t");
	if (strlen(value) > ANSWERS_VALUE_MAX)
		return "is too long";
	return answers_set(answers, id, value) < 0 ? "does not fit into the memory" : NULL;
}

int answers_parse(struct answers *answers, const char *file, const char *text, FILE *errors)
{
	unsigned int number = 0;
	int r = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");
		_cleanup_secret_ char *line = strndup(text, len);
		const char *wrong = line ? take_line(answers, line)
					 : "does not fit into the memory";

		number++;
		/* Without the value, which may be a secret. */
		if (wrong) {
			fprintf(errors, "%s:%u: \"%.*s\" %s\n", file, number,
				(int)MIN(strcspn(text, " \t=\n"), (size_t)40), text, wrong);
			r = -EINVAL;
		}
		text += len + (text[len] == '\n');
	}
	return r;
}

/* --- whether they will do --------------------------------------------------------------------- */

static bool is_choice(const char *words, const char *value)
{
	size_t len = strlen(value);

	for (; *words; words += strcspn(words, ","), words += *words == ',') {
		if (strcspn(words, ",") == len && strncmp(words, value, len) == 0)
			return true;
	}
	return false;
}

/* What would end a value of lazaret.conf. */
static bool is_plain(const char *value)
{
	if (!str_utf8_valid(value, strlen(value)))
		return false;
	for (; *value; value++) {
		if ((unsigned char)*value < 0x20 || *value == 0x7f || strchr("\"\\${}", *value))
			return false;
	}
	return true;
}

static int check_values(const struct answers *answers, FILE *errors)
{
	int r = 0;

	for (int i = 0; i < ANSWERS_COUNT; i++) {
		const char *value = answers->values[i];

		if (rows[i].kind == ANSWER_CHOICE && !is_choice(rows[i].given, value)) {
			fprintf(errors, "%s: \"%s\" is none of %s\n", rows[i].name, value,
				rows[i].given);
			r = -EINVAL;
		}
		if (rows[i].kind != ANSWER_SECRET && !is_plain(value)) {
			fprintf(errors,
				"%s: a value must not have \", \\, $, brackets or control "
				"characters\n",
				rows[i].name);
			r = -EINVAL;
		}
	}
	return r;
}

static int check_names(const struct answers *answers, FILE *errors)
{
	struct answer_words words;
	struct x509_names names = {0};
	int r = 0;

	answer_words(answers_get(answers, ANSWER_SERVER_NAMES), &words);
	for (size_t i = 0; i < words.n; i++) {
		if (x509_names_add(&names, words.items[i]) == 0)
			continue;
		fprintf(errors, "server-names: \"%s\" is neither a name nor an address\n",
			words.items[i]);
		r = -EINVAL;
	}
	if (names.n == 0 && !str_eq(answers_get(answers, ANSWER_CERTIFICATE), "keep")) {
		fputs("server-names: at least one name or address of this server is needed for its "
		      "certificate\n",
		      errors);
		r = -EINVAL;
	}
	answer_words_finish(&words);
	return r;
}

static unsigned int role_of(const char *word)
{
	for (int i = 0; i < ROLE_COUNT; i++) {
		if (str_eq(role_name((enum role_index)i), word))
			return 1u << i;
	}
	return 0;
}

/* By what is the default of roles-apart: nothing else is in force yet. */
static int check_roles(const struct answers *answers, FILE *errors)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	struct answer_words words;
	enum role_index a, b;
	unsigned int set = 0;
	int r = 0;

	answer_words(answers_get(answers, ANSWER_ADMIN_ROLES), &words);
	for (size_t i = 0; i < words.n; i++) {
		if (role_of(words.items[i]) == 0) {
			fprintf(errors, "admin-roles: \"%s\" is no role\n", words.items[i]);
			r = -EINVAL;
		}
		set |= role_of(words.items[i]);
	}
	answer_words_finish(&words);
	if (conf && role_conflict(conf, set, &a, &b)) {
		fprintf(errors,
			"admin-roles: %s and %s must not meet in one person: make another "
			"administrator later (lazaretctl admin add, roles grant)\n",
			role_name(a), role_name(b));
		r = -EINVAL;
	}
	return r;
}

static int check_admin(const struct answers *answers, FILE *errors)
{
	bool admin = answers_get(answers, ANSWER_ADMIN)[0];
	bool network = answers_get(answers, ANSWER_ADMINISTRATION)[0];

	if (admin && !answers_get(answers, ANSWER_ADMIN_KEY)[0] && network) {
		fputs("admin-key: the administrator logs in with a key; give its line or file\n",
		      errors);
		return -EINVAL;
	}
	if (!admin && network) {
		fputs("admin: SSH for administration is of no use without an administrator\n",
		      errors);
		return -EINVAL;
	}
	return admin ? check_roles(answers, errors) : 0;
}

int answers_check(const struct answers *answers, FILE *errors)
{
	int values = check_values(answers, errors);
	int names = check_names(answers, errors);
	int admin = check_admin(answers, errors);

	return values < 0 || names < 0 || admin < 0 ? -EINVAL : 0;
}

/* --- the configuration ------------------------------------------------------------------------ */

static void put_option(const struct answers *answers, enum answer_id id, FILE *out)
{
	const struct answer_row *row = &rows[id];
	struct answer_words words;

	if (!row->option[0] || !answers->values[id][0])
		return;
	if (row->kind != ANSWER_LIST) {
		fprintf(out, "%s = \"%s\"\n", row->option, answers->values[id]);
		return;
	}
	answer_words(answers->values[id], &words);
	fprintf(out, "%s = {", row->option);
	for (size_t i = 0; i < words.n; i++)
		fprintf(out, "%s\"%s\"", i > 0 ? ", " : "", words.items[i]);
	fputs("}\n", out);
	answer_words_finish(&words);
}

char *answers_config(const struct answers *answers)
{
	struct answer_words paths;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs("# Written by lazaret-setup. What is changed here by hand stays; all options:\n"
	      "# lazaret.conf(5), lazaretctl config dump --help-text.\n\n",
	      out);
	for (int i = 0; i < ANSWERS_COUNT; i++)
		put_option(answers, (enum answer_id)i, out);
	if (answers_get(answers, ANSWER_ADMINISTRATION)[0])
		fputs("path \"admin\" { enabled = yes }\n", out);
	answer_words(answers_get(answers, ANSWER_PATHS), &paths);
	for (size_t i = 0; i < paths.n; i++) {
		if (!str_eq(paths.items[i], "admin"))
			fprintf(out, "path \"%s\" { enabled = yes }\n", paths.items[i]);
	}
	answer_words_finish(&paths);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
