/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings as lines of a configuration file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "ctl/settings_text.h"

#define MARK "# --- Settings of lazaretctl config set: a line each, changed by it alone. ---\n"

static void test_find(void **state)
{
	static const char *const none[] = {
		"",
		"prot",
		"path",
		"path.",
		"path.dns",
		"path.dns.",
		"path..x",
		"path.dns.no",
		"path.d\"s.hosts",
		"path.a b.hosts",
		"group.g.hosts",
		"port.x",
	};
	struct setting setting;

	(void)state;
	assert_int_equal(setting_find("port", &setting), 0);
	assert_string_equal(setting.before, "port = ");
	assert_false(setting.is_list || setting.is_roots);
	assert_int_equal(setting_find("path.dns.hosts", &setting), 0);
	assert_string_equal(setting.before, "path \"dns\" { hosts = ");
	assert_true(setting.is_list);
	assert_int_equal(setting_find("group.a.b@c.clipboard", &setting), 0);
	assert_string_equal(setting.before, "group \"a.b@c\" { clipboard = ");
	assert_int_equal(setting_find("role-audit", &setting), 0);
	assert_true(setting.is_roots);
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(setting_find(none[i], &setting), -ENOENT);
}

static void assert_line(const char *name, size_t n, const char *const *values, const char *expected)
{
	_cleanup_free_ char *line = NULL;
	struct setting setting;
	const char *why;

	assert_int_equal(setting_find(name, &setting), 0);
	if (!expected) {
		assert_int_equal(setting_line(&setting, n, values, &line, &why), -EINVAL);
		assert_non_null(why);
		return;
	}
	assert_int_equal(setting_line(&setting, n, values, &line, &why), 0);
	assert_string_equal(line, expected);
}

static void test_line(void **state)
{
	(void)state;
	assert_line("port", 1, (const char *[]){"5901"}, "port = \"5901\"");
	assert_line("port", 2, (const char *[]){"1", "2"}, NULL);
	assert_line("dns", 2, (const char *[]){"192.0.2.1", "::1"},
		    "dns = {\"192.0.2.1\", \"::1\"}");
	assert_line("path.ntp.hosts", 1, (const char *[]){"a.example"},
		    "path \"ntp\" { hosts = {\"a.example\"} }");
	/* Nothing gets out of its quotes. */
	assert_line("admin-banner", 1, (const char *[]){"a\" port = 1 #"}, NULL);
	assert_line("admin-banner", 1, (const char *[]){"a\\"}, NULL);
	assert_line("admin-banner", 1, (const char *[]){"${HOME}"}, NULL);
	assert_line("admin-banner", 1, (const char *[]){"a\nport = 1"}, NULL);
	assert_line("admin-banner", 1, (const char *[]){"a\377"}, NULL);
}

static char *replace(char *text, const char *before, const char *line)
{
	char *result = settings_replace(text, before, line);

	free(text);
	assert_non_null(result);
	return result;
}

static void test_replace(void **state)
{
	char *text = strdup("# mine\nport = 1 # by hand");

	(void)state;
	text = replace(text, "port = ", "port = \"2\"");
	assert_string_equal(text, "# mine\nport = 1 # by hand\n" MARK "port = \"2\"\n");
	text = replace(text, "dns = ", "dns = {}");
	text = replace(text, "port = ", "port = \"3\"");
	assert_string_equal(text, "# mine\nport = 1 # by hand\n" MARK "dns = {}\nport = \"3\"\n");
	text = replace(text, "dns = ", NULL);
	text = replace(text, "port = ", NULL);
	assert_string_equal(text, "# mine\nport = 1 # by hand\n" MARK);
	text = replace(text, "port = ", "port = \"4\"");
	assert_string_equal(text, "# mine\nport = 1 # by hand\n" MARK "port = \"4\"\n");
	free(text);
	/* An empty file, and a mark that is none. */
	text = replace(strdup(""), "port = ", "port = \"2\"");
	assert_string_equal(text, MARK "port = \"2\"\n");
	free(text);
	text = replace(strdup("x = 1 " MARK "port = 1\n"), "port = ", "port = \"2\"");
	assert_string_equal(text, "x = 1 " MARK "port = 1\n" MARK "port = \"2\"\n");
	free(text);
}

/* What is written is read as it was meant. */
static void test_parsed(void **state)
{
	_cleanup_conf_ struct conf *conf = conf_create(), *other = conf_create();
	char *text = strdup(
		"listen = {\"192.0.2.1\", \"192.0.2.2\"}\nport = 1\npath \"ntp\" { hosts = "
		"{\"a.example\"} }\n");
	size_t path;

	(void)state;
	text = replace(text, "listen = ", "listen = {\"192.0.2.9\"}");
	text = replace(text, "port = ", "port = \"77\"");
	text = replace(text, "path \"ntp\" { hosts = ", "path \"ntp\" { hosts = {\"b.example\"} }");
	text = replace(text, "path \"ntp\" { enabled = ", "path \"ntp\" { enabled = \"yes\" }");
	assert_int_equal(conf_read_text(conf, "x", text, stderr), 0);
	free(text);
	assert_int_equal(conf_int(conf, CONF_PORT), 77);
	assert_int_equal(conf_list_len(conf, CONF_LISTEN), 1);
	assert_string_equal(conf_list_item(conf, CONF_LISTEN, 0), "192.0.2.9");
	assert_int_equal(conf_path_find(conf, "ntp", &path), 0);
	assert_int_equal(conf_path_int(conf, path, CONF_PATH_ENABLED), CONF_ENABLED_YES);
	assert_int_equal(conf_path_list_len(conf, path, CONF_PATH_HOSTS), 1);
	assert_string_equal(conf_path_list_item(conf, path, CONF_PATH_HOSTS, 0), "b.example");
	assert_null(settings_roots_change(conf, other));
	assert_int_equal(conf_read_text(other, "x", "roles-apart = {}\n", stderr), 0);
	assert_string_equal(settings_roots_change(conf, other), "roles-apart");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
