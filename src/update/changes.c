/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "update/limits.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789+.-"
#define VERSION_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.~:-"
#define FILE_CHARACTERS VERSION_CHARACTERS "_%"
#define WORD_MAX 256
#define SHA256_DIGITS 64

static void change_finish(struct change *change)
{
	free(change->package);
	free(change->from);
	free(change->to);
	free(change->file);
	free(change->sha256);
}

void changes_finish(struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		change_finish(&changes->items[i]);
	free(changes->items);
	*changes = (struct changes){0};
}

static int add(struct changes *changes, const struct change *change)
{
	struct change *grown;

	if (changes->n == CHANGES_MAX)
		return -E2BIG;
	grown = reallocarray(changes->items, changes->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	changes->items = grown;
	changes->items[changes->n++] = *change;
	return 0;
}

/* --- what apt says ---------------------------------------------------------------------------- */

/* A word of these characters at *line, which moves behind it. -EPROTO if there is none. */
static int take_word(const char **line, const char *characters, char **ret_word)
{
	size_t n = strspn(*line, characters);
	char *word;

	if (n == 0 || n > WORD_MAX || (*line)[0] == '.' || (*line)[0] == '-')
		return -EPROTO;
	word = strndup(*line, n);
	if (!word)
		return -ENOMEM;
	*line += n;
	free(*ret_word);
	*ret_word = word;
	return 0;
}

static int take(const char **line, const char *what)
{
	size_t n = strlen(what);

	if (strncmp(*line, what, n) != 0)
		return -EPROTO;
	*line += n;
	return 0;
}

/* "NAME [OLD] (NEW ORIGIN [ARCH])", and what may follow. */
static int parse_inst(const char *line, struct change *change)
{
	const char *rest;
	int r = take_word(&line, NAME_CHARACTERS, &change->package);

	/* Of a foreign architecture: "NAME:ARCH". */
	if (r == 0 && line[0] == ':')
		return -EPROTO;
	if (r == 0)
		r = take(&line, " ");
	if (r == 0 && line[0] == '[') {
		line++;
		r = take_word(&line, VERSION_CHARACTERS, &change->from);
		if (r == 0)
			r = take(&line, "] ");
	}
	if (r == 0)
		r = take(&line, "(");
	if (r == 0)
		r = take_word(&line, VERSION_CHARACTERS, &change->to);
	if (r == 0)
		r = take(&line, " ");
	if (r < 0)
		return r;
	rest = strchr(line, ')');
	if (!rest)
		return -EPROTO;
	change->security = memmem(line, (size_t)(rest - line), "Debian-Security", 15) ||
			   memmem(line, (size_t)(rest - line), "-security", 9);
	return 0;
}

static int take_inst(struct changes *changes, const char *line)
{
	struct change change = {0};
	int r = parse_inst(line, &change);

	if (r == 0)
		r = add(changes, &change);
	if (r < 0)
		change_finish(&change);
	return r;
}

/* The package whose file has this name: "NAME_VERSION_ARCH.deb", the epoch's colon as %3a. */
static struct change *find_by_file(const struct changes *changes, const char *file)
{
	size_t n = strcspn(file, "_");

	for (size_t i = 0; i < changes->n; i++) {
		const char *package = changes->items[i].package;

		if (strlen(package) == n && strncmp(package, file, n) == 0)
			return &changes->items[i];
	}
	return NULL;
}

static int parse_size(const char **line, uint64_t *ret_size)
{
	char digits[20];
	size_t n = strspn(*line, "0123456789");
	int64_t value;

	if (n == 0 || n >= sizeof(digits))
		return -EPROTO;
	memcpy(digits, *line, n);
	digits[n] = '\0';
	if (str_to_int(digits, 0, INT64_MAX, &value) < 0)
		return -EPROTO;
	*line += n;
	*ret_size = (uint64_t)value;
	return 0;
}

/* "'URI' FILE SIZE SHA256:SUM" */
static int take_uri(struct changes *changes, const char *line, const char *ours)
{
	_cleanup_free_ char *file = NULL, *sum = NULL;
	const char *uri = line + 1, *end = strchr(uri, '\'');
	struct change *change;
	uint64_t size;
	int r;

	if (!end || end[1] != ' ')
		return -EPROTO;
	line = end + 2;
	r = take_word(&line, FILE_CHARACTERS, &file);
	if (r == 0)
		r = take(&line, " ");
	if (r == 0)
		r = parse_size(&line, &size);
	if (r == 0)
		r = take(&line, " SHA256:");
	if (r == 0)
		r = take_word(&line, "0123456789abcdef", &sum);
	if (r == 0 && (strlen(sum) != SHA256_DIGITS || line[0]))
		r = -EPROTO;
	change = r == 0 ? find_by_file(changes, file) : NULL;
	if (r < 0)
		return r;
	if (!change || change->file)
		return -EPROTO;
	change->file = STEAL(file);
	change->sha256 = STEAL(sum);
	change->size = size;
	change->ours = ours[0] && strncmp(uri, ours, strlen(ours)) == 0;
	return 0;
}

/* Calls for each line, without its end. */
static int walk_lines(const char *text, int (*handle)(char *line, void *data), void *data)
{
	_cleanup_free_ char *copy = strdup(text);
	char *line = copy;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && *line) {
		char *end = strchr(line, '\n');

		if (end)
			*end = '\0';
		r = handle(line, data);
		line = end ? end + 1 : line + strlen(line);
	}
	return r;
}

struct walk {
	struct changes *changes;
	const char *ours;
	bool in_kept;
};

