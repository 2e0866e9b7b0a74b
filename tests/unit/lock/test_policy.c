/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The policy, walked through by a table whose expectations were written by hand. */
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
#include "lock/check_name.h"
#include "lock/policy.h"
#include "lock/refusal.h"

#define MIB (UINT64_C(1) << 20)

/* Nobody's section: nothing passes. What the groups may is the table's subject. */
static const char config[] =
	"transfer = \"out\"\n"
	"transfer-out-types = {\"text/plain\"}\n"
	"transfer-largest = 1\n"
	"transfer-daily-size = 10\n"
	"transfer-daily-files = 5\n"
	"lock-quarantine = \"%s\"\n"
	"lock-name-mismatch = \"%s\"\n"
	"lock-scanner-down = \"%s\"\n"
	"group \"pictures\" {\n"
	"  transfer = \"both\"\n"
	"  transfer-in-types = {\"image/*\"}\n"
	"  transfer-out-types = {\"image/png\", \"image/jpeg\"}\n"
	"  transfer-largest = 20\n"
	"  transfer-daily-size = 100\n"
	"}\n"
	"group \"office\" {\n"
	"  transfer = \"out\"\n"
	"  transfer-out-types = {\"application/pdf\", \"application/zip\", \"text/*\"}\n"
	"  transfer-out-review = {\"macros\", \"encrypted-archive\"}\n"
	"  transfer-largest = 5\n"
	"  transfer-daily-size = 0\n"
	"}\n"
	"group \"experts\" {\n"
	"  transfer = \"both\"\n"
	"  transfer-in-types = {\"any\"}\n"
	"  transfer-out-types = {\"any\", \"unknown\", \"encrypted-archive\", "
	"\"too-large-to-scan\"}\n"
	"  transfer-largest = 5000\n"
	"  transfer-daily-size = 100\n"
	"  transfer-daily-files = 0\n"
	"}\n"
	"group \"unbounded\" {\n"
	"  transfer-daily-size = 0\n"
	"}\n"
	"group \"nothing\" {\n"
	"  transfer = \"both\"\n"
	"  transfer-in-types = {}\n"
	"  transfer-out-types = {}\n"
	"}\n";

static struct conf *make_conf(const char *quarantine, const char *mismatch, const char *down)
{
	struct conf *conf = conf_create();
	char text[4096];

	snprintf(text, sizeof(text), config, quarantine, mismatch, down);
	assert_non_null(conf);
	assert_int_equal(conf_read_text(conf, "test.conf", text, stderr), 0);
	assert_int_equal(conf_check(conf, stderr), 0);
	return conf;
}

struct row {
	const char *groups; /* with commas */
	enum check_direction direction;
	const char *name;
	uint64_t size;
	const char *types; /* with commas; the first is the file's own */
	enum check_result result;
	const char *rules; /* all of them, with commas */
};

#define UP CHECK_UP
#define DOWN CHECK_DOWN
#define PASS CHECK_PASS
#define REFUSE CHECK_REFUSE
#define WAIT CHECK_QUARANTINE

