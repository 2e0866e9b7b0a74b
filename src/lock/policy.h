/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a person may transfer, and what follows from that for one file. Pure: no time, no files; the
 * dry run of lazaretctl(1) and a transfer ask the same function.
 */
#ifndef LAZARET_LOCK_POLICY_H
#define LAZARET_LOCK_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "lock/check_facts.h"
#include "lock/checker.h"

struct policy;

/*
 * Of a person in these groups. For each option: what the sections of his groups say of it, added up; if
 * none says anything, what stands outside of sections. NULL when out of memory.
 */
struct policy *policy_create(const struct conf *conf, char *const *groups, size_t n_groups);
void policy_destroy(struct policy *policy);
void policy_destroyp(struct policy **policy);
#define _cleanup_policy_ CLEANUP(policy_destroyp)

/* Any type at all may pass in that direction, perhaps after a release. */
bool policy_may(const struct policy *policy, enum check_direction direction);
uint64_t policy_largest(const struct policy *policy);

/* Why a file does not pass. The order is that in which persons are told. */
enum policy_rule {
	POLICY_RIGHTS, /* not in that direction */
	POLICY_SIZE,
	POLICY_DAILY_SIZE,
	POLICY_DAILY_FILES,
	POLICY_TYPE, /* in no list */
	POLICY_REVIEW, /* in the list of those that need a release */
	POLICY_NAME, /* the name's end belongs to another type */
	POLICY_SIGNATURE,
	POLICY_SCANNER_DOWN,
	POLICY_SCANNER_OLD,
	POLICY_SCAN_FAILED,
	POLICY_CHECK_FAILED, /* the process that looked into the file failed; said by checkd */
	POLICY_QUARANTINE_FULL, /* said by checkd */
	POLICY_RULES,
};

struct policy_reason {
	enum policy_rule rule;
	const char *option; /* that decided: "transfer-out-types", "" if none did; lives for ever */
	const struct check_fact *fact; /* TYPE, REVIEW; of the question */
	const char *text; /* SIGNATURE, SCAN_…: the scanner's; CHECK_FAILED: how; else "" */
	uint64_t limit; /* SIZE, DAILY_…: bytes or files */
};

struct policy_question {
	enum check_direction direction;
	const char *name; /* as the person has it */
	uint64_t size;
	uint64_t used_bytes, used_files; /* today, in this direction, without this file */
	const struct check_facts
		*facts; /* NULL: nobody has looked yet, only what comes before that */
	bool released; /* somebody let just this content pass for just this person */
};

struct policy_decision {
	enum check_result result;
	struct policy_reason reasons[CHECK_REASONS_MAX];
	size_t n; /* 0 for CHECK_PASS */
};

void policy_decide(const struct policy *policy, const struct policy_question *question,
		   struct policy_decision *ret_decision);
/* Adds a reason of checkd's own, after which the file is refused. */
void policy_refuse(struct policy_decision *decision, enum policy_rule rule, const char *text);

/* Stable names, for logs: "rights", "type", "signature", "check-failed". */
const char *policy_rule_name(enum policy_rule rule);

/* Whether "image/png" is in a list with "image/png", "image/ *" (without the space) or "any". */
NODISCARD bool policy_type_matches(const char *item, const char *type);

#endif
