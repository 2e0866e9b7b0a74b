/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What holds for every format. Whether rules mean what they should is tested in tests/system, by
 * packets and by evaluators of the dialects.
 */
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
#include "net/export_impl.h"

static const char *const names[] = {
	"nftables", "iptables-save", "cisco-asa", "cisco-ios", "junos-srx",
	"pf",       "opnsense-csv",  "markdown",  "html",      "json"};

static int lookup(void *data, const char *name, struct network_list *list, bool *ret_stale)
{
	(void)data;
	(void)name;
	*ret_stale = false;
	return network_list_add_text(list, "10.5.0.38");
}

static int account(void *data, const char *name, uid_t *ret_uid)
{
	(void)data;
	(void)name;
	(void)ret_uid;
	return -ENOENT;
}

static struct contract *contract_of(const char *more)
{
	static const char site[] =
		"dns = {\"10.5.0.53\"}\nsystem-address = {\"10.1.1.2\", \"fd00:1::2\"}\n"
		"zone-workstations = {\"10.2.0.0/16\", \"fd00:2::/64\"}\n"
		"path \"update\" { hosts = {\"9.9.9.22\"} }\n"
		"path \"ldap\" { enabled = yes hosts = {\"ldap.example\"} }\n"
		"path \"webrtc\" { enabled = yes }\n";
	_cleanup_conf_ struct conf *conf = conf_create();
	struct network_list none = {0};
	struct contract_env env = {&none, &none, &none, lookup, account, NULL};
	struct contract *contract;

	assert_non_null(conf);
	assert_int_equal(conf_read_text(conf, "site.conf", site, stderr), 0);
	assert_int_equal(conf_read_text(conf, "more.conf", more, stderr), 0);
	assert_int_equal(
		contract_create(conf, CONTRACT_HOST | CONTRACT_CELLS, &env, stderr, &contract), 0);
	return contract;
}

static char *write_text(const struct exporter *exporter, const struct contract *contract,
			const char *files)
{
	_cleanup_border_ struct border *border = NULL;
	char *text;
	size_t size;
	FILE *out;

	assert_int_equal(border_create(contract, files, 1750000000, &border), 0);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	assert_int_equal(exporter->write(border, out), 0);
	assert_int_equal(fclose(out), 0);
	/* No NUL within. */
	assert_int_equal(strlen(text), size);
	return text;
}

static void test_all_are_there(void **state)
{
	(void)state;
	assert_int_equal(exporter_count(), ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_string_equal(exporter_at(i)->name, names[i]);
		assert_ptr_equal(exporter_find(names[i]), exporter_at(i));
		assert_true(exporter_at(i)->dialect[0] && exporter_at(i)->help[0]);
	}
	assert_null(exporter_find("nft"));
	assert_null(exporter_find(""));
}

/* The text of a host, of a note and of the file's name, replaced in a contract that is made. */
static void poison(struct contract *contract, const char *text)
{
	struct contract_path *ldap = &contract->paths[PATH_LDAP];
	char **notes = reallocarray(contract->notes, contract->n_notes + 1, sizeof(*notes));

	assert_non_null(notes);
	contract->notes = notes;
	notes[contract->n_notes++] = strdup(text);
	assert_int_equal(ldap->n_hosts, 1);
	free(ldap->hosts[0].text);
	ldap->hosts[0].text = strdup(text);
}

static size_t count(const char *text, char c)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == c;
	return n;
}

static size_t skip_line(const char *text)
{
	return strcspn(text, "\n") + (strchr(text, '\n') ? 1 : 0);
}

/*
 * Whatever the texts are: the same lines, and those that differ are remarks, and have the same signs
 * that mean something.
 */
static void compare(const char *format, const char *plain, const char *hostile)
{
	static const char *const remarks[] = {"#",
					      "\t#",
					      "!",
					      "- ",
					      " description ",
					      "| ldap-hosts |",
					      "<p>",
					      "<tr id=\"group-ldap-hosts\">",
					      "    \"files\"",
					      "      \"text\"",
					      "          \"host\""};

	while (*plain && *hostile) {
		size_t n_plain = skip_line(plain), n_hostile = skip_line(hostile);
		bool is_remark = false;

		for (size_t i = 0; i < ARRAY_LEN(remarks); i++)
			is_remark = is_remark ||
				    strncmp(hostile, remarks[i], strlen(remarks[i])) == 0;
		/* OPNsense has its remarks in a rule that is disabled. */
		is_remark = is_remark || (str_eq(format, "opnsense-csv") &&
					  strncmp(hostile + 36, ",0,keep,", 8) == 0);
		if (!is_remark && (n_plain != n_hostile || memcmp(plain, hostile, n_plain) != 0))
			fail_msg("%s: %.*sinstead of %.*s", format, (int)n_hostile, hostile,
				 (int)n_plain, plain);
		plain += n_plain;
		hostile += n_hostile;
	}
	assert_true(!*plain && !*hostile);
}

