/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/contract.h"

/* What a valid site has at least. */
#define SITE                                                      \
	"dns = {\"9.9.9.53\"}\nsystem-address = {\"10.1.1.2\"}\n" \
	"zone-workstations = {\"10.2.0.0/16\"}\n"
#define UPDATE "path \"update\" { hosts = {\"9.9.9.22\"} }\n"

static int lookup(void *data, const char *name, struct network_list *list, bool *ret_stale)
{
	char text[NETWORK_TEXT_MAX];
	int r = 0;

	(void)data;
	*ret_stale = str_eq(name, "stale.example");
	if (str_eq(name, "none.example"))
		return -ENOENT;
	if (str_eq(name, "trap.example"))
		r = network_list_add_text(list, "100.127.3.4");
	if (str_eq(name, "trap.example") && r == 0)
		r = network_list_add_text(list, "10.1.1.2");
	for (unsigned int i = 0; str_eq(name, "many.example") && r == 0 && i < 1000; i++) {
		snprintf(text, sizeof(text), "9.1.%u.%u", i / 125, i % 125 * 2);
		r = network_list_add_text(list, text);
	}
	return r < 0 ? r : network_list_add_text(list, "9.9.1.1");
}

static int account(void *data, const char *name, uid_t *ret_uid)
{
	(void)data;
	*ret_uid = str_eq(name, "root") ? 0 : 1001;
	return str_eq(name, "root") || str_eq(name, "_chrony") ? 0 : -ENOENT;
}

static int create(const char *text, unsigned int scope, char *said, size_t size,
		  struct contract **ret_contract)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	struct network_list none = {0};
	struct contract_env env = {&none, &none, &none, lookup, account, NULL};
	FILE *errors = fmemopen(said, size, "w");
	int r;

	assert_non_null(errors);
	memset(said, 0, size);
	assert_int_equal(conf_read_text(conf, "site.conf", text, errors), 0);
	r = contract_create(conf, scope, &env, errors, ret_contract);
	fclose(errors);
	return r;
}

static void test_least_site(void **state)
{
	_cleanup_contract_ struct contract *contract = NULL;
	const struct contract_path *path;
	char said[4096], ports[128];

	(void)state;
	if (create(SITE UPDATE, CONTRACT_HOST | CONTRACT_CELLS, said, sizeof(said), &contract) < 0)
		fail_msg("%s", said);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		path = &contract->paths[i];
		assert_int_equal(path->on, !path->row->optional || i == PATH_DNS);
	}
	assert_true(contract->paths[PATH_WEB].internet);
	assert_false(contract->paths[PATH_WEB].for_host);
	assert_true(contract->paths[PATH_DNS].for_host && contract->paths[PATH_DNS].for_cells);
	assert_false(contract->paths[PATH_KERBEROS].for_cells);
	path = &contract->paths[PATH_NTP];
	assert_int_equal(path->n_uids, 2);
	contract_format_ports(&contract->paths[PATH_RDP], ports, sizeof(ports));
	assert_string_equal(ports, "tcp 3389, 1494, 80, 443; udp 1604");
	contract_format_ports(&contract->paths[PATH_ADMIN], ports, sizeof(ports));
	assert_string_equal(ports, "tcp 22");
}

static void test_proxy_and_choices(void **state)
{
	_cleanup_contract_ struct contract *contract = NULL;
	const char *text = SITE "proxy = \"9.9.9.80:3128\"\nadmin-port = 2222\n"
				"path \"kerberos\" { enabled = yes single-sign-on = yes\n"
				"hosts = {\"10.3.0.88\"} }\n"
				"path \"syslog\" { enabled = yes hosts = {\"10.3.0.5\"} ports = "
				"{\"6514\", \"udp/5514\"} }\n"
				"path \"direct\" { enabled = yes hosts = {\"10.3.0.6\"} ports = "
				"{\"8000-8010\"} groups = {\"dev\"} }\n";
	char said[4096], ports[128];

	(void)state;
	if (create(text, CONTRACT_HOST | CONTRACT_CELLS, said, sizeof(said), &contract) < 0)
		fail_msg("%s", said);
	assert_false(contract->paths[PATH_WEB].internet);
	assert_false(contract->paths[PATH_DNS].on);
	assert_true(contract->paths[PATH_UPDATE].proxied);
	assert_true(contract->paths[PATH_KERBEROS].for_cells);
	assert_int_equal(contract->paths[PATH_DIRECT].n_groups, 1);
	contract_format_ports(&contract->paths[PATH_WEB], ports, sizeof(ports));
	assert_string_equal(ports, "tcp 3128");
	contract_format_ports(&contract->paths[PATH_ADMIN], ports, sizeof(ports));
	assert_string_equal(ports, "tcp 2222");
	contract_format_ports(&contract->paths[PATH_SYSLOG], ports, sizeof(ports));
	assert_string_equal(ports, "tcp 6514; udp 6514, 5514");
	contract_format_ports(&contract->paths[PATH_DIRECT], ports, sizeof(ports));
	assert_string_equal(ports, "tcp 22, 8000-8010");
}

