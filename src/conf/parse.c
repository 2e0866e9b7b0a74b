/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the file. libConfuse does syntax and lines; to it every value is a string, so that our
 * own strict rules (no octal, no silent truncation) and our own sentences apply.
 */
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf_impl.h"

/* libConfuse hands no context to its callbacks; a process reads one file at a time. */
static struct {
	struct conf *conf;
	const char *name;
	FILE *errors;
	unsigned int n_errors;
	int status;
	int path_lines[CONF_PATH_OPTION_COUNT]; /* of the section that is being read */
} reading;

/* Levenshtein distance, for "did you mean"; long words do not matter. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[64];
	size_t n = strlen(b);

	if (strlen(a) >= ARRAY_LEN(row) || n >= ARRAY_LEN(row))
		return UINT32_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned int cost = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = MIN(cost, MIN(row[j], row[j + 1]) + 1);
		}
	}
	return row[n];
}

static const char *closest_option(const char *name)
{
	const char *best = NULL;
	unsigned int best_distance = 4;

	for (size_t i = 0; i < CONF_COUNT; i++) {
		const char *candidate = conf_row((enum conf_id)i)->name;
		unsigned int d = distance(name, candidate);

		if (d < best_distance) {
			best_distance = d;
			best = candidate;
		}
	}
	return best;
}

/* What there was once, and what to write instead. */
static const struct {
	const char *name, *instead;
} retired[] = {
	{"control-group", "give each administrator the roles that he needs, by the groups that the "
			  "options role-config, "
			  "role-maint and so on name, and remove this line"},
};

static const char *retired_option(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(retired); i++) {
		if (str_eq(retired[i].name, name))
			return retired[i].instead;
	}
	return NULL;
}

static void report(int line, const char *message)
{
	static const char unknown[] = "no such option '";
	char name[64];
	const char *guess, *instead;

	reading.n_errors++;
	if (strncmp(message, unknown, sizeof(unknown) - 1) != 0) {
		fprintf(reading.errors, "%s:%d: %s\n", reading.name, line, message);
		return;
	}
	str_copy(name, sizeof(name), message + sizeof(unknown) - 1);
	name[strcspn(name, "'")] = '\0';
	instead = retired_option(name);
	if (instead) {
		fprintf(reading.errors, "%s:%d: there is no option \"%s\" any more: %s\n",
			reading.name, line, name, instead);
		return;
	}
	guess = closest_option(name);
	fprintf(reading.errors, "%s:%d: there is no option \"%s\"%s%s%s\n", reading.name, line,
		name, guess ? "; did you mean \"" : "", guess ? guess : "",
		guess ? "\"?" : "; lazaretctl config dump lists all");
}

static void PRINTF(2, 0) handle_error(cfg_t *cfg, const char *fmt, va_list args)
{
	char message[1024];

	vsnprintf(message, sizeof(message), fmt, args);
	report(cfg ? cfg->line : 0, message);
}

static int set_value_at(int line, cfg_opt_t *opt, struct conf_value *value,
			const struct conf_row *row)
{
	unsigned int n = cfg_opt_size(opt);
	char why[512] = "";
	char *origin;
	int r;

	if (row->type == CONF_TYPE_LIST) {
		_cleanup_free_ const char **items = calloc(n + 1, sizeof(*items));

		if (!items)
			return -ENOMEM;
		for (unsigned int i = 0; i < n; i++)
			items[i] = cfg_opt_getnstr(opt, i);
		r = conf_value_parse_list(value, row, items, n, why, sizeof(why));
	} else {
		const char *text = n > 0 ? cfg_opt_getnstr(opt, n - 1) : NULL;

		r = conf_value_parse(value, row, text ? text : "", why, sizeof(why));
	}
	if (r == -EINVAL)
		report(line, why);
	if (r < 0)
		return r;
	if (asprintf(&origin, "%s:%d", reading.name, line) < 0)
		return -ENOMEM;
	free(value->origin);
	value->origin = origin;
	return 0;
}

