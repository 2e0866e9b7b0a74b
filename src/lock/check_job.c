/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stages: what is known without looking (rights, size, volume); the hash, by which the findings may
 * be known; a process that looks into the file; the scanners; the quarantine. A stage begins only when
 * the file could still pass, or wait; a dry run goes through all of them but the last.
 */
#include "lock/check_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <wayland-server-core.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "lock/check_cache.h"
#include "lock/check_counters.h"
#include "lock/check_limits.h"
#include "lock/check_second.h"
#include "lock/checkd.h"
#include "lock/clamd.h"
#include "lock/quarantine.h"
#include "lock/refusal.h"

void check_job_destroy(struct check_job *job)
{
	if (!job)
		return;
	if (job->idle)
		wl_event_source_remove(job->idle);
	if (!wl_list_empty(&job->link))
		job->checkd->n_waiting--;
	wl_list_remove(&job->link);
	check_child_stop(job);
	clamd_scan_cancel(job->scan);
	check_second_cancel(job->second);
	quarantine_cancel(job->copy);
	policy_destroy(job->policy);
	fd_close(job->fd);
	free(job->user);
	free(job->name);
	free(job->address);
	free(job);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void decide(struct check_job *job)
{
	struct checkd *checkd = job->checkd;
	struct check_used used = check_counters_used(checkd->counters, job->uid, job->direction,
						     clock_wall());
	const struct quarantine_item *item = job->has_digest
						     ? quarantine_known(checkd->quarantine,
									job->uid, job->direction,
									job->digest)
						     : NULL;

	policy_decide(job->policy,
		      &(const struct policy_question){
			      .direction = job->direction,
			      .name = job->name,
			      .size = job->size,
			      .used_bytes = used.bytes,
			      .used_files = used.files,
			      .facts = job->has_facts ? &job->facts : NULL,
			      .released = item && item->state == QUARANTINE_RELEASED,
		      },
		      &job->decision);
}

static void handle_kept(void *data, int error, const struct quarantine_item *item)
{
	struct check_job *job = data;

	(void)item;
	job->copy = NULL;
	if (error < 0) {
		log_event(LOG_ERROR, "quarantine.full", LOG_STR("user", job->user), LOG_ERR(error));
		policy_refuse(&job->decision, POLICY_QUARANTINE_FULL, "");
	}
	check_tell(job);
}

/* False: it is kept later, and said then. */
static bool keep(struct check_job *job)
{
	struct checkd *checkd = job->checkd;
	struct quarantine_item item = {
		.since = clock_wall(),
		.size = job->size,
		.uid = job->uid,
		.direction = job->direction,
	};
	int r;

	/* It is there already. */
	if (quarantine_known(checkd->quarantine, job->uid, job->direction, job->digest))
		return true;
	memcpy(item.digest, job->digest, sizeof(item.digest));
	str_copy(item.user, sizeof(item.user), job->user);
	refusal_name(job->name, item.name);
	str_copy(item.address, sizeof(item.address), job->address);
	str_copy(item.type, sizeof(item.type), check_facts_type(&job->facts));
	str_copy(item.rule, sizeof(item.rule), policy_rule_name(job->decision.reasons[0].rule));
	r = quarantine_keep(checkd->quarantine, &item, job->fd, handle_kept, job, &job->copy);
	if (r < 0) {
		handle_kept(job, r, NULL);
		return false;
	}
	return false;
}

static void conclude(struct check_job *job)
{
	int r;

	job->checkd->stats.cache_hits += job->remembered;
	decide(job);
	if (job->dry_run) {
		check_tell(job);
		return;
	}
	if (job->decision.result == CHECK_PASS) {
		r = check_counters_add(job->checkd->counters, job->uid, job->direction, job->size,
				       clock_wall());
		if (r < 0) {
			log_event(LOG_ERROR, "lock.uncounted", LOG_STR("user", job->user),
				  LOG_ERR(r));
			policy_refuse(&job->decision, POLICY_CHECK_FAILED, "lock-state");
		}
	}
	if (job->decision.result != CHECK_QUARANTINE || keep(job))
		check_tell(job);
}

void check_job_failed(struct check_job *job, const char *how)
{
	char text[64];

	str_copy(text, sizeof(text), how);
	check_child_stop(job);
	log_event(LOG_WARN, "lock.check-failed", LOG_STR("user", job->user), LOG_STR("how", text));
	decide(job);
	policy_refuse(&job->decision, POLICY_CHECK_FAILED, text);
	check_tell(job);
}

/* --- the scanners ----------------------------------------------------------------------------- */

static bool is_lasting(const struct check_scan *scan)
{
	return scan->state <= CHECK_SCAN_TOO_LARGE;
}

static void remember(struct check_job *job)
{
	if (job->remembered || job->started < job->checkd->cache_from)
		return;
	for (size_t i = 0; i < CHECK_SCANNERS; i++) {
		if (!is_lasting(&job->facts.scans[i]))
			return;
	}
	check_cache_put(job->checkd->cache, job->digest, &job->facts);
}

static void note_scan(struct check_job *job, int scanner, const struct check_scan *scan)
{
	job->facts.scans[scanner] = *scan;
	if (scan->state == CHECK_SCAN_TOO_LARGE)
		check_facts_add(&job->facts, CHECK_TYPE_TOO_LARGE, NULL, "lock-clamd");
}

static void handle_second(void *data, const struct check_scan *scan)
{
	struct check_job *job = data;

	job->second = NULL;
	note_scan(job, CHECK_SCANNER_SECOND, scan);
	remember(job);
	conclude(job);
}

static void scan_again(struct check_job *job)
{
	const struct conf *conf = job->checkd->conf;

	if (!conf_str(conf, CONF_LOCK_SECOND_SCANNER)[0]) {
		remember(job);
		conclude(job);
	} else if (check_second_start(job->checkd->loop, conf, job->fd, handle_second, job,
				      &job->second) < 0) {
		handle_second(job, &(const struct check_scan){.state = CHECK_SCAN_DOWN,
							      .text = "out of memory"});
	}
}

static void handle_scanned(void *data, const struct check_scan *scan)
{
	struct check_job *job = data;

	job->scan = NULL;
	note_scan(job, CHECK_SCANNER_CLAMD, scan);
	scan_again(job);
}

static void scan(struct check_job *job)
{
	struct clamd *clamd = job->checkd->clamd;

	if (!clamd_on(clamd))
		scan_again(job);
	else if (job->size > CLAMD_FILE_MAX)
		handle_scanned(job, &(const struct check_scan){.state = CHECK_SCAN_TOO_LARGE});
	else if (clamd_scan_start(clamd, job->fd, handle_scanned, job, &job->scan) < 0)
		handle_scanned(job, &(const struct check_scan){.state = CHECK_SCAN_DOWN,
							       .text = "out of memory"});
}

/* --- looking into it -------------------------------------------------------------------------- */

/* True: the findings are known. */
static bool recall(struct check_job *job)
{
	if (check_cache_get(job->checkd->cache, job->digest, &job->facts) < 0)
		return false;
	job->has_facts = job->remembered = true;
	return true;
}

bool check_job_hashed(struct check_job *job, const uint8_t digest[CHECK_DIGEST_LEN])
{
	if (job->has_digest) {
		if (memcmp(job->digest, digest, CHECK_DIGEST_LEN) == 0)
			return true;
		check_job_failed(job, "it changed");
		return false;
	}
	if (job->claimed && memcmp(job->claim, digest, CHECK_DIGEST_LEN) != 0) {
		check_job_failed(job, "it is not what was claimed");
		return false;
	}
	memcpy(job->digest, digest, CHECK_DIGEST_LEN);
	job->has_digest = true;
	if (!recall(job))
		return true;
	check_child_stop(job);
	conclude(job);
	return false;
}

void check_job_found(struct check_job *job, const struct check_facts *facts)
{
	job->facts = *facts;
	memset(job->facts.scans, 0, sizeof(job->facts.scans));
	job->has_facts = true;
	check_child_stop(job);
	decide(job);
	/* What cannot pass or wait whatever a scanner says is not shown to one. */
	if (job->decision.result == CHECK_REFUSE && !job->dry_run)
		conclude(job);
	else
		scan(job);
}

static void look(struct check_job *job)
{
	int r = check_child_start(job);

	if (r < 0) {
		log_event(LOG_ERROR, "lock.check-unstartable", LOG_ERR(r));
		check_job_failed(job, "it cannot be started");
	}
}

void check_job_next(struct checkd *checkd)
{
	unsigned int most = (unsigned int)conf_int(checkd->conf, CONF_LOCK_CHECKS);

	while (checkd->n_children < most && !wl_list_empty(&checkd->waiting)) {
		struct check_job *job = wl_container_of(checkd->waiting.prev, job, link);

		wl_list_remove(&job->link);
		wl_list_init(&job->link);
		checkd->n_waiting--;
		look(job);
	}
}

/*
 * A hash that was claimed is good for one thing: a content that is known to pass. Who claims it is the
 * one who hands out the file or keeps it back, so he gains nothing by a lie. Everything else needs the
 * hash of the process that looks into the file, which must then be the same.
 */
static bool passes_by_claim(struct check_job *job)
{
	if (!job->claimed)
		return false;
	memcpy(job->digest, job->claim, sizeof(job->digest));
	job->has_digest = true;
	if (recall(job)) {
		decide(job);
		if (job->decision.result == CHECK_PASS)
			return true;
	}
	job->has_digest = job->has_facts = job->remembered = false;
	return false;
}

static void handle_start(void *data)
{
	struct check_job *job = data;
	struct checkd *checkd = job->checkd;

	job->idle = NULL;
	decide(job);
	if (job->decision.result != CHECK_PASS && !job->dry_run) {
		check_tell(job);
		return;
	}
	if (job->size <= CHECK_HASH_HERE_MAX) {
		if (check_digest_fd(job->fd, job->size, job->digest) < 0) {
			check_job_failed(job, "it cannot be read");
			return;
		}
		job->has_digest = true;
		if (recall(job)) {
			conclude(job);
			return;
		}
	} else if (passes_by_claim(job)) {
		conclude(job);
		return;
	}
	wl_list_insert(&checkd->waiting, &job->link);
	checkd->n_waiting++;
	check_job_next(checkd);
}

/* --- its beginning ---------------------------------------------------------------------------- */

static bool is_readable_file(int fd, struct stat *ret_status)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != O_WRONLY && !(flags & O_PATH) &&
	       fstat(fd, ret_status) == 0 && S_ISREG(ret_status->st_mode);
}