/* The server of updates is said once; a proxy then does not carry them. */
static void test_update_server(void **state)
{
	static const char *const sites[] = {
		SITE "update-method = ssh\nupdate-server = \"9.9.9.22\"\n",
		SITE
		"proxy = \"9.9.9.80:3128\"\nupdate-method = ssh\nupdate-server = \"9.9.9.22\"\n",
		SITE "update-method = https\nupdate-url = \"https://9.9.9.22/lazaret\"\n"
		     "update-debian = {\"https://9.9.9.22:443/debian bookworm main\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
		_cleanup_contract_ struct contract *contract = NULL;
		const struct contract_path *path;
		char said[4096];

		if (create(sites[i], CONTRACT_HOST | CONTRACT_CELLS, said, sizeof(said),
			   &contract) < 0)
			fail_msg("%s", said);
		path = &contract->paths[PATH_UPDATE];
		assert_false(path->proxied);
		assert_int_equal(path->n_hosts, 1);
		assert_string_equal(path->hosts[0].text, "9.9.9.22");
		assert_int_equal(path->n_ports, 2);
	}
}

static void test_names(void **state)
{
	_cleanup_contract_ struct contract *contract = NULL;
	const char *text = SITE UPDATE "path \"mail\" { enabled = yes hosts = {\"many.example\", "
				       "\"none.example\", \"trap.example\", \"stale.example\"} }\n";
	const struct contract_path *mail;
	char said[4096];

	(void)state;
	if (create(text, CONTRACT_HOST | CONTRACT_CELLS, said, sizeof(said), &contract) < 0)
		fail_msg("%s", said);
	mail = &contract->paths[PATH_MAIL];
	assert_int_equal(mail->hosts[0].n_networks, 1001);
	assert_int_equal(mail->hosts[1].n_networks, 0);
	assert_int_equal(mail->hosts[2].n_networks, 1);
	assert_int_equal(mail->hosts[3].n_networks, 1);
	assert_int_equal(contract->n_notes, 4);
	for (size_t i = 0; i < mail->peers.n; i++)
		assert_null(network_list_overlap(&contract->cells, &mail->peers.items[i]));
}

struct wrong {
	const char *text;
	const char *expected; /* part of what is said */
};

