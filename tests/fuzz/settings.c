/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a holder of the role config may put into the configuration: an option, and values, each up to a
 * NUL. Whatever they are, none of root's options changes by an option that is not root's.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/settings_text.h"

#define VALUES_MAX 14
#define BEFORE "role-config = \"x\" # by hand\npath \"ntp\" { enabled = no }\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NULL if it is no configuration. */
static struct conf *read_conf(const char *text)
{
	struct conf *conf = conf_create();
	char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);

	if (!conf || !errors)
		abort();
	if (conf_read_text(conf, "fuzz", text, errors) < 0) {
		conf_destroy(conf);
		conf = NULL;
	}
	fclose(errors);
	free(said);
	return conf;
}

static void apply(const char *line, const struct setting *setting)
{
	_cleanup_free_ char *text = settings_replace(BEFORE, setting->before, line);
	_cleanup_free_ char *again = settings_replace(text, setting->before, line);
	_cleanup_conf_ struct conf *before = read_conf(BEFORE), *after = read_conf(text);

	/* Setting it once more is no change, and nothing above is touched. */
	if (strcmp(text, again) != 0 || strncmp(text, BEFORE, strlen(BEFORE)) != 0)
		__builtin_trap();
	if (after && !setting->is_roots && settings_roots_change(before, after))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *words = calloc(1, size + 2);
	_cleanup_free_ char *line = NULL;
	const char *values[VALUES_MAX], *why = NULL;
	struct setting setting;
	size_t n = 0;

	memcpy(words, data, size);
	for (size_t at = strlen(words) + 1; at < size && n < VALUES_MAX;
	     at += strlen(words + at) + 1)
		values[n++] = words + at;
	if (setting_find(words, &setting) < 0)
		return 0;
	if (setting_line(&setting, n, values, &line, &why) == 0)
		apply(line, &setting);
	else if (!why)
		__builtin_trap();
	return 0;
}