static int handle_simulated(char *line, void *data)
{
	struct walk *walk = data;

	if (strncmp(line, "Inst ", 5) == 0)
		return take_inst(walk->changes, line + 5);
	if (walk->in_kept && line[0] == ' ') {
		for (char *c = line; *c; c++)
			walk->changes->n_kept += c[0] == ' ' && c[1] != ' ' && c[1] != '\0';
		return 0;
	}
	walk->in_kept = strncmp(line, "The following packages have been kept back", 42) == 0;
	return 0;
}

static int handle_uri(char *line, void *data)
{
	const struct walk *walk = data;

	return line[0] == '\'' ? take_uri(walk->changes, line, walk->ours) : 0;
}

int changes_parse(const char *simulated, const char *uris, const char *ours,
		  struct changes *ret_changes)
{
	_cleanup_changes_ struct changes changes = {0};
	struct walk walk = {.changes = &changes, .ours = ours};
	int r = walk_lines(simulated, handle_simulated, &walk);

	if (r == 0)
		r = walk_lines(uris, handle_uri, &walk);
	for (size_t i = 0; r == 0 && i < changes.n; i++) {
		if (!changes.items[i].file)
			r = -EPROTO;
	}
	if (r < 0)
		return r;
	*ret_changes = changes;
	changes = (struct changes){0};
	return 0;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_str(json_object *object, const char *key, const char *value)
{
	if (value)
		json_object_object_add(object, key, json_object_new_string(value));
}

json_object *changes_to_json(const struct changes *changes)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < changes->n; i++) {
		const struct change *change = &changes->items[i];
		json_object *object = json_object_new_object();

		put_str(object, "package", change->package);
		put_str(object, "from", change->from);
		put_str(object, "to", change->to);
		put_str(object, "file", change->file);
		put_str(object, "sha256", change->sha256);
		json_object_object_add(object, "size",
				       json_object_new_int64((int64_t)change->size));
		json_object_object_add(object, "ours", json_object_new_boolean(change->ours));
		json_object_object_add(object, "security",
				       json_object_new_boolean(change->security));
		json_object_array_add(array, object);
	}
	return array;
}

static int get_str(json_object *object, const char *key, const char *characters, char **ret_value)
{
	json_object *value;
	const char *text;

	if (!json_object_object_get_ex(object, key, &value))
		return 0;
	text = json_object_get_string(value);
	if (!text)
		return -EPROTO;
	if (take_word(&text, characters, ret_value) < 0 || text[0])
		return -EPROTO;
	return 0;
}

static bool get_bool(json_object *object, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(object, key, &value) && json_object_get_boolean(value);
}

static int change_from_json(json_object *object, struct change *change)
{
	json_object *size;
	int r = get_str(object, "package", NAME_CHARACTERS, &change->package);

	if (r == 0)
		r = get_str(object, "from", VERSION_CHARACTERS, &change->from);
	if (r == 0)
		r = get_str(object, "to", VERSION_CHARACTERS, &change->to);
	if (r == 0)
		r = get_str(object, "file", FILE_CHARACTERS, &change->file);
	if (r == 0)
		r = get_str(object, "sha256", "0123456789abcdef", &change->sha256);
	if (r == 0 && (!change->package || (!change->from && !change->to)))
		r = -EPROTO;
	if (json_object_object_get_ex(object, "size", &size))
		change->size = (uint64_t)MAX(json_object_get_int64(size), 0);
	change->ours = get_bool(object, "ours");
	change->security = get_bool(object, "security");
	return r;
}

int changes_from_json(json_object *array, struct changes *ret_changes)
{
	_cleanup_changes_ struct changes changes = {0};
	size_t n = json_object_is_type(array, json_type_array) ? json_object_array_length(array)
							       : 0;

	for (size_t i = 0; i < n; i++) {
		struct change change = {0};
		int r = change_from_json(json_object_array_get_idx(array, i), &change);

		if (r == 0)
			r = add(&changes, &change);
		if (r < 0) {
			change_finish(&change);
			return r;
		}
	}
	*ret_changes = changes;
	changes = (struct changes){0};
	return 0;
}

/* --- for people ------------------------------------------------------------------------------- */

void changes_format_size(uint64_t bytes, char *out, size_t size)
{
	if (bytes < 1000000)
		snprintf(out, size, "%llu kB", (unsigned long long)((bytes + 999) / 1000));
	else
		snprintf(out, size, "%llu.%llu MB", (unsigned long long)(bytes / 1000000),
			 (unsigned long long)(bytes / 100000 % 10));
}

static void print_some(const struct changes *changes, bool ours, FILE *out)
{
	bool begun = false;
	char size[32];

	for (size_t i = 0; i < changes->n; i++) {
		const struct change *change = &changes->items[i];

		if (change->ours != ours)
			continue;
		if (!begun)
			fprintf(out, "%s:\n", ours ? "Lazaret" : "Debian");
		begun = true;
		changes_format_size(change->size, size, sizeof(size));
		fprintf(out, "  %-28s %s -> %s, %s%s\n", change->package,
			change->from ? change->from : "(new)",
			change->to ? change->to : "(removed)", size,
			change->security ? ", security" : "");
	}
}

void changes_print(const struct changes *changes, FILE *out)
{
	uint64_t sum = 0;
	size_t security = 0;
	char size[32];

	print_some(changes, true, out);
	print_some(changes, false, out);
	for (size_t i = 0; i < changes->n; i++) {
		sum += changes->items[i].size;
		security += changes->items[i].security;
	}
	changes_format_size(sum, size, sizeof(size));
	fprintf(out, "%zu package%s, %s, %zu of them for security.\n", changes->n,
		changes->n == 1 ? "" : "s", size, security);
	if (changes->n_kept > 0)
		fprintf(out,
			"%zu more stay as they are: a newer version would need something "
			"removed.\n",
			changes->n_kept);
}
