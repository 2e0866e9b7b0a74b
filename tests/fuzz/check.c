/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What lazaret-checkd reads that others have written. The first byte chooses: findings of a process that
 * was taken over (0), answers of clamd (1, 2), a line of the counters (3), a record of the quarantine (4),
 * a name in a refusal (5), a list item and a type of the policy (6), the configuration of lockcheck (7),
 * blocks of an OLE file (8).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "lock/check_counters.h"
#include "lock/check_facts.h"
#include "lock/check_name.h"
#include "lock/check_ole.h"
#include "lock/clamd_reply.h"
#include "lock/lockcheck.h"
#include "lock/quarantine.h"
#include "lock/refusal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(bool holds)
{
	if (!holds)
		abort();
}

/* Shown to people and terminals as it is. */
static void is_fit(const char *text)
{
	promise(str_utf8_valid(text, strlen(text)));
	for (; *text; text++)
		promise((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void try_facts(const uint8_t *data, size_t size)
{
	static struct check_facts facts;
	struct cursor c = cursor_over(data, size);

	if (check_facts_get(&c, &facts) < 0)
		return;
	promise(facts.n >= 1 && facts.n <= CHECK_TYPES_MAX);
	for (size_t i = 0; i < facts.n; i++) {
		promise(check_type_valid(facts.facts[i].type));
		is_fit(facts.facts[i].member);
		is_fit(facts.facts[i].why);
	}
}

static void try_scan(const char *text, size_t size)
{
	struct check_scan scan;

	if (clamd_reply_scan(text, size, &scan) < 0)
		return;
	is_fit(scan.text);
	promise(scan.state != CHECK_SCAN_CLEAN || (size >= 4 && !memcmp(text + size - 2, "OK", 2)));
}

static void try_version(const char *text, size_t size)
{
	struct clamd_version version;

	if (clamd_reply_version(text, size, &version) == 0)
		is_fit(version.text);
}

static void try_line(const char *text, size_t size)
{
	_cleanup_free_ char *line = strndup(text, size);
	enum check_direction direction;
	uint64_t bytes;
	uid_t uid;

	if (check_counters_parse(line, &uid, &direction, &bytes) == 0)
		promise(direction <= CHECK_DOWN && bytes <= INT64_MAX);
}

static void try_record(const uint8_t *data, size_t size)
{
	struct quarantine_item item, again;
	struct cursor c = cursor_over(data, size);
	struct buf out;

	if (quarantine_get(&c, &item) < 0)
		return;
	buf_init(&out, 4096);
	quarantine_put(&item, &out);
	promise(buf_error(&out) == 0);
	c = cursor_over(buf_data(&out), buf_len(&out));
	promise(quarantine_get(&c, &again) == 0);
	buf_finish(&out);
}

static void try_name(const char *text, size_t size)
{
	_cleanup_free_ char *name = strndup(text, size);
	static struct check_facts facts;
	struct policy_decision decision = {.result = CHECK_REFUSE, .n = 1};
	struct refusal refusal = {.name = name, .decision = &decision, .notes = {"", ""}};
	char shown[REFUSAL_NAME_MAX + 1];

	memset(&facts, 0, sizeof(facts));
	check_facts_add(&facts, "image/png", name, NULL);
	decision.reasons[0] = (struct policy_reason){
		.rule = POLICY_TYPE, .option = "", .text = "", .fact = &facts.facts[0]};
	is_fit(refusal_name(name, shown));
	for (int language = 0; language < 2; language++) {
		_cleanup_free_ char *sentence = refusal_sentence(&refusal,
								 (enum refusal_language)language);

		is_fit(sentence);
	}
	{
		_cleanup_free_ char *whole = refusal_text(&refusal);

		promise(strlen(whole) <= CHECKER_TEXT_MAX && str_utf8_valid(whole, strlen(whole)));
	}
	(void)check_name_lies(name, "image/png");
}

static void try_types(const char *text, size_t size)
{
	const char *line = memchr(text, '\n', size);
	_cleanup_free_ char *item = strndup(text, line ? (size_t)(line - text) : size);
	_cleanup_free_ char *type = line ? strndup(line + 1, size - (size_t)(line + 1 - text))
					 : strdup("");

	/* Nothing of our own is among "any". */
	if (check_type_valid(type) && !strchr(type, '/'))
		promise(!policy_type_matches(item, type) || !strcasecmp(item, type));
}

static void try_config(const uint8_t *data, size_t size)
{
	struct lockcheck_config config;
	struct cursor c = cursor_over(data, size);

	if (lockcheck_get(&c, &config) == 0)
		promise(config.limits.ratio > 0);
}

static void try_ole(const uint8_t *data, size_t size)
{
	struct check_ole whole = {0}, parts = {0};

	check_ole_feed(&whole, data, size);
	for (size_t at = 0; at < size; at += 61)
		check_ole_feed(&parts, data + at, MIN((size_t)61, size - at));
	promise(whole.macros == parts.macros && whole.encrypted == parts.encrypted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size < 1)
		return 0;
	size--;
	switch (data[0] - '0') {
	case 0:
		try_facts(data + 1, size);
		break;
	case 1:
		try_scan(text, size);
		break;
	case 2:
		try_version(text, size);
		break;
	case 3:
		try_line(text, size);
		break;
	case 4:
		try_record(data + 1, size);
		break;
	case 5:
		try_name(text, size);
		break;
	case 6:
		try_types(text, size);
		break;
	case 7:
		try_config(data + 1, size);
		break;
	default:
		try_ole(data + 1, size);
		break;
	}
	return 0;
}
