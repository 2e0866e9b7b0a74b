/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "conf/role.h"
#include "wire/buf.h"

/* Reads `text`; returns the result, and what was complained about in `errors`. */
static int read_text(struct conf *conf, const char *text, char *errors, size_t size)
{
	FILE *out = fmemopen(errors, size, "w");
	int r;

	memset(errors, 0, size);
	assert_non_null(out);
	r = conf_read_text(conf, "site.conf", text, out);
	if (r == 0)
		r = conf_check(conf, out);
	fclose(out);
	return r;
}

static void test_defaults(void **state)
{
	_cleanup_conf_ struct conf *conf = conf_create();

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf_int(conf, CONF_PORT), 5900);
	assert_int_equal(conf_list_len(conf, CONF_LISTEN), 2);
	assert_string_equal(conf_list_item(conf, CONF_LISTEN, 1), "::");
	assert_int_equal(conf_list_len(conf, CONF_DNS), 0);
	assert_int_equal(conf_int(conf, CONF_CLIPBOARD), CONF_CLIPBOARD_OFF);
	assert_string_equal(conf_word(conf, CONF_LOG_LEVEL), "info");
	assert_null(conf_origin(conf, CONF_PORT));
	assert_int_equal(conf_check(conf, stderr), 0);
}

static void test_values(void **state)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	char errors[4096];
	const char *text = "# a comment \" ignored\n"
			   "port = 5901\n"
			   "listen = {\"127.0.0.1\", \"::1\"}\n"
			   "page-title = yes # 'tis\n// more\n"
			   "browser = firefox\n"
			   "group \"researchers\" {\n"
			   "\tclipboard = both\n"
			   "}\n"
			   "group \"guests\" {\n"
			   "}\n";

	(void)state;
	assert_int_equal(read_text(conf, text, errors, sizeof(errors)), 0);
	assert_string_equal(errors, "");
	assert_int_equal(conf_int(conf, CONF_PORT), 5901);
	assert_string_equal(conf_origin(conf, CONF_PORT), "site.conf:2");
	assert_int_equal(conf_list_len(conf, CONF_LISTEN), 2);
	assert_string_equal(conf_list_item(conf, CONF_LISTEN, 0), "127.0.0.1");
	assert_int_equal(conf_int(conf, CONF_PAGE_TITLE), 1);
	assert_int_equal(conf_int(conf, CONF_BROWSER), CONF_BROWSER_FIREFOX);
	assert_int_equal(conf_group_count(conf), 2);
	assert_string_equal(conf_group_name(conf, 0), "researchers");
	assert_int_equal(conf_group_int(conf, 0, CONF_GROUP_CLIPBOARD), CONF_CLIPBOARD_BOTH);
	assert_true(conf_group_has(conf, 0, CONF_GROUP_CLIPBOARD));
	assert_false(conf_group_has(conf, 1, CONF_GROUP_CLIPBOARD));
}

static void test_paths(void **state)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	char errors[4096];
	const char *text = "path \"mail\" {\n"
			   "\tenabled = yes\n"
			   "\thosts = {\"192.0.2.25\",\n"
			   "\t\t\"mail.example\"}\n"
			   "}\n"
			   "path \"ntp\" {\n"
			   "}\n"
			   "path \"mail\" {\n"
			   "\tgroups = {\"office\"}\n"
			   "}\n";
	size_t mail, ntp;

	(void)state;
	assert_int_equal(read_text(conf, text, errors, sizeof(errors)), 0);
	assert_int_equal(conf_path_count(conf), 2);
	assert_int_equal(conf_path_find(conf, "mail", &mail), 0);
	assert_int_equal(conf_path_find(conf, "ntp", &ntp), 0);
	assert_int_equal(conf_path_find(conf, "web", &ntp), -ENOENT);
	assert_string_equal(conf_path_name(conf, mail), "mail");
	assert_int_equal(conf_path_int(conf, mail, CONF_PATH_ENABLED), CONF_ENABLED_YES);
	assert_string_equal(conf_path_origin(conf, mail, CONF_PATH_ENABLED), "site.conf:2");
	assert_int_equal(conf_path_list_len(conf, mail, CONF_PATH_HOSTS), 2);
	assert_string_equal(conf_path_list_item(conf, mail, CONF_PATH_HOSTS, 1), "mail.example");
	assert_string_equal(conf_path_section_origin(conf, mail), "site.conf:10");
	assert_int_equal(conf_path_list_len(conf, mail, CONF_PATH_GROUPS), 1);
	assert_null(conf_path_origin(conf, ntp, CONF_PATH_HOSTS));
	assert_int_equal(conf_path_int(conf, ntp, CONF_PATH_ENABLED), CONF_ENABLED_AUTO);
}

