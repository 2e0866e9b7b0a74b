/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/limits.h"

static void json_putp(struct json_object **o)
{
	json_object_put(*o);
}

static const struct {
	const char *file, *inside;
} places[] = {
	[CELL_CHROMIUM] = {"chromium.json", "/etc/chromium/policies/managed/lazaret.json"},
	[CELL_FIREFOX] = {"firefox.json", "/etc/firefox/policies/policies.json"},
};

const char *policy_path(enum cell_browser browser)
{
	return places[browser].inside;
}

/* Takes `value`; 0 or -ENOMEM. */
static int add(struct json_object *object, const char *key, struct json_object *value)
{
	if (!value || json_object_object_add(object, key, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int add_str(struct json_object *object, const char *key, const char *value)
{
	return add(object, key, json_object_new_string(value));
}

static int complete_chromium(const struct cell_spec *spec, struct json_object *root)
{
	struct json_object *proxy = json_object_new_object();
	char folder[64];
	int r;

	snprintf(folder, sizeof(folder), "/home/%s/transfer", spec->user);
	r = add_str(root, "DownloadDirectory", folder);
	if (r == 0)
		r = add_str(root, "HomepageLocation",
			    spec->start_url ? spec->start_url : CELL_START_URL);
	if (r == 0)
		r = add_str(root, "WebRtcIPHandling",
			    spec->webrtc_udp ? "default_public_interface_only"
					     : "disable_non_proxied_udp");
	if (r == 0)
		r = add(root, "ProxySettings", proxy);
	if (r == 0)
		r = add_str(proxy, "ProxyMode", spec->proxy ? "fixed_servers" : "direct");
	if (r == 0 && spec->proxy)
		r = add_str(proxy, "ProxyServer", spec->proxy + strlen("http://"));
	return r;
}

static int complete_firefox(const struct cell_spec *spec, struct json_object *root)
{
	struct json_object *policies, *proxy = json_object_new_object(), *home;
	char folder[64];
	int r;

	if (!json_object_object_get_ex(root, "policies", &policies)) {
		json_object_put(proxy);
		return -EBADMSG;
	}
	snprintf(folder, sizeof(folder), "/home/%s/transfer", spec->user);
	r = add(policies, "Proxy", proxy);
	if (r == 0)
		r = add_str(policies, "DownloadDirectory", folder);
	if (r == 0)
		r = add_str(proxy, "Mode", spec->proxy ? "manual" : "none");
	if (r == 0)
		r = add(proxy, "Locked", json_object_new_boolean(true));
	if (r == 0 && spec->proxy)
		r = add_str(proxy, "HTTPProxy", spec->proxy + strlen("http://"));
	if (r == 0 && spec->proxy)
		r = add(proxy, "UseHTTPProxyForAllProtocols", json_object_new_boolean(true));
	if (r < 0)
		return r;
	home = json_object_new_object();
	r = add(policies, "Homepage", home);
	if (r == 0)
		r = add_str(home, "URL", spec->start_url ? spec->start_url : CELL_START_URL);
	if (r == 0)
		r = add_str(home, "StartPage", "homepage");
	return r;
}

int policy_text(const struct cell_spec *spec, const char *data, char **ret_text)
{
	CLEANUP(json_putp) struct json_object *root = NULL;
	_cleanup_free_ char *fixed = NULL;
	char path[PATH_MAX];
	char *text;
	size_t len;
	int r;

	r = snprintf(path, sizeof(path), "%s/%s", data, places[spec->browser].file);
	if (r < 0 || (size_t)r >= sizeof(path))
		return -ENAMETOOLONG;
	r = fd_read_file(AT_FDCWD, path, CELL_TEMPLATE_MAX, &fixed, &len);
	if (r < 0)
		return r;
	root = json_tokener_parse(fixed);
	if (!root || !json_object_is_type(root, json_type_object))
		return -EBADMSG;
	r = spec->browser == CELL_FIREFOX ? complete_firefox(spec, root)
					  : complete_chromium(spec, root);
	if (r < 0)
		return r;
	text = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}
