/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "lock/check_name.h"

#define MIB 20

struct list {
	char **items;
	size_t n;
};

struct policy {
	unsigned int transfer; /* enum conf_transfer */
	struct list pass[2], review[2]; /* by direction */
	uint64_t largest, daily_size; /* bytes; 0: no limit for the day */
	uint64_t daily_files;
	bool names_matter;
	bool down_refuses;
	enum conf_lock_quarantine quarantine;
};

/* --- of a person ------------------------------------------------------------------------------ */

static bool is_member(const struct conf *conf, size_t group, char *const *groups, size_t n_groups)
{
	for (size_t i = 0; i < n_groups; i++) {
		if (str_eq(conf_group_name(conf, group), groups[i]))
			return true;
	}
	return false;
}

static int add(struct list *list, const char *item)
{
	char **grown = reallocarray(list->items, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	list->items[list->n] = strdup(item);
	return list->items[list->n] ? (list->n++, 0) : -ENOMEM;
}

struct person {
	const struct conf *conf;
	char *const *groups;
	size_t n_groups;
};

static int merge_list(const struct person *person, enum conf_group_id group_id, enum conf_id id,
		      struct list *list)
{
	const struct conf *conf = person->conf;
	bool said = false;
	int r = 0;

	for (size_t g = 0; g < conf_group_count(conf); g++) {
		if (!conf_group_has(conf, g, group_id) ||
		    !is_member(conf, g, person->groups, person->n_groups))
			continue;
		said = true;
		for (size_t i = 0; r == 0 && i < conf_group_list_len(conf, g, group_id); i++)
			r = add(list, conf_group_list_item(conf, g, group_id, i));
	}
	for (size_t i = 0; !said && r == 0 && i < conf_list_len(conf, id); i++)
		r = add(list, conf_list_item(conf, id, i));
	return r;
}

/* The largest; where 0 is no limit, it is the largest of all. */
static uint64_t merge_number(const struct person *person, enum conf_group_id group_id,
			     enum conf_id id, bool zero_is_all)
{
	const struct conf *conf = person->conf;
	uint64_t most = 0;
	bool said = false;

	for (size_t g = 0; g < conf_group_count(conf); g++) {
		uint64_t number = (uint64_t)conf_group_int(conf, g, group_id);

		if (!conf_group_has(conf, g, group_id) ||
		    !is_member(conf, g, person->groups, person->n_groups))
			continue;
		if (zero_is_all && said && most == 0)
			continue;
		most = zero_is_all && number == 0 ? 0 : MAX(most, number);
		said = true;
	}
	return said ? most : (uint64_t)conf_int(conf, id);
}

static unsigned int merge_transfer(const struct person *person)
{
	const struct conf *conf = person->conf;
	unsigned int transfer = CONF_TRANSFER_OFF;
	bool said = false;

	for (size_t g = 0; g < conf_group_count(conf); g++) {
		if (!conf_group_has(conf, g, CONF_GROUP_TRANSFER) ||
		    !is_member(conf, g, person->groups, person->n_groups))
			continue;
		transfer |= (unsigned int)conf_group_int(conf, g, CONF_GROUP_TRANSFER);
		said = true;
	}
	return said ? transfer : (unsigned int)conf_int(conf, CONF_TRANSFER);
}

static int merge_lists(const struct person *person, struct policy *policy)
{
	int r = merge_list(person, CONF_GROUP_TRANSFER_IN_TYPES, CONF_TRANSFER_IN_TYPES,
			   &policy->pass[CHECK_UP]);

	if (r == 0)
		r = merge_list(person, CONF_GROUP_TRANSFER_OUT_TYPES, CONF_TRANSFER_OUT_TYPES,
			       &policy->pass[CHECK_DOWN]);
	if (r == 0)
		r = merge_list(person, CONF_GROUP_TRANSFER_IN_REVIEW, CONF_TRANSFER_IN_REVIEW,
			       &policy->review[CHECK_UP]);
	if (r == 0)
		r = merge_list(person, CONF_GROUP_TRANSFER_OUT_REVIEW, CONF_TRANSFER_OUT_REVIEW,
			       &policy->review[CHECK_DOWN]);
	return r;
}

struct policy *policy_create(const struct conf *conf, char *const *groups, size_t n_groups)
{
	const struct person person = {conf, groups, n_groups};
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	policy->transfer = merge_transfer(&person);
	policy->largest =
		merge_number(&person, CONF_GROUP_TRANSFER_LARGEST, CONF_TRANSFER_LARGEST, false)
		<< MIB;
	policy->daily_size = merge_number(&person, CONF_GROUP_TRANSFER_DAILY_SIZE,
					  CONF_TRANSFER_DAILY_SIZE, true)
			     << MIB;
	policy->daily_files = merge_number(&person, CONF_GROUP_TRANSFER_DAILY_FILES,
					   CONF_TRANSFER_DAILY_FILES, true);
	policy->names_matter = conf_int(conf, CONF_LOCK_NAME_MISMATCH) ==
			       CONF_LOCK_NAME_MISMATCH_REFUSE;
	policy->down_refuses = conf_int(conf, CONF_LOCK_SCANNER_DOWN) ==
			       CONF_LOCK_SCANNER_DOWN_REFUSE;
	policy->quarantine = (enum conf_lock_quarantine)conf_int(conf, CONF_LOCK_QUARANTINE);
	if (merge_lists(&person, policy) < 0) {
		policy_destroy(policy);
		return NULL;
	}
	return policy;
}

static void list_finish(struct list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
}

void policy_destroy(struct policy *policy)
{
	if (!policy)
		return;
	for (int d = 0; d < 2; d++) {
		list_finish(&policy->pass[d]);
		list_finish(&policy->review[d]);
	}
	free(policy);
}

void policy_destroyp(struct policy **policy)
{
	policy_destroy(*policy);
	*policy = NULL;
}

bool policy_may(const struct policy *policy, enum check_direction direction)
{
	unsigned int bit = direction == CHECK_UP ? CONF_TRANSFER_IN : CONF_TRANSFER_OUT;

	return (policy->transfer & bit) &&
	       policy->pass[direction].n + policy->review[direction].n > 0;
}

uint64_t policy_largest(const struct policy *policy)
{
	return policy->largest;
}

/* --- types ------------------------------------------------------------------------------------ */

static bool is_own(const char *type)
{
	return !strchr(type, '/');
}

bool policy_type_matches(const char *item, const char *type)
{
	size_t len = strlen(item);

	if (str_eq(item, "any"))
		return !is_own(type);
	if (len > 2 && str_eq(item + len - 2, "/*"))
		return strncmp(item, type, len - 1) == 0;
	return strcasecmp(item, type) == 0;
}

static bool list_has(const struct list *list, const char *type)
{
	for (size_t i = 0; i < list->n; i++) {
		if (policy_type_matches(list->items[i], type))
			return true;
	}
	return false;
}

/* --- a file ----------------------------------------------------------------------------------- */

static const char *option_of(enum conf_id up, enum conf_id down, enum check_direction direction)
{
	return conf_row(direction == CHECK_UP ? up : down)->name;
}

static void give(struct policy_decision *decision, struct policy_reason reason)
{
	if (!reason.text)
		reason.text = "";
	if (decision->n < CHECK_REASONS_MAX)
		decision->reasons[decision->n++] = reason;
}

static void judge_amount(const struct policy *policy, const struct policy_question *q,
			 struct policy_decision *decision)
{
	if (!policy_may(policy, q->direction)) {
		unsigned int bit = q->direction == CHECK_UP ? CONF_TRANSFER_IN : CONF_TRANSFER_OUT;

		give(decision,
		     (struct policy_reason){.rule = POLICY_RIGHTS,
					    .option = policy->transfer & bit
							      ? option_of(CONF_TRANSFER_IN_TYPES,
									  CONF_TRANSFER_OUT_TYPES,
									  q->direction)
							      : conf_row(CONF_TRANSFER)->name});
	}
	if (q->size > policy->largest)
		give(decision,
		     (struct policy_reason){.rule = POLICY_SIZE,
					    .option = conf_row(CONF_TRANSFER_LARGEST)->name,
					    .limit = policy->largest});
	if (policy->daily_size &&
	    (q->used_bytes > policy->daily_size || q->size > policy->daily_size - q->used_bytes))
		give(decision,
		     (struct policy_reason){.rule = POLICY_DAILY_SIZE,
					    .option = conf_row(CONF_TRANSFER_DAILY_SIZE)->name,
					    .limit = policy->daily_size});
	if (policy->daily_files && q->used_files >= policy->daily_files)
		give(decision,
		     (struct policy_reason){.rule = POLICY_DAILY_FILES,
					    .option = conf_row(CONF_TRANSFER_DAILY_FILES)->name,
					    .limit = policy->daily_files});
}

static void judge_type(const struct policy *policy, const struct policy_question *q,
		       const struct check_fact *fact, struct policy_decision *decision)
{
	const struct list *pass = &policy->pass[q->direction];
	const struct list *review = &policy->review[q->direction];

	if (list_has(pass, fact->type))
		return;
	/* There is nothing in it that a list could be about. */
	if (str_eq(fact->type, CHECK_TYPE_EMPTY) && pass->n > 0)
		return;
	if (list_has(review, fact->type))
		give(decision, (struct policy_reason){.rule = POLICY_REVIEW,
						      .option = option_of(CONF_TRANSFER_IN_REVIEW,
									  CONF_TRANSFER_OUT_REVIEW,
									  q->direction),
						      .fact = fact});
	else
		give(decision, (struct policy_reason){.rule = POLICY_TYPE,
						      .option = option_of(CONF_TRANSFER_IN_TYPES,
									  CONF_TRANSFER_OUT_TYPES,
									  q->direction),
						      .fact = fact});
}

static void judge_scan(const struct policy *policy, const struct policy_question *q,
		       const struct check_scan *scan, struct policy_decision *decision)
{
	struct policy_reason reason = {.option = "", .text = scan->text};

	switch (scan->state) {
	case CHECK_SCAN_NONE:
	case CHECK_SCAN_CLEAN:
	case CHECK_SCAN_TOO_LARGE: /* is among the types */
		return;
	case CHECK_SCAN_FOUND:
		reason.rule = POLICY_SIGNATURE;
		if (q->released)
			return;
		break;
	case CHECK_SCAN_FAILED:
		reason.rule = POLICY_SCAN_FAILED;
		break;
	case CHECK_SCAN_DOWN:
	case CHECK_SCAN_OLD:
		if (!policy->down_refuses)
			return;
		reason.rule = scan->state == CHECK_SCAN_OLD ? POLICY_SCANNER_OLD
							    : POLICY_SCANNER_DOWN;
		reason.option = conf_row(scan->state == CHECK_SCAN_OLD ? CONF_LOCK_SIGNATURE_AGE
								       : CONF_LOCK_SCANNER_DOWN)
					->name;
		break;
	}
	give(decision, reason);
}

static void judge_content(const struct policy *policy, const struct policy_question *q,
			  struct policy_decision *decision)
{
	const struct check_facts *facts = q->facts;

	for (size_t i = 0; !q->released && i < facts->n; i++)
		judge_type(policy, q, &facts->facts[i], decision);
	if (!q->released && policy->names_matter && facts->n > 0 &&
	    check_name_lies(q->name, check_facts_type(facts)))
		give(decision,
		     (struct policy_reason){.rule = POLICY_NAME,
					    .option = conf_row(CONF_LOCK_NAME_MISMATCH)->name,
					    .fact = &facts->facts[0]});
	for (size_t i = 0; i < CHECK_SCANNERS; i++)
		judge_scan(policy, q, &facts->scans[i], decision);
}

/* Whether the file may wait for a release, as far as it is for this reason. */
static bool may_wait(const struct policy *policy, enum policy_rule rule)
{
	switch (rule) {
	case POLICY_REVIEW:
		return policy->quarantine != CONF_LOCK_QUARANTINE_OFF;
	case POLICY_TYPE:
	case POLICY_NAME:
		return policy->quarantine == CONF_LOCK_QUARANTINE_TYPES ||
		       policy->quarantine == CONF_LOCK_QUARANTINE_ALL;
	case POLICY_SIGNATURE:
		return policy->quarantine == CONF_LOCK_QUARANTINE_ALL;
	default:
		return false;
	}
}

void policy_decide(const struct policy *policy, const struct policy_question *question,
		   struct policy_decision *ret_decision)
{
	struct policy_decision *decision = ret_decision;

	decision->n = 0;
	judge_amount(policy, question, decision);
	if (question->facts)
		judge_content(policy, question, decision);
	decision->result = decision->n > 0 ? CHECK_QUARANTINE : CHECK_PASS;
	for (size_t i = 0; i < decision->n; i++) {
		if (!may_wait(policy, decision->reasons[i].rule))
			decision->result = CHECK_REFUSE;
	}
}

void policy_refuse(struct policy_decision *decision, enum policy_rule rule, const char *text)
{
	give(decision, (struct policy_reason){.rule = rule, .option = "", .text = text});
	decision->result = CHECK_REFUSE;
}

const char *policy_rule_name(enum policy_rule rule)
{
	static const char *const names[POLICY_RULES] = {
		[POLICY_RIGHTS] = "rights",
		[POLICY_SIZE] = "size",
		[POLICY_DAILY_SIZE] = "daily-size",
		[POLICY_DAILY_FILES] = "daily-files",
		[POLICY_TYPE] = "type",
		[POLICY_REVIEW] = "review",
		[POLICY_NAME] = "name-mismatch",
		[POLICY_SIGNATURE] = "signature",
		[POLICY_SCANNER_DOWN] = "scanner-down",
		[POLICY_SCANNER_OLD] = "signatures-old",
		[POLICY_SCAN_FAILED] = "scan-failed",
		[POLICY_CHECK_FAILED] = "check-failed",
		[POLICY_QUARANTINE_FULL] = "quarantine-full",
	};

	return names[rule];
}
