/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The structure of the rules as text; what packets make of them is for tests/system. */
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
#include "net/rules.h"
#include "net/rules_cells.h"
#include "net/rules_host.h"

#define SITE                                                                               \
	"dns = {\"9.9.9.53\", \"2620:fe::fe\"}\nsystem-address = {\"10.1.1.2\"}\n"         \
	"zone-workstations = {\"10.2.0.0/16\"}\nzone-administration = {\"10.3.0.0/24\"}\n" \
	"zone-monitoring = {\"10.5.0.0/24\"}\npath \"update\" { hosts = {\"9.9.9.22\"} }\n"

static int lookup(void *data, const char *name, struct network_list *list, bool *ret_stale)
{
	(void)data;
	*ret_stale = false;
	return str_eq(name, "known.example") ? network_list_add_text(list, "9.9.7.7") : -ENOENT;
}

static int account(void *data, const char *name, uid_t *ret_uid)
{
	(void)data;
	*ret_uid = str_eq(name, "root") ? 0 : 104;
	return str_eq(name, "root") || str_eq(name, "_chrony") ? 0 : -ENOENT;
}

static struct contract *make(const char *text)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	struct network_list none = {0};
	struct contract_env env = {&none, &none, &none, lookup, account, NULL};
	struct contract *contract = NULL;
	char said[4096] = "";
	FILE *errors = fmemopen(said, sizeof(said), "w");

	assert_int_equal(conf_read_text(conf, "site.conf", text, errors), 0);
	if (contract_create(conf, CONTRACT_HOST | CONTRACT_CELLS, &env, errors, &contract) < 0) {
		fclose(errors);
		fail_msg("%s", said);
	}
	fclose(errors);
	return contract;
}

static char *host_text(const struct contract *contract)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	rules_host(contract, out);
	fclose(out);
	return text;
}

static char *cells_text(const struct contract *contract, const struct rules_cell *cells, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	rules_cells_host(contract, true, cells, n, out);
	fclose(out);
	return text;
}

static char *inside_text(const struct contract *contract, uint32_t paths)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	rules_cells_inside(contract, paths, out);
	fclose(out);
	return text;
}

/* The block "KIND NAME {" up to its closing brace, to be freed; NULL if there is none. */
static char *block(const char *text, const char *kind, const char *name)
{
	_cleanup_free_ char *head = NULL;
	const char *start, *end;

	assert_true(asprintf(&head, "\t%s %s {", kind, name) > 0);
	start = strstr(text, head);
	end = start ? strstr(start, "\n\t}") : NULL;
	return end ? strndup(start, (size_t)(end - start)) : NULL;
}

/* Every word behind `mark` must stand as a block of that kind before it is used. */
static void check_references(const char *text, const char *mark, const char *kind)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, mark)); n++) {
		_cleanup_free_ char *name = NULL, *head = NULL;
		const char *found;

		at += strlen(mark);
		name = strndup(at, strcspn(at, " \t\n\"};,"));
		assert_true(asprintf(&head, "\t%s %s {", kind, name) > 0);
		found = strstr(text, head);
		if (!found || found > at)
			fail_msg("%s \"%s\" is used before it is there", kind, name);
	}
	assert_true(n > 0);
}

static void check_whole(const char *text)
{
	int depth = 0;

	for (const char *c = text; *c; c++) {
		depth += (*c == '{') - (*c == '}');
		assert_true(depth >= 0);
	}
	assert_int_equal(depth, 0);
	check_references(text, "@", "set");
	check_references(text, "counter name \"", "counter");
}

static void assert_has(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text ? text : "(nothing)");
}

