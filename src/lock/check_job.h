/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file on its way through the checks. */
#ifndef LAZARET_LOCK_CHECK_JOB_H
#define LAZARET_LOCK_CHECK_JOB_H

#include "lock/checker.h"

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

#endif