static void test_later_file_wins(void **state)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	char errors[4096];

	(void)state;
	assert_int_equal(read_text(conf, "port = 1\nlisten = {\"::1\"}\n", errors, 4096), 0);
	assert_int_equal(read_text(conf, "port = 2\n", errors, 4096), 0);
	assert_int_equal(conf_int(conf, CONF_PORT), 2);
	assert_int_equal(conf_list_len(conf, CONF_LISTEN), 1);
}

struct wrong {
	const char *text;
	const char *expected; /* part of what is said */
};

static void test_wrong(void **state)
{
	static const struct wrong cases[] = {
		{"# c\n\n// d\nport = 0 # e\n",
		 "site.conf:4: \"port\" must be a number from 1 to 65535, not \"0\""},
		{"port = 0x10\n", "site.conf:1: \"port\" must be a number"},
		{"port = 99999999999999999999\n", "must be a number"},
		{"prot = 1\n", "site.conf:1: there is no option \"prot\"; did you mean \"port\"?"},
		{"completely-else = 1\n", "lists all"},
		{"role-audit = \"staff\"\nrole-backup = \"staff\"\n",
		 "site.conf:1: \"role-audit\" needs a group of its own: \"staff\" is that of "
		 "\"role-backup\""},
		{"role-maint = \"lazaret-users\"\n", "\"role-maint\" must not be the users-group"},
		{"roles-apart = {\"audit\"}\n", "needs pairs of config, maint"},
		{"roles-apart = {\"audit:audit\"}\n", "needs pairs of config, maint"},
		{"roles-apart = {\"audit:every\"}\n", "needs pairs of config, maint"},
		{"role-audit = \"a*\"\n", "\"role-audit\" must not contain the character \"*\""},
		{"admin-pam-service = \"../x\"\n", "must not contain the character \"/\""},
		{"ssh-directory = \"/etc/%u\"\n", "must not contain the character \"%\""},
		{"admin-listen = {\"192.0.2.0/24\"}\n", "\"admin-listen\" needs addresses"},
		{"control-group = \"staff\"\n", "site.conf:1: there is no option \"control-group\" "
						"any more: give each administrator the "
						"roles"},
		{"browser = lynx\n", "\"browser\" must be one of chromium,firefox, not \"lynx\""},
		{"page-title = maybe\n", "must be yes or no"},
		{"certificate = server.pem\n", "must be a whole path that begins with /"},
		{"users-group = \"\"\n", "must have 1 to 32 characters"},
		{"listen = {}\n", "must have 1 to 16 items, not 0"},
		{"listen = {\"localhost\"}\n", "needs addresses such as"},
		{"listen = {\"192.0.2.0/24\"}\n", "needs addresses such as"},
		{"cell-block = \"10.0.0.0\"\n",
		 "site.conf:1: \"cell-block\" needs an IPv4 network"},
		{"cell-block = \"10.0.0.0/30\"\n", "8 to 24 bits"},
		{"cell-allow = {\"site\"}\n", "needs networks such as"},
		{"proxy = \"http://user:pw@proxy:3128\"\n", "needs host:port"},
		{"start-url = \"javascript:alert(1)\"\n", "needs a web address"},
		{"start-url = \"file:///etc/passwd\"\n", "needs a web address"},
		{"keyboard-layout = \"us;rm\"\n", "needs an XKB layout"},
		{"cell-uid-base = 1879048193\n", "is too near to"},
		{"group \"x\" {\n\tclipboard = always\n}\n", "must be one of off,in,out,both"},
		{"group \"x\" {\n\tsound = yes\n}\n", "there is no option \"sound\""},
		{"group \"a b\" {\n}\n", "needs the name of a Unix group"},
		{"group {\n}\n", "site.conf:1:"},
		{"port = \n", "site.conf:"},
		{"port 5900\n", "site.conf:1:"},
		{"listen = {\"::\"\n", "site.conf:"},
		{"port = \"59\n00\"\n", "must be a number"},
		{"dns = {\"a\tb\"}\n", "not allowed"},
		{"path \"web\" {\n\tenabled = often\n}\n",
		 "site.conf:2: \"enabled\" must be one of"},
		{"path \"web\" {\n\thost = x\n}\n", "site.conf:2: there is no option \"host\""},
		{"path {\n}\n", "site.conf:1:"},
		{"path \"\" {\n}\n", "needs the name of a path"},
		{"admin-port = 2200\n", "must be one of 22,222,2222,22222, not \"2200\""},
	};
	char errors[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_conf_ struct conf *conf = conf_create();
		int r = read_text(conf, cases[i].text, errors, sizeof(errors));

		if (r != -EINVAL || !strstr(errors, cases[i].expected))
			fail_msg("\"%s\": %d, said: %s", cases[i].text, r, errors);
	}
}

