/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes known of a verdict. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "lock/check_job.h"
#include "lock/checkd.h"
#include "lock/refusal.h"

/* A person gets a notice of a file, and of the next ones no sooner than so much later. */
#define NOTICE_EVERY USEC_PER_SEC

static const char *const directions[] = {[CHECK_UP] = "up", [CHECK_DOWN] = "down"};

static const char *signature_of(const struct check_job *job)
{
	for (size_t i = 0; i < CHECK_SCANNERS; i++) {
		if (job->facts.scans[i].state == CHECK_SCAN_FOUND)
			return job->facts.scans[i].text;
	}
	return "";
}

/* The type that decided, or the file's own. */
static const char *type_of(const struct check_job *job)
{
	const struct policy_decision *decision = &job->decision;

	if (decision->n > 0 && decision->reasons[0].fact)
		return decision->reasons[0].fact->type;
	return job->has_facts ? check_facts_type(&job->facts) : "";
}

static void write_log(const struct check_job *job)
{
	const struct policy_decision *decision = &job->decision;
	const struct policy_reason *reason = &decision->reasons[0];
	char name[REFUSAL_NAME_MAX + 1], digest[CHECK_DIGEST_TEXT] = "";

	refusal_name(job->name, name);
	if (job->has_digest)
		check_digest_format(job->digest, digest);
	if (decision->result == CHECK_PASS)
		log_event(LOG_INFO, "lock.passed", LOG_STR("direction", directions[job->direction]),
			  LOG_STR("name", name), LOG_INT("size", job->size),
			  LOG_STR("sha256", digest), LOG_STR("type", type_of(job)),
			  LOG_STR("user", job->user), LOG_INT("uid", job->uid),
			  LOG_STR("address", job->address));
	else
		log_event(LOG_WARN,
			  decision->result == CHECK_REFUSE ? "lock.refused" : "lock.quarantined",
			  LOG_STR("direction", directions[job->direction]), LOG_STR("name", name),
			  LOG_INT("size", job->size), LOG_STR("sha256", digest),
			  LOG_STR("type", type_of(job)),
			  LOG_STR("rule", policy_rule_name(reason->rule)),
			  LOG_STR("option", reason->option),
			  LOG_STR("signature", signature_of(job)), LOG_STR("detail", reason->text),
			  LOG_STR("user", job->user), LOG_INT("uid", job->uid),
			  LOG_STR("address", job->address));
}

static void count(struct check_job *job)
{
	struct check_stats *stats = &job->checkd->stats;

	stats->files[job->decision.result][job->direction]++;
	if (job->decision.result == CHECK_PASS)
		stats->bytes[job->direction] += job->size;
	else
		stats->rules[job->decision.reasons[0].rule]++;
}

/* Of thousands of files that are refused at once, the first one is shown; beside each lies its text. */
static void show(struct check_job *job, const char *sentence)
{
	struct checkd *checkd = job->checkd;
	size_t place = job->uid % CHECK_TOLD;
	uint64_t now = clock_now();

	if (checkd->told[place].uid == job->uid && now - checkd->told[place].at < NOTICE_EVERY)
		return;
	checkd->told[place].uid = job->uid;
	checkd->told[place].at = now;
	checkd_notify(checkd, job->uid, sentence);
}

/* Every reason, a line each; what a dry run has instead of the text beside the file. */
static char *all_reasons(const struct check_job *job)
{
	char *text = malloc(CHECKER_TEXT_MAX + 1), reason[1024];
	size_t used = 0;

	if (!text)
		return NULL;
	text[0] = '\0';
	for (size_t i = 0; i < job->decision.n; i++) {
		const struct policy_reason *r = &job->decision.reasons[i];
		int n;

		refusal_reason(r, REFUSAL_EN, reason, sizeof(reason));
		n = snprintf(text + used, CHECKER_TEXT_MAX + 1 - used, "%s\t%s\t%s\n",
			     policy_rule_name(r->rule), r->option, reason);
		if (n < 0 || (size_t)n > CHECKER_TEXT_MAX - used) {
			text[used] = '\0';
			break;
		}
		used += (size_t)n;
	}
	return text;
}

struct texts {
	char *en, *de, *text;
};

static void make_texts(const struct check_job *job, struct texts *texts)
{
	const struct conf *conf = job->checkd->conf;
	const struct refusal refusal = {
		.name = job->name,
		.direction = job->direction,
		.size = job->size,
		.digest = job->has_digest ? job->digest : NULL,
		.decision = &job->decision,
		.notes = {[REFUSAL_EN] = conf_str(conf, CONF_LOCK_NOTE_EN),
			  [REFUSAL_DE] = conf_str(conf, CONF_LOCK_NOTE_DE)},
	};

	texts->text = job->dry_run ? all_reasons(job) : NULL;
	if (job->decision.result == CHECK_PASS)
		return;
	texts->en = refusal_sentence(&refusal, REFUSAL_EN);
	texts->de = refusal_sentence(&refusal, REFUSAL_DE);
	if (!job->dry_run)
		texts->text = refusal_text(&refusal);
}

void check_tell(struct check_job *job)
{
	struct policy_decision *decision = &job->decision;
	bool german = conf_int(job->checkd->conf, CONF_LANGUAGE) == CONF_LANGUAGE_DE;
	struct texts texts = {0};
	struct check_verdict verdict = {
		.result = decision->result,
		.size = job->size,
		.type = type_of(job),
		.rule = decision->n > 0 ? policy_rule_name(decision->reasons[0].rule) : "",
		.signature = signature_of(job),
	};

	if (job->has_digest)
		memcpy(verdict.sha256, job->digest, sizeof(verdict.sha256));
	make_texts(job, &texts);
	verdict.sentence_en = texts.en ? texts.en : "";
	verdict.sentence_de = texts.de ? texts.de : "";
	verdict.sentence = german ? verdict.sentence_de : verdict.sentence_en;
	verdict.text = texts.text ? texts.text : "";
	if (!job->dry_run) {
		write_log(job);
		count(job);
		if (decision->result != CHECK_PASS)
			show(job, verdict.sentence);
	}
	/* May destroy the job: nothing of it is used after. */
	{
		check_job_done done = job->done;
		void *data = job->data;

		done(data, &verdict);
	}
	free(texts.en);
	free(texts.de);
	free(texts.text);
}