static const struct row table[] = {
	/* Outside of sections: text leaves, nothing enters. */
	{"", DOWN, "a.txt", 10, "text/plain", PASS, ""},
	{"", DOWN, "a.txt", 1 * MIB, "text/plain", PASS, ""},
	{"", DOWN, "a.txt", 1 * MIB + 1, "text/plain", REFUSE, "size"},
	{"", DOWN, "a.html", 10, "text/html", REFUSE, "type"},
	{"", DOWN, "a.bin", 10, "unknown", REFUSE, "type"},
	{"", DOWN, "a.txt", 0, "inode/x-empty", PASS, ""},
	{"", UP, "a.txt", 10, "text/plain", REFUSE, "rights,type"},
	{"", UP, "a.txt", 0, "inode/x-empty", REFUSE, "rights,type"},
	{"others", DOWN, "a.txt", 10, "text/plain", PASS, ""},
	{"Pictures", DOWN, "a.png", 10, "image/png", REFUSE, "type"},
	/* One group. */
	{"pictures", UP, "a.gif", 10, "image/gif", PASS, ""},
	{"pictures", UP, "a.gif", 20 * MIB, "image/gif", PASS, ""},
	{"pictures", UP, "a.gif", 20 * MIB + 1, "image/gif", REFUSE, "size"},
	{"pictures", DOWN, "a.gif", 10, "image/gif", REFUSE, "type"},
	{"pictures", DOWN, "a.png", 10, "image/png", PASS, ""},
	{"pictures", DOWN, "a.png", 10, "image/jpeg", REFUSE, "name-mismatch"},
	{"pictures", DOWN, "A.JPG", 10, "image/jpeg", PASS, ""},
	{"pictures", DOWN, "a.txt", 10, "text/plain", REFUSE, "type"},
	{"pictures", UP, "imagex", 10, "imagex/png", REFUSE, "type"},
	{"office", UP, "a.pdf", 10, "application/pdf", REFUSE, "rights,type"},
	{"office", DOWN, "a.pdf", 10, "application/pdf", PASS, ""},
	{"office", DOWN, "a.pdf", 10, "application/x-dosexec", REFUSE, "type,name-mismatch"},
	{"office", DOWN, "a.zip", 10, "application/zip,text/plain", PASS, ""},
	{"office", DOWN, "a.zip", 10, "application/zip,application/x-dosexec", REFUSE, "type"},
	{"office", DOWN, "a.zip", 10, "application/zip,macros", WAIT, "review"},
	{"office", DOWN, "a.zip", 10, "application/zip,encrypted-archive", WAIT, "review"},
	{"office", DOWN, "a.zip", 10, "application/zip,macros,encrypted-archive", WAIT,
	 "review,review"},
	{"office", DOWN, "a.zip", 10, "application/zip,macros,unknown", REFUSE, "review,type"},
	{"office", DOWN, "a.zip", 6 * MIB, "application/zip,macros", REFUSE, "size,review"},
	{"office", DOWN, "a.zip", 10, "application/zip,too-large-to-scan", REFUSE, "type"},
	/* Several: lists together, the largest number. */
	{"office,pictures", DOWN, "a.png", 10, "image/png", PASS, ""},
	{"office,pictures", DOWN, "a.pdf", 19 * MIB, "application/pdf", PASS, ""},
	{"office,pictures", DOWN, "a.zip", 10, "application/zip,image/png", PASS, ""},
	{"office,pictures", DOWN, "a.zip", 10, "application/zip,image/gif", REFUSE, "type"},
	{"pictures,office", UP, "a.gif", 10, "image/gif", PASS, ""},
	/* "any" has none of our own words. */
	{"experts", UP, "a", 10, "application/x-dosexec", PASS, ""},
	{"experts", UP, "a", 10, "unknown", REFUSE, "type"},
	{"experts", UP, "a.zip", 10, "application/zip,encrypted-archive", REFUSE, "type"},
	{"experts", UP, "a.doc", 10, "application/msword,macros", REFUSE, "type"},
	{"experts", DOWN, "a", 10, "unknown", PASS, ""},
	{"experts", DOWN, "a.zip", 10, "application/zip,encrypted-archive", PASS, ""},
	{"experts", DOWN, "a.zip", 10, "application/zip,too-large-to-scan", PASS, ""},
	{"experts", DOWN, "a.doc", 10, "application/msword,macros", REFUSE, "type"},
	{"experts,office", DOWN, "a.doc", 10, "application/msword,macros", WAIT, "review"},
	/* What passes for one group needs no release for another. */
	{"experts,office", DOWN, "a.zip", 10, "application/zip,encrypted-archive", PASS, ""},
	{"experts", DOWN, "a.png", 10, "application/x-dosexec", REFUSE, "name-mismatch"},
	/* Nothing chosen: nothing passes, not even what is empty. */
	{"nothing", DOWN, "a.txt", 10, "text/plain", REFUSE, "rights,type"},
	{"nothing", UP, "a.txt", 0, "inode/x-empty", REFUSE, "rights,type"},
	{"nothing,pictures", UP, "a.png", 10, "image/png", PASS, ""},
};

static struct policy *policy_of(const struct conf *conf, const char *groups)
{
	char copy[128], *rest = copy, *names[8];
	size_t n = 0;
	char *name;