static void assert_lacks(const char *text, const char *part)
{
	if (text && strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
}

static void test_host(void **state)
{
	_cleanup_contract_ struct contract *contract = make(
		SITE "path \"ntp\" { enabled = yes hosts = {\"10.6.0.123\"} }\n"
		     "path \"ldap\" { enabled = yes hosts = {\"10.6.0.1\"} }\n"
		     "path \"mail\" { enabled = yes hosts = {\"10.6.0.25\"} }\n"
		     "path \"snmp\" { enabled = yes }\n");
	_cleanup_free_ char *text = host_text(contract);
	_cleanup_free_ char *input = block(text, "chain", "input");
	_cleanup_free_ char *output = block(text, "chain", "output");
	_cleanup_free_ char *forward = block(text, "chain", "forward");
	_cleanup_free_ char *from_cell = block(text, "chain", "from-cell");

	(void)state;
	check_whole(text);
	/* One transaction: what was there goes in the same text. */
	assert_int_equal(strncmp(text,
				 "table inet lazaret_host { }\ndelete table inet lazaret_host\n"
				 "table inet lazaret_host {\n",
				 80),
			 0);
	assert_has(input, "hook input priority filter; policy drop;");
	assert_has(output, "hook output priority filter; policy drop;");
	assert_has(forward, "hook forward priority filter; policy drop;");
	assert_has(input, "ip saddr @workstations4 tcp dport 5900 goto in-viewer");
	assert_has(input, "ip saddr @monitoring4 udp dport 161 accept");
	assert_lacks(input, "@administration4 tcp"); /* admin is off */
	assert_has(output, "ip daddr @ntp4 udp dport 123 meta skuid { 0, 104 } accept");
	assert_lacks(output, "@mail4"); /* of cells only */
	assert_has(from_cell, "ip daddr @mail4 tcp dport { 25, 110, 143, 993, 995 } accept");
	assert_lacks(from_cell, "@ldap4"); /* of the host only */
	assert_lacks(from_cell, "@ntp4");
	assert_lacks(text, "udp dport 68"); /* the host's address is static */
	/* Named hosts before what is not public, the Internet after it. */
	assert_true(strstr(from_cell, "@mail4") < strstr(from_cell, "@denied4"));
	assert_true(strstr(from_cell, "tcp dport { 80, 443 } accept") >
		    strstr(from_cell, "@denied6"));
}

static void test_automatic_address(void **state)
{
	_cleanup_contract_ struct contract *contract = make(SITE "host-addressing = automatic\n");
	_cleanup_free_ char *text = host_text(contract);
	_cleanup_free_ char *input = block(text, "chain", "input");
	_cleanup_free_ char *output = block(text, "chain", "output");

	(void)state;
	check_whole(text);
	assert_has(input, "udp sport 67 udp dport 68 accept");
	assert_has(input, "nd-router-advert");
	assert_has(output, "udp sport 68 udp dport 67 accept");
	assert_has(output, "nd-router-solicit");
}

static void test_ports_do_not_overlap(void **state)
{
	_cleanup_contract_ struct contract *contract = make(
		SITE "path \"direct\" { enabled = yes hosts = {\"10.6.0.7\"} ports = "
		     "{\"700-800\", \"650\", \"640-705\", \"22\", \"750\"} }\n");
	_cleanup_free_ char *text = host_text(contract);

	(void)state;
	assert_has(text, "ip daddr @direct4 tcp dport { 22, 640-800 } accept");
}

static void test_proxy(void **state)
{
	_cleanup_contract_ struct contract *contract = make(SITE "proxy = \"9.9.9.80:3128\"\n");
	_cleanup_free_ char *text = cells_text(contract, NULL, 0);
	_cleanup_free_ char *inside = inside_text(contract, 0);
	_cleanup_free_ char *from_cell = block(text, "chain", "from-cell");
	_cleanup_free_ char *output = block(inside, "chain", "output");

	(void)state;
	check_whole(text);
	check_whole(inside);
	assert_has(from_cell, "ip daddr @web4 tcp dport 3128 accept");
	assert_has(output, "ip daddr @web4 tcp dport 3128 accept");
	assert_lacks(from_cell, "{ 80, 443 } accept");
	assert_lacks(output, "443");
	/* With a proxy cells need no name servers, and have none unless the path is switched on. */
	assert_lacks(output, "dport 53 accept");
}

static void test_groups(void **state)
{
	static const struct rules_cell cells[] = {
		{3, UINT32_C(1) << PATH_MAIL}, {4, UINT32_C(1) << PATH_RDP}, {5, 0}};
	_cleanup_contract_ struct contract *contract = make(
		SITE "path \"mail\" { enabled = yes hosts = {\"10.6.0.25\"} groups = {\"m\"} }\n");
	_cleanup_free_ char *text = cells_text(contract, cells, ARRAY_LEN(cells));
	_cleanup_free_ char *set = block(text, "set", "cells-mail");
	_cleanup_free_ char *from_cell = block(text, "chain", "from-cell");
	_cleanup_free_ char *may = inside_text(contract, cells[0].paths);
	_cleanup_free_ char *may_not = inside_text(contract, cells[1].paths);

	(void)state;
	check_whole(text);
	assert_has(set, "{ \"lzc3\" }");
	assert_has(from_cell, "iifname @cells-mail ip daddr @mail4 tcp dport");
	assert_has(from_cell, "\t\tip daddr @dns4"); /* for all */
	assert_has(may, "@mail4");
	assert_lacks(may_not, "@mail4");
	assert_has(may_not, "@dns4");
}

static void test_one_cell(void **state)
{
	_cleanup_contract_ struct contract *contract = make(
		SITE "path \"mail\" { enabled = yes hosts = {\"10.6.0.25\"} groups = {\"m\"} }\n");
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	rules_cells_set(contract, &(struct rules_cell){7, 0}, out);
	fclose(out);
	assert_string_equal(text, "add element inet lazaret cells-mail { \"lzc7\" }\n"
				  "delete element inet lazaret cells-mail { \"lzc7\" }\n");
}

static void test_names(void **state)
{
	_cleanup_contract_ struct contract *contract = make(
		SITE "path \"mail\" { enabled = yes hosts = {\"unknown.example\"} }\n"
		     "path \"rdp\" { enabled = yes hosts = {\"known.example\"} }\n");
	_cleanup_free_ char *text = host_text(contract);
	_cleanup_free_ char *mail = block(text, "set", "mail4");
	_cleanup_free_ char *update = NULL;
	size_t size;
	FILE *out = open_memstream(&update, &size);

	(void)state;
	check_whole(text);
	/* A set that will be filled is there, and so are its rules. */
	assert_non_null(mail);
	assert_lacks(mail, "elements");
	assert_has(text, "ip6 daddr @rdp6 tcp dport");
	rules_put_peers_update(&contract->paths[PATH_RDP], "lazaret_host", out);
	fclose(out);
	assert_has(update,
		   "flush set inet lazaret_host rdp4\nadd element inet lazaret_host rdp4 {");
	assert_has(update, "9.9.7.7");
	assert_has(update, "flush set inet lazaret_host rdp6\n");
	assert_lacks(update, "add element inet lazaret_host rdp6");
}

static void test_everything_on(void **state)
{
	_cleanup_contract_ struct contract *contract = make(
		SITE
		"zone-dns = {\"10.4.0.53\"}\nproxy = \"9.9.9.80:3128\"\n"
		"path \"ntp\" { enabled = yes hosts = {\"10.6.0.1\"} }\n"
		"path \"dns\" { enabled = yes }\npath \"webrtc\" { enabled = yes }\n"
		"path \"mail\" { enabled = yes hosts = {\"10.6.0.2\"} }\n"
		"path \"kerberos\" { enabled = yes hosts = {\"10.6.0.3\"} single-sign-on = yes }\n"
		"path \"ldap\" { enabled = yes hosts = {\"10.6.0.4\"} }\n"
		"path \"direct\" { enabled = yes hosts = {\"10.6.0.5\"} }\n"
		"path \"syslog\" { enabled = yes hosts = {\"10.6.0.6\"} }\n"
		"path \"rdp\" { enabled = yes hosts = {\"10.6.0.7\"} }\n"
		"path \"sftp\" { enabled = yes }\npath \"admin\" { enabled = yes }\n"
		"path \"cluster-dns\" { enabled = yes }\npath \"snmp\" { enabled = yes }\n"
		"path \"nrpe\" { enabled = yes }\n");
	_cleanup_free_ char *host = host_text(contract);
	_cleanup_free_ char *cells = cells_text(contract, NULL, 0);
	_cleanup_free_ char *inside = inside_text(contract, 0);
	_cleanup_free_ char *from_cell = block(cells, "chain", "from-cell");
	_cleanup_free_ char *input = block(host, "chain", "input");

	(void)state;
	check_whole(host);
	check_whole(cells);
	check_whole(inside);
	for (size_t i = 0; i < PATH_COUNT; i++)
		assert_true(contract->paths[i].on);
	assert_has(from_cell, "@kerberos4");
	assert_has(from_cell, "udp dport { 80, 443, 1024-65535 } accept");
	/* Nothing of ours serves remote desktops. */
	assert_has(input, "ip saddr @rdp4 udp dport 1604 goto drop-in-rdp");
	assert_lacks(input, "@rdp4 udp dport 1604 accept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_automatic_address),
		cmocka_unit_test(test_ports_do_not_overlap),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_one_cell),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_everything_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
