/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file on its way through the checks. */
#ifndef LAZARET_LOCK_CHECK_JOB_H
#define LAZARET_LOCK_CHECK_JOB_H

#include "lock/check_digest.h"
#include "lock/check_facts.h"
#include "lock/checker.h"
#include "lock/policy.h"

struct checkd;
struct check_job;

struct check_subject {
	const char *user;
	uid_t uid;
	char *const *groups;
	size_t n_groups;
};

typedef void (*check_job_done)(void *data, const struct check_verdict *verdict);

/*
 * Takes request->fd, also on failure; the strings of both are copied. `done` is called once, later,
 * from the loop, unless the job is destroyed before. -EINVAL: the descriptor is no readable file.
 */
NODISCARD int check_job_create(struct checkd *checkd, const struct check_subject *subject,
			       const struct check_request *request, check_job_done done, void *data,
			       struct check_job **ret_job);
/* Ends what runs for it. NULL is allowed; within `done` too. */
void check_job_destroy(struct check_job *job);

/* --- for its parts ----------------------------------------------------------------------------- */

struct check_child;
struct check_second;
struct clamd_scan;
struct quarantine_copy;

struct check_job {
	struct wl_list link; /* checkd.waiting; or alone */
	struct checkd *checkd;
	struct policy *policy;
	char *user, *name, *address;
	uid_t uid;
	enum check_direction direction;
	bool dry_run;
	int fd;
	uint64_t size;
	uint64_t started; /* monotonic us */
	uint8_t digest[CHECK_DIGEST_LEN];
	uint8_t claim[CHECK_DIGEST_LEN]; /* what who asks says that the digest is */
	bool claimed;
	bool has_digest, has_facts, remembered;
	struct check_facts facts;
	struct policy_decision decision;
	struct wl_event_source *idle;
	struct check_child *child;
	struct clamd_scan *scan;
	struct check_second *second;
	struct quarantine_copy *copy;
	check_job_done done;
	void *data;
};

/* Starts those that wait, as far as there is room. */
void check_job_next(struct checkd *checkd);

/* check_child.c: the process says its hash, then its findings; or how it failed. */
NODISCARD int check_child_start(struct check_job *job);
void check_child_stop(struct check_job *job);
/* False: it is not needed any more, and neither it nor the job may be touched. */
NODISCARD bool check_job_hashed(struct check_job *job, const uint8_t digest[CHECK_DIGEST_LEN]);
void check_job_found(struct check_job *job, const struct check_facts *facts);
void check_job_failed(struct check_job *job, const char *how);

/* check_tell.c: log, notice, counts; then job->done. */
void check_tell(struct check_job *job);

#endif