	str_copy(copy, sizeof(copy), groups);
	while ((name = strsep(&rest, ",")))
		names[n++] = name;
	return policy_create(conf, names, n);
}

static void fill(struct check_facts *facts, const char *types)
{
	char copy[256], *rest = copy, *type;

	memset(facts, 0, sizeof(*facts));
	str_copy(copy, sizeof(copy), types);
	while ((type = strsep(&rest, ",")))
		check_facts_add(facts, type, NULL, NULL);
}

static void rules_of(const struct policy_decision *decision, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < decision->n; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "," : "",
					 policy_rule_name(decision->reasons[i].rule));
}

static void walk(const struct conf *conf, const struct row *row, size_t number)
{
	_cleanup_policy_ struct policy *policy = policy_of(conf, row->groups);
	static struct check_facts facts;
	struct policy_decision decision;
	char rules[256];

	assert_non_null(policy);
	fill(&facts, row->types);
	policy_decide(policy,
		      &(const struct policy_question){.direction = row->direction,
						      .name = row->name,
						      .size = row->size,
						      .facts = &facts},
		      &decision);
	rules_of(&decision, rules, sizeof(rules));
	if (decision.result != row->result || !str_eq(rules, row->rules))
		fail_msg("row %zu (%s %s %s %s): result %d, rules \"%s\"", number, row->groups,
			 row->direction == UP ? "up" : "down", row->name, row->types,
			 decision.result, rules);
	/* What is known before looking is never more than what is known after. */
	policy_decide(policy,
		      &(const struct policy_question){
			      .direction = row->direction, .name = row->name, .size = row->size},
		      &decision);
	assert_true(decision.result == CHECK_PASS || row->result == CHECK_REFUSE);
}

static void test_table(void **state)
{
	_cleanup_conf_ struct conf *conf = make_conf("review", "refuse", "refuse");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		walk(conf, &table[i], i);
}

struct day {
	const char *groups;
	uint64_t size, used_bytes, used_files;
	const char *rules;
};

static void test_day(void **state)
{
	static const struct day days[] = {
		{"", 1 * MIB, 9 * MIB, 0, ""},
		{"", 1 * MIB, 9 * MIB + 1, 0, "daily-size"},
		{"", 0, 10 * MIB, 0, ""},
		{"", 0, 10 * MIB + 1, 0, "daily-size"},
		{"", 1, UINT64_MAX, 0, "daily-size"},
		{"", 1, 0, 4, ""},
		{"", 1, 0, 5, "daily-files"},
		{"", 1, 10 * MIB, 5, "daily-size,daily-files"},
		/* office: no limit of the volume, the number stays that outside of sections */
		{"office", 5 * MIB, 1000 * MIB, 4, ""},
		{"office", 5 * MIB, 1000 * MIB, 5, "daily-files"},
		{"experts", 5 * MIB, 95 * MIB, 1000000, ""},
		{"experts", 5 * MIB, 96 * MIB, 1000000, "daily-size"},
		/* No limit of one is no limit. */
		{"experts,office", 5 * MIB, 9999 * MIB, 1000000, ""},
		{"office,experts", 5 * MIB, 9999 * MIB, 1000000, ""},
		{"experts,unbounded", 5 * MIB, 9999 * MIB, 1000000, ""},
	};
	_cleanup_conf_ struct conf *conf = make_conf("off", "refuse", "refuse");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		_cleanup_policy_ struct policy *policy = policy_of(conf, days[i].groups);
		struct policy_decision decision;
		char rules[256];

		policy_decide(policy,
			      &(const struct policy_question){.direction = DOWN,
							      .name = "a",
							      .size = days[i].size,
							      .used_bytes = days[i].used_bytes,
							      .used_files = days[i].used_files},
			      &decision);
		rules_of(&decision, rules, sizeof(rules));
		if (!str_eq(rules, days[i].rules))
			fail_msg("day %zu: \"%s\"", i, rules);
	}
}

struct scanned {
	const char *quarantine, *down;
	enum check_scan_state state;
	bool released;
	enum check_result result;
	const char *rules;
};

