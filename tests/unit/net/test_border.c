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
#include "net/border.h"

#define SITE                                                                        \
	"dns = {\"10.5.0.53\"}\nsystem-address = {\"10.1.1.2\", \"fd00:1::2\"}\n"   \
	"zone-workstations = {\"10.2.0.0/16\"}\nzone-monitoring = {\"10.6.0.9\"}\n" \
	"path \"update\" { hosts = {\"9.9.9.22\"} }\n"

static int lookup(void *data, const char *name, struct network_list *list, bool *ret_stale)
{
	(void)data;
	(void)list;
	*ret_stale = false;
	return str_eq(name, "none.example") ? -ENOENT : network_list_add_text(list, "9.9.7.7");
}

static int account(void *data, const char *name, uid_t *ret_uid)
{
	(void)data;
	(void)name;
	(void)ret_uid;
	return -ENOENT;
}

static struct contract *contract_of(const char *text)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	struct network_list none = {0};
	struct contract_env env = {&none, &none, &none, lookup, account, NULL};
	struct contract *contract;

	assert_non_null(conf);
	assert_int_equal(conf_read_text(conf, "site.conf", text, stderr), 0);
	assert_int_equal(
		contract_create(conf, CONTRACT_HOST | CONTRACT_CELLS, &env, stderr, &contract), 0);
	return contract;
}

