/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/source.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static int PRINTF(2, 3) refuse(FILE *errors, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(errors, fmt, args);
	va_end(args);
	fputc('\n', errors);
	return -EINVAL;
}

static void take_url(struct source *source, const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '/')
		len--;
	snprintf(source->url, sizeof(source->url), "%.*s", (int)len, text);
}

/* "URL SUITE COMPONENT…", which conf_check() has looked at. */
static void take_debian(const struct conf *conf, const char *text, struct source *source)
{
	size_t url = strcspn(text, " "), suite = strcspn(text + url + 1, " ");

	take_url(source, text, url);
	snprintf(source->suite, sizeof(source->suite), "%.*s", (int)suite, text + url + 1);
	snprintf(source->components, sizeof(source->components), "%s", text + url + 1 + suite + 1);
	source->keyring = conf_str(conf, CONF_UPDATE_DEBIAN_KEYRING);
}

static int check_keyring(const struct source *source, const char *option, FILE *errors)
{
	if (access(source->keyring, R_OK) == 0)
		return 0;
	return refuse(errors,
		      "there is no key to check the signatures of %s with: put it into %s (%s)",
		      source->url, source->keyring, option);
}

int sources_take(const struct conf *conf, struct sources *ret_sources, FILE *errors)
{
	struct sources sources = {0};
	struct source *ours = &sources.items[0];
	const char *url = conf_str(conf, CONF_UPDATE_URL);
	int r;

	if (conf_int(conf, CONF_UPDATE_METHOD) == CONF_UPDATE_METHOD_OFF)
		return refuse(errors, "updates are switched off: say how they come with "
				      "update-method and update-url");
	if (!url[0])
		return refuse(errors, "update-url does not say where the repository is");
	take_url(ours, url, strlen(url));
	snprintf(ours->suite, sizeof(ours->suite), "%s", conf_str(conf, CONF_UPDATE_SUITE));
	snprintf(ours->components, sizeof(ours->components), "main");
	ours->keyring = conf_str(conf, CONF_UPDATE_KEYRING);
	ours->ours = true;
	r = check_keyring(ours, "update-keyring", errors);
	sources.n = 1;
	for (size_t i = 0; r == 0 && i < conf_list_len(conf, CONF_UPDATE_DEBIAN); i++) {
		struct source *source = &sources.items[sources.n++];

		take_debian(conf, conf_list_item(conf, CONF_UPDATE_DEBIAN, i), source);
		r = check_keyring(source, "update-debian-keyring", errors);
	}
	if (r == 0)
		*ret_sources = sources;
	return r;
}

void source_name(const struct source *source, char *out, size_t size)
{
	snprintf(out, size, "%s %s", source->url, source->suite);
}
