/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of the site's configuration comes into that of sshd; the rest is tried with sshd itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ssh/sshd_config.h"

static char *make(const char *site, const char *const *networks, size_t n)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	struct network items[4];
	struct network_list from = {.items = items, .n = n};
	const struct sshd_spec spec = {
		.conf = conf,
		.administrators = &from,
		.port = 2222,
		.command = "/libexec/lazaret-admin",
		.control = "/run/x/control",
	};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(conf_read_text(conf, "site.conf", site, stderr), 0);
	assert_int_equal(conf_check(conf, stderr), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(network_parse(networks[i], &items[i]), 0);
	sshd_config_write(&spec, out);
	fclose(out);
	return text;
}

static void assert_line(const char *text, const char *line)
{
	if (!strstr(text, line))
		print_error("no \"%s\" in\n%s", line, text);
	assert_non_null(strstr(text, line));
}

static void test_who(void **state)
{
	static const char *const networks[] = {"192.0.2.0/24", "2001:db8::/32", "198.51.100.7"};
	_cleanup_free_ char *text = make("role-maint = \"the maint people\"\nrole-backup = \"\"\n"
					 "admin-listen = {\"192.0.2.1\", \"2001:db8::1\"}\n",
					 networks, 3);
	const char *match = strstr(text, "Match Address ");

	(void)state;
	assert_line(text, "\nListenAddress 192.0.2.1:2222\nListenAddress [2001:db8::1]:2222\n");
	assert_line(text, "\nAllowGroups \"lazaret-config\"\nAllowGroups \"the maint people\"\n"
			  "AllowGroups \"lazaret-update\"\nAllowGroups \"lazaret-audit\"\n");
	assert_line(text, "\nAllowUsers *@192.0.2.0/24\nAllowUsers *@2001:db8::/32\n"
			  "AllowUsers *@198.51.100.7\n");
	assert_line(text, "\nBanner none\n");
	assert_line(text, "\nForceCommand /libexec/lazaret-admin\n");
	/* Nothing for everybody stands behind it. */
	assert_non_null(match);
	assert_string_equal(match,
			    "Match Address *,!192.0.2.0/24,!2001:db8::/32,!198.51.100.7\n"
			    "\tDenyUsers *\n\tPubkeyAuthentication no\n"
			    "\tPasswordAuthentication no\n\tKbdInteractiveAuthentication no\n");
}

/* No list is not a list of everybody. */
static void test_nobody(void **state)
{
	static const char *const networks[] = {"192.0.2.0/24"};
	_cleanup_free_ char *no_roles = make(
		"role-config = \"\"\nrole-maint = \"\"\nrole-update = \"\"\nrole-backup = \"\"\n"
		"role-audit = \"\"\nrole-security = \"\"\n",
		networks, 1);
	_cleanup_free_ char *no_network = make("", NULL, 0);

	(void)state;
	assert_line(no_roles, "\nDenyUsers *\n");
	assert_line(no_network, "\nDenyUsers *\n");
}

static void test_methods(void **state)
{
	static const struct {
		const char *site, *expected;
	} cases[] = {
		{"", "PubkeyAuthentication yes\nPasswordAuthentication no\n"
		     "KbdInteractiveAuthentication no\nAuthenticationMethods publickey\n"},
		{"admin-login = password\n",
		 "PubkeyAuthentication no\nPasswordAuthentication yes\n"
		 "KbdInteractiveAuthentication yes\nAuthenticationMethods password "
		 "keyboard-interactive\n"},
		{"admin-login = either\n", "\nAuthenticationMethods any\n"},
		{"admin-login = both\n",
		 "\nAuthenticationMethods publickey,password publickey,keyboard-interactive\n"},
	};
	static const char *const networks[] = {"192.0.2.0/24"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *text = make(cases[i].site, networks, 1);

		assert_line(text, cases[i].expected);
	}
}

/* Files of users, alone and beside administration. */
static char *make_files(const char *site, bool both)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	struct network admin, work;
	const struct network_list from = {.items = &admin, .n = 1};
	const struct network_list workstations = {.items = &work, .n = 1};
	const struct sshd_spec spec = {
		.conf = conf,
		.port = 22,
		.administrators = both ? &from : NULL,
		.command = "/libexec/lazaret-admin",
		.control = "/run/x/control",
		.workstations = &workstations,
		.views = "/run/x/sftp",
	};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(conf_read_text(conf, "site.conf", site, stderr), 0);
	assert_int_equal(conf_check(conf, stderr), 0);
	assert_int_equal(network_parse("192.0.2.0/24", &admin), 0);
	assert_int_equal(network_parse("198.51.100.0/24", &work), 0);
	sshd_config_write(&spec, out);
	fclose(out);
	return text;
}

static void test_files(void **state)
{
	_cleanup_free_ char *text = make_files("sftp-login = key\n", false);

	(void)state;
	assert_line(text, "\nSubsystem sftp internal-sftp\n");
	assert_line(text, "\nAllowGroups \"lazaret-users\"\nDenyGroups \"lazaret-config\"\n");
	assert_line(text, "\nAllowUsers *@198.51.100.0/24\nDenyUsers root\n");
	assert_line(text, "\nAuthenticationMethods publickey\nChrootDirectory /run/x/sftp/%U\n"
			  "ForceCommand internal-sftp -d /transfer\nPermitTTY no\n"
			  "Match Address *,!198.51.100.0/24\n");
	assert_null(strstr(text, "lazaret-admin"));
}

static void test_both(void **state)
{
	_cleanup_free_ char *text = make_files("role-audit = \"\"\nrole-security = \"\"\n", true);
	const char *match = strstr(text, "Match ");

	(void)state;
	assert_line(text, "\nAllowUsers *@192.0.2.0/24\nAllowUsers *@198.51.100.0/24\n");
	assert_line(text, "\nForceCommand /libexec/lazaret-admin\n");
	assert_non_null(match);
	assert_string_equal(
		match,
		"Match Group \"lazaret-users,!lazaret-config,!lazaret-maint,!lazaret-update,"
		"!lazaret-backup\" Address *,!198.51.100.0/24\n"
		"\tDenyUsers *\n\tPubkeyAuthentication no\n\tPasswordAuthentication no\n"
		"\tKbdInteractiveAuthentication no\n"
		"Match Group \"lazaret-config,lazaret-maint,lazaret-update,lazaret-backup\" "
		"Address *,!192.0.2.0/24\n"
		"\tDenyUsers *\n\tPubkeyAuthentication no\n\tPasswordAuthentication no\n"
		"\tKbdInteractiveAuthentication no\n"
		"Match Group \"lazaret-users,!lazaret-config,!lazaret-maint,!lazaret-update,"
		"!lazaret-backup\" \n"
		"\tPubkeyAuthentication yes\n\tPasswordAuthentication yes\n"
		"\tKbdInteractiveAuthentication yes\n\tAuthenticationMethods publickey password "
		"keyboard-interactive\n"
		"\tChrootDirectory /run/x/sftp/%U\n\tForceCommand internal-sftp -d /transfer\n"
		"\tPermitTTY no\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who),     cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_methods), cmocka_unit_test(test_files),
		cmocka_unit_test(test_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