static void test_file_permissions(void **state)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	char path[] = "/tmp/lazaret-test-XXXXXX";
	FILE *errors = fopen("/dev/null", "w");
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "port = 7\n", 9), 9);
	assert_int_equal(conf_read_file(conf, path, errors), 0);
	assert_int_equal(conf_int(conf, CONF_PORT), 7);
	assert_int_equal(fchmod(fd, 0666), 0);
	assert_int_equal(conf_read_file(conf, path, errors), -EINVAL);
	close(fd);
	unlink(path);
	assert_int_equal(conf_read_file(conf, path, errors), -ENOENT);
	assert_int_equal(conf_read_file(conf, "/dev/null", errors), -EINVAL);
	fclose(errors);
}

static void test_dump_is_read_again(void **state)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	_cleanup_conf_ struct conf *again = conf_create();
	_cleanup_free_ char *first = NULL, *second = NULL;
	char errors[4096];
	size_t size;
	FILE *out;

	(void)state;
	assert_int_equal(read_text(conf,
				   "users-group = 'a\"b\\\\$HOME'\nport = 77\n"
				   "group \"g\" { clipboard = in }\n"
				   "path \"dns\" { hosts = {\"192.0.2.1\", \"ns.example\"}\n"
				   "enabled = no }\n",
				   errors, sizeof(errors)),
			 0);
	out = open_memstream(&first, &size);
	conf_dump(conf, out, true);
	fclose(out);
	assert_int_equal(read_text(again, first, errors, sizeof(errors)), 0);
	out = open_memstream(&second, &size);
	conf_dump(again, out, true);
	fclose(out);
	assert_string_equal(first, second);
	assert_int_equal(conf_group_int(again, 0, CONF_GROUP_CLIPBOARD), CONF_CLIPBOARD_IN);
	assert_int_equal(conf_path_list_len(again, 0, CONF_PATH_HOSTS), 2);
	assert_int_equal(conf_path_int(again, 0, CONF_PATH_ENABLED), CONF_ENABLED_NO);
}