static int set_value(cfg_t *cfg, cfg_opt_t *opt, struct conf_value *value,
		     const struct conf_row *row)
{
	return set_value_at(cfg->line, opt, value, row);
}

static int find_row(const cfg_opt_t *opt)
{
	for (int i = 0; i < CONF_COUNT; i++) {
		if (str_eq(conf_row((enum conf_id)i)->name, opt->name))
			return i;
	}
	return -1;
}

static int handle_option(cfg_t *cfg, cfg_opt_t *opt)
{
	int id = find_row(opt);
	int r = set_value(cfg, opt, &reading.conf->values[id], conf_row((enum conf_id)id));

	if (r == -ENOMEM)
		reading.status = r;
	return r < 0 ? -1 : 0;
}

/* Of a list that grows by one: the whole of it again and again would take long for long ones. */
static int check_last(int line, cfg_opt_t *opt, const struct conf_row *row)
{
	struct conf_value scratch = {0};
	unsigned int n = cfg_opt_size(opt);
	const char *item = n > 0 ? cfg_opt_getnstr(opt, n - 1) : NULL;
	char why[512] = "";
	int r = conf_value_parse_list(&scratch, row, &item, item ? 1 : 0, why, sizeof(why));

	conf_value_finish(&scratch);
	if (r == -EINVAL)
		report(line, why);
	return r;
}

static int handle_group_option(cfg_t *cfg, cfg_opt_t *opt)
{
	/* Values are taken when the section is whole, in handle_group(), but checked on their line. */
	for (int i = 0; i < CONF_GROUP_OPTION_COUNT; i++) {
		const struct conf_row *row = conf_group_row((enum conf_group_id)i);
		struct conf_value scratch = {0};
		int r;

		if (!str_eq(row->name, opt->name))
			continue;
		r = row->type == CONF_TYPE_LIST ? check_last(cfg->line, opt, row)
						: set_value(cfg, opt, &scratch, row);
		conf_value_finish(&scratch);
		return r < 0 ? -1 : 0;
	}
	return -1;
}