/* "+viewer workstations>system", one line a flow, to compare at a glance. */
static char *flows_of(const struct border *border)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < border->n_flows; i++) {
		const struct border_flow *flow = &border->flows[i];

		fprintf(out, "%c%s %s>%s %zu\n", flow->pass ? '+' : '-', flow->name,
			flow->from ? flow->from->name : "*", flow->to ? flow->to->name : "*",
			flow->n_ports);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void check_flows(const char *site, const char *expected)
{
	_cleanup_contract_ struct contract *contract = contract_of(site);
	_cleanup_border_ struct border *border = NULL;
	_cleanup_free_ char *flows = NULL;

	assert_int_equal(border_create(contract, "site.conf", 0, &border), 0);
	flows = flows_of(border);
	assert_string_equal(flows, expected);
}

static void test_order(void **state)
{
	(void)state;
	check_flows(SITE, "+update system>update-hosts 2\n"
			  "+dns system>dns-hosts 2\n"
			  "+viewer workstations>system 1\n"
			  "-not-public system>not-public 0\n"
			  "+web-internet system>* 2\n"
			  "-no-internet workstations>* 0\n"
			  "-everything-else *>* 0\n");
	check_flows(SITE "cell-allow = {\"10.5.0.80\"}\n"
			 "path \"webrtc\" { enabled = yes }\npath \"nrpe\" { enabled = yes }\n"
			 "path \"snmp\" { enabled = yes }\npath \"sftp\" { enabled = yes }\n"
			 "path \"rdp\" { enabled = yes hosts = {\"10.5.0.89\"} }\n",
		    "+web system>web-hosts 2\n"
		    "+update system>update-hosts 2\n"
		    "+dns system>dns-hosts 2\n"
		    "+rdp system>rdp-hosts 5\n"
		    "+viewer workstations>system 1\n"
		    "+sftp workstations>system 1\n"
		    "+snmp monitoring>system 1\n"
		    "+nrpe monitoring>system 1\n"
		    "-rdp-in rdp-hosts>system 5\n"
		    "-not-public system>not-public 0\n"
		    "+web-internet system>* 2\n"
		    "+webrtc-internet system>* 3\n"
		    "-no-internet workstations>* 0\n"
		    "-everything-else *>* 0\n");
}

/* With a proxy there is no way to the Internet, and so nothing that must be kept from it. */
static void test_proxy(void **state)
{
	(void)state;
	check_flows(SITE "proxy = \"10.5.0.31:3128\"\n", "+web system>web-proxy 1\n"
							 "+update system>update-hosts 2\n"
							 "+viewer workstations>system 1\n"
							 "-no-internet workstations>* 0\n"
							 "-everything-else *>* 0\n");
}

/* Workstations are kept from the Internet even if they may not use the system. */
static void test_no_viewer(void **state)
{
	(void)state;
	check_flows(SITE "proxy = \"10.5.0.31:3128\"\npath \"viewer\" { enabled = no }\n",
		    "+web system>web-proxy 1\n"
		    "+update system>update-hosts 2\n"
		    "-no-internet workstations>* 0\n"
		    "-everything-else *>* 0\n");
}

/* A name without an address has no rule; it must not become a rule for everybody. */
static void test_unresolved(void **state)
{
	_cleanup_contract_ struct contract *contract = contract_of(
		SITE "path \"ldap\" { enabled = yes hosts = {\"none.example\"} }\n");
	_cleanup_border_ struct border *border = NULL;

	(void)state;
	assert_int_equal(border_create(contract, "site.conf", 0, &border), 0);
	for (size_t i = 0; i < border->n_flows; i++)
		assert_string_not_equal(border->flows[i].name, "ldap");
	for (size_t i = 0; i < border->n_groups; i++)
		assert_true(border->groups[i].networks.n > 0);
}

static bool shuts(const struct border *border, const char *text)
{
	struct network network;

	assert_int_equal(network_parse(text, &network), 0);
	return network_list_contains(&border->not_public->networks, &network);
}

static void test_not_public(void **state)
{
	/* Workstations at public addresses are not the Internet either. */
	_cleanup_contract_ struct contract *contract = contract_of(
		"dns = {\"10.5.0.53\"}\nsystem-address = {\"9.9.1.2\"}\n"
		"zone-workstations = {\"9.9.2.0/24\"}\nzone-administration = {\"9.9.3.1\"}\n"
		"zone-dns = {\"9.9.4.1\"}\nzone-monitoring = {\"9.9.5.1\"}\n"
		"path \"update\" { hosts = {\"9.9.9.22\"} }\n");
	_cleanup_border_ struct border *border = NULL;

	(void)state;
	assert_int_equal(border_create(contract, "site.conf", 0, &border), 0);
	assert_true(shuts(border, "9.9.1.2"));
	assert_true(shuts(border, "9.9.2.200"));
	assert_true(shuts(border, "9.9.3.1"));
	assert_true(shuts(border, "9.9.4.1"));
	assert_true(shuts(border, "9.9.5.1"));
	assert_true(shuts(border, "10.0.0.1"));
	assert_true(shuts(border, "169.254.169.254"));
	assert_true(shuts(border, "100.127.3.4"));
	assert_true(shuts(border, "fd00::1"));
	assert_true(shuts(border, "::ffff:8.8.8.8"));
	assert_false(shuts(border, "9.9.9.22"));
	assert_false(shuts(border, "8.8.8.8"));
	assert_false(shuts(border, "2620:fe::fe"));
}

static void test_no_address(void **state)
{
	_cleanup_contract_ struct contract *contract = contract_of(
		"dns = {\"10.5.0.53\"}\nzone-workstations = {\"10.2.0.0/16\"}\n"
		"path \"update\" { hosts = {\"9.9.9.22\"} }\n");
	struct border *border = NULL;

	(void)state;
	assert_int_equal(border_create(contract, "site.conf", 0, &border), -ENODATA);
	assert_null(border);
}

static uint32_t fingerprint_of(const char *site, const char *files)
{
	_cleanup_contract_ struct contract *contract = contract_of(site);
	_cleanup_border_ struct border *border = NULL;

	assert_int_equal(border_create(contract, files, 0, &border), 0);
	return border->fingerprint;
}

static void test_fingerprint(void **state)
{
	uint32_t first = fingerprint_of(SITE, "a");

	(void)state;
	assert_int_equal(first, fingerprint_of(SITE, "b"));
	assert_int_equal(first, fingerprint_of(SITE "path \"ntp\" { enabled = no }\n", "a"));
	assert_int_not_equal(first, fingerprint_of(SITE "port = 5901\n", "a"));
	assert_int_not_equal(first, fingerprint_of(SITE "path \"sftp\" { enabled = yes }\n", "a"));
	assert_int_not_equal(first,
			     fingerprint_of(SITE "zone-workstations = {\"10.2.0.0/17\"}\n", "a"));
}

static void test_date(void **state)
{
	_cleanup_contract_ struct contract *contract = contract_of(SITE);
	_cleanup_border_ struct border *border = NULL;

	(void)state;
	assert_int_equal(border_create(contract, "site.conf", 1750000000, &border), 0);
	assert_string_equal(border->date, "2025-06-15 15:06:40 UTC");
}

static void check_text(const char *text, size_t most, const char *expected)
{
	_cleanup_free_ char *written = NULL;
	size_t size;
	FILE *out = open_memstream(&written, &size);
	size_t n;

	assert_non_null(out);
	n = border_put_text(out, text, most);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(written, expected);
	assert_int_equal(n, strlen(expected));
}

static void test_text(void **state)
{
	(void)state;
	check_text("the proxy's port (80, 443); a/b=c", 96, "the proxy's port (80, 443); a/b=c");
	check_text("a\"b\\c#d?e!f<g>h|i`j$k{l}m%n&o*p", 96, "a_b_c_d_e_f_g_h_i_j_k_l_m_n_o_p");
	check_text("a\nb\rc\td\x1b"
		   "e\x7f"
		   "f\xc3\xa9g",
		   96, "a_b_c_d_e_f__g");
	check_text("one two three", 9, "one two");
	check_text("one two three", 8, "one two");
	check_text("one two three", 7, "one two");
	check_text("unbroken", 4, "unbr");
	check_text("", 4, "");
	check_text("x", 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),       cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_no_viewer),   cmocka_unit_test(test_unresolved),
		cmocka_unit_test(test_not_public),  cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_fingerprint), cmocka_unit_test(test_date),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