static void test_scans(void **state)
{
	static const struct scanned rows[] = {
		{"off", "refuse", CHECK_SCAN_NONE, false, PASS, ""},
		{"off", "refuse", CHECK_SCAN_CLEAN, false, PASS, ""},
		{"off", "refuse", CHECK_SCAN_FOUND, false, REFUSE, "signature"},
		{"review", "refuse", CHECK_SCAN_FOUND, false, REFUSE, "signature"},
		{"types", "refuse", CHECK_SCAN_FOUND, false, REFUSE, "signature"},
		{"all", "refuse", CHECK_SCAN_FOUND, false, WAIT, "signature"},
		{"all", "refuse", CHECK_SCAN_FOUND, true, PASS, ""},
		{"all", "refuse", CHECK_SCAN_FAILED, false, REFUSE, "scan-failed"},
		{"all", "pass", CHECK_SCAN_FAILED, true, REFUSE, "scan-failed"},
		{"all", "refuse", CHECK_SCAN_DOWN, false, REFUSE, "scanner-down"},
		{"all", "refuse", CHECK_SCAN_DOWN, true, REFUSE, "scanner-down"},
		{"all", "pass", CHECK_SCAN_DOWN, false, PASS, ""},
		{"all", "refuse", CHECK_SCAN_OLD, false, REFUSE, "signatures-old"},
		{"all", "pass", CHECK_SCAN_OLD, false, PASS, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_conf_ struct conf *conf = make_conf(rows[i].quarantine, "refuse",
							     rows[i].down);
		_cleanup_policy_ struct policy *policy = policy_of(conf, "");
		static struct check_facts facts;
		struct policy_decision decision;
		char rules[256];

		/* Either scanner decides alone. */
		for (int scanner = 0; scanner < CHECK_SCANNERS; scanner++) {
			fill(&facts, "text/plain");
			facts.scans[scanner].state = rows[i].state;
			policy_decide(policy,
				      &(const struct policy_question){.direction = DOWN,
								      .name = "a",
								      .facts = &facts,
								      .released = rows[i].released},
				      &decision);
			rules_of(&decision, rules, sizeof(rules));
			if (decision.result != rows[i].result || !str_eq(rules, rows[i].rules))
				fail_msg("scan %zu: result %d, rules \"%s\"", i, decision.result,
					 rules);
		}
	}
}

struct waiting {
	const char *quarantine, *types;
	enum check_result result, released; /* before and after a release */
};

static void test_quarantine(void **state)
{
	static const struct waiting rows[] = {
		{"off", "application/zip,macros", REFUSE, PASS},
		{"review", "application/zip,macros", WAIT, PASS},
		{"review", "application/x-dosexec", REFUSE, PASS},
		{"types", "application/x-dosexec", WAIT, PASS},
		{"types", "application/zip,macros,unknown", WAIT, PASS},
		{"all", "application/x-dosexec", WAIT, PASS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_conf_ struct conf *conf = make_conf(rows[i].quarantine, "pass", "refuse");
		_cleanup_policy_ struct policy *policy = policy_of(conf, "office");
		static struct check_facts facts;
		struct policy_question question = {
			.direction = DOWN, .name = "a.zip", .facts = &facts};
		struct policy_decision decision;

		fill(&facts, rows[i].types);
		policy_decide(policy, &question, &decision);
		assert_int_equal(decision.result, rows[i].result);
		question.released = true;
		policy_decide(policy, &question, &decision);
		assert_int_equal(decision.result, rows[i].released);
		/* A release is of types, not of the person's rights. */
		question.size = 6 * MIB;
		policy_decide(policy, &question, &decision);
		assert_int_equal(decision.result, REFUSE);
		question.size = 0;
		question.direction = UP;
		policy_decide(policy, &question, &decision);
		assert_int_equal(decision.result, REFUSE);
	}
}

static void test_rights(void **state)
{
	_cleanup_conf_ struct conf *conf = make_conf("off", "refuse", "refuse");
	_cleanup_policy_ struct policy *nobody = policy_of(conf, "");
	_cleanup_policy_ struct policy *pictures = policy_of(conf, "pictures");
	_cleanup_policy_ struct policy *nothing = policy_of(conf, "nothing");

	(void)state;
	assert_true(policy_may(nobody, DOWN));
	assert_false(policy_may(nobody, UP));
	assert_int_equal(policy_largest(nobody), MIB);
	assert_true(policy_may(pictures, UP));
	assert_int_equal(policy_largest(pictures), 20 * MIB);
	assert_false(policy_may(nothing, DOWN));
	assert_false(policy_may(nothing, UP));
}

static void test_matches(void **state)
{
	(void)state;
	assert_true(policy_type_matches("any", "image/png"));
	assert_false(policy_type_matches("any", "unknown"));
	assert_false(policy_type_matches("any", "macros"));
	assert_true(policy_type_matches("image/*", "image/png"));
	assert_false(policy_type_matches("image/*", "imagery/png"));
	assert_false(policy_type_matches("image/*", "image"));
	assert_true(policy_type_matches("image/PNG", "image/png"));
	assert_false(policy_type_matches("image/png", "image/png2"));
	assert_true(policy_type_matches("macros", "macros"));
}

static void test_names(void **state)
{
	(void)state;
	assert_false(check_name_lies("a.png", "image/png"));
	assert_true(check_name_lies("a.png", "application/x-dosexec"));
	assert_true(check_name_lies("folder.txt/a.PNG", "text/plain"));
	assert_false(check_name_lies("folder.png/a", "text/plain"));
	assert_false(check_name_lies("a", "application/x-dosexec"));
	assert_false(check_name_lies("a.unheard-of", "application/x-dosexec"));
	assert_false(check_name_lies("a.png", "inode/x-empty"));
	assert_false(check_name_lies("a.png", "unknown"));
	assert_false(check_name_lies("a.", "text/plain"));
	assert_true(check_name_lies("a.txt.exe", "text/plain"));
	assert_true(check_name_lies("a.exe.txt", "application/x-dosexec"));
	assert_false(check_name_lies("a.docx", "application/zip"));
}

/* A list with what is no type is refused, with the place and what to write. */
static void test_wrong_types(void **state)
{
	static const char *const wrong[] = {
		"transfer-in-types = {\"png\"}",
		"transfer-out-types = {\"*\"}",
		"transfer-out-review = {\"image/\"}",
		"transfer-in-types = {\"/png\"}",
		"group \"a\" { transfer-in-types = {\"image/png\", \"encrypted\"} }",
		"group \"a\" { transfer-out-review = {\"text/pl ain\"} }",
		"lock-second-scanner = \"../sh\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		_cleanup_conf_ struct conf *conf = conf_create();
		char said[1024] = "";
		FILE *errors = fmemopen(said, sizeof(said), "w");

		assert_int_equal(conf_read_text(conf, "test.conf", wrong[i], errors), 0);
		if (conf_check(conf, errors) != -EINVAL)
			fail_msg("%s was taken", wrong[i]);
		fclose(errors);
		assert_non_null(strstr(said, "test.conf:1"));
	}
}

/* --- what persons are told -------------------------------------------------------------------- */

static void test_refusal(void **state)
{
	_cleanup_conf_ struct conf *conf = make_conf("off", "refuse", "refuse");
	_cleanup_policy_ struct policy *policy = policy_of(conf, "office");
	_cleanup_free_ char *en = NULL, *de = NULL, *text = NULL;
	static struct check_facts facts;
	struct policy_decision decision;
	uint8_t digest[CHECK_DIGEST_LEN] = {0xab};
	struct refusal refusal = {.name = "x/Angebot\n\xe2\x80\xae"
					  "gnp.exe",
				  .direction = DOWN,
				  .size = 12345,
				  .digest = digest,
				  .decision = &decision,
				  .notes = {"Call 12.", "Rufen Sie 12 an."}};

	(void)state;
	memset(&facts, 0, sizeof(facts));
	check_facts_add(&facts, "application/x-dosexec", NULL, NULL);
	check_facts_add(&facts, "unknown", "inner\x1b[31m.bin", NULL);
	policy_decide(policy,
		      &(const struct policy_question){
			      .direction = DOWN, .name = refusal.name, .facts = &facts},
		      &decision);
	en = refusal_sentence(&refusal, REFUSAL_EN);
	de = refusal_sentence(&refusal, REFUSAL_DE);
	text = refusal_text(&refusal);
	assert_string_equal(en, "\"Angebot  gnp.exe\" was not let through: files of the type "
				"\"application/x-dosexec\" may not pass in this direction.");
	assert_non_null(strstr(de, "Angebot"));
	assert_non_null(strstr(de, "wurde nicht übertragen"));
	/* Both languages, both reasons, nothing that steers a terminal. */
	assert_non_null(strstr(text, "was not let through"));
	assert_non_null(strstr(text, "wurde nicht übertragen"));
	assert_non_null(strstr(text, "(in it: \"inner [31m.bin\")"));
	assert_non_null(strstr(text, "SHA-256: ab00"));
	assert_non_null(strstr(text, "Call 12.\r\n"));
	assert_non_null(strstr(text, "Rufen Sie 12 an.\r\n"));
	assert_null(strchr(text, '\x1b'));
	for (const char *c = text; *c; c++)
		assert_true(*c != '\n' || (c > text && c[-1] == '\r'));
}

/* The longest of everything still fits into a message, and is cut between characters. */
static void test_longest_refusal(void **state)
{
	_cleanup_conf_ struct conf *conf = make_conf("off", "refuse", "refuse");
	_cleanup_policy_ struct policy *policy = policy_of(conf, "");
	_cleanup_free_ char *text = NULL, *sentence = NULL;
	static struct check_facts facts;
	struct policy_decision decision;
	char name[1025], note[401], type[CHECK_TYPE_MAX + 1];

	(void)state;
	memset(name, 0, sizeof(name));
	for (size_t i = 0; i < 512; i++)
		memcpy(name + 2 * i, "ä", 2);
	memset(note, 0, sizeof(note));
	for (size_t i = 0; i < 200; i++)
		memcpy(note + 2 * i, "ü", 2);
	memset(&facts, 0, sizeof(facts));
	for (int i = 0; i < 30; i++) {
		snprintf(type, sizeof(type), "application/%0110d", i);
		check_facts_add(&facts, type, name, NULL);
	}
	policy_decide(
		policy,
		&(const struct policy_question){.direction = DOWN, .name = name, .facts = &facts},
		&decision);
	assert_int_equal(decision.n, CHECK_REASONS_MAX);
	text = refusal_text(&(const struct refusal){
		.name = name, .size = UINT64_MAX, .decision = &decision, .notes = {note, note}});
	sentence = refusal_sentence(
		&(const struct refusal){.name = name, .decision = &decision, .notes = {"", ""}},
		REFUSAL_DE);
	assert_true(strlen(text) <= CHECKER_TEXT_MAX);
	assert_true(str_utf8_valid(text, strlen(text)));
	assert_true(strlen(sentence) <= CHECKER_TEXT_MAX);
	assert_true(str_utf8_valid(sentence, strlen(sentence)));
}

/* Every rule has a name and words in both languages. */
static void test_every_rule(void **state)
{
	static struct check_fact fact = {.type = "image/png"};
	char en[1024], de[1024];

	(void)state;
	for (int rule = 0; rule < POLICY_RULES; rule++) {
		struct policy_reason reason = {
			.rule = (enum policy_rule)rule, .option = "", .text = "x", .fact = &fact};

		assert_non_null(policy_rule_name((enum policy_rule)rule));
		refusal_reason(&reason, REFUSAL_EN, en, sizeof(en));
		refusal_reason(&reason, REFUSAL_DE, de, sizeof(de));
		assert_true(strlen(en) > 10 && strlen(de) > 10);
		assert_string_not_equal(en, de);
		assert_null(strstr(en, "%"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),      cmocka_unit_test(test_day),
		cmocka_unit_test(test_scans),      cmocka_unit_test(test_quarantine),
		cmocka_unit_test(test_rights),     cmocka_unit_test(test_matches),
		cmocka_unit_test(test_names),      cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_refusal),    cmocka_unit_test(test_longest_refusal),
		cmocka_unit_test(test_every_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