static int fill(struct check_job *job, const struct check_subject *subject,
		const struct check_request *request)
{
	job->user = strdup(subject->user);
	job->name = strdup(request->name);
	job->address = strdup(request->address);
	job->uid = subject->uid;
	job->direction = request->direction;
	job->dry_run = request->dry_run;
	job->claimed = request->sha256 != NULL;
	if (request->sha256)
		memcpy(job->claim, request->sha256, sizeof(job->claim));
	job->policy = policy_create(job->checkd->conf, subject->groups, subject->n_groups);
	job->idle = wl_event_loop_add_idle(job->checkd->loop, handle_start, job);
	return job->user && job->name && job->address && job->policy && job->idle ? 0 : -ENOMEM;
}

int check_job_create(struct checkd *checkd, const struct check_subject *subject,
		     const struct check_request *request, check_job_done done, void *data,
		     struct check_job **ret_job)
{
	struct check_job *job = calloc(1, sizeof(*job));
	struct stat status;
	int r;

	if (!job || !is_readable_file(request->fd, &status)) {
		r = job ? -EINVAL : -ENOMEM;
		fd_close(request->fd);
		free(job);
		return r;
	}
	job->checkd = checkd;
	job->fd = request->fd;
	job->size = (uint64_t)status.st_size;
	job->started = clock_now();
	job->done = done;
	job->data = data;
	wl_list_init(&job->link);
	r = fill(job, subject, request);
	if (r < 0) {
		check_job_destroy(job);
		return r;
	}
	*ret_job = job;
	return 0;
}