static void test_wrong(void **state)
{
	static const struct wrong cases[] = {
		{"dns = {\"9.9.9.53\"}\n" UPDATE,
		 "default: path \"viewer\" is on but nobody may use it"},
		{SITE, "default: path \"update\" is on but has no hosts"},
		{SITE UPDATE "path \"ntp\" {\nenabled = yes\n}\n",
		 "site.conf:6: path \"ntp\" is on but has no hosts"},
		{SITE UPDATE "path \"dns\" {\nenabled = no\n}\n",
		 "site.conf:6: path \"web\" needs name servers"},
		{SITE UPDATE "path \"web\" { enabled = no }\npath \"webrtc\" {\nenabled = yes\n}\n",
		 "site.conf:7: path \"webrtc\" needs path \"web\""},
		{SITE UPDATE "zone-administration = {\"10.2.3.0/24\"}\n",
		 "site.conf:5: \"zone-administration\": 10.2.3.0/24 overlaps 10.2.0.0/16"},
		{SITE UPDATE "path \"ldpa\" {\n}\n",
		 "there is no path \"ldpa\"; did you mean \"ldap\""},
		{SITE UPDATE "path \"mail\" {\nports = {\"26\"}\n}\n",
		 "site.conf:6: path \"mail\" has fixed ports"},
		{SITE UPDATE "path \"direct\" {\nports = {\"70000\"}\n}\n", "not \"70000\""},
		{SITE UPDATE "path \"direct\" {\nports = {\"0\"}\n}\n", "not \"0\""},
		{SITE UPDATE "path \"direct\" {\nports = {\"9-8\"}\n}\n", "not \"9-8\""},
		{SITE UPDATE "path \"direct\" {\nports = {\"udp/9\"}\n}\n",
		 "has no port \"udp/9\""},
		{SITE "path \"update\" {\nhosts = {\"9.9.9.9\"}\nports = {\"80\"}\n}\n",
		 "site.conf:6: path \"update\" has no port \"80\""},
		{SITE UPDATE "path \"mail\" {\nhosts = {\"100.127.0.9\"}\n}\n", "cells' own block"},
		{SITE UPDATE "path \"mail\" {\nhosts = {\"10.1.1.2\"}\n}\n",
		 "an address of this host"},
		{SITE UPDATE "path \"mail\" {\nhosts = {\"127.0.0.1\"}\n}\n", "is loopback"},
		{SITE UPDATE "path \"mail\" {\nhosts = {\"0.0.0.0/0\"}\n}\n", "wider than a site"},
		{SITE UPDATE "path \"mail\" {\nhosts = {\"10.3.0.1/24\"}\n}\n", "bits behind"},
		{SITE UPDATE "path \"mail\" {\nhosts = {\"mail server\"}\n}\n",
		 "not \"mail server\""},
		{SITE UPDATE "path \"viewer\" {\nhosts = {\"10.3.0.1\"}\n}\n", "zone-workstations"},
		{SITE UPDATE "path \"ntp\" {\ngroups = {\"dev\"}\n}\n", "is not for cells"},
		{SITE UPDATE "path \"ntp\" {\naccounts = {\"nobody1\"}\n}\n",
		 "no account \"nobody1\""},
		{SITE UPDATE "path \"kerberos\" {\nsingle-sign-on = yes\n}\n",
		 "signs on to a proxy"},
		{SITE UPDATE "zone-dns = {\"ns.example\"}\n", "not the name \"ns.example\""},
		{SITE UPDATE "cell-block = \"10.2.0.0/16\"\n", "inside the cells' own block"},
		{SITE UPDATE "cell-block = \"10.2.0.0/24\"\n", "collides with 10.2.0.0/16"},
	};
	char said[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_contract_ struct contract *contract = NULL;
		int r = create(cases[i].text, CONTRACT_HOST | CONTRACT_CELLS, said, sizeof(said),
			       &contract);

		if (r != -EINVAL || !strstr(said, cases[i].expected))
			fail_msg("%s\n%d, said: %s", cases[i].text, r, said);
	}
}

static void test_cells_alone(void **state)
{
	_cleanup_contract_ struct contract *contract = NULL;
	char said[4096];

	(void)state;
	/* Neither update servers nor workstations concern a cell. */
	assert_int_equal(
		create("dns = {\"9.9.9.53\"}\n", CONTRACT_CELLS, said, sizeof(said), &contract), 0);
}

static void test_networks(void **state)
{
	_cleanup_networks_ struct network_list list = {0};
	char text[NETWORK_TEXT_MAX];
	struct network network;

	(void)state;
	assert_int_equal(network_list_add_text(&list, "10.0.1.0/24"), 0);
	assert_int_equal(network_list_add_text(&list, "10.0.0.0/24"), 0);
	assert_int_equal(network_list_add_text(&list, "10.0.0.7"), 0);
	assert_int_equal(network_list_add_text(&list, "2001:db8::/33"), 0);
	assert_int_equal(network_list_add_text(&list, "2001:db8:8000::/33"), 0);
	network_list_tidy(&list);
	assert_int_equal(list.n, 2);
	assert_string_equal(network_format(&list.items[0], text), "10.0.0.0/23");
	assert_string_equal(network_format(&list.items[1], text), "2001:db8::/32");
	assert_string_equal(network_format_mask(&list.items[0], true, text), "0.0.1.255");
	assert_int_equal(network_parse("10.0.0.1/24", &network), -EDOM);
	assert_int_equal(network_parse("10.0.0/24", &network), -EINVAL);
	assert_int_equal(network_parse("10.0.0.0/33", &network), -EINVAL);
	assert_int_equal(network_parse("::/129", &network), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least_site),    cmocka_unit_test(test_proxy_and_choices),
		cmocka_unit_test(test_update_server), cmocka_unit_test(test_names),
		cmocka_unit_test(test_wrong),         cmocka_unit_test(test_cells_alone),
		cmocka_unit_test(test_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