static int take_group(cfg_t *parent, cfg_t *section)
{
	struct conf_group *group;
	const char *name = cfg_title(section);

	if (!name || !name[0] || strlen(name) > 32 || strpbrk(name, " :,\"'/\\\t\n")) {
		report(parent->line, "a group section needs the name of a Unix group: "
				     "group \"NAME\" { … }");
		return -EINVAL;
	}
	group = conf_group_get(reading.conf, name);
	if (!group) {
		report(parent->line, "too many group sections");
		return -EINVAL;
	}
	for (int i = 0; i < CONF_GROUP_OPTION_COUNT; i++) {
		const struct conf_row *row = conf_group_row((enum conf_group_id)i);
		cfg_opt_t *opt = cfg_getopt(section, row->name);
		int r;

		/* An empty list has been said as well. */
		if (!opt || !(opt->flags & CFGF_MODIFIED))
			continue;
		r = set_value(section, opt, &group->values[i], row);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * A second section of the same name takes the first one's place in libConfuse's list, so the one
 * that was just read is not always the last: it is the one that ends on the current line.
 */
static int take_sections(cfg_t *cfg, cfg_opt_t *opt, int (*take)(cfg_t *parent, cfg_t *section))
{
	for (unsigned int i = 0; i < cfg_opt_size(opt); i++) {
		cfg_t *section = cfg_opt_getnsec(opt, i);
		int r = section->line == cfg->line ? take(cfg, section) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int handle_group(cfg_t *cfg, cfg_opt_t *opt)
{
	return take_sections(cfg, opt, take_group) < 0 ? -1 : 0;
}

static int handle_path_option(cfg_t *cfg, cfg_opt_t *opt)
{
	/* As with groups; what stands in the section is taken in handle_path(), with these lines. */
	for (int i = 0; i < CONF_PATH_OPTION_COUNT; i++) {
		const struct conf_row *row = conf_path_row((enum conf_path_id)i);
		struct conf_value scratch = {0};
		int r;

		if (!str_eq(row->name, opt->name))
			continue;
		reading.path_lines[i] = cfg->line;
		r = row->type == CONF_TYPE_LIST ? check_last(cfg->line, opt, row)
						: set_value(cfg, opt, &scratch, row);
		conf_value_finish(&scratch);
		return r < 0 ? -1 : 0;
	}
	return -1;
}

static int take_path(cfg_t *parent, cfg_t *section)
{
	const char *name = cfg_title(section);
	struct conf_path *path;

	if (!name || !name[0] || strlen(name) > 32) {
		report(parent->line,
		       "a path section needs the name of a path: path \"NAME\" { … }");
		return -EINVAL;
	}
	path = conf_path_get(reading.conf, name);
	if (!path) {
		report(parent->line, "too many path sections");
		return -EINVAL;
	}
	free(path->origin);
	if (asprintf(&path->origin, "%s:%d", reading.name, parent->line) < 0) {
		path->origin = NULL;
		return -ENOMEM;
	}
	for (int i = 0; i < CONF_PATH_OPTION_COUNT; i++) {
		const struct conf_row *row = conf_path_row((enum conf_path_id)i);
		cfg_opt_t *opt = cfg_getopt(section, row->name);
		int line = reading.path_lines[i] ? reading.path_lines[i] : parent->line;
		int r;

		if (!opt || !(opt->flags & CFGF_MODIFIED))
			continue;
		r = set_value_at(line, opt, &path->values[i], row);
		if (r < 0)
			return r;
	}
	return 0;
}

static int handle_path(cfg_t *cfg, cfg_opt_t *opt)
{
	int r = take_sections(cfg, opt, take_path);

	memset(reading.path_lines, 0, sizeof(reading.path_lines));
	if (r == -ENOMEM)
		reading.status = r;
	return r < 0 ? -1 : 0;
}

static cfg_opt_t make_option(const struct conf_row *row)
{
	cfg_opt_t scalar = CFG_STR(row->name, NULL, CFGF_NODEFAULT);
	cfg_opt_t list = CFG_STR_LIST(row->name, NULL, CFGF_NODEFAULT);

	return row->type == CONF_TYPE_LIST ? list : scalar;
}

/* The schema in libConfuse's terms; the caller frees the array. */
static cfg_opt_t *make_options(cfg_opt_t *group_options, cfg_opt_t *path_options)
{
	cfg_opt_t *options = calloc(CONF_COUNT + 3, sizeof(*options));

	if (!options)
		return NULL;
	for (int i = 0; i < CONF_COUNT; i++)
		options[i] = make_option(conf_row((enum conf_id)i));
	options[CONF_COUNT] = (cfg_opt_t)CFG_SEC("group", group_options, CFGF_MULTI | CFGF_TITLE);
	options[CONF_COUNT + 1] = (cfg_opt_t)CFG_SEC("path", path_options, CFGF_MULTI | CFGF_TITLE);
	options[CONF_COUNT + 2] = (cfg_opt_t)CFG_END();
	for (int i = 0; i < CONF_GROUP_OPTION_COUNT; i++)
		group_options[i] = make_option(conf_group_row((enum conf_group_id)i));
	group_options[CONF_GROUP_OPTION_COUNT] = (cfg_opt_t)CFG_END();
	for (int i = 0; i < CONF_PATH_OPTION_COUNT; i++)
		path_options[i] = make_option(conf_path_row((enum conf_path_id)i));
	path_options[CONF_PATH_OPTION_COUNT] = (cfg_opt_t)CFG_END();
	return options;
}

static void watch_options(cfg_t *cfg)
{
	for (int i = 0; i < CONF_COUNT; i++)
		cfg_set_validate_func(cfg, conf_row((enum conf_id)i)->name, handle_option);
	cfg_set_validate_func(cfg, "group", handle_group);
	for (int i = 0; i < CONF_GROUP_OPTION_COUNT; i++) {
		char path[64];

		snprintf(path, sizeof(path), "group|%s",
			 conf_group_row((enum conf_group_id)i)->name);
		cfg_set_validate_func(cfg, path, handle_group_option);
	}
	cfg_set_validate_func(cfg, "path", handle_path);
	for (int i = 0; i < CONF_PATH_OPTION_COUNT; i++) {
		char path[64];

		snprintf(path, sizeof(path), "path|%s", conf_path_row((enum conf_path_id)i)->name);
		cfg_set_validate_func(cfg, path, handle_path_option);
	}
}

/*
 * Overwrites # and // comments with spaces: libConfuse 3.3 counts three lines for each. Quoted text
 * stays, and so does what stands inside a word (http://…).
 */
static void blank_comments(char *text)
{
	char quote = 0, before = '\n';

	for (char *p = text; *p; p++) {
		if (quote) {
			if (*p == '\\' && p[1])
				p++;
			else if (*p == quote)
				quote = 0;
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else if (*p == '#' ||
			   (strchr(" \t\n{},=", before) && p[0] == '/' && p[1] == '/')) {
			while (p[1] && p[1] != '\n')
				*p++ = ' ';
			*p = ' ';
		}
		before = *p;
	}
}

/* "name = {}" calls no validator; what it means is the same as for any other list. */
static int take_empty_lists(cfg_t *cfg)
{
	for (int i = 0; i < CONF_COUNT; i++) {
		const struct conf_row *row = conf_row((enum conf_id)i);
		cfg_opt_t *opt = cfg_getopt(cfg, row->name);
		int r;

		if (row->type != CONF_TYPE_LIST || !(opt->flags & CFGF_MODIFIED) ||
		    cfg_opt_size(opt) > 0)
			continue;
		r = set_value(cfg, opt, &reading.conf->values[i], row);
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

int conf_read_text(struct conf *conf, const char *name, const char *text, FILE *errors)
{
	_cleanup_free_ char *copy = strdup(text);
	cfg_opt_t group_options[CONF_GROUP_OPTION_COUNT + 1];
	cfg_opt_t path_options[CONF_PATH_OPTION_COUNT + 1];
	_cleanup_free_ cfg_opt_t *options = make_options(group_options, path_options);
	cfg_t *cfg;
	int r;

	if (!options || !copy)
		return -ENOMEM;
	blank_comments(copy);
	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		return -ENOMEM;
	reading.conf = conf;
	reading.name = name;
	reading.errors = errors;
	reading.n_errors = 0;
	reading.status = 0;
	memset(reading.path_lines, 0, sizeof(reading.path_lines));
	cfg_set_error_function(cfg, handle_error);
	watch_options(cfg);
	r = cfg_parse_buf(cfg, copy);
	if (r == CFG_SUCCESS)
		reading.status = take_empty_lists(cfg);
	cfg_free(cfg);
	if (reading.status < 0)
		return reading.status;
	if (r == CFG_SUCCESS && reading.n_errors == 0)
		return 0;
	if (reading.n_errors == 0)
		fprintf(errors, "%s: could not be read as a configuration\n", name);
	return -EINVAL;
}

static int check_owner(int fd, const char *path, FILE *errors)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		fprintf(errors, "%s: is not a file\n", path);
		return -EINVAL;
	}
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & S_IWOTH)) {
		fprintf(errors,
			"%s: must belong to root and be writable by nobody else "
			"(chown root, chmod o-w)\n",
			path);
		return -EINVAL;
	}
	return 0;
}

int conf_read_file(struct conf *conf, const char *path, FILE *errors)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (fd < 0) {
		r = -errno;
		fprintf(errors, "%s: %s\n", path, strerror(errno));
		return r;
	}
	r = check_owner(fd, path, errors);
	if (r < 0)
		return r;
	r = fd_read_all(fd, CONF_FILE_MAX, &text, &len);
	if (r == -EFBIG)
		fprintf(errors, "%s: is larger than %d bytes\n", path, CONF_FILE_MAX);
	if (r < 0)
		return r == -EFBIG ? -EINVAL : r;
	if (memchr(text, 0, len)) {
		fprintf(errors, "%s: has a NUL byte and is no text\n", path);
		return -EINVAL;
	}
	return conf_read_text(conf, path, text, errors);
}