/* Which pairs are kept apart: by default, by others, by none. */
static void test_roles_apart(void **state)
{
	static const struct {
		const char *text;
		unsigned int set;
		bool apart;
	} cases[] = {
		{"", 0, false},
		{"", ROLE_AUDIT, false},
		{"", ROLE_CONFIG | ROLE_MAINT | ROLE_UPDATE | ROLE_BACKUP, false},
		{"", ROLE_CONFIG | ROLE_SECURITY, false},
		{"", ROLE_MAINT | ROLE_SECURITY, true},
		{"", ROLE_AUDIT | ROLE_BACKUP, true},
		{"", ROLE_ALL, true},
		{"roles-apart = {}\n", ROLE_ALL, false},
		{"roles-apart = {\"any:any\"}\n", ROLE_UPDATE, false},
		{"roles-apart = {\"any:any\"}\n", ROLE_UPDATE | ROLE_BACKUP, true},
		{"roles-apart = {\"update:backup\"}\n", ROLE_UPDATE | ROLE_BACKUP, true},
		{"roles-apart = {\"update:backup\"}\n", ROLE_MAINT | ROLE_SECURITY, false},
	};
	char errors[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_conf_ struct conf *conf = conf_create();
		enum role_index a, b;

		assert_int_equal(read_text(conf, cases[i].text, errors, sizeof(errors)), 0);
		assert_int_equal(role_conflict(conf, cases[i].set, &a, &b), cases[i].apart);
		if (!cases[i].apart)
			continue;
		assert_int_not_equal(a, b);
		assert_true(cases[i].set & 1u << a && cases[i].set & 1u << b);
	}
}

static void test_role_text(void **state)
{
	char text[ROLE_TEXT_MAX];

	(void)state;
	assert_string_equal(role_format(0, text), "none");
	assert_string_equal(role_format(ROLE_MAINT, text), "maint");
	assert_string_equal(role_format(ROLE_ALL, text),
			    "config, maint, update, backup, audit, security");
}

static void test_copy(void **state)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	char errors[4096];
	struct buf buf;

	(void)state;
	assert_int_equal(read_text(conf,
				   "browser = firefox\nport = 77\ndns = {\"192.0.2.1\"}\n"
				   "group \"g\" { clipboard = out }\n",
				   errors, sizeof(errors)),
			 0);
	buf_init(&buf, 65536);
	conf_put(conf, CONF_FOR_SESSION, &buf);
	assert_int_equal(buf_error(&buf), 0);
	for (size_t len = 0; len <= buf_len(&buf); len++) {
		struct cursor c = cursor_over(buf_data(&buf), len);
		_cleanup_conf_ struct conf *copy = NULL;
		int r = conf_get(&c, &copy);

		if (len < buf_len(&buf)) {
			assert_int_equal(r, -EPROTO);
			continue;
		}
		assert_int_equal(r, 0);
		assert_true(cursor_done(&c));
		assert_int_equal(conf_int(copy, CONF_BROWSER), CONF_BROWSER_FIREFOX);
		/* Not a session's business, so the default: */
		assert_int_equal(conf_int(copy, CONF_PORT), 5900);
		assert_int_equal(conf_list_len(copy, CONF_DNS), 0);
		assert_int_equal(conf_group_int(copy, 0, CONF_GROUP_CLIPBOARD), CONF_CLIPBOARD_OUT);
		assert_int_equal(conf_path_count(copy), 0);
	}
	buf_finish(&buf);
}

static void test_copy_of_paths(void **state)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	char errors[4096];
	struct buf buf;

	(void)state;
	assert_int_equal(read_text(conf, "path \"ntp\" { hosts = {\"a.example\", \"::1\"} }\n",
				   errors, sizeof(errors)),
			 0);
	buf_init(&buf, 65536);
	conf_put(conf, CONF_FOR_NETD, &buf);
	for (size_t len = 0; len <= buf_len(&buf); len++) {
		struct cursor c = cursor_over(buf_data(&buf), len);
		_cleanup_conf_ struct conf *copy = NULL;
		int r = conf_get(&c, &copy);

		assert_int_equal(r, len < buf_len(&buf) ? -EPROTO : 0);
		if (r < 0)
			continue;
		assert_int_equal(conf_path_count(copy), 1);
		assert_string_equal(conf_path_name(copy, 0), "ntp");
		assert_string_equal(conf_path_list_item(copy, 0, CONF_PATH_HOSTS, 1), "::1");
	}
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_later_file_wins),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_file_permissions),
		cmocka_unit_test(test_dump_is_read_again),
		cmocka_unit_test(test_roles_apart),
		cmocka_unit_test(test_role_text),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_of_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