/* What must not come out of a text; the formats for people and programs escape the rest. */
static const char *signs_of(const char *format)
{
	if (str_eq(format, "json"))
		return "\r\t\x1b\x7f";
	if (str_eq(format, "html"))
		return "<>\"'\r\t\x1b\x7f";
	return "<>\"|\\#!?$`&*\r\t\x1b\x7f";
}

static void test_hostile_texts(void **state)
{
	static const char *const texts[] = {
		"x\npermit ip any any\n",
		"x\r\naccept",
		"\"; } accept; #",
		"\\",
		"\\\n\\",
		"x\" -j ACCEPT",
		"'; drop",
		"| a | b |",
		"</td></tr><script>alert(1)</script>",
		"<!--",
		"*/",
		"?",
		"\x1b[2J",
		"${x}$(x)`x`",
		"=1+1",
		"\"\"\",\"",
		"\xff\xfe\xc0\xaf",
		"\xe2\x80\xa8\xe2\x80\xae",
		"%s%n%x",
		"&lt;",
		"a\tb",
	};

	(void)state;
	for (size_t i = 0; i < exporter_count(); i++) {
		const struct exporter *exporter = exporter_at(i);
		const char *format = exporter->name;

		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			_cleanup_contract_ struct contract *contract = contract_of("");
			_cleanup_contract_ struct contract *twin = contract_of("");
			_cleanup_free_ char *plain = NULL, *hostile = NULL;

			poison(contract, "x");
			poison(twin, texts[k]);
			plain = write_text(exporter, contract, "x");
			hostile = write_text(exporter, twin, texts[k]);
			compare(format, plain, hostile);
			for (const char *sign = signs_of(format); *sign; sign++)
				assert_int_equal(count(plain, *sign), count(hostile, *sign));
		}
	}
}

/* Very long texts do not make lines that a dialect does not take. */
static void test_long_texts(void **state)
{
	char text[20000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < exporter_count(); i++) {
		_cleanup_contract_ struct contract *contract = contract_of("");
		_cleanup_free_ char *out = NULL;

		poison(contract, text);
		out = write_text(exporter_at(i), contract, text);
		for (const char *line = out; *line; line += skip_line(line))
			assert_true(skip_line(line) < 2500);
	}
}

/* Every flow of every contract is in every text, by its name. */
static void test_flows_are_named(void **state)
{
	_cleanup_contract_ struct contract *contract = contract_of("");
	_cleanup_border_ struct border *border = NULL;

	(void)state;
	assert_int_equal(border_create(contract, "x", 0, &border), 0);
	for (size_t i = 0; i < exporter_count(); i++) {
		_cleanup_free_ char *out = write_text(exporter_at(i), contract, "x");

		for (size_t k = 0; k < border->n_flows; k++) {
			/* pf says it within the rules that follow. */
			if (str_eq(exporter_at(i)->name, "pf") &&
			    str_eq(border->flows[k].name, "not-public"))
				continue;
			if (!strstr(out, border->flows[k].name))
				fail_msg("%s has no %s", exporter_at(i)->name,
					 border->flows[k].name);
		}
	}
}

/* A port list at its limits: multiport takes 15, and a range counts twice. */
static void test_many_ports(void **state)
{
	_cleanup_contract_ struct contract *contract = contract_of(
		"path \"direct\" { enabled = yes hosts = {\"10.5.0.22\"} ports = {\"1000\", "
		"\"1002\", \"1004\", \"1006\", \"1008\", \"1010\", \"1012\", \"1014\", \"1016\", "
		"\"1018\", \"1020\", \"1022\", \"1024\", \"2000-2999\", \"4000\", \"5000-65535\", "
		"\"4002\"} }\n");
	_cleanup_free_ char *out = write_text(exporter_find("iptables-save"), contract, "x");
	size_t rules = 0;

	(void)state;
	for (const char *at = out; (at = strstr(at, "path direct")); at++)
		rules++;
	assert_int_equal(rules, 2);
	assert_non_null(strstr(out, "--dports 22,1000,1002,1004,1006,1008,1010,1012,1014,1016,1018,"
				    "1020,1022,1024 "));
	assert_non_null(strstr(out, "--dports 2000:2999,4000,5000:65535,4002 "));
}

/* A full device: the stream says it, and nothing crashes. */
static void test_full(void **state)
{
	_cleanup_contract_ struct contract *contract = contract_of("");
	_cleanup_border_ struct border *border = NULL;

	(void)state;
	assert_int_equal(border_create(contract, "x", 0, &border), 0);
	for (size_t i = 0; i < exporter_count(); i++) {
		FILE *full = fopen("/dev/full", "w");

		assert_non_null(full);
		(void)!exporter_at(i)->write(border, full);
		assert_int_not_equal(fflush(full) | ferror(full), 0);
		fclose(full);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_there), cmocka_unit_test(test_hostile_texts),
		cmocka_unit_test(test_long_texts),    cmocka_unit_test(test_flows_are_named),
		cmocka_unit_test(test_many_ports),    cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
