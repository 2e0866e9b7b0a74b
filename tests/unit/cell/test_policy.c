/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The browsers' policies: what they always say, and what depends on the cell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/attr.h"
#include "cell/policy.h"

static struct cell_spec spec_of(enum cell_browser browser)
{
	return (struct cell_spec){.uid = 1001, .gid = 993, .user = "alice", .browser = browser};
}

static struct json_object *policy(const struct cell_spec *spec)
{
	struct json_object *root;
	char *text = NULL;

	assert_int_equal(policy_text(spec, DATA, &text), 0);
	root = json_tokener_parse(text);
	assert_non_null(root);
	free(text);
	return root;
}

/* By a path of keys, NULL at the end. */
static struct json_object *look(struct json_object *root, ...)
{
	const char *key;
	va_list keys;

	va_start(keys, root);
	while (root && (key = va_arg(keys, const char *))) {
		struct json_object *next = NULL;

		json_object_object_get_ex(root, key, &next);
		root = next;
	}
	va_end(keys);
	return root;
}

static const char *text_of(struct json_object *value)
{
	assert_non_null(value);
	assert_int_equal(json_object_get_type(value), json_type_string);
	return json_object_get_string(value);
}

static bool lists(struct json_object *list, const char *item)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), item) == 0)
			return true;
	}
	return false;
}

static void test_chromium_always(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} must[] = {
		{"SyncDisabled", "true"},
		{"BackgroundModeEnabled", "false"},
		{"MetricsReportingEnabled", "false"},
		{"DnsOverHttpsMode", "\"off\""},
		{"BuiltInDnsClientEnabled", "false"},
		{"QuicAllowed", "false"},
		{"PasswordManagerEnabled", "false"},
		{"BrowserSignin", "0"},
		{"ComponentUpdatesEnabled", "false"},
		{"SafeBrowsingProtectionLevel", "0"},
		{"SearchSuggestEnabled", "false"},
		{"TranslateEnabled", "false"},
		{"DefaultGeolocationSetting", "2"},
		{"VideoCaptureAllowed", "false"},
		{"AudioCaptureAllowed", "false"},
		{"EnableMediaRouter", "false"},
		{"NetworkPredictionOptions", "2"},
		{"PromptForDownloadLocation", "false"},
	};
	const struct cell_spec spec = spec_of(CELL_CHROMIUM);
	struct json_object *root = policy(&spec);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(must); i++) {
		struct json_object *value = look(root, must[i].key, NULL);

		assert_non_null(value);
		assert_string_equal(json_object_to_json_string(value), must[i].value);
	}
	assert_true(lists(look(root, "URLBlocklist", NULL), "file://*"));
	assert_true(lists(look(root, "ExtensionInstallBlocklist", NULL), "*"));
	assert_string_equal(policy_path(CELL_CHROMIUM),
			    "/etc/chromium/policies/managed/lazaret.json");
	json_object_put(root);
}

static void test_chromium_of_the_cell(void **state)
{
	struct cell_spec spec = spec_of(CELL_CHROMIUM);
	struct json_object *root = policy(&spec);

	(void)state;
	assert_string_equal(text_of(look(root, "DownloadDirectory", NULL)), "/home/alice/transfer");
	assert_string_equal(text_of(look(root, "ProxySettings", "ProxyMode", NULL)), "direct");
	assert_null(look(root, "ProxySettings", "ProxyServer", NULL));
	assert_string_equal(text_of(look(root, "WebRtcIPHandling", NULL)),
			    "disable_non_proxied_udp");
	assert_string_equal(text_of(look(root, "HomepageLocation", NULL)), CELL_START_URL);
	json_object_put(root);
	spec.proxy = "http://192.0.2.8:3128";
	spec.webrtc_udp = true;
	spec.start_url = "http://www.example.net/\"],\"x\":[\"";
	root = policy(&spec);
	assert_string_equal(text_of(look(root, "ProxySettings", "ProxyMode", NULL)),
			    "fixed_servers");
	assert_string_equal(text_of(look(root, "ProxySettings", "ProxyServer", NULL)),
			    "192.0.2.8:3128");
	assert_string_not_equal(text_of(look(root, "WebRtcIPHandling", NULL)),
				"disable_non_proxied_udp");
	/* Text of the configuration stays text. */
	assert_string_equal(text_of(look(root, "HomepageLocation", NULL)), spec.start_url);
	assert_null(look(root, "x", NULL));
	json_object_put(root);
}

static void test_firefox(void **state)
{
	struct cell_spec spec = spec_of(CELL_FIREFOX);
	struct json_object *root = policy(&spec);

	(void)state;
	assert_string_equal(text_of(look(root, "policies", "DownloadDirectory", NULL)),
			    "/home/alice/transfer");
	assert_string_equal(text_of(look(root, "policies", "Proxy", "Mode", NULL)), "none");
	assert_true(json_object_get_boolean(look(root, "policies", "Proxy", "Locked", NULL)));
	assert_string_equal(text_of(look(root, "policies", "Homepage", "URL", NULL)),
			    CELL_START_URL);
	json_object_put(root);
	spec.proxy = "http://192.0.2.8:3128";
	root = policy(&spec);
	assert_string_equal(text_of(look(root, "policies", "Proxy", "Mode", NULL)), "manual");
	assert_string_equal(text_of(look(root, "policies", "Proxy", "HTTPProxy", NULL)),
			    "192.0.2.8:3128");
	json_object_put(root);
}

static void test_broken_templates(void **state)
{
	static const struct {
		enum cell_browser browser;
		const char *name, *text;
		int error;
	} cases[] = {
		{CELL_CHROMIUM, "chromium.json", NULL, -ENOENT},
		{CELL_CHROMIUM, "chromium.json", "", -EBADMSG},
		{CELL_CHROMIUM, "chromium.json", "{\"a\": ", -EBADMSG},
		{CELL_CHROMIUM, "chromium.json", "[1, 2]", -EBADMSG},
		{CELL_CHROMIUM, "chromium.json", "7", -EBADMSG},
		{CELL_FIREFOX, "firefox.json", "{}", -EBADMSG},
		{CELL_FIREFOX, "firefox.json", "{\"policies\": {}}", 0},
		{CELL_CHROMIUM, "chromium.json", "{}", 0},
	};
	char folder[] = "/tmp/test-policy-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct cell_spec spec = spec_of(cases[i].browser);
		char *text = NULL;

		snprintf(path, sizeof(path), "%s/%s", folder, cases[i].name);
		if (cases[i].text) {
			FILE *file = fopen(path, "we");

			assert_non_null(file);
			fputs(cases[i].text, file);
			fclose(file);
		}
		assert_int_equal(policy_text(&spec, folder, &text), cases[i].error);
		assert_true(cases[i].error == 0 ? text != NULL : text == NULL);
		free(text);
		unlink(path);
	}
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chromium_always),
		cmocka_unit_test(test_chromium_of_the_cell),
		cmocka_unit_test(test_firefox),
		cmocka_unit_test(test_broken_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
